import { long, ptr, struct, u32, u64 } from '../base/layout.ts';
import { Memory } from '../kernel/memory.ts';
import type { Bench } from './harness.ts';

/** Typed access to structs in checked memory, against the fields of plain objects. */

const OBJECTS = 64; // a power of two
const node = struct('node', {
  count: u32,
  flags: u32,
  next: ptr('struct node'),
  size: long,
  mask: u64,
});

interface PlainNode {
  count: number;
  flags: number;
  next: PlainNode | null;
  size: number;
}

const memory = new Memory(1 << 20);
const FIRST = 8192;
memory.unpoison(FIRST, OBJECTS * node.sizeBytes);
const at = (i: number): number => FIRST + (i & (OBJECTS - 1)) * node.sizeBytes;
for (let i = 0; i < OBJECTS; i++) {
  node.at(memory, at(i)).next = at(i + 1);
}

const plain: PlainNode[] = Array.from({ length: OBJECTS }, (_, i) => ({
  count: i,
  flags: 0,
  next: null,
  size: 0,
}));
for (const [i, one] of plain.entries()) one.next = plain[(i + 1) % OBJECTS]!;

let sink = 0;

export const structBenches: readonly Bench[] = [
  {
    name: 'struct read-modify-write of u32',
    unit: 'pair',
    baseline: 'plain object',
    run: (n) => {
      for (let i = 0; i < n; i++) node.at(memory, at(i)).count++;
    },
    runBaseline: (n) => {
      for (let i = 0; i < n; i++) plain[i & (OBJECTS - 1)]!.count++;
    },
  },
  {
    name: 'struct list walk, ptr and u32',
    unit: 'node',
    baseline: 'plain object',
    run: (n) => {
      let view = node.at(memory, FIRST);
      for (let i = 0; i < n; i++) {
        sink += view.flags;
        view = node.at(memory, view.next);
      }
    },
    runBaseline: (n) => {
      let one = plain[0]!;
      for (let i = 0; i < n; i++) {
        sink += one.flags;
        one = one.next!;
      }
    },
  },
  {
    name: 'struct read-modify-write of long',
    unit: 'pair',
    baseline: 'plain object',
    run: (n) => {
      for (let i = 0; i < n; i++) node.at(memory, at(i)).size += 3;
    },
    runBaseline: (n) => {
      for (let i = 0; i < n; i++) plain[i & (OBJECTS - 1)]!.size += 3;
    },
  },
];

/** So that nothing above is optimised away. @public */
export const structSink = (): number => sink;
