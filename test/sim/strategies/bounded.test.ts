import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Model } from '../../../sim/model.ts';
import { explore } from '../../../sim/explore.ts';
import type { Strategy } from '../../../sim/strategy.ts';
import { Bounded, type BoundedOptions } from '../../../sim/strategies/bounded.ts';
import { abba, independent, lostUpdate, madeUp, spell } from '../../kit/toy.ts';

interface Enumeration {
  /** Of each run, its schedule. */
  readonly schedules: string[];
  /** Of each run, how many deviations it has; and how many of them are no forced switches. */
  readonly deviations: number[];
  readonly preemptions: number[];
  readonly exhausted: boolean;
}

function enumerate(model: Model, options: BoundedOptions = {}): Enumeration {
  const strategy = new Bounded(options);
  const schedules: string[] = [];
  const deviations: number[] = [];
  const preemptions: number[] = [];
  let forced = new Set<number>();
  const watching: Strategy = {
    name: strategy.name,
    exhausted: false,
    begin: () => true,
    end: () => {},
    choose(choice) {
      if (choice.isForced) forced.add(choice.index);
      return strategy.choose(choice);
    },
  };
  while (strategy.begin()) {
    forced = new Set();
    const { schedule, choiceCount } = model.run(watching);
    strategy.end(choiceCount);
    schedules.push(spell(schedule));
    deviations.push(schedule.at.length);
    preemptions.push(schedule.at.filter((at) => !forced.has(at)).length);
    if (schedules.length > 300_000) throw new Error('no end in sight');
  }
  expect(strategy.begin()).toBe(false);
  return { schedules, deviations, preemptions, exhausted: strategy.exhausted };
}

/** Every schedule of a model by recursion over forced prefixes: the oracle, dear but plain. */
function bruteForce(model: Model, taken: readonly number[] = []): string[] {
  let countNext = 0;
  const { schedule } = model.run({
    name: 'prefix',
    exhausted: false,
    begin: () => true,
    end: () => {},
    choose({ index, count, stay }) {
      if (index === taken.length) countNext = count;
      return ((taken[index] ?? 0) + stay) % count;
    },
  });
  if (countNext === 0) return [spell(schedule)];
  return Array.from({ length: countNext }, (_, skip) => bruteForce(model, [...taken, skip])).flat();
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
/** In how many ways tasks of so many steps interleave. */
const multinomial = (steps: readonly number[]): number =>
  steps.reduce((ways, n) => ways / factorial(n), factorial(steps.reduce((a, b) => a + b, 0)));

describe('every interleaving exactly once', () => {
  test.each([
    [[1, 1]],
    [[2, 2]],
    [[3, 3]],
    [[5, 5]],
    [[8, 8]],
    [[1, 9]],
    [[2, 2, 2]],
    [[3, 3, 3]],
    [[1, 2, 3, 4]],
    [[1, 1, 1, 1, 1, 1]],
  ])('of tasks with %j steps', (steps) => {
    const orders: string[] = [];
    const model = independent(steps, (order) => orders.push(order.join('')));
    const { exhausted } = enumerate(model);
    expect(orders).toHaveLength(multinomial(steps));
    expect(new Set(orders).size).toBe(orders.length);
    expect(exhausted).toBe(true);
  });

  test('of tasks that never meet, of which there is one', () => {
    expect(enumerate(independent([4]))).toEqual({
      schedules: [''],
      deviations: [0],
      preemptions: [0],
      exhausted: true,
    });
  });

  test('of models whose choices hang on what went before', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 2 }), (seed, stepCount) => {
        const model = madeUp(seed, stepCount);
        const { schedules, deviations, exhausted } = enumerate(model);
        expect(schedules.toSorted()).toEqual(bruteForce(model).toSorted());
        expect(deviations).toEqual(deviations.toSorted((a, b) => a - b));
        expect(exhausted).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('bounds', () => {
  test('keep exactly the schedules with so many deviations or fewer', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(5), (seed, bound) => {
        const model = madeUp(seed, 2);
        const all = enumerate(model);
        const few = all.schedules.filter((_, i) => all.deviations[i]! <= bound);
        const bounded = enumerate(model, { bound });
        expect(bounded.schedules).toEqual(few);
        expect(bounded.exhausted).toBe(few.length === all.schedules.length);
      }),
      { numRuns: 60 },
    );
  });

  test('a bound of 0 is the run that stays', () => {
    expect(enumerate(independent([3, 3]), { bound: 0 }).schedules).toEqual(['']);
  });

  test('preempting once: each task of n steps can be left at n places, or not begin', () => {
    // Stay: 000111. One deviation: at choice 0, 1 or 2 task 1 goes first and runs to its end.
    const { schedules, exhausted } = enumerate(independent([3, 3]), { bound: 1 });
    expect(schedules).toEqual(['', '2:1', '1:1', '0:1']);
    expect(exhausted).toBe(false);
  });
});

describe('by preemptions', () => {
  test('every schedule exactly once, those with fewer first', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 2 }), (seed, stepCount) => {
        const model = madeUp(seed, stepCount);
        const all = enumerate(model, { preemptions: true });
        expect(all.schedules.toSorted()).toEqual(bruteForce(model).toSorted());
        expect(all.preemptions).toEqual(all.preemptions.toSorted((a, b) => a - b));
        expect(all.exhausted).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('a bound keeps exactly the schedules with so many preemptions or fewer', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(3), fc.nat(20), (seed, bound, nodesMax) => {
        const model = madeUp(seed, 2);
        const all = enumerate(model, { preemptions: true });
        const few = all.schedules.filter((_, i) => all.preemptions[i]! <= bound);
        const bounded = enumerate(model, { bound, preemptions: true });
        expect(bounded.schedules).toEqual(few);
        expect(bounded.exhausted).toBe(few.length === all.schedules.length);
        const tight = enumerate(model, { bound, preemptions: true, nodesMax });
        expect(tight.schedules.toSorted()).toEqual(few.toSorted());
      }),
      { numRuns: 60 },
    );
  });

  test('a bound of 0 lets every order of whole tasks through', () => {
    const orders: string[] = [];
    const model = independent([2, 2, 2], (order) => orders.push(order.join('')));
    const { exhausted } = enumerate(model, { bound: 0, preemptions: true });
    const whole = ['001122', '002211', '110022', '112200', '220011', '221100'];
    expect(orders.toSorted()).toEqual(whole);
    expect(exhausted).toBe(false);
  });
});

test('where there is no room for work to do, the order is lost but no schedule', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(20), fc.nat(8), (seed, nodesMax, bound) => {
      const model = madeUp(seed, 2);
      const roomy = enumerate(model, { bound });
      const tight = enumerate(model, { bound, nodesMax });
      expect(tight.schedules.toSorted()).toEqual(roomy.schedules.toSorted());
      expect(tight.exhausted).toBe(roomy.exhausted);
    }),
    { numRuns: 60 },
  );
});

test('finds the deadlock and the lost update with as few deviations as there can be', () => {
  for (const model of [abba(), lostUpdate(2)]) {
    const { found } = explore(model, { strategy: new Bounded(), runsMax: 100 });
    expect(found?.result.schedule.at).toHaveLength(1);
  }
});

test('a model that varies is not explored in silence', () => {
  let runs = 0;
  const varying: Model = {
    run: (strategy) => independent(runs++ === 0 ? [3, 3] : [3]).run(strategy),
  };
  const strategy = new Bounded();
  expect(() => explore(varying, { strategy, runsMax: 10 })).toThrow('a model that varies');
});
