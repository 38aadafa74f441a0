import type { Sim } from '../sim/request.ts';
import type { Proc } from './proc.ts';
import { words } from './user-memory.ts';

/** What several scenarios do, as user code. */

/** close_range(2) up to here closes all. */
export const FD_MAX = 0xffff_ffff;
const EFD_SEMAPHORE = 1;

/** Moves a descriptor. */
export function* moveFd(p: Proc, from: number, to: number): Sim<void> {
  if (from === to) return;
  p.ok(yield* p.dup2(from, to));
  p.ok(yield* p.close(from));
}

/** Has `path` open as descriptor `fd`, and no other. */
export function* openAs(p: Proc, path: string, fd: number): Sim<void> {
  yield* moveFd(p, p.ok(yield* p.open(path)), fd);
}

/** A semaphore of count 0 as descriptor `fd`. */
export function* semaphoreAs(p: Proc, fd: number): Sim<void> {
  yield* moveFd(p, p.ok(yield* p.eventfd(0, EFD_SEMAPHORE)), fd);
}

export function* up(p: Proc, semaphore: number): Sim<void> {
  p.ok(yield* p.write(semaphore, words(1)));
}

/** Sleeps until somebody has called up(). */
export function* down(p: Proc, semaphore: number): Sim<void> {
  p.ok(yield* p.read(semaphore, 8));
}
