import { describe, expect, test } from 'vitest';
import {
  ARENA_ANSWERS,
  ARENA_XLATED,
  arenaAnswer,
  arenaXlated,
  runArena,
} from '../../kit/arena-answers.ts';

describe.each(['interp', 'jit'] as const)('03 R33: arenas as those of Linux 7.2, %s', (engine) => {
  test.each(ARENA_ANSWERS)('$object $program', ({ object, program, answer }) => {
    expect(arenaAnswer(object, program, engine)).toBe(answer.trimEnd());
  });

  test('what the error stream says of a fault, and where', () => {
    const { opened, reports } = runArena('arena.bpf.o', 'argument', engine);
    expect(reports.slice(0, 7).join('\n')).toMatch(
      new RegExp(
        [
          'ERROR: Arena READ access at unmapped address 0x10000003c000',
          'CPU: \\d UID: 0 PID: \\d+ Comm: shell',
          'Call trace:',
          'bpf_prog_[0-9a-f]{16}_sum\\+0x.*',
          '  return p\\[0\\] \\+ p\\[1\\]; @ arena.bpf.c:\\d+',
          'bpf_prog_[0-9a-f]{16}_argument\\+0x.*',
          '  seen\\[1\\] = sum.* @ arena.bpf.c:\\d+',
        ].join('\n'),
      ),
    );
    opened.destroy();
  });
});

test.each(ARENA_XLATED)('after loading, $object $program is as in Linux', (row) => {
  expect(arenaXlated(row.object, row.program)).toEqual(row.insns);
});
