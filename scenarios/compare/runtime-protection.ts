import { BPF_STREAM_STDERR, streamsOf } from '../../bpf/prog/streams.ts';
import { POLICY_NAMES, type PolicyName } from '../../bpf/protect/names.ts';
import { Observer, type LongestHold, type Observed } from '../../bpf/protect/observer.ts';
import { POLICIES } from '../../bpf/protect/policies.ts';
import type { Kills } from '../../bpf/protect/kill-notes.ts';
import { errnoText } from '../../kernel/errno.ts';
import type { RunResult } from '../../sim/model.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import { scenario } from '../dsl.ts';
import { loader, type Bomb } from '../protection/bomb.ts';
import { World } from '../world.ts';
import { BOMB_KINDS, TRIALS, type BombKind, type Trial } from './rivals.ts';

/** What became of one bomb under one policy: measured in one run in simulated time. Spec 03 R36. */
export interface TrialResult {
  readonly program: string;
  /** What is special about this trial; '' nothing. */
  readonly where: string;
  /** The last line of the verifier's log, where the kernel did not load the program; '' it did. */
  readonly rejected: string;
  /** Who noticed: the policy, the kernel's watchdogs, nobody. */
  readonly detectedBy: 'policy' | 'watchdog' | 'nobody';
  /** Nanoseconds from the begin of the run until then; null: never. */
  readonly detectedAfterNs: number | null;
  /** Until it was over; null: never. */
  readonly stoppedAfterNs: number | null;
  /** What it holds for ever, or has left behind; '' nothing. */
  readonly leaked: string;
  /** Kinds of the kernel's reports. */
  readonly failures: readonly string[];
  /** CPUs beside the bomb's that were lost. */
  readonly cpusLost: number;
  /** How others who wanted what it held came out of it: -ETIMEDOUT, say; '' nobody did. */
  readonly waiters: string;
  /** What user space could read of it: the first line. */
  readonly seen: string;
  /** Record operations for each thing acquired. */
  readonly operationsPerAcquire: number;
  readonly longestHolds: readonly LongestHold[];
}

export interface PolicyRow {
  readonly policy: PolicyName;
  readonly about: string;
  readonly source: 'kernel' | 'proposal';
  readonly trials: Readonly<Record<BombKind, readonly TrialResult[]>>;
}

export interface RuntimeProtection {
  readonly comparison: 'runtime-protection';
  readonly rows: readonly PolicyRow[];
}

/** Tries every policy with every bomb. `only`: those policies. */
export function compareRuntimeProtection(
  only: readonly PolicyName[] = POLICY_NAMES,
): RuntimeProtection {
  const rows = only.map((policy): PolicyRow => {
    const { about, source } = POLICIES[policy];
    const trials = Object.fromEntries(
      BOMB_KINDS.map((kind) => [kind, TRIALS[policy][kind].map((each) => tried(policy, each))]),
    ) as Record<BombKind, TrialResult[]>;
    return { policy, about, source, trials };
  });
  return { comparison: 'runtime-protection', rows };
}

function worldOf(policy: PolicyName, bomb: Bomb): World {
  const made = scenario({
    name: 'compared-bomb',
    about: bomb.program,
    cpus: 2,
    timed: true,
    stepsMax: 2_000_000,
    processes: { loader: loader(bomb) },
  });
  return new World(made, { policy: [policy] });
}

function tried(policy: PolicyName, { bomb, where = '' }: Trial): TrialResult {
  const world = worldOf(policy, bomb);
  const observer = new Observer(world.kernel);
  const { runner, protection } = world.bpf;
  runner.policyOf = observer.around(runner.policyOf);
  let kills: Kills | undefined;
  let operations = 0;
  protection.notes.listener = (_prog, seen) => {
    kills ??= seen;
    operations = seen.operations;
  };
  const result = world.run(new Stay());
  const seen = { bomb, observer, kills, operations, result };
  return { program: bomb.program, where, ...resultOf(world, seen) };
}

interface Seen {
  readonly bomb: Bomb;
  readonly observer: Observer;
  /** The first one. */
  readonly kills: Kills | undefined;
  /** Of all runs, on records. */
  readonly operations: number;
  readonly result: RunResult;
}

function resultOf(world: World, seen: Seen): Omit<TrialResult, 'program' | 'where'> {
  const { bomb, observer, operations, result } = seen;
  const runs = observer.runs.filter(({ program }) => program === bomb.program);
  const isRunning = runs.some(({ endedNs }) => endedNs < 0);
  const longest = Math.max(...runs.map(({ beganNs, endedNs }) => endedNs - beganNs));
  const stoppedAfterNs = isRunning || runs.length === 0 ? null : Math.round(longest);
  const left = [...new Set(runs.map(({ holds }) => realOf(holds)))].filter(Boolean);
  const text = errorText(world, bomb);
  return {
    rejected: rejection(result),
    ...detection(seen, { runs, text, stoppedAfterNs }),
    stoppedAfterNs,
    leaked: left.join('; '),
    failures: [...new Set(result.failures.map(({ kind }) => kind))].filter(
      (kind) => kind !== 'invariant',
    ),
    cpusLost: lostCpus(result, runs[0]?.cpu ?? 0),
    waiters: waitersOf(world, bomb),
    seen: text.split('\n')[0] || (result.failures[0]?.title.split('\n')[0] ?? ''),
    operationsPerAcquire: observer.acquireCount === 0 ? 0 : operations / observer.acquireCount,
    longestHolds: observer.longestHolds(),
  };
}

/** Without what stands for itself: an iterator is given up with the program. */
function realOf(holds: string): string {
  return holds
    .split(', ')
    .filter((text) => text !== '' && !text.endsWith('bpf_iter_num'))
    .join(', ');
}

/** The loader ends where the verifier refuses: its log is what breaks the run. */
function rejection({ failures }: RunResult): string {
  const found = failures.find(({ title }) => title.includes('is not loaded'));
  const lines = found?.title.trim().split('\n') ?? [];
  return lines.at(-1)?.startsWith('processed') ? lines.at(-2)! : (lines.at(-1) ?? '');
}

/** The program's error stream: as the loader has read it, or as it stands there. */
function errorText(world: World, bomb: Bomb): string {
  const read = world.notes.get('stderr');
  if (typeof read === 'string') return read;
  const program = [...world.bpf.programs.registry.values()].find(
    ({ name }) => name === bomb.program,
  );
  return program ? streamsOf(world.kernel).textOf(program, BPF_STREAM_STDERR) : '';
}

interface Course {
  readonly runs: readonly Observed[];
  readonly text: string;
  readonly stoppedAfterNs: number | null;
}

function detection(
  { kills, result }: Seen,
  { runs, text, stoppedAfterNs }: Course,
): Pick<TrialResult, 'detectedBy' | 'detectedAfterNs'> {
  if (kills) return { detectedBy: 'policy', detectedAfterNs: Math.round(kills.detectedNs) };
  if (text.startsWith('ERROR: Timeout detected')) {
    return { detectedBy: 'policy', detectedAfterNs: stoppedAfterNs };
  }
  const atNs = result.failures.find(({ kind }) => kind !== 'invariant')?.atNs;
  if (atNs === undefined) return { detectedBy: 'nobody', detectedAfterNs: null };
  const beganNs = Math.min(...runs.map((run) => run.beganNs));
  return { detectedBy: 'watchdog', detectedAfterNs: Math.round(atNs - beganNs) };
}

/** CPUs that watchdogs have given up, beside the one that runs the bomb. */
function lostCpus({ failures }: RunResult, own: number): number {
  const lost = failures.flatMap(({ title }) => /(?:on cpu |CPU#)(\d+)/.exec(title)?.[1] ?? []);
  return new Set(lost.map(Number).filter((cpu) => cpu !== own)).size;
}

/** What the last of those who wanted the lock has got. */
function waitersOf(world: World, { also = [] }: Bomb): string {
  if (!also.includes('waiter')) return '';
  const waited = world.notes.get('waited');
  return typeof waited === 'number' ? errnoText(waited) : '';
}
