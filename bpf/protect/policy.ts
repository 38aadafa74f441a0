import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import type { Call, Helper, Result } from '../helpers/prototype.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import type { Effect } from './effects.ts';

/** A run of a program, as far as whoever watches it sees it. */
export interface GuardedRun {
  readonly kernel: Kernel;
  readonly prog: ExecProgram;
  /** What helpers are given. */
  readonly call: Call;
  /** Where r1 stands in the frame. */
  readonly args: number;
  /** The instruction at which the run stands. */
  readonly pc: number;
  /** Whether BPF_PROG_TEST_RUN runs it: then user space is told what happened. */
  readonly isTestRun: boolean;
  /** The CPU that runs it, or that it is waiting for. */
  readonly cpuId: number;
}

/** A call that changes what the program holds. */
export interface GuardedCall {
  readonly helper: Helper;
  readonly effect: Effect;
}

/** Watches one run. */
export interface Guard {
  /** The run is to end at its next kill point: loop back-edge, call, entry of a function. */
  readonly isStopping: boolean;
  /** It stops at each kill point, to ask. */
  readonly isCounting: boolean;
  /** It ends where it stands. */
  readonly isDue: boolean;
  /** At a kill point, where it is counting or stopping: whether it ends here. Spec 03 R18. */
  stopsHere(): boolean;
  /** Calls whose effect `isRecordedAfter` go to after(), once they are made, not to around(). */
  readonly recordsAfter: boolean;
  /** Keeps the record of a call that has given this. */
  after(callee: GuardedCall, pc: number, result: Result | Sim<Result>): Result | Sim<Result>;
  /** Does a call, and keeps the record. */
  around(callee: GuardedCall, pc: number): Result | Sim<Result>;
  /** The run is about to let others go on, so time may pass. */
  began(): void;
  /** What a callback has to give back begins here. */
  mark(): number;
  /** Gives back what has been acquired since the mark, newest first. */
  unwind(mark: number): Sim<void>;
  /** The run has been killed, and everything is given back: its r0. */
  killed(): Sim<bigint>;
  /** The run has come to its end. */
  left(): Sim<void> | undefined;
  /** A tail call goes on with this program. */
  entered(prog: ExecProgram): void;
}

/** What stops a program that overruns: one for each run of a program. */
export interface Policy {
  /** Why a program that the verifier has accepted is refused all the same. */
  admit?(prog: ExecProgram): string | undefined;
  /** Whether the program may be run: not, once it has been refused for good. */
  mayRun?(prog: ExecProgram): boolean;
  /** The value of a run that was not allowed to begin. */
  failValue?(prog: ExecProgram, isTestRun: boolean): bigint;
  /** Ends a program because user space says so: 0 or -errno. BPF_PROG_TERMINATE */
  terminate?(prog: ExecProgram | undefined): number;
  /** Who watches this run; null: nobody. */
  enter(run: GuardedRun): Guard | null;
  /** Another task comes to a CPU, or none. Sched.hooks.onSwitch */
  switched?(prev: unknown, next: unknown, nowNs: number): void;
  /** Back to how it began: the machine has been reset. */
  reset?(): void;
}
