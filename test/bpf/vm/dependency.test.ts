import { expect, test } from 'vitest';
import { assemble } from '../../../bpf/isa/asm.ts';
import { dependentAccesses } from '../../../bpf/vm/dependency.ts';

const LOAD = 'r6 = *(u64 *)(r1 +0)';

test.each<[name: string, text: string, slots: number[]]>([
  ['of what was never loaded', 'r2 = r1\nr0 = *(u64 *)(r2 +8)\nexit', []],
  ['of what was loaded', `${LOAD}\nr0 = *(u64 *)(r6 +0)\nexit`, [1]],
  ['of a sum with it', `${LOAD}\nr2 = r1\nr2 += r6\n*(u64 *)(r2 +0) = 1\nr0 = 0\nexit`, [3]],
  ['not of a constant put over it', `${LOAD}\nr6 = r1\nr0 = *(u64 *)(r6 +0)\nexit`, []],
  ['on one of two ways', `${LOAD}\nif r1 == 0 goto x\nr6 = r1\nx: r0 = *(u64 *)(r6 +0)\nexit`, [3]],
  ['round a loop', 'x: r0 = *(u64 *)(r1 +0)\nr1 = r0\nif r0 != 0 goto x\nexit', [0]],
  ['of what a helper gives first', 'call 1\nr0 = *(u64 *)(r0 +0)\nexit', []],
  ['of what it gives after a load', `${LOAD}\ncall 1\nr0 = *(u64 *)(r0 +0)\nexit`, [2]],
  [
    'of what an atomic fetched',
    'r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)\nr0 = *(u64 *)(r2 +0)\nexit',
    [1],
  ],
])('%s', (_, text, slots) => {
  const insns = assemble(text);
  expect([...dependentAccesses({ insns, subprogs: [0] })]).toEqual(slots);
});
