import type { ExecProgram } from '../../bpf/prog/exec-program.ts';
import { BPF_STREAM_STDERR, streamsOf } from '../../bpf/prog/streams.ts';
import type { Kills } from '../../bpf/protect/kill-notes.ts';
import type { PolicyName } from '../../bpf/protect/names.ts';
import { Observer, type LongestHold, type ObservedProgram } from '../../bpf/protect/observer.ts';
import type { RunResult } from '../../sim/model.ts';
import type { World } from '../world.ts';

/** What became of a program in one run, under whatever policy. Spec 03 R36. */
export interface Course {
  readonly program: string;
  readonly policy: PolicyName;
  /** How often it was entered. */
  readonly runCount: number;
  /** Who noticed that it overran: the policy, the kernel's watchdogs, nobody. */
  readonly detectedBy: 'policy' | 'watchdog' | 'nobody';
  /** Nanoseconds from the begin of the run until then; null: never. */
  readonly detectedAfterNs: number | null;
  /** The longest of its runs; null: one was never over. */
  readonly stoppedAfterNs: number | null;
  /** What it holds for ever, or has left behind; '' nothing. */
  readonly leaked: string;
  /** Kinds of the kernel's reports. */
  readonly failures: readonly string[];
  /** CPUs beside its own that were lost. */
  readonly cpusLost: number;
  /** What user space could read of it: the first line. */
  readonly seen: string;
  /** Record operations for each thing acquired. */
  readonly operationsPerAcquire: number;
  readonly longestHolds: readonly LongestHold[];
}

/** What the kernel has told of one program. */
interface Told {
  /** The first time. */
  kills?: Kills;
  /** Of all runs, on records. */
  operations: number;
  seen: string;
}

/** Looks on at the programs of a world, in its next run. */
export class Courses {
  readonly #world: World;
  readonly #observer: Observer;
  readonly #told = new Map<ExecProgram, Told>();

  constructor(world: World) {
    this.#world = world;
    this.#observer = new Observer(world.kernel);
    const { runner, protection } = world.bpf;
    runner.policyOf = this.#observer.around(runner.policyOf);
    const { reportError } = runner;
    runner.reportError = (prog, line, via) => {
      this.#of(prog).seen ||= line.split('\n')[0]!;
      return reportError(prog, line, via);
    };
    protection.notes.listener = (prog, kills) => {
      const told = this.#of(prog);
      told.kills ??= kills;
      told.operations = kills.operations;
      const text = streamsOf(world.kernel).textOf(prog, BPF_STREAM_STDERR);
      told.seen ||= text.split('\n')[0]!;
    };
  }

  /** Of every program that has run. */
  all(result: RunResult): readonly Course[] {
    return this.#observer.programs().map((program) => this.#courseOf(program, result));
  }

  #of(prog: ExecProgram): Told {
    let told = this.#told.get(prog);
    if (!told) this.#told.set(prog, (told = { operations: 0, seen: '' }));
    return told;
  }

  #courseOf(observed: ObservedProgram, result: RunResult): Course {
    const { prog, runCount, running, longestNs, acquireCount } = observed;
    const { operations, seen } = this.#of(prog);
    const stoppedAfterNs = running.size > 0 ? null : Math.round(longestNs);
    return {
      program: prog.name,
      policy: this.#world.bpf.protection.nameOf(prog),
      runCount,
      ...this.#detection(observed, stoppedAfterNs),
      stoppedAfterNs,
      leaked: [...new Set(observed.left().map(realOf))].filter(Boolean).join('; '),
      failures: [...new Set(result.failures.map(({ kind }) => kind))].filter(
        (kind) => kind !== 'invariant',
      ),
      cpusLost: lostCpus(result, observed.cpu),
      seen: seen || (result.failures[0]?.title.split('\n')[0] ?? ''),
      operationsPerAcquire: acquireCount === 0 ? 0 : operations / acquireCount,
      longestHolds: observed.longestHolds(),
    };
  }

  #detection(
    { prog, reportedAfterNs }: ObservedProgram,
    stoppedAfterNs: number | null,
  ): Pick<Course, 'detectedBy' | 'detectedAfterNs'> {
    const { kills, seen } = this.#of(prog);
    if (kills) return { detectedBy: 'policy', detectedAfterNs: Math.round(kills.detectedNs) };
    if (seen.startsWith('ERROR: Timeout detected')) {
      return { detectedBy: 'policy', detectedAfterNs: stoppedAfterNs };
    }
    if (reportedAfterNs === null) return { detectedBy: 'nobody', detectedAfterNs: null };
    return { detectedBy: 'watchdog', detectedAfterNs: Math.round(reportedAfterNs) };
  }
}

/** Without what stands for itself: an iterator is given up with the program. */
function realOf(holds: string): string {
  return holds
    .split(', ')
    .filter((text) => text !== '' && !text.endsWith('bpf_iter_num'))
    .join(', ');
}

/** CPUs that watchdogs have given up, beside the one that runs the program. */
function lostCpus({ failures }: RunResult, own: number): number {
  const lost = failures.flatMap(({ title }) => /(?:on cpu |CPU#)(\d+)/.exec(title)?.[1] ?? []);
  return new Set(lost.map(Number).filter((cpu) => cpu !== own)).size;
}
