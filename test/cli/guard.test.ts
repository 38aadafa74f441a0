import { expect, test } from 'vitest';
import { InputError } from '../../base/errors.ts';
import { guarded } from '../../cli/guard.ts';

test('gives back what the work gives', () => {
  expect(
    guarded(
      () => 42,
      () => 'nobody',
    ),
  ).toBe(42);
});

test('passes on what the work throws', () => {
  const work = () => {
    throw new RangeError('out');
  };
  expect(() => guarded(work, () => 'nobody')).toThrow(RangeError);
});

test('ends an endless loop, even one that catches everything', () => {
  let who = 'nobody';
  function* body(): Generator<void> {
    who = 'process A of scenario x';
    for (;;) {
      try {
        for (;;);
      } finally {
        who += ', caught';
      }
    }
  }
  const work = () => body().next();
  expect(() => guarded(work, () => who, 100)).toThrow(
    new InputError('process A of scenario x did not yield for 0.1 s'),
  );
  expect(
    guarded(
      () => 'after',
      () => 'nobody',
      100,
    ),
  ).toBe('after');
});
