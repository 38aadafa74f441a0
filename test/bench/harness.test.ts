import { expect, test } from 'vitest';
import { cpuNs, measure, spreadOf } from '../../bench/harness.ts';

test('a spread is the median and its quartiles', () => {
  expect(spreadOf([5, 1, 4, 2, 3])).toEqual({ median: 3, lower: 2, upper: 4 });
  expect(spreadOf([1, 2])).toEqual({ median: 1.5, lower: 1.25, upper: 1.75 });
});

test('a ratio is time an operation over the baseline, whatever the counts', () => {
  let nowNs = 0;
  const calls: string[] = [];
  const side = (name: string, costNs: number) => (n: number) => {
    calls.push(name);
    nowNs += n * costNs;
  };
  const measurement = measure(
    { name: 'a', unit: 'op', baseline: 'b', run: side('a', 30), runBaseline: side('b', 10) },
    {
      pairCount: 4,
      sideMs: 1,
      clock(work) {
        const before = nowNs;
        work();
        return nowNs - before;
      },
    },
  );
  expect(measurement.nsPerOp).toBeCloseTo(30);
  expect(measurement.opsPerSecond).toBeCloseTo(1e9 / 30);
  expect(measurement.ratio.median).toBeCloseTo(3);
  expect(calls.slice(-8)).toEqual(['a', 'b', 'b', 'a', 'a', 'b', 'b', 'a']);
});

test('CPU time is counted in nanoseconds', () => {
  expect(cpuNs(() => undefined)).toBeGreaterThanOrEqual(0);
});
