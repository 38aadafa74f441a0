import { describe, expect, test } from 'vitest';
import { ARENA_ANSWERS, arenaAnswer } from '../../kit/arena-answers.ts';

describe.each(['interp', 'jit'] as const)('03 R33: arenas as those of Linux 7.2, %s', (engine) => {
  test.each(ARENA_ANSWERS)('$object $program', ({ object, program, answer }) => {
    expect(arenaAnswer(object, program, engine)).toBe(answer.trimEnd());
  });
});
