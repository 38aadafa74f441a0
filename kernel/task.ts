import { Fiber } from '../sim/fiber.ts';
import { kernelSymbol } from '../sim/site.ts';
import type { Sim } from '../sim/request.ts';
import type { ExecContext, HeldLock } from './context.ts';
import type { Machine } from './machine.ts';
import { task_struct } from './structs.ts';

/** include/linux/sched.h */
export const TASK_RUNNING = 0;
export const TASK_INTERRUPTIBLE = 1;
export const TASK_UNINTERRUPTIBLE = 2;
export const TASK_DEAD = 0x80;
export const TASK_WAKING = 0x200;
export const TASK_WAKEKILL = 0x100;
export const TASK_NOLOAD = 0x400;
export const TASK_NEW = 0x800;
export const TASK_KILLABLE = TASK_WAKEKILL | TASK_UNINTERRUPTIBLE;
/** The sleep of a kernel thread that has nothing to do: nobody waits for its end. */
export const TASK_IDLE = TASK_UNINTERRUPTIBLE | TASK_NOLOAD;
export const TASK_NORMAL = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE;
export const EXIT_DEAD = 0x10;
export const EXIT_ZOMBIE = 0x20;
export const PF_IDLE = 0x2;
export const PF_EXITING = 0x4;
export const PF_WQ_WORKER = 0x20;
export const PF_KTHREAD = 0x20_0000;

/** include/linux/sched/prio.h */
export const DEFAULT_PRIO = 120;

const ret_from_fork = kernelSymbol('ret_from_fork');

/**
 * A kernel task: its task_struct in memory, and the fiber that runs it. What programs, reports
 * or other CPUs can see is in memory; here is only what the host needs to run it.
 */
export class Task implements ExecContext {
  readonly kind = 'task';
  /** Address of its task_struct. */
  readonly addr: number;
  readonly s: ReturnType<typeof task_struct.at>;
  /** Changes once at most: exec in a thread takes over the leader's. */
  pid: number;
  /** Ancestry: `A`, `A/child#2`. */
  readonly path: string;
  /** task_struct.comm, kept here too since every report wants it. */
  comm: string;
  fiber!: Fiber;
  readonly held: HeldLock[] = [];
  rcuDepth = 0;
  rcuTraceDepth = 0;
  /** Whether the run may end while it sleeps: a kworker, init. */
  daemon = false;
  /**
   * Work to do on the way to user mode, newest first: task_work_add(). null once exit has run it.
   */
  works: TaskWork | null | undefined = undefined;
  /** What it sleeps for in wait_event(): whether it would go on. null while it does not sleep. */
  waitsFor: (() => boolean) | null = null;
  /** Whether a handled signal came that is not among the pending ones: an injected fault. */
  interrupted = false;
  /** What it runs is to end: none of its sleeps goes on that can be ended. Signals.cutShort() */
  isCutShort = false;
  /** Address of the struct pt_regs of its system call, where somebody has asked for it; or 0. */
  regs = 0;
  /** Children made so far: numbers their paths. */
  forkCount = 0;
  readonly #entry: () => Sim<unknown>;

  constructor(
    machine: Machine,
    addr: number,
    pid: number,
    path: string,
    comm: string,
    entry: () => Sim<unknown>,
  ) {
    this.addr = addr;
    this.s = task_struct.at(machine.memory, addr);
    this.pid = pid;
    this.path = path;
    this.comm = comm;
    this.#entry = entry;
    this.restart();
  }

  /** A fresh fiber at the entry point: for a task that has not run yet. */
  restart(): void {
    this.fiber = new Fiber(this.path, this.pid, this, this.#entry(), ret_from_fork);
    this.#letGo();
    this.comm = this.s.comm;
  }

  /** As before its first step. Probes of a switch may have stood on it even so. */
  rewind(): void {
    if (this.fiber.stepCount > 0) this.restart();
    else this.#letGo();
  }

  /** Nothing is entered, held or waited for. */
  #letGo(): void {
    this.held.length = 0;
    this.rcuDepth = 0;
    this.rcuTraceDepth = 0;
    this.works = undefined;
    this.waitsFor = null;
    this.interrupted = false;
    this.isCutShort = false;
    this.regs = 0;
  }

  setComm(name: string): void {
    this.comm = name.slice(0, 15);
    this.s.comm = this.comm;
  }
}

/**
 * include/linux/task_work.h: struct callback_head, with the function that the address would name.
 */
export interface TaskWork {
  readonly name: string;
  readonly run: () => Sim<void>;
  next: TaskWork | undefined;
}
