import { describe, expect, test } from 'vitest';
import { MAP_FIXED, MAP_SHARED } from '../../../kernel/mm/structs.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { ALLOC, ArenaUser, FREE, READ, WRITE } from '../../kit/arena-user.ts';
import { FdWorld } from '../../kit/fd-world.ts';

const PAGE = 4_096;
const RUNS = 25;

type Side = (u: ArenaUser, p: Proc) => Sim<void>;

/** The arena in an address space of one's own. */
function* mapped(u: ArenaUser, p: Proc): Sim<void> {
  const { base: addr, fd } = u;
  p.ok(yield* p.mmapFd(fd, { addr, sizeBytes: 16 * PAGE, flags: MAP_SHARED | MAP_FIXED }));
}

const frees: Side = function* (u) {
  yield* u.op(FREE, 0, 2);
};
const uses: Side = function* (u) {
  yield* u.op(WRITE, 0, 3);
  yield* u.op(READ, 0);
};
const allocates: Side = function* (u) {
  yield* u.op(ALLOC, -1, 2);
  yield* u.op(ALLOC, 1, 1);
};
const touches: Side = function* (u, p) {
  yield* mapped(u, p);
  yield* p.poke(u.base, Uint8Array.of(1));
  yield* p.peek(u.base + PAGE, 1);
};
const unmaps: Side = function* (u, p) {
  yield* mapped(u, p);
  yield* p.poke(u.base, Uint8Array.of(1));
  p.ok(yield* p.munmap(u.base, 16 * PAGE));
};
const freesLater: Side = function* (u) {
  yield* u.opAtomic(FREE, 0, 1);
  yield* u.opAtomic(FREE, 1, 1);
};

const PAIRS: readonly (readonly [string, Side, Side])[] = [
  ['one frees what the other uses', frees, uses],
  ['both allocate', allocates, allocates],
  ['one frees, the other allocates', frees, allocates],
  ['both free', frees, frees],
  ['one frees what a process touches', frees, touches],
  ['one frees, while a mapping goes', frees, unmaps],
  ['both touch', touches, touches],
  ['a work frees what the other uses', freesLater, uses],
  ['a work frees what a process touches', freesLater, touches],
  ['a work and a program free the same', freesLater, frees],
];

/** What is allocated: objects by type, and pages. */
function live({ kernel }: FdWorld): string[] {
  const { slab, memory } = kernel.machine;
  const { pages } = kernel.mm;
  let count = 0;
  for (let page = PAGE; page < memory.sizeBytes; page += PAGE) {
    if (pages.count(page) > 0) count++;
  }
  return [...[...slab.live()].map(({ cache }) => cache).toSorted(), `${count} pages`];
}

describe.each(['random', 'pct'])('arenas: no schedule breaks or leaks anything, by %s', (name) => {
  test.each(PAIRS)('%s', (_, one, other) => {
    let isBusy = false;
    const w: FdWorld = new FdWorld({
      cpus: 2,
      processes: {
        *A(p) {
          const u = yield* ArenaUser.load(p);
          yield* u.op(ALLOC, 0, 1);
          const pids: number[] = [];
          for (const side of isBusy ? [one, other] : []) {
            pids.push(yield* p.fork((child) => side(u, child)));
          }
          for (const pid of pids) p.ok(yield* p.sys('wait4', pid, 0, 0, 0));
          yield* u.destroy();
        },
      },
    });
    w.run();
    const idle = live(w);
    isBusy = true;
    expect(w.everyRun(name, () => expect(live(w)).toEqual(idle), RUNS)).toBe(RUNS);
  });
});
