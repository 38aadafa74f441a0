import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { interleaving } from '../../../cli/render/interleaving.ts';
import type { Run } from '../../../cli/render/relevant.ts';
import type { Failure } from '../../../sim/failure.ts';
import type { TraceLine } from '../../../sim/trace.ts';

const colors = pc.createColors(false);
const PLAIN = { all: false, width: 100, colors };

type Written = readonly [who: string, kind: TraceLine['kind'], site: string, text: string];

const TASKS: Record<string, { cpu: number; pid: number }> = {
  A: { cpu: 0, pid: 101 },
  B: { cpu: 1, pid: 102 },
  C: { cpu: 2, pid: 103 },
  D: { cpu: 3, pid: 104 },
  E: { cpu: 4, pid: 105 },
  'CPU1/rcu': { cpu: 1, pid: 0 },
  'A/other': { cpu: 0, pid: 106 },
};

function linesOf(written: readonly Written[]): TraceLine[] {
  return written.map(([path, kind, site, text], step) => ({
    step,
    ...TASKS[path]!,
    path,
    atNs: step * 10,
    kind,
    site,
    object: '',
    nth: 0,
    choice: step,
    text,
  }));
}

const failure: Failure = {
  kind: 'use-after-free',
  title: 'BUG: KASAN: slab-use-after-free in autofs_dev_ioctl',
  text: 'BUG: KASAN: slab-use-after-free in autofs_dev_ioctl\n autofs_dev_ioctl+0x8/0x100',
  sites: ['autofs_dev_ioctl:use'],
  objects: [],
  step: 9,
  fatal: true,
};

function runOf(written: readonly Written[], failures = [failure], at: number[] = []): Run {
  return { lines: linesOf(written), failures, schedule: { at, skip: at.map(() => 1) } };
}

const VIRO: readonly Written[] = [
  ['A', 'syscall', '', 'ioctl(6, CLOSEMOUNT, {ioctlfd: 6})'],
  ['A', 'step', 'fdget:L1', 'read'],
  ['A', 'note', 'fdget:L1', 'fdget(6): table not shared, borrowed, refs 2'],
  ['A', 'note', 'close_fd:C2', 'close_fd(6): slot 6 cleared, refs 2 → 1'],
  ['A', 'note', 'copy_to_user:wait', 'copy_to_user: page not resident, blocks'],
  ['B', 'syscall', '', 'close(42)'],
  ['B', 'note', 'close_fd:C6', 'refs 1 → 0'],
  ['B', 'note', '__fput:T5', '->release(), T10 freed'],
  ['B', 'return', '', '= 0'],
  ['A', 'report', 'autofs_dev_ioctl:use', failure.title],
];

describe('the interleaving', () => {
  test('has a column for each CPU, and what happened in order', () => {
    const { shownCount, text } = interleaving(runOf(VIRO), { ...PLAIN, width: 90 });
    expect(shownCount).toBe(8);
    expect(text.join('\n')).toMatchInlineSnapshot(`
      "  CPU0  A/101                                                 CPU1  B/102
        ioctl(6, CLOSEMOUNT, {ioctlfd: 6})
          L1  fdget(6): table not shared, borrowed, refs 2
          C2  close_fd(6): slot 6 cleared, refs 2 → 1
              copy_to_user: page not resident, blocks
                                                                    close(42)
                                                                      C6  refs 1 → 0
                                                                      T5  ->release(), T10 freed
              KASAN: slab-use-after-free in autofs_dev_ioctl  ←
                  use-after-free"
    `);
  });

  test('shows every step where all is asked for, a remark in the place of its own', () => {
    const { shownCount } = interleaving(runOf(VIRO), { ...PLAIN, all: true });
    expect(shownCount).toBe(VIRO.length - 1);
  });

  test('has a column for each task where tasks share a CPU', () => {
    const { text } = interleaving(
      runOf([
        ['A', 'syscall', '', 'close(1)'],
        ['A/other', 'syscall', '', 'close(2)'],
        ['A', 'report', 'x:y', failure.title],
      ]),
      PLAIN,
    );
    expect(text[0]).toMatch(/^ {2}CPU0 {2}A\/101 +CPU0 {2}A\/other\/106$/);
  });

  test('has who acts first on the left, and leaves out exits that explain nothing', () => {
    const { text } = interleaving(
      runOf([
        ['B', 'syscall', '', 'close(2)'],
        ['A', 'syscall', '', 'close(1)'],
        ['A', 'return', '', '= 0'],
        ['A', 'syscall', '', 'exit_group(0)'],
        ['A', 'note', 'exit_notify:X6', 'reaped by itself'],
        ['CPU1/rcu', 'event', '', 'rcu'],
        ['CPU1/rcu', 'note', 'x:X7', 'task_struct freed'],
        ['B', 'report', 'x:y', failure.title],
      ]),
      PLAIN,
    );
    expect(text.map((line) => line.trim())).toEqual([
      expect.stringMatching(/^CPU1 {2}B\/102 +CPU0 {2}A\/101$/),
      'close(2)',
      'close(1)',
      'KASAN: slab-use-after-free in autofs_dev_ioctl  ← use-after-free',
    ]);
  });

  test('puts interrupts into the column of their CPU', () => {
    const { text } = interleaving(
      runOf([
        ['A', 'syscall', '', 'close(1)'],
        ['B', 'syscall', '', 'close(2)'],
        ['CPU1/rcu', 'event', '', 'grace period ends'],
        ['A', 'report', 'x:y', failure.title],
      ]),
      PLAIN,
    );
    expect(text[0]).toMatch(/^ {2}CPU0 {2}A\/101 +CPU1 {2}B\/102$/);
    expect(text[3]!.indexOf('·')).toBe(text[0]!.indexOf('CPU1'));
  });

  test('puts many tasks below each other', () => {
    const { text } = interleaving(
      runOf([
        ...['A', 'B', 'C', 'D', 'E'].map((who): Written => [who, 'syscall', '', `open("/${who}")`]),
        ['A', 'report', 'x:y', failure.title],
      ]),
      PLAIN,
    );
    expect(text[0]).toBe('  CPU0  A/101  open("/A")');
    expect(text[4]).toBe('  CPU4  E/105  open("/E")');
  });

  test('names a failure that no line reports', () => {
    const leak: Failure = { ...failure, kind: 'leak', title: 'BUG: memory leak' };
    const { text } = interleaving(runOf(VIRO.slice(0, 1), [leak]), PLAIN);
    expect(text.at(-1)).toBe('  at the end: memory leak  ← leak');
  });

  test('keeps to its width, and breaks lines between words', () => {
    const long = 'many words '.repeat(20).trim();
    const { text } = interleaving(
      runOf([
        ['A', 'syscall', '', `write(1, "${'x'.repeat(80)}")`],
        ['B', 'note', 'f:C1', long],
        ['A', 'report', 'x:y', failure.title],
      ]),
      PLAIN,
    );
    for (const line of text) expect(line.length, line).toBeLessThanOrEqual(100);
    expect(text.join(' ').match(/many/g)).toHaveLength(20);
  });

  test('of a long run keeps what explains the failure', () => {
    const noise = (who: string, count: number): Written[] =>
      Array.from({ length: count }, (_, i): Written[] => [
        [who, 'syscall', '', `read(${i})`],
        [who, 'note', 'noise:N1', `noise ${i}`],
        [who, 'return', '', '= 0'],
      ]).flat();
    const run = runOf(
      [
        ...noise('B', 30),
        ...VIRO.slice(0, 5),
        ...noise('B', 30),
        ...VIRO.slice(5, 9),
        ...noise('B', 30),
        VIRO[9]!,
      ],
      [{ ...failure, text: `${failure.text}\nFreed by task 102:\n __fput+0x8/0x100` }],
    );
    const { shownCount, text } = interleaving(run, PLAIN);
    const shown = text.join('\n');
    expect(shownCount).toBeLessThanOrEqual(25);
    for (const kept of ['ioctl(6', 'close(42)', ' C2 ', ' L1 ', ' T5 ', 'KASAN: slab-use']) {
      expect(shown).toContain(kept);
    }
  });

  test('shows a return only where it is an error', () => {
    const { text } = interleaving(
      runOf([
        ['A', 'syscall', '', 'close(1)'],
        ['A', 'return', '', '= -EBADF (Bad file descriptor)'],
        ['A', 'syscall', '', 'close(2)'],
        ['A', 'return', '', '= 0'],
      ]),
      PLAIN,
    );
    expect(text.slice(1, -1)).toEqual([
      '  close(1)',
      '    = -EBADF (Bad file descriptor)',
      '  close(2)',
    ]);
  });
});
