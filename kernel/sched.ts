import { assert } from '../base/assert.ts';
import type { Cpu, Host } from '../sim/engine.ts';
import { Fiber, type Frame } from '../sim/fiber.ts';
import type { Failure } from '../sim/failure.ts';
import { block, kernelText, type Sim } from '../sim/request.ts';
import { site, type KernelSymbol } from '../sim/site.ts';
import type { ExecContext } from './context.ts';
import type { Cpus, KernelCpu } from './cpu.ts';
import type { Machine } from './machine.ts';
import { TASK_DEAD, TASK_RUNNING, TASK_NORMAL, type Task } from './task.ts';

const SCHEDULE = site('schedule', 'switch');

/** What other parts of the kernel do at the scheduler's moments. Set once, at boot. */
export interface SchedHooks {
  /** A switch is about to happen on `cpu`. trace_sched_switch */
  onSwitch(cpu: KernelCpu, prev: Task | null, next: Task | null): void;
  onWakeup(task: Task): void;
  /** The outermost interrupt has ended on `cpu`: pending interrupts, softirqs. */
  afterInterrupt(cpu: KernelCpu): void;
  /** Nothing can run: true where something was made runnable. */
  idle(): boolean;
  overrun(): Failure | undefined;
  returnedInto(frame: Frame): void;
}

/** Run queues, switches and wake-ups; the kernel as the engine sees it. kernel/sched/core.c */
export class Sched implements Host {
  readonly machine: Machine;
  readonly cpus: Cpus;
  readonly hooks: SchedHooks = {
    onSwitch: () => {},
    onWakeup: () => {},
    afterInterrupt: () => {},
    idle: () => false,
    overrun: () => undefined,
    returnedInto: () => {},
  };
  /** While set, new tasks are collected instead of run: a scenario is being set up. */
  gate: Task[] | null = null;

  constructor(machine: Machine, cpus: Cpus) {
    this.machine = machine;
    this.cpus = cpus;
    machine.engine.host = this;
  }

  get current(): Task {
    return this.cpus.current;
  }

  /**
   * Gives the CPU away. The caller has set its state first and checked its condition after that;
   * where somebody has woken it in between, it comes back at once. Reports a sleep where none is
   * allowed. kernel/sched/core.c: schedule()
   */
  *schedule(): Sim<void> {
    this.mightSleep('schedule');
    yield* block(SCHEDULE);
  }

  /** Reports where the present context may not sleep. __might_sleep(), schedule_debug() */
  mightSleep(what: string): void {
    const cpu = this.cpus.this;
    const context = this.cpus.context;
    if (!context) return;
    const { preemptCount, irqsOff } = cpu;
    if (context.kind === 'task' && preemptCount === 0 && irqsOff === 0 && context.rcuDepth === 0) {
      return;
    }
    const held = context.held.map(({ className }) => className).join(', ');
    this.machine.fail({
      kind: 'sleep-in-atomic',
      title: 'BUG: sleeping function called from invalid context at ' + what,
      lines: [
        `in_atomic(): ${preemptCount > 0 || context.kind !== 'task' ? 1 : 0}, irqs_disabled(): ` +
          `${irqsOff > 0 ? 1 : 0}, pid: ${context.pid}, name: ${context.comm}`,
        `preempt_count: ${preemptCount.toString(16)}, RCU nest depth: ${context.rcuDepth}`,
        held === '' ? 'no locks held' : `locks held: ${held}`,
        ...this.machine.traceLines(),
      ],
    });
  }

  /** Makes a sleeping task runnable where its state is among `states`. try_to_wake_up() */
  wake(task: Task, states = TASK_NORMAL): boolean {
    const state = task.s.__state;
    if (state === TASK_RUNNING || (state & states) === 0) return false;
    task.s.__state = TASK_RUNNING;
    this.machine.engine.ordering?.wake(task.fiber);
    this.hooks.onWakeup(task);
    this.enqueue(task);
    return true;
  }

  /** A task's first wake-up. wake_up_new_task() */
  wakeNew(task: Task): void {
    if (this.gate) {
      this.gate.push(task);
      return;
    }
    task.s.__state = TASK_RUNNING;
    this.machine.engine.ordering?.wake(task.fiber);
    this.enqueue(task);
  }

  /** The CPU for a new task: the emptiest, from `prefer` on where equal. select_task_rq_fair() */
  emptiestCpu(prefer: number): number {
    const { all } = this.cpus;
    let best = prefer;
    let least = Infinity;
    for (let i = 0; i < all.length; i++) {
      const cpu = all[(prefer + i) % all.length]!;
      const load = cpu.queue.length + (cpu.current ? 1 : 0);
      if (load < least) {
        least = load;
        best = cpu.id;
      }
    }
    return best;
  }

  enqueue(task: Task): void {
    const cpu = this.cpus.all[task.s.cpu]!;
    if (cpu.current === task || cpu.queue.includes(task)) return; // still on its way to block()
    if (cpu.sim.nowNs < this.machine.engine.cpu.nowNs && cpu.current === null) {
      cpu.sim.nowNs = this.machine.engine.cpu.nowNs;
    }
    cpu.queue.push(task);
    if (cpu.current === null && !cpu.inInterrupt) this.#switch(cpu);
    else cpu.refresh();
  }

  /** Runs `gen` on `cpu` before whatever it was doing. */
  interrupt(cpu: KernelCpu, context: ExecContext, gen: Sim<unknown>, symbol: KernelSymbol): void {
    const { nowNs } = this.machine.engine.cpu;
    if (cpu.sim.fiber === null && cpu.sim.nowNs < nowNs) cpu.sim.nowNs = nowNs;
    cpu.interrupted.push(cpu.sim.fiber);
    const path = `CPU${cpu.id}/${symbol.name}`;
    cpu.sim.fiber = new Fiber(path, -1 - cpu.id, context, gen, symbol);
    cpu.refresh();
  }

  preemptDisable(): void {
    const cpu = this.cpus.this;
    cpu.preemptCount++;
    cpu.sim.preemptible = false;
  }

  preemptEnable(): void {
    const cpu = this.cpus.this;
    assert(cpu.preemptCount > 0, 'preempt_count underflow');
    cpu.preemptCount--;
    cpu.refresh();
  }

  // Host

  blocked(cpu: Cpu, fiber: Fiber): void {
    const kcpu = this.cpus.all[cpu.id]!;
    const task = kcpu.current!;
    assert(fiber.owner === task, 'an interrupt blocked');
    if (task.s.__state === TASK_RUNNING) kcpu.queue.push(task);
    this.#switch(kcpu);
  }

  finished(cpu: Cpu, fiber: Fiber): void {
    const kcpu = this.cpus.all[cpu.id]!;
    const context = fiber.owner as ExecContext;
    if (context.kind === 'task') {
      kcpu.current!.s.__state = TASK_DEAD;
      this.#switch(kcpu);
      return;
    }
    const at = kcpu.interrupted.lastIndexOf(fiber);
    if (at >= 0) {
      kcpu.interrupted.splice(at, 1); // ended in the step in which another interrupted it
      return;
    }
    cpu.fiber = kcpu.interrupted.pop()!;
    if (cpu.fiber) cpu.fiber.spinning = false; // what it spins for may have come meanwhile
    this.hooks.afterInterrupt(kcpu);
    if (!kcpu.inInterrupt && kcpu.current === null && kcpu.queue.length > 0) this.#switch(kcpu);
    else kcpu.refresh();
  }

  preempt(cpu: Cpu): void {
    const kcpu = this.cpus.all[cpu.id]!;
    kcpu.queue.push(kcpu.current!);
    this.#switch(kcpu);
  }

  returnedInto(frame: Frame): void {
    this.hooks.returnedInto(frame);
  }

  idle(): boolean {
    return this.hooks.idle();
  }

  /** `file alloc_file:I2#1`: type, allocation site, ordinal. */
  objectName(addr: number): string {
    const object = this.machine.slab.objectOf(addr);
    return object ? `${object.cache} ${object.allocated.site}#${object.ordinal}` : '';
  }

  overrun(): Failure | undefined {
    return this.hooks.overrun();
  }

  #switch(cpu: KernelCpu): void {
    const prev = cpu.current;
    const next = cpu.queue.shift() ?? null;
    cpu.needResched = false;
    if (next !== prev) this.hooks.onSwitch(cpu, prev, next);
    cpu.current = next;
    if (next) next.fiber.spinning = false;
    // An interrupt taken on the way here comes first.
    if (cpu.inInterrupt) cpu.interrupted[0] = next?.fiber ?? null;
    else cpu.sim.fiber = next?.fiber ?? null;
    cpu.refresh();
  }
}

kernelText(Sched);
