import { describe, expect, test } from 'vitest';
import { count, duration, statusLine } from '../../../cli/render/status.ts';
import { table, wrap } from '../../../cli/render/text.ts';
import { secondsOf } from '../../../cli/render/trace.ts';

describe('wrapping', () => {
  test('breaks between words and indents what follows', () => {
    expect(wrap('  one two three', 14)).toEqual(['  one two', '    three']);
  });

  test('leaves what fits', () => {
    expect(wrap('one two', 7)).toEqual(['one two']);
  });

  test('breaks a word only where it is longer than the line', () => {
    expect(wrap('abcdefghij', 4, 0)).toEqual(['abcd', 'efgh', 'ij']);
  });

  test('comes to an end at any width', () => {
    for (let width = 1; width < 20; width++) {
      const lines = wrap('    indented text of some words', width, 4);
      expect(lines.length).toBeLessThan(40);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    }
  });
});

test('a table has columns as wide as their widest cell', () => {
  expect(
    table([
      ['a', 'bb'],
      ['ccc', ''],
    ]),
  ).toEqual(['a    bb', 'ccc']);
});

test('the status line says how far it is, how fast, and how much is left', () => {
  const line = statusLine({
    label: 'abba',
    progress: { runs: 5_000, steps: 0, distinctCount: 1 },
    runsMax: 20_000,
    spentMs: 1_000,
    timeMaxMs: Infinity,
  });
  expect(line).toBe('abba ━━━───────── 5,000 runs, 5,000/s, 1 distinct failure, 3.0 s left');
});

test.each([
  [{ of: '2 deviations', done: 310, total: 4_512, isExact: true }, '2 deviations: 310 of 4,512'],
  [{ of: 'dpor', done: 1_204, total: 15_321, isExact: false }, 'dpor: 1,204 of about 15,000'],
  [{ of: 'dpor', done: 9, total: 1e30, isExact: false }, 'dpor: 9 of very many'],
])('the status line says how much there is: %j', (estimate, text) => {
  const line = statusLine({
    label: 'x',
    progress: { runs: 10, steps: 0, distinctCount: 0, estimate },
    runsMax: 100,
    spentMs: 1_000,
    timeMaxMs: Infinity,
  });
  expect(line.endsWith(`left, ${text}`)).toBe(true);
});

test('the status line goes by time where that is shorter', () => {
  const line = statusLine({
    label: 'x',
    progress: { runs: 10, steps: 0, distinctCount: 0 },
    runsMax: Number.MAX_SAFE_INTEGER,
    spentMs: 5_000,
    timeMaxMs: 10_000,
  });
  expect(line).toContain('━━━━━━────── 10 runs, 2/s, 0 distinct failures, 5.0 s left');
});

test('amounts and times read well', () => {
  expect([count(1, 'run'), count(20_000, 'run')]).toEqual(['1 run', '20,000 runs']);
  expect([duration(64.4), duration(2_100), duration(180_000)]).toEqual(['64 ms', '2.1 s', '3 min']);
  expect(secondsOf(1_000_081_234)).toBe('    1.000081234');
});
