import { describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors.ts';
import { isBySeed, strategyByName, STRATEGIES } from '../../../sim/strategies/by-name.ts';
import { madeUp, runOnce } from '../../kit/toy.ts';

const named = (text: string): string => strategyByName(text, { seed: 1 }).name;

test.each([
  ['stay', 'stay'],
  ['round-robin', 'round-robin'],
  ['random', 'random'],
  ['pct', 'pct:3:1'],
  ['pct:5', 'pct:5:1'],
  ['pct:3:77', 'pct:3:77'],
  ['exhaustive', 'exhaustive'],
  ['fail-nth', 'fail-nth'],
  ['exhaustive:2', 'exhaustive:2'],
  ['preemptions', 'preemptions'],
  ['preemptions:2', 'preemptions:2'],
  ['twice', 'twice:random'],
  ['twice:pct:3', 'twice:pct:3:1'],
  ['auto', 'stay'], // until its first run
])('%s makes %s, which makes itself', (text, name) => {
  expect(named(text)).toBe(name);
  expect(named(name)).toBe(name);
});

test('every row of the table makes a strategy that runs', () => {
  for (const { name } of STRATEGIES) {
    const result = runOnce(madeUp(1, 3), strategyByName(name, { seed: 1 }));
    expect(result.stepCount).toBeGreaterThan(0);
  }
});

test.each(STRATEGIES.filter(({ bySeed }) => bySeed))(
  '$name: a run is made again from name, seed and number',
  ({ name }) => {
    const first = strategyByName(name, { seed: 3 });
    const model = madeUp(2, 4);
    let run = 0;
    let last = runOnce(model, first, run);
    while (run < 5 && first.begin(run + 1)) {
      run++;
      last = model.run(first);
      first.end(last.choiceCount);
    }
    expect(runOnce(model, strategyByName(first.name, { seed: 3 }), run)).toEqual(last);
  },
);

test('which tokens can hold a seed', () => {
  expect(['random', 'pct:3:9', 'stay', 'twice:pct:3:9'].every(isBySeed)).toBe(true);
  expect(['exhaustive', 'exhaustive:2', 'auto', 'twice:exhaustive'].some(isBySeed)).toBe(false);
});

describe('what is not understood is an InputError on one line', () => {
  test.each([
    ['randon', 'did you mean random?'],
    [
      'odpr',
      'there are auto, stay, round-robin, random, pct, pos, ' +
        'surw, exhaustive, preemptions, dpor, fail-nth, twice',
    ],
    ['', 'no strategy ""'],
    ['__proto__', 'no strategy'],
    ['a\nb', 'no strategy "a\\nb"'],
    ['stay:1', 'strategy stay takes no parameter, found "1"'],
    ['pct:0', 'strategy pct: DEPTH is "0", expected 1 to 64'],
    ['pct:-1', 'expected 1 to 64'],
    ['pct:', 'expected 1 to 64'],
    ['pct:1e3', 'expected 1 to 64'],
    ['pct:99999999999999999999', 'expected 1 to 64'],
    ['pct:3:0', 'LENGTH is "0"'],
    ['pct:3:4:5', 'LENGTH is "4:5"'],
    ['exhaustive:-1', 'expected 0 to 1000000'],
    ['exhaustive:1.5', 'expected 0 to 1000000'],
    ['exhaustive:2000000', 'expected 0 to 1000000'],
    ['dpor:optimal', 'expected source or ordered'],
    ['twice:twice', 'cannot hold another'],
    ['twice:nope', 'no strategy "nope"'],
    [`pct:${'9'.repeat(100_000)}`, 'expected 1 to 64'],
  ])('%.30j', (text, message) => {
    expect(() => named(text)).toThrow(InputError);
    expect(() => named(text)).toThrow(message);
    expect(() => named(text)).not.toThrow('\n');
  });
});
