import fc from 'fast-check';
import type { Sim } from '../../sim/request.ts';
import type { Proc } from '../proc.ts';

/**
 * The calls that random programs are made of. Arguments are whole numbers; descriptors are meant to
 * be hit and missed: any number may stand for any file. None of them can block for ever: every file
 * that could is opened non-blocking, and stays so.
 */
export interface CallRow {
  args(fds: Descriptors): readonly fc.Arbitrary<number>[];
  /** How often, beside the others. */
  readonly weight: number;
  run(p: Proc, args: readonly number[], children: readonly number[]): Sim<unknown>;
}

/** The descriptors that each process starts with. */
export const FIRST = {
  null: 0,
  eventfd: 1,
  pipe: [2, 3],
  sockets: [4, 5],
  autofs: 6,
  file: 7,
  looper: 8,
} as const;

/** What the first that a process opens is. */
export const NEXT = 9;

/** Which descriptors a program is about. */
export interface Descriptors {
  readonly fd: fc.Arbitrary<number>;
  /** At times past the 64 slots that a table begins with. */
  readonly far: fc.Arbitrary<number>;
  /** Often one of those given. */
  near(...fds: readonly number[]): fc.Arbitrary<number>;
  readonly sock: fc.Arbitrary<number>;
}

/** `count` of them, from `first` on. */
export function descriptors(count: number, first = 0): Descriptors {
  const fd = fc.integer({ min: first, max: first + count - 1 });
  const near: Descriptors['near'] = (...fds) =>
    fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...fds) }, { weight: 1, arbitrary: fd });
  return {
    fd,
    near,
    sock: near(...FIRST.sockets),
    far: fc.oneof({ weight: 8, arbitrary: fd }, { weight: 1, arbitrary: fc.nat(140) }),
  };
}
