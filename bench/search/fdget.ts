import type { ThreadProgram } from '../../sim/threads.ts';
import { copies, program } from './classic.ts';

export interface FdgetOptions {
  /** Whether the program closes the descriptor only while another holds the file. */
  readonly narrow?: boolean;
  /** Steps of A's own before it begins. */
  readonly privateSteps?: number;
  /** Processes that have nothing to do with it, and what each does. */
  readonly background?: { readonly processes: number; readonly operations: number };
  /** Whether a borrowed descriptor is not closed. */
  readonly fixed?: boolean;
}

/**
 * Al Viro's case: A, alone in its table, borrows the file of descriptor 6 without a reference, and
 * a program that runs in the bracket closes 6; B closes 42, which is the same file. What A has in
 * its hands is then nobody's. Narrow: the program closes 6 only where the file has another holder,
 * so that B has to let go between its look and A's use.
 */
export function fdget(options: FdgetOptions): ThreadProgram {
  const { narrow = false, privateSteps = 0, background, fixed = false } = options;
  const { processes = 0, operations = 0 } = background ?? {};
  const words = [fixed ? 'fixed' : 'bad', narrow ? 'narrow' : 'wide'];
  if (privateSteps > 0) words.push(`pre=${privateSteps}`);
  if (processes > 0) words.push(`bg=${processes}x${operations}`);
  return program(`fdget ${words.join(' ')}`, (shared) => {
    const slot6 = shared.word('A.fdt[6]', 1);
    const slot42 = shared.word('B.fdt[42]', 1);
    const count = shared.word('file.f_count', 2);
    const freed = shared.word('file.freed');
    const own = shared.array('own', processes);
    return {
      threads: {
        *A() {
          for (let i = 0; i < privateSteps; i++) yield* shared.work();
          yield* slot6.read();
          const closes = !fixed && (!narrow || (yield* count.read()) > 1);
          if (closes) {
            yield* slot6.write(0);
            if ((yield* count.fetchAdd(-1)) === 1) yield* freed.write(1);
          }
          if ((yield* freed.read()) !== 0) {
            shared.fail('use-after-free', 'use after free: A uses the file', ['A']);
          }
        },
        *B() {
          yield* slot42.write(0);
          if ((yield* count.fetchAdd(-1)) === 1) yield* freed.write(1);
        },
        ...copies('bg', processes, function* (i) {
          for (let operation = 0; operation < operations; operation++) yield* own[i]!.write(1);
        }),
      },
    };
  });
}

const HARD = { narrow: true, privateSteps: 20, background: { processes: 4, operations: 10 } };

export const FDGET: readonly ThreadProgram[] = [
  fdget({}),
  fdget({ narrow: true }),
  fdget({ narrow: true, privateSteps: 10 }),
  fdget(HARD),
];

/** The hardest of them, with the bug and without. */
export const HARD_BAD = fdget(HARD);
export const HARD_FIXED = fdget({ ...HARD, fixed: true });
