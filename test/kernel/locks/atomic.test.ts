import { expect, test } from 'vitest';
import type { Sim } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { LockKernel, runs } from '../../kit/lock-kernel.ts';

const X = site('atomics', 'x');
const MAX = 0xffff_ffff_ffff_ffffn;

/** Runs one task alone. */
function alone(body: (kernel: LockKernel, addr: number) => Sim<void>): void {
  const kernel = new LockKernel();
  const addr = kernel.words();
  kernel.spawn('A', () => body(kernel, addr));
  expect(kernel.run()).toEqual([]);
}

test('32 bits: reads are unsigned, sums signed, as u32 and atomic_t are', () => {
  alone(function* ({ atomics }, addr) {
    yield* atomics.write32(X, addr, 0xffff_ffff);
    expect(yield* atomics.read32(X, addr)).toBe(0xffff_ffff);
    expect(yield* atomics.add32(X, addr, 1)).toBe(0);
    expect(yield* atomics.add32(X, addr, -1)).toBe(-1);
    expect(yield* atomics.cmpxchg32(X, addr, -1, 5)).toBe(0xffff_ffff);
    expect(yield* atomics.cmpxchg32(X, addr, 4, 6)).toBe(5);
    expect(yield* atomics.xchg32(X, addr, 7)).toBe(5);
    expect(yield* atomics.read32(X, addr)).toBe(7);
  });
});

test('64 bits wrap', () => {
  alone(function* ({ atomics }, addr) {
    expect(yield* atomics.add64(X, addr, -1n)).toBe(MAX);
    expect(yield* atomics.cmpxchg64(X, addr, MAX, 3n)).toBe(MAX);
    expect(yield* atomics.cmpxchg64(X, addr, 2n, 9n)).toBe(3n);
    yield* atomics.write64(X, addr, 1n << 40n);
    expect(yield* atomics.read64(X, addr)).toBe(1n << 40n);
  });
});

test('pointers', () => {
  alone(function* ({ atomics }, addr) {
    yield* atomics.writePtr(X, addr, addr + 8);
    expect(yield* atomics.readPtr(X, addr)).toBe(addr + 8);
    expect(yield* atomics.xchgPtr(X, addr, 0)).toBe(addr + 8);
    expect(yield* atomics.cmpxchgPtr(X, addr, 0, addr)).toBe(0);
    expect(yield* atomics.cmpxchgPtr(X, addr, 0, addr + 8)).toBe(addr);
  });
});

test('an atomic loses no update, a load and a store may, and the search finds when', () => {
  const sums = { atomic: new Set<string>(), plain: new Set<string>() };
  for (const kind of ['atomic', 'plain'] as const) {
    const program = (kernel: LockKernel, log: string[]): void => {
      const addr = kernel.words();
      const { atomics } = kernel;
      for (const name of ['A', 'B']) {
        kernel.spawn(name, function* () {
          if (kind === 'atomic') yield* atomics.add32(X, addr, 1);
          else yield* atomics.write32(X, addr, (yield* atomics.read32(X, addr)) + 1);
          log[0] = String(kernel.machine.memory.u32(addr));
        });
      }
    };
    for (const { log } of runs(new Bounded(), program)) sums[kind].add(log[0]!);
  }
  expect(sums).toEqual({ atomic: new Set(['2']), plain: new Set(['2', '1']) });
});
