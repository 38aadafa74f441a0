import { Bug } from './errors.ts';

/** States what must hold in Bohrbug's own code. Throws a Bug where it does not. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Bug(message);
}
