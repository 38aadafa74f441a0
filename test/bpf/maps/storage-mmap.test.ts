import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LoadError } from '../../../bpf/user/load-error.ts';
import type { BpfObject } from '../../../bpf/user/object.ts';
import { numberOf } from '../../../bpf/user/object-map.ts';
import { EINVAL } from '../../../kernel/errno.ts';
import { MAP_PRIVATE } from '../../../kernel/mm/structs.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { words } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld } from '../../kit/fd-world.ts';

const bytes = new Uint8Array(
  readFileSync(new URL('../../data/mmap/storage.bpf.o', import.meta.url)),
);
const PAGE = 4_096;

/** A process with the map in its memory. */
class Mapped {
  readonly p: Proc;
  readonly o: BpfObject;
  readonly addr: number;

  constructor(p: Proc, o: BpfObject, addr: number) {
    this.p = p;
    this.o = o;
    this.addr = addr;
  }

  /** What a program makes of the value of the current task. */
  *hit(by: Proc, program = 'hit'): Sim<number> {
    return (yield* by.calls.testRun(this.o.program(program).fd)).retval | 0;
  }

  /** null: SIGSEGV. */
  *see(by: Proc): Sim<number | null> {
    const found = yield* by.peek(this.addr, 8);
    return found && Number(numberOf(found));
  }
}

function run(mutations: readonly string[], A: (m: Mapped) => Sim<void>, images = {}): FdWorld {
  const options = { mutations: ['task-storage-mmap', ...mutations], mode: 'timed' } as const;
  const processes = {
    *A(p: Proc) {
      const o = p.openObject(bytes, 'storage.bpf.o');
      yield* o.load();
      const addr = p.ok(yield* p.mmapFd(o.map('storage').fd));
      yield* A(new Mapped(p, o, addr));
    },
  };
  const w = new FdWorld({ processes, images }, options);
  w.run();
  return w;
}

describe('05 R29: the value of the calling thread', () => {
  test('is made by mmap, and what either side stores the other loads', () => {
    const seen: unknown[] = [];
    run([], function* (m) {
      const { p } = m;
      seen.push(yield* m.see(p), yield* m.hit(p), yield* m.see(p));
      yield* p.poke(m.addr, words(41));
      seen.push(yield* m.hit(p));
      const { fd } = m.o.map('storage');
      seen.push(yield* p.mmapFd(fd, { sizeBytes: 2 * PAGE }));
      seen.push(yield* p.mmapFd(fd, { flags: MAP_PRIVATE }));
      seen.push(yield* p.mmapFd(fd, { offset: PAGE }));
    });
    expect(seen).toEqual([0, 1, 1, 42, -EINVAL, -EINVAL, -EINVAL]);
  });

  test('other threads have none, and share the pointer to that of the leader', () => {
    const seen: unknown[] = [];
    run([], function* (m) {
      const { p } = m;
      yield* p.thread(function* (t) {
        seen.push(yield* m.hit(t), yield* m.hit(t, 'hit_leader'), yield* m.see(t));
      });
      yield* p.nanosleep(10_000_000);
    });
    expect(seen).toEqual([-1, 1, 1]);
  });

  test.each([
    ['wiped', [], { child: [null, -1], parent: 6 }],
    ['shared', ['task-storage-mmap.share'], { child: [5, -1, 8, -1], parent: 9 }],
    ['cloned', ['task-storage-mmap.clone'], { child: [5, 6, 8, 9], parent: 6 }],
  ])('after a fork it is %s', (_how, mutations, expected) => {
    const seen: unknown[] = [];
    const w = run(mutations, function* (m) {
      const { p } = m;
      yield* p.poke(m.addr, words(5));
      const child = p.ok(
        yield* p.fork(function* (c) {
          if (mutations.length === 0) {
            seen.push(null, yield* m.hit(c)); // a load would be SIGSEGV
            yield* c.peek(m.addr, 8);
            return;
          }
          seen.push(yield* m.see(c), yield* m.hit(c));
          yield* c.poke(m.addr, words(8));
          seen.push(yield* m.see(c), yield* m.hit(c));
        }),
      );
      const ended = p.ok(yield* p.wait(child));
      p.note('status', typeof ended === 'number' ? ended : ended.status);
      p.note('parent', yield* m.hit(p));
    });
    expect({ child: seen, parent: w.world.notes.get('parent') }).toEqual(expected);
    const SIGSEGV = 11;
    expect(w.world.notes.get('status')).toBe(mutations.length === 0 ? SIGSEGV : 0);
  });

  test('05 R30: the page outlives the thread whose value it is, as long as it is mapped', () => {
    const seen: unknown[] = [];
    const w = run(['task-storage-mmap.share'], function* (m) {
      const { p } = m;
      yield* p.poke(m.addr, words(7));
      p.ok(
        yield* p.fork(function* (c) {
          yield* c.nanosleep(100_000_000); // the parent is gone by then
          seen.push(yield* m.see(c));
          yield* c.poke(m.addr, words(8));
          seen.push(yield* m.see(c));
          c.ok(yield* c.munmap(m.addr, PAGE));
        }),
      );
    });
    expect(seen).toEqual([7, 8]);
    expect([...w.world.bpf.maps.registry.values()]).toEqual([]);
  });

  test('exec takes the mapping, and the value stays', () => {
    const w: FdWorld = run(
      [],
      function* (m) {
        const { p } = m;
        p.ok(yield* p.fcntl(m.o.program('hit').fd, 2, 0)); // F_SETFD: kept over exec
        p.note('fd', m.o.program('hit').fd);
        yield* m.hit(p);
        yield* p.exec('/image');
      },
      {
        *'/image'(p: Proc) {
          p.note('after', (yield* p.calls.testRun(p.noted('fd') as number)).retval);
        },
      },
    );
    expect(w.world.notes.get('after')).toBe(2);
  });

  test('no kernel has it: without the feature the map is refused', () => {
    const processes = {
      *A(p: Proc) {
        try {
          yield* p.openObject(bytes, 'storage.bpf.o').load();
        } catch (error) {
          p.note('error', error);
        }
      },
    };
    const w = new FdWorld({ processes });
    w.run();
    expect(w.world.notes.get('error')).toBeInstanceOf(LoadError);
  });
});
