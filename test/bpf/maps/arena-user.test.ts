import { describe, expect, test } from 'vitest';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { numberOf } from '../../../bpf/user/object-map.ts';
import { errnoText } from '../../../kernel/errno.ts';
import {
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ as R,
  PROT_WRITE as W,
} from '../../../kernel/mm/structs.ts';
import { CLONE_VM, SIGCHLD } from '../../../kernel/process/uapi.ts';
import type { MapFdOptions } from '../../../scenarios/map-options.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { words } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { ADD, ALLOC, ArenaUser, FREE, READ, RESERVE, WRITE } from '../../kit/arena-user.ts';
import { FdWorld } from '../../kit/fd-world.ts';

// Arenas as user space has them: what Linux 7.2.13 was asked in the same words, and its answers.

const PAGE = 4_096;
const MMAPABLE = 1 << 10;
const SEGV_ON_FAULT = 1 << 17;
const BASE = 0x1000_0000_0000;
const RW = R | W;
const SHARED_FIXED = MAP_SHARED | MAP_FIXED;

class Asker {
  readonly said: Record<string, string | number> = {};
  readonly p: Proc;

  constructor(p: Proc) {
    this.p = p;
  }

  ask(what: string, result: number): number {
    this.said[what] = result < 0 ? errnoText(result).slice(1) : 'ok';
    return result;
  }

  *create(maxEntries: number, flags = MMAPABLE, extra = 0): Sim<number> {
    const shape = { type: MAP_TYPE.ARENA, keySize: 0, valueSize: 0, maxEntries, flags, extra };
    return this.p.ok(yield* this.p.calls.mapCreate(shape));
  }

  *mmap(what: string, fd: number, pages: number, options: MapFdOptions = {}): Sim<number> {
    const sizeBytes = pages * PAGE;
    return this.ask(what, yield* this.p.mmapFd(fd, { prot: RW, sizeBytes, ...options }));
  }

  *munmap(what: string, addr: number, pages: number): Sim<void> {
    this.ask(what, yield* this.p.munmap(addr, pages * PAGE));
  }

  /** By another, in the same address space or in a copy: the signal that it got, or 0. */
  *touch(what: string, addr: number, write: boolean, flags = CLONE_VM): Sim<void> {
    const { p } = this;
    const pid = yield* p.clone(flags | SIGCHLD, function* (child) {
      if (write) yield* child.poke(addr, Uint8Array.of(1));
      else yield* child.peek(addr, 1);
    });
    const waited = p.ok(yield* p.wait(pid));
    if (typeof waited !== 'number') this.said[what] = waited.status & 0x7f;
  }
}

function run(body: (a: Asker) => Sim<void>): Asker['said'] {
  let said: Asker['said'] = {};
  const w = new FdWorld(
    {
      processes: {
        *A(p) {
          const a = new Asker(p);
          ({ said } = a);
          yield* body(a);
        },
      },
    },
    { mode: 'timed' },
  );
  w.run();
  return said;
}

function* askWithAddress(a: Asker): Sim<void> {
  const fd = yield* a.create(4, MMAPABLE, BASE);
  const fixed = { addr: BASE, flags: SHARED_FIXED };
  yield* a.mmap('elsewhere', fd, 4);
  yield* a.mmap('hint', fd, 4, { addr: BASE });
  yield* a.mmap('fixed again', fd, 4, fixed);
  yield* a.mmap('noreplace', fd, 4, { addr: BASE, flags: MAP_SHARED | MAP_FIXED_NOREPLACE });
  yield* a.mmap('shorter', fd, 3, fixed);
  yield* a.mmap('longer', fd, 5, fixed);
  yield* a.mmap('other place', fd, 4, { ...fixed, addr: BASE + PAGE });
  yield* a.mmap('offset', fd, 4, { ...fixed, offset: PAGE });
  yield* a.mmap('private', fd, 4, { addr: BASE, flags: MAP_PRIVATE | MAP_FIXED });
  yield* a.mmap('exec', fd, 4, { ...fixed, prot: RW | PROT_EXEC });
  yield* a.mmap('read only', fd, 4, { ...fixed, prot: R });
  yield* a.touch('read only, read', BASE, false);
  yield* a.touch('read only, write', BASE, true);
  yield* a.munmap('cut', BASE, 1);
  yield* a.munmap('cut behind', BASE + 3 * PAGE, 1);
  yield* a.munmap('unmap', BASE, 4);
  yield* a.touch('after unmap', BASE, false);
}

function* askWithout(a: Asker): Sim<void> {
  const fd = yield* a.create(4);
  yield* a.mmap('5 GiB', fd, 5 << 18);
  const addr = yield* a.mmap('larger than the arena', fd, 8);
  yield* a.mmap('then smaller', fd, 4);
  yield* a.mmap('again', fd, 8, { addr, flags: SHARED_FIXED });
  yield* a.p.poke(addr, Uint8Array.of(1));
  yield* a.touch('in the arena, of a child', addr, false, 0);
  yield* a.touch('in the arena, itself', addr, false);
  yield* a.touch('behind its pages', addr + 5 * PAGE, true);
  yield* a.p.munmap(addr, 8 * PAGE);
  yield* a.mmap('elsewhere after unmap', fd, 8);
  yield* a.mmap('there after unmap', fd, 8, { addr, flags: SHARED_FIXED });
  a.said['kept'] = (yield* a.p.peek(addr, 1))![0]!;
}

function* askFlags(a: Asker): Sim<void> {
  const { p } = a;
  const segv = yield* a.create(4, MMAPABLE | SEGV_ON_FAULT);
  const addr = yield* a.mmap('segv', segv, 4);
  yield* a.touch('segv, read', addr, false);
  yield* a.touch('segv, write', addr, true);
  const large = p.ok(yield* p.mmapFd(yield* a.create(1 << 20), { sizeBytes: 2 ** 32 }));
  a.said['4 GiB: low half'] = large % 2 ** 32;
  yield* p.munmap(large, 2 ** 32);
  const frozen = yield* a.create(4, MMAPABLE, BASE);
  const fixed = { addr: BASE, flags: SHARED_FIXED };
  a.ask('freeze', yield* p.calls.mapFreeze(frozen));
  yield* a.mmap('frozen', frozen, 4, fixed);
  yield* a.mmap('frozen, read', frozen, 4, { ...fixed, prot: R });
  yield* p.munmap(BASE, 4 * PAGE);
  const mapped = yield* a.create(4, MMAPABLE, BASE);
  yield* a.mmap('rw', mapped, 4, fixed);
  a.ask('freeze, mapped', yield* p.calls.mapFreeze(mapped));
  yield* p.munmap(BASE, 4 * PAGE);
  a.ask('freeze, unmapped', yield* p.calls.mapFreeze(mapped));
}

describe('mmap(2) of an arena answers as Linux does', () => {
  test('that says where it stands', () => {
    expect(run(askWithAddress)).toEqual({
      elsewhere: 'EINVAL',
      hint: 'ok',
      'fixed again': 'ok',
      noreplace: 'EEXIST',
      shorter: 'EINVAL',
      longer: 'E2BIG',
      'other place': 'EINVAL',
      offset: 'EINVAL',
      private: 'EINVAL',
      exec: 'EPERM',
      'read only': 'ok',
      'read only, read': 0,
      'read only, write': 11,
      cut: 'EINVAL',
      'cut behind': 'EINVAL',
      unmap: 'ok',
      'after unmap': 11,
    });
  });

  test('that does not', () => {
    expect(run(askWithout)).toEqual({
      '5 GiB': 'E2BIG',
      'larger than the arena': 'ok',
      'then smaller': 'EINVAL',
      again: 'ok',
      'in the arena, of a child': 11,
      'in the arena, itself': 0,
      'behind its pages': 0,
      'elsewhere after unmap': 'EINVAL',
      'there after unmap': 'ok',
      kept: 1,
    });
  });

  test('with flags, whole, and where it is frozen', () => {
    expect(run(askFlags)).toEqual({
      segv: 'ok',
      'segv, read': 11,
      'segv, write': 11,
      '4 GiB: low half': 0,
      freeze: 'ok',
      frozen: 'EPERM',
      'frozen, read': 'ok',
      rw: 'ok',
      'freeze, mapped': 'EBUSY',
      'freeze, unmapped': 'EBUSY',
    });
  });
});

/** Runs with what the program and its process see, one after the other. */
function together(body: (u: ArenaUser) => Sim<unknown[]>): unknown[] {
  let seen: unknown[] = [];
  const w = new FdWorld(
    {
      processes: {
        *A(p) {
          const u = yield* ArenaUser.load(p);
          seen = yield* body(u);
          yield* u.destroy();
        },
      },
    },
    { mode: 'timed' },
  );
  w.run();
  return seen;
}

describe('programs and processes see one memory', () => {
  test('what one writes, the other reads; a touch brings a page', () => {
    const seen = together(function* (u) {
      const first = (yield* u.op(ALLOC, 0, 1)) === u.base;
      yield* u.set(0, 5);
      const read = yield* u.op(READ, 0);
      yield* u.op(WRITE, 0, 6);
      const back = yield* u.get(0);
      const missing = yield* u.op(READ, 3);
      yield* u.set(3, 7);
      const faultedIn = yield* u.op(READ, 3);
      const again = yield* u.op(ALLOC, 3, 1);
      const next = ((yield* u.op(ALLOC, -1, 1)) - u.base) / PAGE;
      const before = yield* u.op(ADD, 3, 1);
      return [first, read, back, missing, faultedIn, again, next, before, yield* u.get(3)];
    });
    expect(seen).toEqual([true, 5, 6, 0, 7, 0, 1, 7, 8]);
  });

  test('what is freed is gone for both', () => {
    const seen = together(function* (u) {
      yield* u.set(3, 8);
      yield* u.op(FREE, 3, 1);
      const freed = [yield* u.op(READ, 3), yield* u.get(3), yield* u.op(READ, 3)];
      yield* u.set(3, 9);
      freed.push(yield* u.op(READ, 3));
      for (const page of [6, 7, 8]) yield* u.set(page, page);
      yield* u.op(FREE, 6, 3);
      for (const page of [6, 7, 8]) freed.push(yield* u.get(page));
      yield* u.set(9, 4);
      freed.push(yield* u.opAtomic(FREE, 9, 1));
      yield* u.p.nanosleep(200_000_000);
      return [...freed, yield* u.get(9)];
    });
    expect(seen).toEqual([0, 0, 0, 9, 0, 0, 0, 0, 0]);
  });

  test('what is reserved is still brought by a touch', () => {
    const seen = together(function* (u) {
      const reserved = yield* u.op(RESERVE, 5, 1);
      const alloc = yield* u.op(ALLOC, 5, 1);
      yield* u.set(5, 1);
      return [reserved, alloc, yield* u.op(READ, 5)];
    });
    expect(seen).toEqual([0, 0, 1]);
  });

  test('a child has it only where it maps it, and there', () => {
    const seen = together(function* (u) {
      const { p, base, fd } = u;
      yield* u.set(0, 6);
      const found: unknown[] = [];
      const pid = yield* p.fork(function* (child) {
        const options = { addr: base, sizeBytes: 16 * PAGE, flags: SHARED_FIXED };
        found.push((yield* child.mmapFd(fd, options)) === base);
        found.push(numberOf((yield* child.peek(base, 8))!));
        yield* child.poke(base, words(77));
        yield* u.op(FREE, 0, 1);
        found.push(numberOf((yield* child.peek(base, 8))!));
      });
      p.ok(yield* p.wait(pid));
      return [...found, yield* u.get(0)];
    });
    expect(seen).toEqual([true, 6n, 0n, 0]);
  });
});
