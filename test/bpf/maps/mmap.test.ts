import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import type { BpfObject } from '../../../bpf/user/object.ts';
import { numberOf } from '../../../bpf/user/object-map.ts';
import { errnoText } from '../../../kernel/errno.ts';
import {
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ as R,
  PROT_WRITE as W,
} from '../../../kernel/mm/structs.ts';
import type { MapFdOptions } from '../../../scenarios/map-options.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { words } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld } from '../../kit/fd-world.ts';

const object = new Uint8Array(readFileSync(new URL('../../data/mmap/mmap.bpf.o', import.meta.url)));
const PAGE = 4_096;
const RW = R | W;
const MMAPABLE = 1 << 10;
const ALL: MapFdOptions = { prot: RW, flags: MAP_SHARED };

/** What Linux 7.2.13 was asked in the same words, and its answers. */
const LINUX_SAYS = {
  'shared rw': 'ok',
  'private rw': 'EINVAL',
  'private r': 'EINVAL',
  'len 24': 'ok',
  'len 4097': 'EINVAL',
  'off 4096': 'EINVAL',
  'off 8': 'EINVAL',
  'len 0': 'EINVAL',
  exec: 'EPERM',
  'not mmapable': 'EINVAL',
  'not mmapable private': 'EINVAL',
  'two pages': 'ok',
  'second page': 'ok',
  'third page': 'EINVAL',
  badfd: 'EBADF',
  'no type': 'EINVAL',
  pidfd: 'ENODEV',
  pipe: 'ENODEV',
  'pipe w': 'EACCES',
  'pipe rw': 'EACCES',
  hash: 'ENOTSUPP',
  'hash private': 'ENOTSUPP',
  'freeze, mapped writable': 'EBUSY',
  'read before freeze': 'ok',
  'freeze, mapped to read': 'ok',
  'frozen rw': 'EPERM',
  'frozen r': 'ok',
  'freeze again': 'EPERM',
  'freeze after munmap': 'ok',
  'freeze, a child maps it': 'EBUSY',
  'rdonly_prog rw': 'EACCES',
  'rdonly_prog r': 'ok',
  'fd rdonly rw': 'EACCES',
  'fd rdonly r': 'EINVAL',
  'fd rdonly r private': 'EINVAL',
  'fd wronly w': 'EACCES',
  locked: 'ENOTSUPP',
  'locked private': 'ENOTSUPP',
  'task storage': 'ENOTSUPP',
};

/** Ours, in one process. */
class Answers {
  readonly said: Record<string, string> = {};
  readonly #p: Proc;

  constructor(p: Proc) {
    this.#p = p;
  }

  note(what: string, result: number): void {
    this.said[what] = result < 0 ? errnoText(result).slice(1) : 'ok';
  }

  *mmap(what: string, fd: number, options: MapFdOptions = ALL): Sim<number> {
    const addr = yield* this.#p.mmapFd(fd, options);
    this.note(what, addr);
    return addr;
  }

  /** An array of 8-byte values. */
  *array(maxEntries: number, flags: number, type: number = MAP_TYPE.ARRAY): Sim<number> {
    const shape = { type, keySize: 4, valueSize: 8, maxEntries, flags };
    return this.#p.ok(yield* this.#p.calls.mapCreate(shape));
  }
}

function run(A: (p: Proc) => Sim<void>, images = {}): FdWorld {
  const w = new FdWorld({ processes: { A }, images }, { mode: 'timed' });
  w.run();
  return w;
}

function* loaded(p: Proc): Sim<BpfObject> {
  const made = p.openObject(object, 'mmap.bpf.o');
  yield* made.load();
  return made;
}

function* askArrays(p: Proc, a: Answers): Sim<void> {
  const m = yield* a.array(3, MMAPABLE);
  const n = yield* a.array(3, 0);
  const big = yield* a.array(1_024, MMAPABLE);
  yield* a.mmap('shared rw', m);
  yield* a.mmap('private rw', m, { flags: MAP_PRIVATE });
  yield* a.mmap('private r', m, { prot: R, flags: MAP_PRIVATE });
  yield* a.mmap('len 24', m, { sizeBytes: 24 });
  yield* a.mmap('len 4097', m, { sizeBytes: 4_097 });
  yield* a.mmap('off 4096', m, { offset: PAGE });
  yield* a.mmap('off 8', m, { offset: 8 });
  yield* a.mmap('len 0', m, { sizeBytes: 0 });
  yield* a.mmap('exec', m, { prot: R | PROT_EXEC });
  yield* a.mmap('not mmapable', n);
  yield* a.mmap('not mmapable private', n, { flags: MAP_PRIVATE });
  yield* a.mmap('two pages', big, { sizeBytes: 2 * PAGE });
  yield* a.mmap('second page', big, { offset: PAGE });
  yield* a.mmap('third page', big, { offset: 2 * PAGE });
  yield* a.mmap('badfd', 99);
  yield* a.mmap('no type', m, { flags: 0 });
  yield* a.mmap('pidfd', p.ok(yield* p.pidfd_open(yield* p.getpid())), { prot: R });
  const [from, to] = p.ok(yield* p.pipe());
  yield* a.mmap('pipe', from, { prot: R });
  yield* a.mmap('pipe w', to, { prot: W });
  yield* a.mmap('pipe rw', from);
  const hash = yield* a.array(2, 0, MAP_TYPE.HASH);
  yield* a.mmap('hash', hash);
  yield* a.mmap('hash private', hash, { flags: MAP_PRIVATE });
  a.note('freeze, mapped writable', yield* p.calls.mapFreeze(m));
}

function* askFrozen(p: Proc, a: Answers): Sim<void> {
  const f = yield* a.array(1, MMAPABLE);
  yield* a.mmap('read before freeze', f, { prot: R });
  a.note('freeze, mapped to read', yield* p.calls.mapFreeze(f));
  yield* a.mmap('frozen rw', f);
  yield* a.mmap('frozen r', f, { prot: R });
  a.note('freeze again', yield* p.calls.mapFreeze(f));
  const g = yield* a.array(1, MMAPABLE);
  p.ok(yield* p.munmap(p.ok(yield* p.mmapFd(g)), PAGE));
  a.note('freeze after munmap', yield* p.calls.mapFreeze(g));
  const h = yield* a.array(1, MMAPABLE);
  const addr = p.ok(yield* p.mmapFd(h));
  p.ok(
    yield* p.fork(function* (child) {
      yield* child.nanosleep(1_000_000);
    }),
  );
  p.ok(yield* p.munmap(addr, PAGE));
  a.note('freeze, a child maps it', yield* p.calls.mapFreeze(h));
}

function* askFlags(p: Proc, a: Answers): Sim<void> {
  const RDONLY = 1 << 3;
  const WRONLY = 1 << 4;
  const RDONLY_PROG = 1 << 7;
  const constant = yield* a.array(1, MMAPABLE | RDONLY_PROG);
  yield* a.mmap('rdonly_prog rw', constant);
  yield* a.mmap('rdonly_prog r', constant, { prot: R });
  const toRead = yield* a.array(1, MMAPABLE | RDONLY);
  yield* a.mmap('fd rdonly rw', toRead);
  yield* a.mmap('fd rdonly r', toRead, { prot: R });
  yield* a.mmap('fd rdonly r private', toRead, { prot: R, flags: MAP_PRIVATE });
  yield* a.mmap('fd wronly w', yield* a.array(1, MMAPABLE | WRONLY), { prot: W });
  const o = yield* loaded(p);
  yield* a.mmap('locked', o.map('locked').fd);
  yield* a.mmap('locked private', o.map('locked').fd, { flags: MAP_PRIVATE });
  yield* a.mmap('task storage', o.map('storage').fd);
}

describe('05 R25: arrays as memory of processes', () => {
  test('what may be mapped and frozen, as Linux has answered', () => {
    let said: Answers['said'] = {};
    run(function* (p) {
      const a = new Answers(p);
      yield* askArrays(p, a);
      yield* askFrozen(p, a);
      yield* askFlags(p, a);
      ({ said } = a);
    });
    expect(said).toEqual(LINUX_SAYS);
  });

  test('a store of a process is a load of a program at once, and the other way round', () => {
    const seen: number[] = [];
    run(function* (p) {
      const o = yield* loaded(p);
      const bump = function* (by: Proc): Sim<void> {
        seen.push((yield* by.calls.testRun(o.program('bump').fd)).retval);
      };
      const addr = p.ok(yield* p.mmapFd(o.map('array').fd));
      yield* bump(p);
      yield* p.poke(addr + 8, words(41));
      yield* bump(p);
      const child = p.ok(
        yield* p.fork(function* (c) {
          seen.push(Number(numberOf((yield* c.peek(addr + 8, 8))!)));
          yield* c.poke(addr + 8, words(100)); // the same page, not a copy
        }),
      );
      yield* p.wait(child);
      yield* bump(p);
      const value = yield* o.map('array').lookup(1);
      seen.push(Number(numberOf(value as Uint8Array)));
    });
    expect(seen).toEqual([0, 41, 42, 100, 101]);
  });

  test('a mapping keeps the map without any descriptor, until munmap, exec or exit', () => {
    const alive: boolean[] = [];
    const mapCount = (): number => [...w.world.bpf.maps.registry.values()].length;
    const definition: ConstructorParameters<typeof FdWorld>[0] = {
      processes: {
        *A(p) {
          const a = new Answers(p);
          const look = function* (by: Proc): Sim<void> {
            yield* by.nanosleep(50_000_000);
            alive.push(mapCount() > 0);
          };
          for (const end of ['munmap', 'exec', 'exit']) {
            const child = p.ok(
              yield* p.fork(function* (c) {
                const fd = yield* a.array(1, MMAPABLE);
                const addr = c.ok(yield* c.mmapFd(fd));
                c.ok(yield* c.close(fd));
                yield* look(c);
                c.check(yield* c.poke(addr, words(1)), 'it can still be written');
                if (end === 'munmap') c.ok(yield* c.munmap(addr, PAGE));
                if (end === 'exec') yield* c.exec('/image');
                if (end === 'munmap') yield* look(c);
              }),
            );
            p.ok(yield* p.wait(child));
            yield* look(p);
          }
        },
      },
      images: {
        *'/image'(p) {
          yield* p.nanosleep(50_000_000);
          p.note('in the new image', mapCount());
        },
      },
    };
    const w: FdWorld = new FdWorld(definition, { mode: 'timed' });
    w.run();
    expect(alive).toEqual([true, false, false, true, false, true, false]);
    expect(w.world.notes.get('in the new image')).toBe(0);
  });
});

/** The uptr's value of whoever calls. */
class Pinned {
  readonly said: string[] = [];
  readonly o: BpfObject;
  readonly p: Proc;

  constructor(p: Proc, o: BpfObject) {
    this.p = p;
    this.o = o;
  }

  *run(): Sim<number> {
    return (yield* this.p.calls.testRun(this.o.program('hit').fd)).retval;
  }

  *put(addr: number, flags = 0, pidfd = -1): Sim<number> {
    const isMine = pidfd < 0;
    const fd = isMine ? this.p.ok(yield* this.p.pidfd_open(yield* this.p.getpid())) : pidfd;
    const key = words(fd).subarray(0, 4);
    const storage = this.o.map('storage').fd;
    const result = yield* this.p.calls.mapUpdate(storage, key, words(addr, 7), flags);
    if (isMine) yield* this.p.close(fd);
    return result;
  }

  *say(what: string, addr: number, flags = 0): Sim<void> {
    const result = yield* this.put(addr, flags);
    const text = result < 0 ? errnoText(result).slice(1) : 'ok';
    this.said.push(`${what}: ${text}; run ${yield* this.run()}`);
  }

  *anonymous(prot: number, flags = MAP_PRIVATE, sizeBytes = PAGE): Sim<number> {
    const options = { prot, flags: flags | MAP_ANONYMOUS, sizeBytes };
    return this.p.ok(yield* this.p.mmapFd(-1, options));
  }

  *word(addr: number): Sim<number> {
    return Number(numberOf((yield* this.p.peek(addr, 8))!));
  }
}

describe('05 R31, 02 R25: user memory that a map has', () => {
  test('what may be pinned, as Linux has answered', () => {
    let said: readonly string[] = [];
    let word = 0;
    let shown: unknown;
    run(function* (p) {
      const k = new Pinned(p, yield* loaded(p));
      const page = yield* k.anonymous(RW, MAP_PRIVATE, 2 * PAGE);
      k.said.push(`no element: run ${yield* k.run()}`);
      yield* k.say('null', 0);
      yield* k.say('page', page);
      word = yield* k.word(page);
      const me = p.ok(yield* p.pidfd_open(yield* p.getpid()));
      shown = yield* k.o.map('storage').lookup(me);
      yield* k.say('across pages', page + 4_088);
      yield* k.say('end of page', page + 4_080);
      yield* k.say('unaligned', page + 3);
      yield* k.say('unmapped', 0x10000);
      yield* k.say('readonly', yield* k.anonymous(R));
      yield* k.say('none', yield* k.anonymous(0));
      yield* k.say('array map page', p.ok(yield* p.mmapFd(k.o.map('array').fd)));
      yield* k.say('shared anon', yield* k.anonymous(RW, MAP_SHARED));
      yield* k.say('F_LOCK', page, 4);
      yield* k.say('NOEXIST', page, 1);
      yield* k.say('EXIST', page, 2);
      p.ok(yield* p.munmap(page, 2 * PAGE));
      k.said.push(`after munmap: run ${yield* k.run()}`);
      yield* k.say('null clears', 0);
      p.ok(yield* k.o.map('storage').delete(me));
      k.said.push(`deleted: run ${yield* k.run()}`);
      yield* k.say('EXIST none', 0, 2);
      ({ said } = k);
    });
    expect(word).toBe(1);
    expect(shown).toEqual(words(0, 7)); // the address is not shown
    expect(said).toEqual([
      'no element: run 0',
      'null: ok; run 1',
      'page: ok; run 2',
      'across pages: EOPNOTSUPP; run 2',
      'end of page: ok; run 2',
      'unaligned: ok; run 2',
      'unmapped: EFAULT; run 2',
      'readonly: EFAULT; run 2',
      'none: EFAULT; run 2',
      'array map page: ok; run 2',
      'shared anon: ok; run 2',
      'F_LOCK: EINVAL; run 2',
      'NOEXIST: EEXIST; run 2',
      'EXIST: ok; run 2',
      'after munmap: run 2',
      'null clears: ok; run 1',
      'deleted: run 0',
      'EXIST none: ENOENT; run 0',
    ]);
  });

  test('R32: fork copies the page at once; the parent keeps the pinned one, as in Linux', () => {
    const said: unknown[] = [];
    const w = run(function* (p) {
      const k = new Pinned(p, yield* loaded(p));
      const page = yield* k.anonymous(RW);
      yield* p.poke(page, words(100));
      p.ok(yield* k.put(page));
      yield* k.run();
      const child = p.ok(
        yield* p.fork(function* (c) {
          const mine = new Pinned(c, k.o);
          said.push(['child', yield* mine.word(page), yield* mine.run()]);
          yield* c.poke(page, words(500));
        }),
      );
      yield* p.wait(child);
      said.push(['parent', yield* k.word(page)]);
      yield* k.run();
      said.push(['parent after a run', yield* k.word(page)]);
      yield* p.poke(page, words(1_000));
      yield* k.run();
      said.push(['parent after a store and a run', yield* k.word(page)]);
    });
    expect(said).toEqual([
      ['child', 101, 0],
      ['parent', 101],
      ['parent after a run', 102],
      ['parent after a store and a run', 1_001],
    ]);
    expect([...w.kernel.mm.pages.pinned()]).toEqual([]); // R32: exit has let go of it
  });

  test("R31: the page is the caller's, whoever's element it becomes; the dead have none", () => {
    const said: unknown[] = [];
    run(function* (p) {
      const k = new Pinned(p, yield* loaded(p));
      const page = yield* k.anonymous(RW);
      yield* p.poke(page, words(1));
      const child = p.ok(
        yield* p.fork(function* (c) {
          yield* c.nanosleep(10_000_000);
          const its = new Pinned(c, k.o);
          said.push(['child', yield* its.run(), yield* its.word(page)]);
        }),
      );
      const pidfd = p.ok(yield* p.pidfd_open(child));
      said.push(yield* k.put(page, 0, pidfd));
      yield* p.wait(child);
      said.push(['parent', yield* k.word(page)]);
      said.push(errnoText(yield* k.put(page, 0, pidfd)));
      said.push(errnoText(yield* k.put(page, 0, 999)));
    });
    expect(said).toEqual([0, ['child', 2, 1], ['parent', 2], '-ENOENT', '-EBADF']);
  });

  test.each(['random', 'pct'])(
    'R31: a program that stores there is waited for, when the page is given up: %s',
    (strategy) => {
      const hits = new Set<number>();
      const w: FdWorld = new FdWorld({
        *setup(init) {
          const o = yield* loaded(init);
          init.note('o', o);
        },
        processes: {
          *A(p) {
            const k = new Pinned(p, p.noted('o') as BpfObject);
            const page = yield* k.anonymous(RW);
            const me = p.ok(yield* p.pidfd_open(yield* p.getpid()));
            p.ok(yield* k.put(page, 0, me));
            yield* p.thread(function* (t) {
              p.ok(yield* new Pinned(t, k.o).put(0, 0, me)); // of the other
              p.ok(yield* t.munmap(page, PAGE));
            });
            hits.add(yield* k.run());
          },
        },
        cpus: 2,
      });
      // A page that is freed too early is a use after free.
      w.everyRun(strategy, () => expect([...w.kernel.mm.pages.pinned()]).toEqual([]), 300);
      expect([...hits].toSorted()).toEqual([1, 2]);
    },
  );
});
