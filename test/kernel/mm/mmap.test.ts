import { describe, expect, test } from 'vitest';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { errnoText } from '../../../kernel/errno.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
} from '../../../kernel/mm/structs.ts';
import type { MapFdOptions } from '../../../scenarios/map-options.ts';
import type { Pair, Proc } from '../../../scenarios/proc.ts';
import { bytesOf, textOf } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld } from '../../kit/fd-world.ts';

const PAGE = 4_096;
const ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS;
const MMAPABLE = 1 << 10;

/** What one process notes, as a list. */
function said(body: (p: Proc, say: (what: string, result: unknown) => void) => Sim<void>): unknown {
  const lines: unknown[] = [];
  const w = new FdWorld({
    processes: {
      *A(p) {
        yield* body(p, (what, result) => {
          const text =
            typeof result === 'number' ? (result < 0 ? errnoText(result) : 'ok') : result;
          lines.push([what, text]);
        });
      },
    },
  });
  w.run();
  return lines;
}

function* anonymous(p: Proc, options: MapFdOptions): Sim<number> {
  return yield* p.mmapFd(-1, { flags: ANONYMOUS, ...options });
}

function* textAt(p: Proc, addr: number): Sim<string> {
  const text = textOf((yield* p.peek(addr, 8))!);
  return text.slice(0, text.indexOf('\0'));
}

describe('mmap(2) and munmap(2), as Linux 7.2 has answered', () => {
  test('of anonymous memory', () => {
    const lines = said(function* (p, say) {
      const a = yield* anonymous(p, { sizeBytes: 3 * PAGE });
      const flags = MAP_SHARED | MAP_ANONYMOUS;
      say('anonymous shared', yield* anonymous(p, { flags }));
      say('off', yield* anonymous(p, { offset: PAGE }));
      say('off 8', yield* anonymous(p, { offset: 8 }));
      say('len 0', yield* anonymous(p, { sizeBytes: 0 }));
      say('len too much', yield* anonymous(p, { sizeBytes: 2 ** 48 }));
      say('no type', yield* anonymous(p, { flags: MAP_ANONYMOUS }));
      const fixed = ANONYMOUS | MAP_FIXED;
      say('fixed unaligned', yield* anonymous(p, { addr: a + 1, flags: fixed }));
      say('fixed beyond', yield* anonymous(p, { addr: 2 ** 47, flags: fixed }));
      const kept = ANONYMOUS | MAP_FIXED_NOREPLACE;
      say('noreplace over', yield* anonymous(p, { addr: a, flags: kept }));
      for (const [i, text] of ['one', 'two', 'three'].entries()) {
        yield* p.poke(a + i * PAGE, text);
      }
      const middle = yield* anonymous(p, { addr: a + PAGE, flags: fixed });
      say('fixed over the middle', middle === a + PAGE);
      for (const i of [0, 1, 2]) say(`page ${i}`, yield* textAt(p, a + i * PAGE));
      const taken = yield* anonymous(p, { addr: a });
      say('hint taken is elsewhere', taken > 0 && taken !== a);
      say('hint free', (yield* anonymous(p, { addr: 0x1000_0000 })) === 0x1000_0000);
      say('hint unaligned', (yield* anonymous(p, { addr: 0x2000_0001 })) === 0x2000_0000);
      say('munmap len 0', yield* p.munmap(a, 0));
      say('munmap unaligned', yield* p.munmap(a + 1, PAGE));
      say('munmap hole', yield* p.munmap(0x5000_0000, PAGE));
      say('munmap beyond', yield* p.munmap(2 ** 47 - PAGE, 2 * PAGE));
      say('munmap part of page', yield* p.munmap(a, 1));
      const [, to] = p.ok<Pair>(yield* p.pipe());
      say('page is gone', yield* p.sys('write', to, a, 3));
      say('the next is not', yield* p.sys('write', to, a + PAGE, 3));
    });
    expect(lines).toEqual([
      ['anonymous shared', 'ok'],
      ['off', 'ok'],
      ['off 8', '-EINVAL'],
      ['len 0', '-EINVAL'],
      ['len too much', '-ENOMEM'],
      ['no type', '-EINVAL'],
      ['fixed unaligned', '-EINVAL'],
      ['fixed beyond', '-ENOMEM'],
      ['noreplace over', '-EEXIST'],
      ['fixed over the middle', true],
      ['page 0', 'one'],
      ['page 1', ''],
      ['page 2', 'three'],
      ['hint taken is elsewhere', true],
      ['hint free', true],
      ['hint unaligned', true],
      ['munmap len 0', '-EINVAL'],
      ['munmap unaligned', '-EINVAL'],
      ['munmap hole', 'ok'],
      ['munmap beyond', '-EINVAL'],
      ['munmap part of page', 'ok'],
      ['page is gone', '-EFAULT'],
      ['the next is not', 'ok'],
    ]);
  });

  test('of a map, cut in two', () => {
    const lines = said(function* (p, say) {
      const shape = { type: MAP_TYPE.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1_024 };
      const fd = p.ok(yield* p.calls.mapCreate({ ...shape, flags: MMAPABLE }));
      const a = p.ok(yield* p.mmapFd(fd, { sizeBytes: 2 * PAGE }));
      yield* p.poke(a, 'A');
      yield* p.poke(a + PAGE, 'B');
      say('first page', yield* p.munmap(a, PAGE));
      say('freeze, the second is left', yield* p.calls.mapFreeze(fd));
      say('the second has', yield* textAt(p, a + PAGE));
      const fixed = ANONYMOUS | MAP_FIXED;
      say('fixed over it', yield* anonymous(p, { addr: a + PAGE, flags: fixed }));
      say('now', yield* textAt(p, a + PAGE));
      say('freeze, none is left', yield* p.calls.mapFreeze(fd));
      const b = yield* p.mmapFd(fd, { offset: PAGE, prot: PROT_READ });
      say('second page to read', b);
      say('the second has still', yield* textAt(p, b));
    });
    expect(lines).toEqual([
      ['first page', 'ok'],
      ['freeze, the second is left', '-EBUSY'],
      ['the second has', 'B'],
      ['fixed over it', 'ok'],
      ['now', ''],
      ['freeze, none is left', 'ok'],
      ['second page to read', 'ok'],
      ['the second has still', 'B'],
    ]);
  });
});

test('MAP_POPULATE makes pages present: a write to them does not fault', () => {
  const faults: unknown[] = [];
  const w: FdWorld = new FdWorld({
    processes: {
      *A(p) {
        for (const more of [0, MAP_POPULATE]) {
          const addr = p.ok(yield* anonymous(p, { flags: ANONYMOUS | more }));
          faults.push(w.kernel.mm.copy_to_user_nofault(addr, bytesOf('x')) === 0);
        }
      },
    },
  });
  w.run();
  expect(faults).toEqual([false, true]);
});

test('threads that map and unmap at once: no file and no page is lost, along any schedule', () => {
  const w = new FdWorld({
    *setup(init) {
      const shape = { type: MAP_TYPE.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1 };
      init.note('fd', init.ok(yield* init.calls.mapCreate({ ...shape, flags: MMAPABLE })));
    },
    processes: {
      *A(p) {
        const fd = p.noted('fd') as number;
        yield* p.thread(function* (t) {
          const addr = yield* t.mmapFd(fd);
          if (addr < 0) return; // closed already
          yield* t.poke(addr, 'T');
          t.ok(yield* t.munmap(addr, PAGE));
        });
        const addr = p.ok(yield* p.mmapFd(fd));
        p.ok(yield* p.close(fd));
        yield* p.poke(addr, 'A');
        p.ok(yield* p.fork(function* () {}));
        p.ok(yield* p.munmap(addr, PAGE));
      },
    },
    cpus: 2,
  });
  // What looks is the census of files, at the end of each run.
  const { registry } = w.world.bpf.maps;
  w.everyRun('random', () => expect([...registry.values()]).toHaveLength(1), 300); // init's
});
