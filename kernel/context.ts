import type { Context } from './machine.ts';

/** A lock that a context holds, in order of acquisition. */
export interface HeldLock {
  /** `&files->file_lock`: all locks of one class follow the same rules. */
  readonly className: string;
  /** kernel/locks/lock-class.ts */
  readonly classId: number;
  readonly addr: number;
  /** Whether the holder may not sleep while it has it. */
  readonly spinning: boolean;
  readonly site: number;
  /** It is not had yet: the context waits for it. */
  waiting: boolean;
  /** It was taken by a trylock: no order among locks follows from it. */
  readonly tried?: boolean;
}

/** What a context has entered and must leave again. */
export interface ExecContext extends Context {
  readonly held: HeldLock[];
  /** Nesting of rcu_read_lock(). */
  rcuDepth: number;
  /** Nesting of rcu_read_lock_trace(). */
  rcuTraceDepth: number;
}
