import { describe, expect, test } from 'vitest';
import { EEXIST, EFAULT, EINVAL, ENOMEM } from '../../../kernel/errno.ts';
import { blockedText, type BlockedFault } from '../../../kernel/mm/fault.ts';
import { mm_struct, MMAP_TOP, PROT_READ, TASK_SIZE } from '../../../kernel/mm/structs.ts';
import { UserMm } from '../../../kernel/mm/user-mm.ts';
import { PAGE_SIZE } from '../../../kernel/memory.ts';
import { TASK_KILLABLE, TASK_RUNNING } from '../../../kernel/task.ts';
import { kernelFunction, step, type Sim } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { BareKernel } from '../../kit/bare-kernel.ts';

class World extends BareKernel {
  readonly mm = new UserMm(this.machine, this.sched, this.kasan);
  readonly home = this.mm.create();
  readonly arena = this.mm.mmArena(this.home).addr;

  /** Runs one task in `mm` to the end, and gives what it returned. */
  do<T>(entry: () => Sim<T>, mm = this.home): T {
    let result: T | undefined;
    this.spawn(
      'A',
      function* () {
        result = yield* entry();
      },
      mm,
    );
    expect(this.run()).toEqual([]);
    return result!;
  }

  write(addr: number, value: string, mm = this.home): number {
    return this.do(() => this.mm.copy_to_user(addr, text(value)), mm);
  }

  read(addr: number, mm = this.home): string | number {
    return this.do(() => this.mm.strncpy_from_user(addr, 64), mm);
  }

  users(mm: number): number {
    return mm_struct.at(this.machine.memory, mm).mm_users;
  }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);

describe('user copies', () => {
  test('what was copied in is copied out, across pages', () => {
    const w = new World();
    const data = Uint8Array.from({ length: 6_000 }, (_, i) => i & 0xff);
    const read = w.do(function* () {
      expect(yield* w.mm.copy_to_user(w.arena + 100, data)).toBe(0);
      return yield* w.mm.copy_from_user(w.arena + 100, data.length);
    });
    expect(read).toEqual(data);
  });

  test('nothing is copied to where no user memory is', () => {
    const w = new World();
    for (const bad of [0, 8, -8, 2 ** 47, 2 ** 47 - 4, TASK_SIZE, 0xffff_8880_0000_1000, 0x1000]) {
      w.do(function* () {
        expect(yield* w.mm.copy_to_user(bad, text('abc'))).toBe(4);
        expect(yield* w.mm.copy_from_user(bad, 4)).toBeNull();
        expect(yield* w.mm.strncpy_from_user(bad, 4)).toBe(-EFAULT);
        expect(w.mm.copy_from_user_nofault(bad, 4)).toBeNull();
        expect(w.mm.copy_to_user_nofault(bad, text('abc'))).toBe(-EFAULT);
      });
    }
  });

  test('a copy that runs off a mapping stops at its end and says how much is missing', () => {
    const w = new World();
    const end = w.mm.mmArena(w.home).addr + w.mm.mmArena(w.home).sizeBytes;
    w.do(function* () {
      expect(yield* w.mm.copy_to_user(end - 10, new Uint8Array(50).fill(7))).toBe(40);
      expect(yield* w.mm.copy_from_user(end - 10, 10)).toEqual(new Uint8Array(10).fill(7));
      expect(yield* w.mm.copy_from_user(end - 10, 11)).toBeNull();
    });
  });

  test('a read-only mapping can be read, and not written', () => {
    const w = new World();
    const addr = w.mm.mmap(w.home, PAGE_SIZE, { prot: PROT_READ });
    w.do(function* () {
      expect(yield* w.mm.copy_to_user(addr, text('abc'))).toBe(4);
      expect(yield* w.mm.copy_from_user(addr, 2)).toEqual(new Uint8Array(2));
    });
  });

  test('strncpy_from_user gives as much as there is room for where no NUL comes', () => {
    const w = new World();
    const addr = w.mm.mmap(w.home, 2 * PAGE_SIZE) + PAGE_SIZE - 3;
    expect(w.write(addr, 'abcdef')).toBe(0);
    expect(w.read(addr)).toBe('abcdef');
    expect(w.do(() => w.mm.strncpy_from_user(addr, 4))).toBe('abcd');
    expect(w.do(() => w.mm.strncpy_from_user(addr, 0))).toBe('');
  });

  test('a kernel thread has no user memory', () => {
    const w = new World();
    expect(w.do(() => w.mm.copy_to_user(w.arena, text('abc')), 0)).toBe(4);
  });

  test('pages come with the first touch, which costs time and does not sleep', () => {
    const w = new World();
    const addr = w.mm.mmap(w.home, 2 * PAGE_SIZE);
    const { engine } = w.machine;
    w.do(function* () {
      expect(w.mm.copy_from_user_nofault(addr, 4)).toBeNull();
      const before = engine.cpu.nowNs;
      yield* w.mm.copy_from_user(addr, 4);
      const first = engine.cpu.nowNs;
      yield* w.mm.copy_from_user(addr, 4);
      expect(first - before).toBeGreaterThanOrEqual(1_000);
      expect(engine.cpu.nowNs - first).toBeLessThan(1_000);
      expect(w.mm.copy_from_user_nofault(addr, 4)).toEqual(new Uint8Array(4));
    });
  });

  test('00 R46a: a copy under a spin lock is reported even where it would not fault', () => {
    const w = new World();
    w.spawn(
      'A',
      function* () {
        w.sched.preemptDisable();
        yield* w.mm.copy_to_user(w.arena, text('abc'));
      },
      w.home,
    );
    const [failure] = w.run();
    expect(failure?.kind).toBe('sleep-in-atomic');
    expect(failure?.title).toBe(
      'BUG: sleeping function called from invalid context at copy_to_user',
    );
  });

  test('the nofault copies work there', () => {
    const w = new World();
    const read = w.do(function* () {
      w.sched.preemptDisable();
      expect(w.mm.copy_to_user_nofault(w.arena + 4_094, text('abc'))).toBe(0);
      const bytes = w.mm.copy_from_user_nofault(w.arena + 4_094, 4);
      w.sched.preemptEnable();
      yield* step(site('test', 'after'));
      return bytes;
    });
    expect(read).toEqual(text('abc'));
  });

  test('user mode raises SIGSEGV where the kernel would say -EFAULT', () => {
    const w = new World();
    const faults: number[] = [];
    w.mm.hooks.segfault = (_task, addr) => void faults.push(addr);
    w.do(function* () {
      expect(yield* w.mm.userWrite(w.arena, text('abc'))).toBe(true);
      expect(yield* w.mm.userRead(w.arena, 4)).toEqual(text('abc'));
      expect(yield* w.mm.userRead(0, 4)).toBeNull();
      expect(yield* w.mm.userWrite(TASK_SIZE, text('abc'))).toBe(false);
    });
    expect(faults).toEqual([0, TASK_SIZE]);
  });
});

describe('mappings', () => {
  test('do not touch each other, and overlap with none', () => {
    const w = new World();
    const first = w.mm.mmap(w.home, 1);
    const second = w.mm.mmap(w.home, PAGE_SIZE + 1);
    expect(second + 3 * PAGE_SIZE).toBe(first);
    expect(first).toBeLessThan(MMAP_TOP);
    expect(w.mm.mmap(w.home, PAGE_SIZE, { addr: second + PAGE_SIZE })).toBe(-EEXIST);
    expect(w.mm.mmap(w.home, PAGE_SIZE, { addr: 0x1000_0000 })).toBe(0x1000_0000);
    expect(w.mm.mmap(w.home, PAGE_SIZE, { addr: 0x1000_0001 })).toBe(-EINVAL);
    expect(w.mm.mmap(w.home, PAGE_SIZE, { addr: TASK_SIZE })).toBe(-ENOMEM);
    expect(w.mm.mmap(w.home, PAGE_SIZE, { addr: 0 })).toBe(-ENOMEM);
    expect(w.mm.mmap(w.home, 0)).toBe(-EINVAL);
  });

  test('what does not fit into memory is -ENOMEM, and leaves nothing behind', () => {
    const w = new World();
    const before = w.machine.slab.liveCount;
    expect(w.mm.mmap(w.home, 64 << 20, { resident: true })).toBe(-ENOMEM);
    expect(w.machine.slab.liveCount).toBe(before);
  });

  test('munmap takes the middle out of a mapping and keeps the rest', () => {
    const w = new World();
    const addr = w.mm.mmap(w.home, 3 * PAGE_SIZE);
    for (const [i, word] of ['one', 'two', 'three'].entries()) w.write(addr + i * PAGE_SIZE, word);
    expect(w.do(() => w.mm.munmap(w.home, addr + PAGE_SIZE, PAGE_SIZE))).toBe(0);
    expect(w.read(addr)).toBe('one');
    expect(w.read(addr + PAGE_SIZE)).toBe(-EFAULT);
    expect(w.read(addr + 2 * PAGE_SIZE)).toBe('three');
    expect(w.do(() => w.mm.munmap(w.home, addr, 3 * PAGE_SIZE))).toBe(0);
    expect(w.read(addr + 2 * PAGE_SIZE)).toBe(-EFAULT);
    expect(w.do(() => w.mm.munmap(w.home, addr, 3 * PAGE_SIZE))).toBe(0);
    expect(w.do(() => w.mm.munmap(w.home, addr + 1, 1))).toBe(-EINVAL);
  });
});

describe('00 R34: fork and exit', () => {
  test('a write after fork is seen by the writer alone, whoever writes first', () => {
    for (const childFirst of [true, false]) {
      const w = new World();
      const lazy = w.mm.mmap(w.home, PAGE_SIZE);
      w.write(w.arena, 'before');
      const child = w.do(() => w.mm.dup_mm(w.home));
      expect(w.mm.mmArena(child).addr).toBe(w.arena);
      w.write(w.arena, 'new', childFirst ? child : w.home);
      w.write(lazy, 'lazy', child);
      expect(w.read(w.arena, child)).toBe(childFirst ? 'new' : 'before');
      expect(w.read(w.arena)).toBe(childFirst ? 'before' : 'new');
      expect(w.read(lazy)).toBe('');
    }
  });

  test('the last owner of a page writes to it without a copy', () => {
    const w = new World();
    const child = w.do(() => w.mm.dup_mm(w.home));
    w.do(() => w.mm.mmput(child));
    const page = physical(w, w.arena);
    w.write(w.arena, 'mine');
    expect(physical(w, w.arena)).toBe(page);
  });

  test('a shared mapping stays shared, a read-only one too', () => {
    const w = new World();
    const shared = w.mm.mmap(w.home, PAGE_SIZE, { shared: true });
    const child = w.do(() => w.mm.dup_mm(w.home));
    w.write(shared, 'both', child);
    expect(w.read(shared)).toBe('both');
  });

  test('CLONE_VM: the address space goes with its last user, and all its pages', () => {
    const w = new World();
    const { slab } = w.machine;
    const before = slab.liveCount;
    const child = w.do(() => w.mm.dup_mm(w.home));
    w.write(w.arena, 'copied', child);
    w.do(function* () {
      yield* w.mm.mmget(child);
    });
    expect(w.users(child)).toBe(2);
    w.do(() => w.mm.mmput(child));
    expect(w.read(w.arena, child)).toBe('copied');
    w.do(() => w.mm.mmput(child));
    expect(slab.liveCount).toBe(before + w.tasks.length);
    w.spawn('B', () => w.mm.mmput(child), w.home);
    expect(w.run()[0]?.title).toBe('BUG: KASAN: slab-use-after-free in mmput');
  });

  test('a thousand forks do not use memory up', () => {
    const w = new World();
    let child = w.do(() => w.mm.dup_mm(w.home));
    for (let i = 0; i < 1_000; i++) {
      expect(child).not.toBe(0);
      w.write(w.arena, 'x', child);
      child = w.do(function* () {
        yield* w.mm.mmput(child);
        return yield* w.mm.dup_mm(w.home);
      });
      w.machine.engine.reset();
    }
  });

  test('a struct that is out of memory gives 0 and leaves nothing', () => {
    const w = new World();
    w.do(function* () {
      const before = w.machine.slab.liveCount;
      w.machine.mayAlloc = (what) => what !== 'vm_area_struct';
      expect(yield* w.mm.dup_mm(w.home)).toBe(0);
      expect(w.mm.create()).toBe(0);
      w.machine.mayAlloc = (what) => what !== 'mm_struct';
      expect(yield* w.mm.dup_mm(w.home)).toBe(0);
      expect(w.machine.slab.liveCount).toBe(before);
    });
  });
});

function physical(w: World, addr: number): number {
  const { memory } = w.machine;
  let found = 0;
  w.do(() => w.mm.copy_to_user(addr, Uint8Array.of(0x5a, 0xa5, 0x5a, 0xa6)));
  for (let at = 0; at < memory.sizeBytes; at += PAGE_SIZE) {
    if (memory.rawU32(at) === 0xa65aa55a) found = at;
  }
  return found;
}

describe('00 R46: blocking pages', () => {
  /** A copies a word from a blocking page; `meanwhile` runs in B. */
  class Blocked extends World {
    readonly addr = this.mm.mmap(this.home, PAGE_SIZE, { blocking: true });
    result: Uint8Array | null | undefined;
  }

  function blocked(meanwhile: (w: Blocked, addr: number) => Sim<unknown>): Blocked {
    const w = new Blocked();
    const copy = function* (): Sim<void> {
      w.result = yield* w.mm.copy_from_user(w.addr, 4);
    };
    w.spawn('A', copy, w.home);
    w.spawn('B', () => meanwhile(w, w.addr), w.home);
    return w;
  }

  test('whoever touches one sleeps until its page comes, which is a choice', () => {
    let slept = 0;
    let went = 0;
    for (let run = 0; run < 50; run++) {
      const w = blocked(function* (world) {
        for (let i = 0; i < 4; i++) yield* step(site('test', 'B'));
        if (world.mm.blocked().length > 0) slept++;
        if (world.result !== undefined) went++;
      });
      expect(w.runRandomly(run)).toEqual([]);
      expect(w.result).toEqual(new Uint8Array(4));
      expect(w.mm.blocked()).toEqual([]);
    }
    expect(slept).toBeGreaterThan(0);
    expect(went).toBeGreaterThan(0);
  });

  test('two who wait for one page both go on; the next touch does not sleep', () => {
    const w = blocked((world, addr) => world.mm.copy_to_user(addr, text('abc')));
    expect(w.run()).toEqual([]);
    expect(w.result).toHaveLength(4);
    expect(w.mm.userFault.ready).toBe(false);
  });

  test('what was unmapped meanwhile is -EFAULT', () => {
    const w = blocked(function* (world, addr) {
      while (world.mm.blocked().length === 0) yield* step(site('test', 'wait'));
      yield* world.mm.munmap(world.home, addr, PAGE_SIZE);
    });
    expect(w.run()).toEqual([]);
    expect(w.result).toBeNull();
  });

  test('a fatal signal ends the sleep, another wake-up does not', () => {
    let dying = false;
    const w = blocked(function* (world) {
      while (world.mm.blocked().length === 0) yield* step(site('test', 'wait'));
      const [a] = world.tasks;
      expect(a!.s.__state).toBe(TASK_KILLABLE);
      world.sched.wake(a!);
      while (a!.s.__state === TASK_RUNNING) yield* step(site('test', 'wait'));
      expect(world.result).toBeUndefined();
      dying = true;
      world.sched.wake(a!);
    });
    w.mm.hooks.fatalSignalPending = () => dying;
    Object.defineProperty(w.mm.userFault, 'ready', { get: () => false, set: () => {} });
    expect(w.runRandomly(0)).toEqual([]);
    expect(w.result).toBeNull();
    expect(w.mm.blocked()).toEqual([]);
  });

  test('the list says what is held: locks, borrows, modules and whether they are pinned', () => {
    const w = new World();
    const addr = w.mm.mmap(w.home, PAGE_SIZE, { blocking: true });
    let seen: readonly BlockedFault[] = [];
    w.mm.hooks.borrowsOf = () => ['fd 6'];
    w.mm.hooks.isPinned = (name) => name !== 'autofs4';
    const ioctl = kernelFunction(
      'autofs_dev_ioctl',
      () => w.mm.copy_to_user(addr, text('x')),
      'autofs4',
    );
    const a = w.spawn('A', ioctl, w.home);
    a.held.push({
      className: '&f->f_pos_lock',
      classId: 0,
      addr: 64,
      spinning: false,
      site: 0,
      waiting: false,
      tried: false,
    });
    const { fire } = w.mm.userFault;
    w.mm.userFault.fire = () => {
      seen = w.mm.blocked();
      fire();
    };
    expect(w.run()).toEqual([]);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      task: a,
      addr,
      write: true,
      locks: ['&f->f_pos_lock'],
      borrows: ['fd 6'],
      modules: [{ name: 'autofs4', pinned: false }],
      callChain: [
        'handle_userfault',
        'handle_mm_fault',
        'copy_to_user',
        'autofs_dev_ioctl',
        'ret_from_fork',
      ],
    });
    expect(blockedText(seen[0]!)).toBe(
      'copy_to_user: page 0x7ffff7ff9000 not resident, blocks; ' +
        'holds &f->f_pos_lock; borrows fd 6; in autofs4 (NOT pinned)',
    );
  });

  test('a child inherits what still blocks', () => {
    const w = new World();
    const addr = w.mm.mmap(w.home, PAGE_SIZE, { blocking: true });
    const child = w.do(() => w.mm.dup_mm(w.home));
    expect(w.read(addr)).toBe('');
    w.spawn('B', () => w.mm.copy_from_user(addr, 1), child);
    let fired = 0;
    const { fire } = w.mm.userFault;
    w.mm.userFault.fire = () => {
      fired++;
      fire();
    };
    w.run();
    expect(fired).toBe(1);
  });

  test('a mapping is blocking or there at once', () => {
    const w = new World();
    expect(w.mm.mmap(w.home, 1, { blocking: true, resident: true })).toBe(-EINVAL);
    expect(w.mm.mmap(w.home, 1, { blocking: true, shared: true })).toBe(-EINVAL);
  });
});

test('rollback brings an address space back, page by page', () => {
  const w = new World();
  w.write(w.arena, 'before');
  w.machine.engine.reset();
  w.machine.checkpoint();
  for (let run = 0; run < 3; run++) {
    w.machine.rollback();
    w.mm.reset();
    w.tasks.length = 0;
    expect(w.read(w.arena)).toBe('before');
    w.write(w.arena, `run ${run}`);
    w.do(() => w.mm.dup_mm(w.home));
  }
});
