import type { Fiber } from './fiber.ts';

/**
 * Told of what comes before what, beside the order of the requests themselves: a grace period, a
 * wake-up, a lock of which the model has only the effect. A key is an address, or below zero.
 */
export interface Ordering {
  /** What the present fiber has done so far comes before what follows an acquire() of `key`. */
  release(key: number): void;
  acquire(key: number): void;
  /** It comes before everything that `fiber` will do. */
  wake(fiber: Fiber): void;
}

/** Tells both. */
export function both(one: Ordering, other: Ordering): Ordering {
  return {
    release(key) {
      one.release(key);
      other.release(key);
    },
    acquire(key) {
      one.acquire(key);
      other.acquire(key);
    },
    wake(fiber) {
      one.wake(fiber);
      other.wake(fiber);
    },
  };
}
