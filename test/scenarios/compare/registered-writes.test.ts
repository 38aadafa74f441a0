import { expect, test } from 'vitest';
import { compareRegisteredWrites } from '../../../scenarios/compare/registered-writes.ts';

const compared = compareRegisteredWrites();
const cellsOf = (table: number): Record<string, readonly string[]> =>
  Object.fromEntries(compared.tables[table]!.rows.map(({ name, cells }) => [name, cells]));

test('the designs of spec 05', () => {
  expect(compared.columns).toEqual(['regwrite', 'mmap-array', 'task-storage-mmap', 'uptr']);
  for (const { rows } of compared.tables) {
    for (const { cells, how } of rows) {
      expect(cells).toHaveLength(compared.columns.length);
      expect(how).not.toBe('');
    }
  }
});

/** Spec 05 R34, cell by cell. */
const EVENTS: Record<string, readonly string[]> = {
  'new thread': ['none', 'same slot', 'none; may share pointer', 'none'],
  fork: [
    'cloned; -EFAULT until touched',
    'shared slot',
    'wipe-on-fork: none, share: shared slot, clone: cloned',
    'none',
  ],
  exec: [
    'removed (late)',
    'unmapped, slot stale',
    'element survives, mapping gone',
    'survives, orphan page',
  ],
  exit: ['refused at once, freed later', 'slot stale', 'freed when unmapped', 'freed'],
  'page swapped': ['-EFAULT', 'cannot', 'cannot', 'cannot'],
  'wrong process written': ['no', 'possible (stale slot)', 'no', 'no'],
  'unprivileged use': ['yes', 'agent', 'agent', 'agent'],
  context: ['task context, not IRQ', 'any', 'any', 'any'],
};

test.each(Object.entries(EVENTS))('05 R34: %s', (name, cells) => {
  expect(cellsOf(0)[name]).toEqual(cells);
});

test('05 R34: there are no more rows', () => {
  expect(Object.keys(cellsOf(0))).toEqual(Object.keys(EVENTS));
});

/** R27: the array is everybody's; R33: who has no descriptor has nothing. */
const CRITERIA: Record<string, readonly string[]> = {
  'one tracing program': ['yes', 'yes', 'yes', 'yes'],
  'memory not shared between processes': ['yes', 'no', 'yes', 'yes'],
  'exec removes, fork clones': ['yes', 'no', 'fork only', 'no'],
  'registration without bpf(2)': ['yes', 'agent', 'agent', 'agent'],
  'a check is one load and compare': ['yes', 'yes', 'yes', 'yes'],
};

test.each(Object.entries(CRITERIA))('05 R1: %s', (name, cells) => {
  expect(cellsOf(1)[name]).toEqual(cells);
});

test('the same is found again', () => {
  expect(compareRegisteredWrites(['uptr']).tables[0]!.rows.map(({ cells }) => cells[0])).toEqual(
    Object.values(EVENTS).map((cells) => cells[3]),
  );
});
