import type { Kernel } from '../../kernel/kernel.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { bpf_prog, bpf_prog_aux } from '../prog/program.ts';
import { pairAt } from './pairs.ts';
import type { Invocation } from './invocation.ts';
import type { Held } from './record.ts';

/** How many of the things that were held at the last kill are told. */
export const HELD_TOLD = 8;
/** Words of each: pair, instruction, address. */
const HELD_WORDS = 2;

/** What is known of a program's kills. Spec 03 R24. */
export interface Kills {
  readonly count: number;
  /** Of the last one: where, and after how much run time. */
  readonly insn: number;
  readonly runNs: number;
  /** Run time at which it was decided: until runNs it was pending. Spec 03 R22. */
  readonly detectedNs: number;
  /** Releases that workers had to do, of all kills. */
  readonly deferred: number;
  /** Operations on records, of all runs. Spec 03 R13. */
  readonly operations: number;
  /** What was held at the last kill, newest first: class, type, instruction, address. */
  readonly held: readonly KilledHeld[];
}

export interface KilledHeld {
  readonly class: string;
  readonly type: string;
  readonly insn: number;
  readonly addr: number;
}

/** Keeps in struct bpf_prog_aux what has become of a program's runs. */
export class KillNotes {
  /** Told of each kill and each end. */
  listener: ((prog: ExecProgram, kills: Kills) => void) | null = null;
  readonly #kernel: Kernel;
  /** Told of each kill, for the program's error stream. */
  readonly #report: (prog: ExecProgram, line: string) => void;

  constructor(kernel: Kernel, report: (prog: ExecProgram, line: string) => void) {
    this.#kernel = kernel;
    this.#report = report;
  }

  killsOf(prog: ExecProgram): number {
    return this.#read(prog).kill_cnt;
  }

  ran(prog: ExecProgram, operations: number): void {
    if (operations === 0) return;
    const { memory } = this.#kernel.machine;
    memory.unwatched(() => {
      const aux = this.#aux(prog);
      aux.record_ops += operations;
    });
  }

  /** How often the program has been killed by now. */
  killed({ run, detection, releases, record }: Invocation): number {
    const { memory } = this.#kernel.machine;
    const { prog } = run;
    const { pc } = releases;
    const runNs = Math.round(detection.runNs());
    const count = memory.unwatched(() => {
      const aux = this.#aux(prog);
      aux.kill_cnt++;
      aux.kill_insn = pc;
      aux.kill_run_ns = runNs;
      aux.kill_detected_ns = Math.round(detection.requestedNs);
      aux.kill_deferred += releases.deferredCount;
      this.#keep(prog, releases.held);
      return aux.kill_cnt;
    });
    const held = releases.held.map(({ pair }) => pairAt(pair).type).join(', ') || 'nothing';
    this.#report(
      prog,
      `ERROR: Killed at insn ${pc} after ${runNs} ns: budget ${detection.reason} of ` +
        `${detection.budgetNs} ns used up; released: ${held}`,
    );
    const notes = this.of(prog);
    const operations = notes.operations + (record?.operations ?? 0);
    this.listener?.(prog, { ...notes, operations });
    return count;
  }

  /** A run has been found stuck, after so long. */
  detected(prog: ExecProgram, runNs: number): void {
    this.#kernel.machine.memory.unwatched(() => {
      this.#aux(prog).kill_detected_ns = Math.round(runNs);
    });
  }

  /** And has ended, by its own code. */
  ended(prog: ExecProgram, runNs: number): void {
    this.#kernel.machine.memory.unwatched(() => {
      const aux = this.#aux(prog);
      aux.kill_cnt++;
      aux.kill_run_ns = Math.round(runNs);
    });
    this.#report(prog, `ERROR: Terminated after ${Math.round(runNs)} ns`);
    this.listener?.(prog, this.of(prog));
  }

  of(prog: ExecProgram): Kills {
    const { memory } = this.#kernel.machine;
    return memory.unwatched(() => {
      const aux = this.#aux(prog);
      const list = aux.addr + bpf_prog_aux.off.kill_held;
      return {
        count: aux.kill_cnt,
        insn: aux.kill_insn,
        runNs: aux.kill_run_ns,
        detectedNs: aux.kill_detected_ns,
        deferred: aux.kill_deferred,
        operations: aux.record_ops,
        held: Array.from({ length: aux.kill_held_cnt }, (_, i) => {
          const at = list + 8 * HELD_WORDS * i;
          const pair = pairAt(memory.u32(at));
          const { class: cls, type } = pair;
          return { class: cls, type, insn: memory.u32(at + 4), addr: memory.ptr(at + 8) };
        }),
      };
    });
  }

  #keep(prog: ExecProgram, held: readonly Held[]): void {
    const { memory } = this.#kernel.machine;
    const aux = this.#aux(prog);
    const told = held.slice(0, HELD_TOLD);
    aux.kill_held_cnt = told.length;
    for (const [i, { pair, insn, addr }] of told.entries()) {
      const at = aux.addr + bpf_prog_aux.off.kill_held + 8 * HELD_WORDS * i;
      memory.setU32(at, pair);
      memory.setU32(at + 4, insn);
      memory.setPtr(at + 8, addr);
    }
  }

  #read(prog: ExecProgram): ReturnType<typeof bpf_prog_aux.at> {
    return this.#kernel.machine.memory.unwatched(() => this.#aux(prog));
  }

  #aux({ addr }: ExecProgram): ReturnType<typeof bpf_prog_aux.at> {
    const { memory } = this.#kernel.machine;
    return bpf_prog_aux.at(memory, bpf_prog.at(memory, addr).aux);
  }
}
