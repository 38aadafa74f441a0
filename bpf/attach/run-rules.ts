import type { ExecContext } from '../../kernel/context.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { bpf_prog } from '../prog/program.ts';
import { PROG_TYPE } from '../uapi.ts';
import { Scratch } from './scratch.ts';

/** What runs programs: bpf/vm/run.ts */
export interface Runner {
  readonly kernel: Kernel;
  bpf_prog_run(prog: ExecProgram, ctx: number): Sim<bigint>;
}

/** By kind of context. kernel/events/internal.h: get_recursion_context() */
const CONTEXTS: readonly ExecContext['kind'][] = ['task', 'softirq', 'hardirq', 'nmi'];
const WORD_BYTES = 8;
const PERCPU_BYTES = 4 * (1 + CONTEXTS.length);

/**
 * What holds around a run of a program, by how it is attached: read sections, and that a program
 * does not run inside itself on one CPU. Tasks do not migrate here: migrate_disable() has
 * nothing to do. kernel/trace/bpf_trace.c, kernel/bpf/trampoline.c
 */
export class RunRules {
  readonly kernel: Kernel;
  /** Where contexts stand. */
  readonly scratch: Scratch;
  readonly #runner: Runner;
  /** int bpf_prog_active and int recursion[4] of each CPU: five words. */
  readonly #percpu: number;

  constructor(runner: Runner) {
    this.#runner = runner;
    this.kernel = runner.kernel;
    const { slab } = this.kernel.machine;
    this.scratch = new Scratch(slab);
    this.#percpu = slab.kzalloc(this.kernel.cpus.all.length * PERCPU_BYTES);
  }

  /** A raw tracepoint's program. The caller has switched preemption off. __bpf_trace_run() */
  *runOnArgs(prog: ExecProgram, args: readonly bigint[]): Sim<void> {
    const { rcu } = this.kernel;
    if (this.#enter(prog)) {
      rcu.rcu_read_lock();
      const ctx = this.words(args);
      if (ctx !== 0) {
        yield* this.#runner.bpf_prog_run(prog, ctx);
        this.scratch.give(ctx, WORD_BYTES * args.length);
      }
      rcu.rcu_read_unlock();
    }
    this.#leave(prog);
  }

  /**
   * The programs of a trace event, one after another. While one runs here, of whatever event, no
   * other does: all are counted as missed. 0: nobody else is to see the event.
   */
  *trace_call_bpf(programs: readonly ExecProgram[], ctx: number): Sim<number> {
    const { rcu, cpus } = this.kernel;
    const cpu = cpus.this.id;
    let result = 1n;
    if (this.bpf_prog_active(cpu, 1) === 1) {
      rcu.rcu_read_lock();
      for (const prog of programs) result &= yield* this.#runner.bpf_prog_run(prog, ctx);
      rcu.rcu_read_unlock();
    } else {
      for (const prog of programs) this.#missed(prog);
      result = 0n;
    }
    this.bpf_prog_active(cpu, -1);
    return Number(result & 1n);
  }

  /**
   * The program of a counter, in its interrupt: not where another runs that trace events must not
   * interrupt, and that is not counted as missed. bpf_overflow_handler()
   */
  *runOnOverflow(prog: ExecProgram, ctx: number): Sim<void> {
    const { rcu, cpus } = this.kernel;
    const cpu = cpus.this.id;
    if (this.bpf_prog_active(cpu, 1) === 1) {
      rcu.rcu_read_lock();
      yield* this.#runner.bpf_prog_run(prog, ctx);
      rcu.rcu_read_unlock();
    }
    this.bpf_prog_active(cpu, -1);
  }

  /**
   * A program of a trampoline: its r0, or undefined where it must not run.
   * bpf_trampoline_enter(), __bpf_prog_enter_recur(), __bpf_prog_enter_sleepable_recur()
   */
  *runInTrampoline(prog: ExecProgram, ctx: number): Sim<bigint | undefined> {
    const { rcu, rcuTasksTrace } = this.kernel;
    if (prog.sleepable) rcuTasksTrace.rcu_read_lock_trace();
    else rcu.rcu_read_lock();
    let result: bigint | undefined;
    // A hook that refuses must not be got round: its programs run inside themselves.
    const isHook = prog.type === PROG_TYPE.LSM;
    if (isHook || this.#enter(prog)) result = yield* this.#runner.bpf_prog_run(prog, ctx);
    if (!isHook) this.#leave(prog);
    if (prog.sleepable) rcuTasksTrace.rcu_read_unlock_trace();
    else rcu.rcu_read_unlock();
    return result;
  }

  /**
   * Adds to the CPU's count of programs that trace events must not interrupt; what it is then. Map
   * operations of bpf(2) hold it too. include/linux/bpf.h: bpf_disable_instrumentation()
   */
  bpf_prog_active(cpu: number, delta: number): number {
    return this.#add(this.#percpu + cpu * PERCPU_BYTES, delta);
  }

  /** False: a record of this kind of context is being made here already. perf_trace_buf_alloc() */
  enterRecord(): number | undefined {
    const kind = this.kernel.cpus.context?.kind ?? 'task';
    const { id } = this.kernel.cpus.this;
    const word = this.#percpu + id * PERCPU_BYTES + 4 * (1 + CONTEXTS.indexOf(kind));
    if (this.#add(word, 1) === 1) return word;
    this.#add(word, -1);
    return undefined;
  }

  leaveRecord(word: number): void {
    this.#add(word, -1);
  }

  /** These words in kernel memory, as an array; 0 where that is exhausted. */
  words(values: readonly bigint[]): number {
    const { memory } = this.kernel.machine;
    const addr = this.scratch.take(WORD_BYTES * values.length);
    if (addr === 0) return 0;
    memory.unwatched(() => {
      values.forEach((value, i) => memory.setU64(addr + WORD_BYTES * i, value));
    });
    return addr;
  }

  #enter(prog: ExecProgram): boolean {
    const isFirst = this.#add(this.#activeOf(prog), 1) === 1;
    if (!isFirst) this.#missed(prog);
    return isFirst;
  }

  #leave(prog: ExecProgram): void {
    this.#add(this.#activeOf(prog), -1);
  }

  /** int __percpu *active */
  #activeOf({ addr }: ExecProgram): number {
    return addr + bpf_prog.off.active + 4 * this.kernel.cpus.this.id;
  }

  /** bpf_prog_inc_misses_counter() */
  #missed({ addr }: ExecProgram): void {
    const { memory } = this.kernel.machine;
    memory.unwatched(() => (bpf_prog.at(memory, addr).recursion_misses += 1n));
  }

  /** A per-CPU counter: no step, and no race. this_cpu_add_return() */
  #add(addr: number, delta: number): number {
    const { memory } = this.kernel.machine;
    return memory.unwatched(() => {
      const value = memory.s32(addr) + delta;
      memory.setS32(addr, value);
      return value;
    });
  }
}
