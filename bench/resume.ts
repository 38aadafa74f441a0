import type { Bench } from './harness.ts';

/** What the whole design pays for: resuming a generator, through levels of `yield*`. */

function* counter(count: number): Generator<number, void, void> {
  for (let i = 0; i < count; i++) yield i;
}

function* nested(count: number, levels: number): Generator<number, void, void> {
  if (levels === 1) yield* counter(count);
  else yield* nested(count, levels - 1);
}

function drain(steps: Generator<number, void, void>): number {
  let sum = 0;
  for (let step = steps.next(); step.done !== true; step = steps.next()) sum += step.value;
  return sum;
}

const resumeThrough = (levels: number): Bench => ({
  name: `resume ${levels}`,
  unit: 'resume',
  baseline: 'one generator, no yield*',
  run: (n) => void drain(nested(n, levels)),
  runBaseline: (n) => void drain(counter(n)),
});

export const resumeBenches: readonly Bench[] = [1, 4, 8].map(resumeThrough);
