import type { Failure } from './failure.ts';
import type { Fiber, Frame } from './fiber.ts';
import type { Round } from './livelock.ts';
import type { Request } from './request.ts';

/** A CPU, as the engine sees it. The kernel puts the fiber there that it would step next. */
export class Cpu {
  readonly id: number;
  /** Its clock, in virtual nanoseconds since boot. */
  nowNs = 0;
  /** What it steps next, interrupts before the task they interrupted; null where idle. */
  fiber: Fiber | null = null;
  /** Whether it would switch to another task if asked: somebody waits, and preemption is on. */
  preemptible = false;
  /** Timed mode: the kernel wants that switch before the next step here. */
  resched = false;
  /** Whether it has not stepped since it was preempted: then it is not preempted again. */
  switched = false;

  constructor(id: number) {
    this.id = id;
  }
}

/** The kernel, as the engine sees it. */
export interface Host {
  /** The fiber asked to leave its CPU: put another there, or null. */
  blocked(cpu: Cpu, fiber: Fiber): void;
  /** The fiber's bottom function returned. */
  finished(cpu: Cpu, fiber: Fiber): void;
  /** Switch `cpu` to another task. Called only where cpu.preemptible. */
  preempt(cpu: Cpu): void;
  /** The code of `frame`, in a module's text, is about to run: called, resumed or returned into. */
  returnedInto(frame: Frame): void;
  /** Nothing can run and no timer is pending. True: something can now; false: the run is over. */
  idle(): boolean;
  /** The stable identity of the object at an address, for the detailed trace; '' where none. */
  objectName(addr: number): string;
  /**
   * The run took more than stepsMax steps: a failure, or undefined to just stop. `rounds`: what all
   * go through again and again, where turns were fair at last: a livelock.
   */
  overrun(rounds: readonly Round[] | undefined): Failure | undefined;
}

/** What may happen at any moment while `ready`: a grace period ends, an interrupt comes. */
export interface EventSource {
  readonly name: string;
  ready: boolean;
  fire(): void;
}

/** Looks at each step before it is taken. */
export interface Monitor {
  step(cpu: Cpu, fiber: Fiber, request: Request): void;
  /** Something that is no step of a fiber is about to happen: a switch, a timer, an event. */
  event?(): void;
}
