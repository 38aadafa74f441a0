import { expect, test } from 'vitest';
import { settingsOf } from '../../../bpf/protect/settings.ts';
import { ETIMEDOUT } from '../../../kernel/errno.ts';
import { saidRows, Speaker } from '../../kit/said.ts';

/** Kill points of one program, at most: then the next. */
const PLACES_MAX = 200;

const NAMES = ['graph', 'handles', 'walks', 'lists'] as const;

test.each(NAMES)('03 R12, R25: programs of %s, killed anywhere, keep nothing', (name) => {
  const settings = { ...settingsOf('record-kill'), killAt: 0 };
  const policy = { all: settings, byProgram: new Map() };
  const [speaker, idle] = [1, 2].map(() => new Speaker(name, 'clang-22-v3', { policy }));
  const seen = new Set<string>();
  let kills = 0;
  for (const { program, ctx } of saidRows(`bpf-${name}.txt`)) {
    if (seen.has(program)) continue;
    seen.add(program);
    const run = speaker!.object.programs[program]!;
    for (settings.killAt = 1; settings.killAt <= PLACES_MAX; settings.killAt++) {
      const { result, retval } = run.run(ctx ? { ctxIn: ctx } : {});
      expect(result).toBe(0);
      if ((retval | 0) !== -ETIMEDOUT) break;
      kills++;
    }
  }
  settings.killAt = 0;
  expect(kills).toBeGreaterThan(30);
  for (const each of [speaker!, idle!]) each.end();
  expect(speaker!.heap()).toEqual(idle!.heap());
});
