import { expect, test } from 'vitest';
import { Scratch } from '../../../bpf/attach/scratch.ts';
import { Machine } from '../../../kernel/machine.ts';

test('what is taken is zeros of that size and no more, what is given back is forbidden', () => {
  const { memory, slab } = new Machine({ cpuCount: 1, profile: 'v7.2', mutations: new Set() });
  const scratch = new Scratch(slab);
  const { liveCount } = slab;
  const taken = Array.from({ length: 40 }, (_, i) => scratch.take(8 * (i % 12) + 4));
  expect(new Set(taken).size).toBe(40);
  taken.forEach((addr, i) => {
    const size = 8 * (i % 12) + 4;
    expect(memory.copyOut(addr, size)).toEqual(new Uint8Array(size));
    expect([memory.allows(addr - 1, 1), memory.allows(addr + size, 1)]).toEqual([false, false]);
    memory.fill(addr, size, 0xff);
    scratch.give(addr, size);
    expect(memory.allows(addr, 1)).toBe(false);
  });
  expect(slab.liveCount).toBe(liveCount);
  const [again, big] = [scratch.take(48), scratch.take(4_000)];
  expect(taken).toContain(again);
  expect(memory.u32(again)).toBe(0);
  expect(memory.allows(big, 4_000)).toBe(true);
  scratch.give(big, 4_000);
  expect(memory.allows(big, 1)).toBe(false);
});
