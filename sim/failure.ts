/** Every kind of failure, in the words of the command line's contract. */
export const FAILURE_KINDS = [
  'use-after-free',
  'double-free',
  'out-of-bounds',
  'recycled-object',
  'refcount-underflow',
  'refcount-saturated',
  'refcount-add-on-zero',
  'leak',
  'fd-leak',
  'fd-misuse',
  'borrow-rule',
  'deadlock',
  'lock-inversion',
  'sleep-in-atomic',
  'soft-lockup',
  'hard-lockup',
  'rcu-stall',
  'hung-task',
  'data-race',
  'lost-update',
  'stale-object',
  'exec-of-unmapped-text',
  'stack-overflow',
  'unregistered-write',
  'wrong-process-write',
  'coverage-gap',
  'unbalanced-section',
  'leak-after-kill',
  'bad-access',
  'invariant',
  'divergence',
] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** What a run proved wrong about the simulated system. A value: returned, never thrown. */
export interface Failure {
  readonly kind: FailureKind;
  /** The first line of the report: `BUG: KASAN: slab-use-after-free in autofs_dev_ioctl`. */
  readonly title: string;
  /** The whole report, in the kernel's shape, title included; lines joined by \n. */
  readonly text: string;
  /** Stable names of where it happened (`close_fd:C2`): with the kind, the failure's identity. */
  readonly sites: readonly string[];
  readonly objects: readonly FailureObject[];
  /** Step at which it was seen, from 0. */
  readonly step: number;
  /** Virtual time of the CPU that saw it, in nanoseconds; absent: no CPU did. */
  readonly atNs?: number;
  /** Whether the run ended here, as after an oops; a warning lets it go on. */
  readonly fatal: boolean;
}

export interface FailureObject {
  readonly type: string;
  /** `0xffff888000412a40` */
  readonly address: string;
}

/** Failures with one key are one bug: shrinking keeps it, campaigns de-duplicate by it. */
export function keyOf(failure: Failure): string {
  return `${failure.kind} ${failure.sites.join(' ')}`.trimEnd();
}

/** Ends the fiber that meets it. Only the engine catches it, and makes it the run's failure. */
export class Oops extends Error {
  override readonly name = 'Oops';
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.title);
    this.failure = failure;
  }
}
