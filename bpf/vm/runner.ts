import type { Kernel } from '../../kernel/kernel.ts';
import type { Memory } from '../../kernel/memory.ts';
import { type Sim } from '../../sim/request.ts';
import type { Call } from '../helpers/prototype.ts';
import type { Insn } from '../isa/insn.ts';
import type { BpfMap } from '../maps/map.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { bpf_prog } from '../prog/program.ts';
import type { Policy } from '../protect/policy.ts';
import type { Registry } from '../registry.ts';
import type { EngineWorld } from './engine.ts';
import { FramePool } from './frame-pool.ts';
import { type Status } from './frame.ts';
import { Prepared } from './prepared.ts';
import { EngineOf, type Engines } from './select.ts';

import { Run, type ReportError, type RunHost } from './run.ts';

export interface RunnerParts {
  readonly kernel: Kernel;
  readonly maps: Registry<BpfMap>;
  readonly programs: Registry<ExecProgram>;
  readonly engines: Engines;
}

/**
 * Runs programs on the CPU that asks: gives each run a frame, lets an engine go on in it, and does
 * what the engine leaves for. What must hold around a run (RCU, preemption, recursion) is for
 * whoever has attached the program.
 */
export class ProgRunner implements EngineWorld, RunHost {
  readonly memory: Memory;
  readonly kernel: Kernel;
  readonly maps: Registry<BpfMap>;
  readonly programs: Registry<ExecProgram>;
  /**
   * The `size` bytes at `offset` of the packet that `skb` (what r6 holds) carries, as a number in
   * network order; undefined beyond it. bpf_skb_load_helper_32() and its kin
   */
  loadPacket: (skb: number, offset: number, size: 1 | 2 | 4) => number | undefined = () =>
    undefined;
  /** What stops a program that overruns; undefined: nothing does. */
  policyOf: (prog: ExecProgram) => Policy | undefined = () => undefined;
  /** A line and the call trace for the error stream of a program. */
  reportError: ReportError = function* () {};
  readonly #engines: Engines;
  readonly #frames: FramePool;
  readonly #prepared = new WeakMap<ExecProgram, Prepared>();
  /** Whose engine is running now: engines do not yield. */
  #run: Run | undefined;

  constructor(parts: RunnerParts) {
    this.kernel = parts.kernel;
    this.memory = parts.kernel.machine.memory;
    this.maps = parts.maps;
    this.programs = parts.programs;
    this.#engines = parts.engines;
    this.#frames = new FramePool(parts.kernel.machine.slab);
  }

  /** r0, unsigned. `ctx` is the memory offset of what r1 points to, or 0. bpf_prog_run() */
  *bpf_prog_run(prog: ExecProgram, ctx: number, isTestRun = false): Sim<bigint> {
    const { engine } = this.kernel.machine;
    const policy = this.policyOf(prog);
    if (policy?.mayRun?.(prog) === false) return policy.failValue!(prog, isTestRun);
    const startNs = engine.cpu.nowNs;
    const frame = this.#frames.take();
    const run = new Run(this, this.prepare(prog), frame, ctx);
    const r0 = policy ? yield* run.guarded(policy, isTestRun) : yield* run.main();
    this.#frames.give(frame);
    this.#count(prog.addr, Math.max(0, Math.round(engine.cpu.nowNs - startNs)));
    return r0;
  }

  /** A frame without a run: what helpers are given where nobody runs a program. */
  bareCall(prog: ExecProgram): { readonly call: Call; readonly args: number; done(): void } {
    const view = this.#frames.take();
    const call = new Run(this, this.prepare(prog), view, 0);
    return { call, args: view.args, done: () => this.#frames.give(view) };
  }

  /** Statistics are each CPU's own in Linux, so nobody races for them. */
  #count(prog: number, forNs: number): void {
    const { memory } = this;
    const { run_cnt, run_time_ns } = bpf_prog.off;
    memory.unwatched(() => {
      memory.setLong(prog + run_cnt, memory.long(prog + run_cnt) + 1);
      memory.setLong(prog + run_time_ns, memory.long(prog + run_time_ns) + forNs);
    });
  }

  /** Puts other instructions in the place of some of a program's, also for runs under way. */
  patch(prog: ExecProgram, insns: ReadonlyMap<number, Insn>): void {
    const text = prog.insns.map((insn, slot) => insns.get(slot) ?? insn);
    this.prepare(prog).patch(new EngineOf({ ...prog, insns: text }, this, this.#engines));
  }

  prepare(prog: ExecProgram): Prepared {
    let prepared = this.#prepared.get(prog);
    if (!prepared) {
      const engine = new EngineOf(prog, this, this.#engines);
      prepared = new Prepared(prog, engine);
      this.#prepared.set(prog, prepared);
    }
    return prepared;
  }

  /** Lets the engine of `run` go on: only here does one run. */
  execute(run: Run, fine: boolean): Status {
    this.#run = run;
    return run.prepared.engine.get().run(run.frame, fine);
  }

  callHelper(_frame: number, pc: number): boolean {
    return this.#run!.callHelper(pc);
  }
}
