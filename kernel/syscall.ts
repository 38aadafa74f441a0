import { assert } from '../base/assert.ts';
import { COST_NS } from '../sim/cost.ts';
import { Frame } from '../sim/fiber.ts';
import { kernelText, step, type Sim } from '../sim/request.ts';
import { kernelSymbol, site } from '../sim/site.ts';
import type { Cpus } from './cpu.ts';
import { EINTR, ENOSYS, ERESTARTNOINTR, ERESTARTSYS, errnoText } from './errno.ts';
import type { SyscallRow } from './hooks.ts';
import type { Machine } from './machine.ts';
import type { UserMm } from './mm/user-mm.ts';
import type { ProcessHooks, SignalsForProcess } from './process/ports.ts';
import type { Sched } from './sched.ts';
import { pt_regs } from './structs.ts';
import type { Task } from './task.ts';
import { sys_enter, sys_exit } from './trace-events.ts';
import { callText, storedText, type Call, type Peek } from './syscall-text.ts';
import type { TaskWorks } from './task-work.ts';

const ENTER = site('do_syscall_64', 'enter');
const E8 = site('do_syscall_64', 'E8');
const start_thread = kernelSymbol('start_thread');

export interface SyscallParts {
  readonly works: Pick<TaskWorks, 'task_work_run' | 'task_work_pending'>;
  readonly signals: SignalsForProcess;
  readonly user: Pick<UserMm, 'copy_from_user_nofault'>;
  readonly exits: { do_group_exit(code: number): Sim<never> };
  readonly hooks: ProcessHooks;
}

/** From user mode into the kernel and back. arch/x86/entry/common.c, kernel/entry/common.c */
export class Syscalls {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #sched: Sched;
  readonly #parts: SyscallParts;
  readonly #rows = new Map<string, SyscallRow>();
  readonly #numbers = new Map<number, string>();
  /** Tasks whose exec has succeeded: what they run instead of what called it. */
  readonly #started = new Map<Task, () => Sim<unknown>>();
  /** Tasks that have taken a signal for a handler since they entered the kernel. */
  readonly #handled = new Set<Task>();
  /** After each system call, in the task's context: invariants. */
  afterEach: (() => void) | null = null;
  /** For traces: a look that is no access of the task's. */
  readonly #peek: Peek = (addr, sizeBytes) =>
    this.#machine.memory.unwatched(() => this.#parts.user.copy_from_user_nofault(addr, sizeBytes));

  constructor(machine: Machine, cpus: Cpus, sched: Sched, parts: SyscallParts) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#sched = sched;
    this.#parts = parts;
    parts.signals.onHandler = (task) => void this.#handled.add(task);
  }

  reset(): void {
    this.#started.clear();
    this.#handled.clear();
  }

  /** The present system call of `task` does not return to its caller: `run` begins instead. */
  start_thread(task: Task, run: () => Sim<unknown>): void {
    this.#started.set(task, run);
  }

  register(rows: readonly SyscallRow[]): void {
    for (const row of rows) {
      assert(!this.#rows.has(row.name), `system call ${row.name} twice`);
      assert(!this.#numbers.has(row.nr), `${row.name} has the number of another`);
      this.#rows.set(row.name, row);
      this.#numbers.set(row.nr, row.name);
    }
  }

  /** By number: those that there are. */
  get rows(): readonly SyscallRow[] {
    return [...this.#rows.values()].sort((a, b) => a.nr - b.nr);
  }

  /** A system call of the current task: its result, -errno included. */
  invoke(name: string, ...args: number[]): Sim<number> {
    return this.do_syscall_64(name, args);
  }

  *do_syscall_64(name: string, args: readonly number[]): Sim<number> {
    const { engine } = this.#machine;
    const { hooks } = this.#parts;
    const row = this.#rows.get(name);
    yield* step(ENTER);
    engine.cpu.nowNs += COST_NS.syscall;
    const { detailed } = engine.trace;
    if (detailed) this.#machine.traceSyscall(callText(callOf(name, row, args), this.#peek));
    let result = -ENOSYS;
    if (row) {
      for (;;) {
        if (hooks.sys_enter) yield* hooks.sys_enter(row, args);
        result = yield* this.#traced(row, args);
        if (hooks.sys_exit) yield* hooks.sys_exit(row, result);
        const restart = result === -ERESTARTSYS || result === -ERESTARTNOINTR;
        const handled = (yield* this.exit_to_user_mode_loop()) || this.#takeInterruption();
        if (!restart) break;
        if (handled && result === -ERESTARTSYS) {
          result = -EINTR;
          break;
        }
      }
    }
    this.#checkBalance();
    if (detailed) this.#traceResult(callOf(name, row, args), result);
    this.afterEach?.();
    if (this.#started.size > 0) yield* this.#leaveForImage();
    return result;
  }

  #takeInterruption(): boolean {
    const { current } = this.#sched;
    const { interrupted } = current;
    current.interrupted = false;
    return interrupted;
  }

  /** The call itself, between what hangs on its entry and on its exit. */
  #traced(row: SyscallRow, args: readonly number[]): Sim<number> {
    const { tracepoints, engine } = this.#machine;
    if (!tracepoints.isAny && !engine.trampolines.isAny) return row.run(...args);
    return this.#tracedCall(row, args);
  }

  *#tracedCall(row: SyscallRow, args: readonly number[]): Sim<number> {
    const { tracepoints, engine } = this.#machine;
    if (tracepoints.isOn(sys_enter)) {
      const regs = this.#regs(row, args, -ENOSYS);
      if (regs !== 0) yield* tracepoints.trace(sys_enter, [regs, row.nr]);
    }
    const name = `__x64_sys_${row.name}`;
    let run = row.run(...args);
    if (engine.trampolines.get(name)) {
      const regs = this.#regs(row, args, -ENOSYS);
      if (regs !== 0) run = engine.trampolines.call(name, [regs], run);
    }
    const result = yield* run;
    if (tracepoints.isOn(sys_exit)) {
      const regs = this.#regs(row, args, result);
      if (regs !== 0) yield* tracepoints.trace(sys_exit, [regs, result]);
    }
    return result;
  }

  /** The current task's registers as in a system call, or 0 where memory is exhausted. */
  #regs({ nr }: SyscallRow, args: readonly number[], ax: number): number {
    const { memory, slab } = this.#machine;
    const task = this.#sched.current;
    if (task.regs === 0) task.regs = slab.kzalloc(pt_regs.sizeBytes);
    if (task.regs === 0) return 0;
    const [di = 0, si = 0, dx = 0, r10 = 0, r8 = 0, r9 = 0] = args;
    const values = { di, si, dx, r10, r8, r9, ax, orig_ax: nr };
    memory.unwatched(() => {
      const regs = pt_regs.at(memory, task.regs);
      for (const [name, value] of Object.entries(values)) {
        regs[name as keyof typeof values] = BigInt.asUintN(64, BigInt(value));
      }
    });
    return task.regs;
  }

  /** Drops the kernel and user frames of a task that has called exec: they are never resumed. */
  *#leaveForImage(): Sim<void> {
    const task = this.#sched.current;
    const run = this.#started.get(task);
    if (!run) return;
    this.#started.delete(task);
    task.fiber.top = new Frame(run(), start_thread, null);
    yield* step(E8);
  }

  /** A new task's way to user mode: no system call is ended. ret_from_fork() */
  *exit_to_user_mode(): Sim<void> {
    yield* this.exit_to_user_mode_loop();
    this.#checkBalance();
  }

  /**
   * What has come up while the task was in the kernel: another task's turn, its own work, its
   * signals; until there is nothing. Gives whether a signal's handler has run. A signal that kills
   * ends the task here.
   */
  *exit_to_user_mode_loop(): Sim<boolean> {
    const { works, signals, exits } = this.#parts;
    const task = this.#sched.current;
    for (;;) {
      if (this.#cpus.this.needResched) yield* this.#sched.schedule();
      if (works.task_work_pending(task)) {
        yield* works.task_work_run();
      } else if (signals.signal_pending(task)) {
        const sig = yield* signals.get_signal();
        if (sig !== 0) return yield* exits.do_group_exit(sig);
      } else {
        return this.#handled.delete(task);
      }
    }
  }

  /** Whatever the task has entered it must have left: locks and sections are hooks.leaving's. */
  #checkBalance(): void {
    const { preemptCount, irqsOff, bhOff } = this.#cpus.this;
    this.#parts.hooks.leaving?.(this.#sched.current);
    if (preemptCount === 0 && irqsOff === 0 && bhOff === 0) return;
    const machine = this.#machine;
    machine.fail({
      kind: 'unbalanced-section',
      title:
        `BUG: ${machine.who()} returns to user mode with preempt_count ` +
        `${preemptCount.toString(16).padStart(8, '0')}, irqs_disabled() ${irqsOff > 0 ? 1 : 0}`,
      lines: machine.traceLines(),
    });
  }

  #traceResult(call: Call, result: number): void {
    const stored = storedText(call, result, this.#peek);
    this.#machine.traceReturn(resultText(result) + (stored === '' ? '' : ` ${stored}`));
  }
}

kernelText(Syscalls);

function callOf(name: string, row: SyscallRow | undefined, args: readonly number[]): Call {
  return { name, names: row?.args ?? [], args };
}

/** `= 0`, `= -1 EBADF`. */
export function resultText(result: number): string {
  const name = errnoText(result);
  return name.startsWith('-E') ? `= -1 ${name.slice(1)}` : `= ${result}`;
}
