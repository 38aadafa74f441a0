import { describe, expect, test } from 'vitest';
import { ARENA_ANSWERS, ARENA_XLATED, arenaAnswer, arenaXlated } from '../../kit/arena-answers.ts';

describe.each(['interp', 'jit'] as const)('03 R33: arenas as those of Linux 7.2, %s', (engine) => {
  test.each(ARENA_ANSWERS)('$object $program', ({ object, program, answer }) => {
    expect(arenaAnswer(object, program, engine)).toBe(answer.trimEnd());
  });
});

test.each(ARENA_XLATED)('after loading, $object $program is as in Linux', (row) => {
  expect(arenaXlated(row.object, row.program)).toEqual(row.insns);
});
