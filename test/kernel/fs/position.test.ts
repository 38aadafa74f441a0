import { expect, test } from 'vitest';
import { scenario, World } from '../../../scenarios/index.ts';
import { Stay } from '../../../sim/strategies/stay.ts';

/** How often the position lock is taken by one seek on `path`, dup'ed first or not. */
function locksTaken(path: string, flags: number, shared: boolean): number {
  const world = new World(
    scenario({
      name: 'one-seek',
      about: 'a process seeks once',
      processes: {
        *A(p) {
          const fd = p.ok(yield* p.open(path, flags));
          if (shared) p.ok(yield* p.dup(fd));
          p.ok(yield* p.lseek(fd, 0, 0));
        },
      },
    }),
  );
  world.detailed = true;
  expect(world.run(new Stay()).failures).toEqual([]);
  return world.trace.lines.filter(({ kind, site }) => kind === 'step' && site === 'fdget_pos:lock')
    .length;
}

const O_CREAT_RDWR = 0o102;

test.each([
  ['a plain file with one reference', '/tmp/x', O_CREAT_RDWR, false, false],
  ['a plain file with two', '/tmp/x', O_CREAT_RDWR, true, true],
  ['a directory with one', '/tmp', 0, false, true],
  ['a device, which has no atomic position, with two', '/dev/null', 2, true, false],
])('00 R16: the position lock of %s', (_, path, flags, shared, locked) => {
  expect(locksTaken(path, flags, shared) > 0).toBe(locked);
});
