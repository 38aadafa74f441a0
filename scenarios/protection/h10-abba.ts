import type { Sim } from '../../sim/request.ts';
import { scenario } from '../dsl.ts';
import type { Proc } from '../proc.ts';
import abba from './abba.bpf.o';

const EDEADLK = 35;

const PROGRAMS = ['move_forth', 'move_back'] as const;

/**
 * Runs one of the programs, and notes what it returns. Nothing is left to see then: whoever is last
 * switches the machine off.
 */
function* move(p: Proc, name: (typeof PROGRAMS)[number]): Sim<void> {
  const run = yield* p.calls.testRun(p.noted(name) as number, {});
  p.ok(run.result);
  const moved = run.retval | 0;
  if (moved !== -EDEADLK) p.ok(moved);
  p.note(returned(name), moved);
  if (PROGRAMS.every((each) => p.noted(returned(each)) !== undefined)) yield* p.reboot();
  else yield* p.read(p.noted('silent pipe') as number, 1);
}

const returned = (name: string): string => `${name} returned`;

/**
 * Spec 03 H10: two programs take two resilient locks in opposite orders. Whoever finds the circle
 * is told so and gives back what it has; with locks that only wait neither ever goes on.
 */
export default scenario({
  name: 'res-lock-abba',
  about: 'One program takes two locks in one order, another at the same time in the other',
  hazard: '03-H10',
  *setup(init) {
    const object = init.openObject(abba, 'abba.bpf.o');
    for (const name of PROGRAMS) object.program(name).isWanted = true;
    yield* object.load();
    for (const name of PROGRAMS) init.note(name, object.program(name).fd);
    init.note('silent pipe', init.ok(yield* init.pipe())[0]);
  },
  processes: {
    A: (p) => move(p, 'move_forth'),
    B: (p) => move(p, 'move_back'),
  },
  variants: {
    bad: {
      about: 'as plain spin locks: they wait for each other for ever',
      mutations: ['rqspinlock.no-deadlock-check'],
      expect: ['deadlock'],
    },
    good: { about: 'one of them is told of the deadlock, and the other goes on' },
  },
});
