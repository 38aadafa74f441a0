import { makeBtf } from '../../bpf/btf/btf.ts';
import { expect, test } from 'vitest';
import { EBADF, EINTR } from '../../kernel/errno.ts';
import type { Handle } from '../../kernel/fs/checkers.ts';
import { UserMm } from '../../kernel/mm/user-mm.ts';
import type { UserBody } from '../../kernel/process/ports.ts';
import type { Task } from '../../kernel/task.ts';
import {
  Proc,
  THREAD_FLAGS,
  type ProcBody,
  type ProcKernel,
  type ProcWorld,
} from '../../scenarios/proc.ts';
import { bytesOf, ints, intAt, textOf, wordAt, words } from '../../scenarios/user-memory.ts';
import type { Sim } from '../../sim/request.ts';
import { BareKernel } from '../kit/bare-kernel.ts';

type Call = (mm: UserMm, ...registers: number[]) => number;

/** Runs user code on a kernel whose system calls are made up. */
class Bench implements ProcWorld {
  readonly bare = new BareKernel();
  readonly mm = new UserMm(this.bare.machine, this.bare.sched, this.bare.kasan);
  readonly notes = new Map<string, unknown>();
  readonly variantIs = 'bad';
  readonly loaderKernel = {
    btf: makeBtf([undefined]),
    kconfig: new Map<string, string>(),
    addressOf: () => undefined,
  };
  readonly calls: string[] = [];
  readonly meant: Handle[] = [];
  readonly #bodies = new Map<Task, UserBody>();
  readonly #table: Readonly<Record<string, Call>>;

  constructor(table: Readonly<Record<string, Call>>) {
    this.#table = table;
  }

  get mapped(): never {
    throw new Error('no mapped buffers here');
  }

  run(body: ProcBody): void {
    const space = this.mm.create();
    this.bare.spawn('A', () => this.userMode(body), space);
    expect(this.bare.run().map(({ title }) => title)).toEqual([]);
  }

  /** What the last clone() was given. */
  get child(): UserBody {
    return [...this.#bodies.values()].at(-1)!;
  }

  /** The child's user mode, as part of the current task. */
  *runChild(): Sim<void> {
    yield* this.child.run(this.bare.sched.current);
  }

  take(name: string): ProcBody {
    return function* () {
      expect(name).toBe('B');
    };
  }

  *userMode(body: ProcBody): Sim<number> {
    return (yield* body(new Proc(this.#kernel, this))) ?? 0;
  }

  get #kernel(): ProcKernel {
    const { machine, sched } = this.bare;
    const invoke = (name: string, ...registers: number[]): Sim<number> => {
      this.calls.push(name);
      return constant(this.#table[name]!(this.mm, ...registers));
    };
    return {
      machine,
      sched,
      mm: this.mm,
      syscalls: { invoke },
      fs: {
        tables: { slot: (_files, fd) => (fd === 7 ? space() : 0) },
        checkers: {
          expectClose: (handle) => void this.meant.push(handle),
          forget: () => void this.meant.pop(),
        },
      },
      processes: {
        clones: { nextBody: this.#bodies },
        storage: { bpf_task_storage_get: (delta) => constant(delta) },
      },
    };
    function space(): number {
      return sched.current.s.mm; // any object will do
    }
  }
}

function* constant<T>(value: T): Sim<T> {
  return value;
}

const at = (mm: UserMm, addr: number, size: number): Uint8Array =>
  mm.copy_from_user_nofault(addr, size)!;
const stringAt = (mm: UserMm, addr: number): string => textOf(at(mm, addr, 64)).split('\0')[0]!;

test('strings, buffers and pairs go by user addresses', () => {
  const bench = new Bench({
    openat: (mm, dfd, path, flags) =>
      dfd === -100 && stringAt(mm, path) === '/dev/null' && flags === 1 ? 5 : -1,
    write: (mm, _fd, buf, size) => (textOf(at(mm, buf, size)) === 'hello' ? size : -1),
    read: (mm, _fd, buf, size) => {
      mm.copy_to_user_nofault(buf, bytesOf('abc'));
      return size;
    },
    pipe2: (mm, fds) => mm.copy_to_user_nofault(fds, ints(3, 4)),
    prctl: (mm, _option, name) => (stringAt(mm, name) === 'renamed' ? 0 : -1),
  });
  bench.run(function* (p) {
    expect(yield* p.open('/dev/null', 1)).toBe(5);
    expect(yield* p.write(5, 'hello')).toBe(5);
    expect(textOf(p.ok<Uint8Array>(yield* p.read(5, 3)))).toBe('abc');
    expect(yield* p.pipe()).toEqual([3, 4]);
    expect(yield* p.prctl(15, 'renamed')).toBe(0);
  });
});

test('an errno comes back as a number', () => {
  const bench = new Bench({ read: () => -EBADF, wait4: () => -10, pipe2: () => -24 });
  bench.run(function* (p) {
    expect(yield* p.read(9, 1)).toBe(-EBADF);
    expect(yield* p.wait()).toBe(-10);
    expect(yield* p.pipe()).toBe(-24);
  });
});

test('bytes given to ioctl() come back as the kernel left them', () => {
  const bench = new Bench({
    ioctl: (mm, _fd, _cmd, arg) =>
      mm.copy_to_user_nofault(arg, words(wordAt(at(mm, arg, 8), 0) + 1)),
  });
  bench.run(function* (p) {
    const block = words(41);
    expect(yield* p.ioctl(3, 1, block)).toBe(0);
    expect(wordAt(block, 0)).toBe(42);
  });
});

test('a message keeps its descriptors and its data', () => {
  let sent: Uint8Array = new Uint8Array();
  const bench = new Bench({
    sendmsg: (mm, _sock, msg) => {
      const header = at(mm, msg, 56);
      sent = at(mm, wordAt(header, 32), wordAt(header, 40));
      return 1;
    },
    recvmsg: (mm, _sock, msg) => {
      const header = at(mm, msg, 56);
      mm.copy_to_user_nofault(wordAt(at(mm, wordAt(header, 16), 16), 0), bytesOf('hi'));
      mm.copy_to_user_nofault(wordAt(header, 32), sent);
      return 2;
    },
  });
  bench.run(function* (p) {
    expect(yield* p.sendFds(3, [6, 42])).toBe(1);
    expect([wordAt(sent, 0), intAt(sent, 8), intAt(sent, 12)]).toEqual([16 + 8, 1, 1]);
    const { fds, data } = p.ok(yield* p.recvFds(3, 2));
    expect([fds, textOf(data)]).toEqual([[6, 42], 'hi']);
  });
});

test('253 descriptors and long buffers find room', () => {
  const fds = Array.from({ length: 253 }, (_, i) => i);
  let seen: number[] = [];
  const bench = new Bench({
    sendmsg: (mm, _sock, msg) => {
      const header = at(mm, msg, 56);
      const control = at(mm, wordAt(header, 32), wordAt(header, 40));
      seen = fds.map((_, i) => intAt(control, 16 + i * 4));
      return 1;
    },
    write: (mm, _fd, buf, size) => at(mm, buf, size).reduce((sum, byte) => sum + byte, 0),
  });
  bench.run(function* (p) {
    yield* p.sendFds(3, fds);
    expect(seen).toEqual(fds);
    expect(yield* p.write(3, new Uint8Array(100_000).fill(1))).toBe(100_000);
  });
});

test('threads put their arguments into different places, a forked child where it likes', () => {
  const addresses: number[] = [];
  const bench = new Bench({
    write: (_mm, _fd, buf) => addresses.push(buf),
    clone: () => 102,
  });
  const writes: ProcBody = function* (p) {
    yield* p.write(1, 'x');
  };
  bench.run(function* (p) {
    yield* writes(p);
    for (const flags of [THREAD_FLAGS, THREAD_FLAGS, 0]) {
      yield* p.clone(flags, writes, 'B');
      expect(bench.child).toMatchObject({ comm: 'B', label: 'B' });
      yield* bench.runChild();
    }
  });
  expect(new Set(addresses.slice(0, 3)).size).toBe(3);
  expect(addresses[3]).toBe(addresses[0]);
});

test('start() runs the declared body under its own name', () => {
  const bench = new Bench({ clone: (_mm, flags) => flags });
  bench.run(function* (p) {
    expect(yield* p.start('B')).toBe(17);
    expect(bench.child).toMatchObject({ comm: 'B', path: 'B' });
    yield* bench.runChild();
  });
});

test.each([
  ['still meant', 0],
  ['still meant', -EINTR],
  ['forgotten', -EBADF],
])('00 H8: closeMine() says which file is meant: %s after %i', (_, result) => {
  const bench = new Bench({ close: () => result });
  bench.run(function* (p) {
    expect(p.handle(8)).toBeUndefined();
    const handle = p.handle(7)!;
    expect(yield* p.closeMine(handle)).toBe(result);
    expect(bench.meant).toEqual(result === -EBADF ? [] : [handle]);
  });
});

test('00 R46: a page that blocks on writes can be read, and the first write waits for it', () => {
  const bench = new Bench({});
  const { trace } = bench.bare.machine.engine;
  trace.detailed = true;
  const events = (): number => trace.lines.filter(({ kind }) => kind === 'event').length;
  bench.run(function* (p) {
    const page = p.mmap({ blocking: 'write', content: bytesOf('old') });
    expect(textOf((yield* p.peek(page, 3))!)).toBe('old');
    expect(events()).toBe(0);
    expect(yield* p.poke(page, 'new')).toBe(true);
    expect(events()).toBe(1);
    expect(yield* p.poke(page, 'own')).toBe(true);
    expect(events()).toBe(1);
    expect(textOf((yield* p.peek(page, 3))!)).toBe('own');
  });
});

test('a broken check ends the run with a failure of kind invariant', () => {
  const bench = new Bench({});
  const space = bench.mm.create();
  bench.bare.spawn(
    'A',
    () =>
      bench.userMode(function* (p) {
        p.check(true, 'true is true');
        p.ok(-EBADF);
      }),
    space,
  );
  const [failure] = bench.bare.run();
  expect(failure).toMatchObject({
    kind: 'invariant',
    title: 'invariant broken: call gives -EBADF',
  });
});
