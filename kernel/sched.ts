import { assert } from '../base/assert.ts';
import type { Cpu, Host } from '../sim/host.ts';
import { Fiber, stackOf, type Frame } from '../sim/fiber.ts';
import type { Failure } from '../sim/failure.ts';
import { cpuKey, queueKey } from '../sim/keys.ts';
import type { Round } from '../sim/livelock.ts';
import { block, kernelText, WRITE, type Sim } from '../sim/request.ts';
import { kernelSymbol, site, type KernelSymbol } from '../sim/site.ts';
import type { ExecContext } from './context.ts';
import type { Cpus, KernelCpu } from './cpu.ts';
import type { Machine } from './machine.ts';
import { RqLocks } from './rq.ts';
import { TASK_DEAD, TASK_NORMAL, TASK_RUNNING, TASK_WAKING, type Task } from './task.ts';
import { sched_switch, sched_wakeup, sched_wakeup_new, sched_waking } from './trace-events.ts';
import type { EventArgs, TraceEvent } from './tracepoint.ts';

const SCHEDULE = site('schedule', 'switch');
const __schedule = kernelSymbol('__schedule');
const try_to_wake_up = kernelSymbol('try_to_wake_up');

/** What other parts of the kernel do at the scheduler's moments. Set once, at boot. */
export interface SchedHooks {
  /** A switch is about to happen on `cpu`. trace_sched_switch */
  onSwitch(cpu: KernelCpu, prev: Task | null, next: Task | null): void;
  onWakeup(task: Task): void;
  /** The outermost interrupt has ended on `cpu`: pending interrupts, softirqs. */
  afterInterrupt(cpu: KernelCpu): void;
  /** Nothing can run: true where something was made runnable. */
  idle(): boolean;
  overrun(rounds: readonly Round[] | undefined): Failure | undefined;
  returnedInto(frame: Frame): void;
}

/** Run queues, switches and wake-ups; the kernel as the engine sees it. kernel/sched/core.c */
export class Sched implements Host {
  readonly machine: Machine;
  readonly cpus: Cpus;
  readonly rqLocks: RqLocks;
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
    this.rqLocks = new RqLocks(machine, cpus);
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

  /**
   * Makes a sleeping task runnable where its state is among `states`. Probes of wake-ups look at it
   * first, on this CPU, as soon as the present step is over; and where the lock of its run queue is
   * taken, this CPU then spins. try_to_wake_up()
   */
  wake(task: Task, states = TASK_NORMAL): boolean {
    const state = task.s.__state;
    if (state === TASK_RUNNING || (state & states) === 0) return false;
    const { tracepoints, engine } = this.machine;
    engine.ordering?.wake(task.fiber);
    if (tracepoints.isAny) {
      const cpu = this.cpus.all[task.s.cpu]!;
      const isTaken = this.rqLocks.isTaken(cpu);
      if (isTaken || tracepoints.isOn(sched_waking) || tracepoints.isOn(sched_wakeup)) {
        task.s.__state = TASK_WAKING;
        const late = isTaken && this.#lateOn(cpu);
        if (late) late.push(task);
        else this.#traceWaking(task);
        return true;
      }
    }
    task.s.__state = TASK_RUNNING;
    this.#woken(task);
    return true;
  }

  /**
   * Where a wake-up waits for the lock without a CPU that spins: an interrupt of a timer waits for
   * its own CPU, and what probes of a switch wake, they wake by irq_work.
   */
  #lateOn(cpu: KernelCpu): Task[] | undefined {
    if (this.machine.engine.inEvent) return cpu.late;
    const own = this.cpus.this;
    return this.rqLocks.isHeld(own) ? own.late : undefined;
  }

  /** ttwu_do_activate() */
  #woken(task: Task): void {
    this.hooks.onWakeup(task);
    this.enqueue(task);
  }

  /** A task's first wake-up, where nobody looks at it. */
  wakeNew(task: Task): void {
    if (this.gate) {
      this.gate.push(task);
      return;
    }
    task.s.__state = TASK_RUNNING;
    this.machine.engine.ordering?.wake(task.fiber);
    this.enqueue(task);
  }

  /** A task's first wake-up. The run queue's lock is held around the probes. */
  *wake_up_new_task(task: Task): Sim<void> {
    if (!this.gate && this.machine.tracepoints.isOn(sched_wakeup_new)) {
      task.s.__state = TASK_RUNNING;
      yield* this.#traced(sched_wakeup_new, [task.addr]);
    }
    if (!this.gate && this.machine.tracepoints.isAny) {
      yield* this.#passed(this.cpus.all[task.s.cpu]!);
    }
    this.wakeNew(task);
  }

  /** The probes of an event, with preemption and interrupts off. `locks`: under this CPU's lock. */
  *#traced(event: TraceEvent, args: EventArgs, locks = false): Sim<void> {
    const cpu = this.cpus.this;
    const isLocked = locks && cpu.idle !== null;
    cpu.preemptCount++;
    cpu.irqsOff++;
    cpu.refresh();
    if (isLocked) this.rqLocks.hold(cpu);
    yield* this.machine.tracepoints.trace(event, args);
    if (isLocked) this.rqLocks.release(cpu);
    cpu.preemptCount--;
    cpu.irqsOff--;
    cpu.refresh();
    if (cpu.irqsOff === 0) this.hooks.afterInterrupt(cpu);
  }

  /** Waits until the lock of a run queue is free: with interrupts off, where it must. */
  *#passed(of: KernelCpu): Sim<void> {
    if (!this.rqLocks.isTaken(of)) return;
    const cpu = this.cpus.this;
    cpu.preemptCount++;
    cpu.irqsOff++;
    cpu.refresh();
    yield* this.rqLocks.pass(of);
    cpu.preemptCount--;
    cpu.irqsOff--;
    cpu.refresh();
    if (cpu.irqsOff === 0) this.hooks.afterInterrupt(cpu);
  }

  /** The CPU for a new task: the emptiest, from `prefer` on where equal. select_task_rq_fair() */
  emptiestCpu(prefer: number): number {
    const { all } = this.cpus;
    let best = prefer;
    let least = Infinity;
    for (let i = 0; i < all.length; i++) {
      const cpu = all[(prefer + i) % all.length]!;
      const running = cpu.switching ? cpu.switching.next : cpu.current;
      const load = cpu.queue.length + (running ? 1 : 0);
      if (load < least) {
        least = load;
        best = cpu.id;
      }
    }
    return best;
  }

  enqueue(task: Task): void {
    const cpu = this.cpus.all[task.s.cpu]!;
    const { switching } = cpu;
    if (cpu.queue.includes(task) || switching?.next === task) return;
    if (cpu.current === task && !switching) return; // still on its way to block()
    if (cpu.sim.nowNs < this.machine.engine.cpu.nowNs && cpu.current === null && !switching) {
      cpu.sim.nowNs = this.machine.engine.cpu.nowNs;
    }
    this.machine.engine.touch(queueKey(cpu.id), WRITE);
    cpu.queue.push(task);
    if (cpu.current === null && !cpu.inInterrupt && !switching) this.#switch(cpu);
    else cpu.refresh();
  }

  /** Runs `gen` on `cpu` before whatever it was doing. */
  interrupt(cpu: KernelCpu, context: ExecContext, gen: Sim<unknown>, symbol: KernelSymbol): void {
    const { nowNs } = this.machine.engine.cpu;
    if (cpu.sim.fiber === null && cpu.sim.nowNs < nowNs) cpu.sim.nowNs = nowNs;
    this.machine.engine.touch(cpuKey(cpu.id), WRITE);
    cpu.interrupted.push(cpu.sim.fiber);
    const path = `CPU${cpu.id}/${symbol.name}`;
    cpu.sim.fiber = new Fiber(path, -1 - cpu.id, context, gen, symbol);
    cpu.refresh();
  }

  preemptDisable(): void {
    const cpu = this.cpus.this;
    cpu.preemptCount++;
    cpu.sim.preemptible = false;
    cpu.onChange();
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
    if (kcpu.waker) {
      kcpu.afterWaking = () => this.blocked(cpu, fiber);
      return;
    }
    const task = kcpu.current!;
    assert(fiber.owner === task, 'an interrupt blocked');
    if (task.s.__state === TASK_RUNNING) kcpu.queue.push(task);
    this.#switch(kcpu);
  }

  finished(cpu: Cpu, fiber: Fiber): void {
    const kcpu = this.cpus.all[cpu.id]!;
    const context = fiber.owner as ExecContext;
    if (fiber === kcpu.waker) {
      this.#wakingDone(kcpu);
      return;
    }
    if (kcpu.waker && (context.kind === 'task' || fiber === kcpu.switching?.fiber)) {
      kcpu.afterWaking = () => this.finished(cpu, fiber);
      return;
    }
    if (fiber === kcpu.switching?.fiber) {
      this.#switched(kcpu, kcpu.switching.next);
      return;
    }
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
    this.#resumed(kcpu);
  }

  preempt(cpu: Cpu): void {
    const kcpu = this.cpus.all[cpu.id]!;
    kcpu.queue.push(kcpu.current!);
    this.#switch(kcpu, true);
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

  overrun(rounds: readonly Round[] | undefined): Failure | undefined {
    return this.hooks.overrun(rounds);
  }

  /** What was interrupted goes on. */
  #resumed(cpu: KernelCpu): void {
    const { sim } = cpu;
    sim.fiber = cpu.interrupted.pop()!;
    if (sim.fiber) sim.fiber.spinning = false; // what it spins for may have come meanwhile
    this.hooks.afterInterrupt(cpu);
    this.#leaveIdle(cpu);
  }

  #leaveIdle(cpu: KernelCpu): void {
    const isIdle = !cpu.inInterrupt && cpu.current === null && !cpu.switching;
    if (isIdle && cpu.queue.length > 0) this.#switch(cpu);
    else cpu.refresh();
  }

  #switch(cpu: KernelCpu, preempt = false): void {
    this.machine.engine.touch(queueKey(cpu.id), WRITE);
    const prev = cpu.current;
    const next = cpu.queue.shift() ?? null;
    cpu.needResched = false;
    if (next !== prev && this.machine.tracepoints.isOn(sched_switch)) {
      this.#traceSwitch(cpu, next, preempt);
      return;
    }
    this.#switched(cpu, next);
  }

  /** context_switch() */
  #switched(cpu: KernelCpu, next: Task | null): void {
    const prev = cpu.current;
    const traced = cpu.switching;
    cpu.switching = null;
    if (next !== prev) this.hooks.onSwitch(cpu, prev, next);
    cpu.current = next;
    if (next) next.fiber.spinning = false;
    this.#put(cpu, next?.fiber ?? null);
    if (traced) {
      if (traced.preempt) cpu.sim.switched = true; // by now others have stepped here
      this.hooks.afterInterrupt(cpu);
      for (const task of cpu.late.splice(0)) this.#traceWaking(task, true);
      this.#leaveIdle(cpu);
    } else {
      cpu.refresh();
    }
  }

  /** What goes on here. An interrupt taken on the way comes first. */
  #put(cpu: KernelCpu, fiber: Fiber | null): void {
    if (cpu.inInterrupt) cpu.interrupted[0] = fiber;
    else cpu.sim.fiber = fiber;
  }

  // Probes.

  /**
   * The probes of sched_switch run before the next task does, still as the previous one, which may
   * be the idle task; then the switch goes on.
   */
  #traceSwitch(cpu: KernelCpu, next: Task | null, preempt: boolean): void {
    const idle = cpu.idle!;
    const prev = cpu.current ?? idle;
    const state = this.machine.memory.unwatched(() => prev.s.__state);
    const args = [preempt ? 1 : 0, prev.addr, (next ?? idle).addr, state];
    const gen = this.#traced(sched_switch, args, true);
    const fiber = new Fiber(prev.path, -1 - cpu.id, prev, gen, __schedule);
    standOn(fiber, cpu.current?.fiber);
    cpu.switching = { fiber, next, preempt };
    this.#put(cpu, fiber);
    cpu.refresh();
  }

  /**
   * The probes of wake-ups run as whoever wakes, before anything else here; those of a timer's as
   * an interrupt of the CPU that set it, which is the sleeper's.
   */
  #traceWaking(task: Task, isLate = false): void {
    const { cpu: sim } = this.machine.engine;
    const inEvent = this.machine.engine.inEvent || isLate;
    const cpu = inEvent && !isLate ? this.cpus.all[task.s.cpu]! : this.cpus.this;
    cpu.waking.push(task);
    if (cpu.waker) return;
    const below = cpu.sim.fiber;
    const own = inEvent ? null : this.cpus.context;
    if (below === null && cpu.sim.nowNs < sim.nowNs) cpu.sim.nowNs = sim.nowNs;
    cpu.interrupted.push(below);
    const path = own && below ? below.path : `CPU${cpu.id}/${try_to_wake_up.name}`;
    const context = own ?? interruptOn(cpu);
    cpu.waker = new Fiber(path, -1 - cpu.id, context, this.#wakeAll(cpu), try_to_wake_up);
    standOn(cpu.waker, below);
    cpu.sim.fiber = cpu.waker;
    cpu.refresh();
  }

  *#wakeAll(cpu: KernelCpu): Sim<void> {
    for (let task = cpu.waking.shift(); task; task = cpu.waking.shift()) {
      const { s, addr, fiber } = task;
      const { memory, engine } = this.machine;
      yield* this.#traced(sched_waking, [addr]);
      yield* this.#passed(this.cpus.all[s.cpu]!);
      memory.unwatched(() => {
        if (s.__state === TASK_WAKING) s.__state = TASK_RUNNING;
      });
      yield* this.#traced(sched_wakeup, [addr]);
      yield* this.#passed(this.cpus.all[s.cpu]!);
      // It may not have left its CPU yet, and have gone on by itself, to sleep for something else.
      if (memory.unwatched(() => s.__state) !== TASK_RUNNING) continue;
      engine.ordering?.wake(fiber);
      this.#woken(task);
    }
  }

  #wakingDone(cpu: KernelCpu): void {
    const at = cpu.interrupted.lastIndexOf(cpu.waker);
    const { afterWaking } = cpu;
    cpu.waker = null;
    cpu.afterWaking = null;
    if (at >= 0) cpu.interrupted.splice(at, 1); // an NMI came in its last step
    else this.#resumed(cpu);
    afterWaking?.();
  }
}

kernelText(Sched);

function interruptOn(cpu: KernelCpu): ExecContext {
  const { pid, comm } = (cpu.current ?? cpu.idle)!;
  return { kind: 'hardirq', pid, comm, held: [], rcuDepth: 0, rcuTraceDepth: 0 };
}

/** Makes call traces of `fiber` go on with those of what it has been called by. */
function standOn(fiber: Fiber, below: Fiber | null | undefined): void {
  if (!below) return;
  const { symbol } = fiber.top;
  fiber.top.entries = (site) => [{ symbol, site }, ...stackOf(below)];
}
