import { describe, expect, test } from 'vitest';
import {
  EAFNOSUPPORT, EAGAIN, EBADF, ECONNREFUSED, ECONNRESET, EFAULT, EINVAL, EISCONN, EMFILE, EMSGSIZE,
  ENOBUFS, ENOTCONN, ENOTSOCK, EOPNOTSUPP, EPIPE, EPROTONOSUPPORT, ESOCKTNOSUPPORT, ESPIPE,
  ETOOMANYREFS,
} from '../../../kernel/errno.ts';
import { FIONREAD, intBytes, longBytes } from '../../../kernel/fs/driver.ts';
import { O_CLOEXEC, O_NONBLOCK, O_PATH, O_RDWR } from '../../../kernel/fs/uapi.ts';
import { truesizeOf } from '../../../kernel/fs/unix.ts';
import { signal_struct } from '../../../kernel/structs.ts';
import type { Task } from '../../../kernel/task.ts';
import type { Sim } from '../../../sim/request.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

const BAD = 8;
const STREAM = 1;
const DGRAM = 2;
const SEQPACKET = 5;
const NONBLOCK = O_NONBLOCK;
const PEEK = 2;
const TRUNC = 0x20;
const NOSIGNAL = 0x4000;
const CMSG_CLOEXEC = 0x4000_0000;
const CTRUNC = 8;

/** Two connected sockets of a task, and user memory for messages. */
class Pair {
  readonly k: FsKernel;
  readonly task: Task;
  readonly buf: number;
  a = -1;
  b = -1;

  constructor(k: FsKernel, task: Task) {
    this.k = k;
    this.task = task;
    this.buf = k.map(task, 1 << 19);
  }

  *open(type: number): Sim<void> {
    expect(yield* this.k.call('socketpair', 1, type, 0, this.buf)).toBe(0);
    [this.a, this.b] = yield* this.k.pair(this.buf);
  }

  /** Data at buf + 4096, control at buf + 512, msghdr at buf. */
  *send(fd: number, data: string | number, fds: readonly number[], more: {
    flags?: number; level?: number; type?: number; length?: number; name?: number; at?: number;
  } = {}): Sim<number> {
    const { k, buf } = this;
    const { at = buf + 4096, level = 1, type = 1, length = 16 + 4 * fds.length } = more;
    if (typeof data === 'string') yield* k.put(at, data);
    const size = typeof data === 'string' ? data.length : data;
    yield* k.put(buf + 512, new Uint8Array([...longBytes(BigInt(length)), ...intBytes(level),
      ...intBytes(type), ...fds.flatMap((number) => [...intBytes(number)])]));
    const room = fds.length === 0 && more.type === undefined ? 0
      : 16 + Math.ceil(fds.length / 2) * 8;
    yield* this.header(at, size, room, more.name);
    return yield* k.call('sendmsg', fd, buf, more.flags ?? 0);
  }

  *header(at: number, size: number, room: number, name = 0): Sim<void> {
    const { k, buf } = this;
    yield* k.put(buf + 64, new Uint8Array([...longBytes(BigInt(at)), ...longBytes(BigInt(size))]));
    yield* k.put(buf, new Uint8Array([
      ...longBytes(BigInt(name === 0 ? 0 : buf)), ...longBytes(BigInt(name)),
      ...longBytes(BigInt(buf + 64)), ...longBytes(1n), ...longBytes(BigInt(buf + 512)),
      ...longBytes(BigInt(room)), ...longBytes(0n),
    ]));
  }

  /** As the runner reports it: `3 abc flags=8 control=24 rights=5,6`. */
  *recv(fd: number, size: number, room: number, flags = 0, at = this.buf + 4096): Sim<string> {
    const { k, buf } = this;
    yield* this.header(at, size, room);
    const result = yield* k.call('recvmsg', fd, buf, flags);
    if (result < 0) return String(result);
    const used = (yield* k.pair(buf + 40))[0];
    const out = (yield* k.pair(buf + 48))[0];
    let line = `${result} ${yield* k.getText(at, Math.min(result, size))} flags=${out.toString(16)} ` +
      `control=${used}`;
    if (used >= 16) {
      const [length] = yield* k.pair(buf + 512);
      const bytes = yield* k.get(buf + 528, length - 16);
      const view = new DataView(bytes.buffer);
      const fds = Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(4 * i, true));
      line += ` rights=${fds.join()}`;
    }
    return line;
  }
}

function world(type: number, body: (p: Pair, k: FsKernel) => Sim<void>): FsKernel {
  const k = new FsKernel();
  k.do(function* (task) {
    const pair = new Pair(k, task);
    yield* pair.open(type);
    yield* body(pair, k);
  });
  return k;
}

const live = (k: FsKernel): number => k.machine.slab.liveCount;

describe('socketpair', () => {
  test.each([
    [1, 16 | 1, 0, -EINVAL], [77, 1, 0, -EAFNOSUPPORT], [-1, 1, 0, -EAFNOSUPPORT],
    [0, 1, 0, -EAFNOSUPPORT], [46, 12, 0, -EAFNOSUPPORT], [1, 0, 0, -ESOCKTNOSUPPORT], [1, 3, 0, 0],
    [1, 4, 0, -ESOCKTNOSUPPORT], [1, 11, 0, -EINVAL], [1, 12, 0, -EINVAL], [1, 1, 1, 0],
    [1, 1, 2, -EPROTONOSUPPORT], [1, 4, 2, -EPROTONOSUPPORT], [1, 1, -1, -EPROTONOSUPPORT],
    [2, 1, 0, -EOPNOTSUPP], [2, 2, 0, -EOPNOTSUPP], [2, 5, 0, -ESOCKTNOSUPPORT],
    [2, 3, 0, -EPROTONOSUPPORT], [2, 1, 17, -EPROTONOSUPPORT], [2, 1, 6, -EOPNOTSUPP],
    [10, 1, 0, -EOPNOTSUPP],
  ])('domain %i, type %i, protocol %i: as Linux', (domain, type, protocol, result) => {
    const k = new FsKernel();
    k.do(function* (task) {
      const buf = k.map(task, 4096);
      const before = live(k);
      expect(yield* k.call('socketpair', domain, type, protocol, buf)).toBe(result);
      if (result < 0) expect(live(k)).toBe(before);
    });
  });

  test('a bad pointer hides a bad domain, and a full table both', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      expect(yield* k.call('socketpair', 77, 1, 0, BAD)).toBe(-EFAULT);
      signal_struct.at(k.machine.memory, task.s.signal).rlim_nofile_cur = 1;
      expect(yield* k.call('socketpair', 77, 1, 0, BAD)).toBe(-EMFILE);
      expect(yield* k.call('eventfd2', 0, 0)).toBe(0);
    });
  });

  test('flags, positions, and no trace when both ends are closed', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const pair = new Pair(k, task);
      const before = live(k);
      yield* pair.open(STREAM | O_NONBLOCK | O_CLOEXEC);
      expect(yield* k.call('fcntl', pair.a, 3, 0)).toBe(O_RDWR | O_NONBLOCK);
      expect(yield* k.call('fcntl', pair.a, 1, 0)).toBe(1);
      expect(yield* k.call('lseek', pair.a, 0, 0)).toBe(-ESPIPE);
      yield* k.call('write', pair.a, pair.buf, 10);
      yield* k.call('close', pair.a);
      yield* k.call('close', pair.b);
      expect(live(k)).toBe(before);
    });
  });
});

describe('streams', () => {
  test('reads and writes as measured on Linux', () => {
    const k = world(STREAM | NONBLOCK, function* ({ a, b, buf }, k) {
      expect(yield* k.call('read', a, buf, 0)).toBe(0);
      expect(yield* k.call('write', a, BAD, 0)).toBe(0);
      expect(yield* k.call('read', b, buf, 5)).toBe(-EAGAIN);
      expect(yield* k.call('write', a, BAD, 5)).toBe(-EFAULT);
      yield* k.call('write', a, buf, 5);
      yield* k.call('write', a, buf, 4);
      expect(yield* k.call('ioctl', b, FIONREAD, buf)).toBe(0);
      expect((yield* k.pair(buf))[0]).toBe(9);
      expect(yield* k.call('read', b, BAD, 5)).toBe(-EFAULT);
      expect(yield* k.call('read', b, buf, 2)).toBe(2);
      expect(yield* k.call('read', b, buf, 50)).toBe(7);
      yield* k.call('close', a);
      expect(yield* k.call('read', b, buf, 5)).toBe(0);
      expect(yield* k.call('write', b, buf, 5)).toBe(-EPIPE);
      expect(yield* k.call('write', b, buf, 0)).toBe(-EPIPE);
    });
    expect(k.signals).toEqual([13, 13]);
  });

  test('a peer that closed with data unread: its data, then the error, then the end', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      yield* k.call('write', p.b, p.buf, 3);
      yield* k.call('write', p.a, p.buf, 3);
      yield* k.call('close', p.a);
      expect(yield* p.send(p.b, 'x', [], { flags: NOSIGNAL })).toBe(-EPIPE);
      expect(yield* k.call('read', p.b, p.buf, 5)).toBe(3);
      expect(yield* k.call('read', p.b, p.buf, 0)).toBe(0);
      expect(yield* p.recv(p.b, 0, 0)).toBe(String(-ECONNRESET));
      expect(yield* k.call('read', p.b, p.buf, 5)).toBe(0);
      expect(k.signals).toEqual([]);
    });
  });

  test.each([
    [STREAM, 1, 278, 1], [STREAM, 500, 167, 500], [STREAM, 1000, 93, 1000], [STREAM, 3776, 49, 3776],
    [STREAM, 3777, 44, 3777], [STREAM, 8192, 24, 8192], [STREAM, 10_000, 17, 10_000],
    [STREAM, 16_384, 13, 16_384], [STREAM, 50_000, 5, 36_544], [STREAM, 65_536, 4, 36_544],
    [STREAM, 131_072, 2, 109_632], [STREAM, 300_000, 1, 219_264], [DGRAM, 0, 278, 0],
    [DGRAM, 3777, 26, 3777], [DGRAM, 10_000, 13, 10_000], [DGRAM, 16_384, 11, 16_384],
    [DGRAM, 36_544, 6, 36_544], [SEQPACKET, 100_000, 3, 100_000], [DGRAM, 212_960, 1, 212_960],
  ])('type %i: what fits in writes of %i: %i, the last of %i', (type, size, count, last) => {
    world(type | NONBLOCK, function* ({ a, buf }, k) {
      k.machine.engine.stepsMax = 1e7;
      let writes = 0;
      let written = 0;
      for (;;) {
        const result = yield* k.call('write', a, buf, size);
        if (result < 0) {
          expect(result).toBe(-EAGAIN);
          break;
        }
        writes++;
        written = result;
      }
      expect([writes, written]).toEqual([count, last]);
    });
  });

  test('what a message costs', () => {
    expect([0, 64, 65, 192, 193, 3776].map((size) => truesizeOf(size, true)))
      .toEqual([768, 768, 768, 768, 1280, 4352]);
  });

  test('shutdown', () => {
    world(STREAM | NONBLOCK, function* ({ a, b, buf }, k) {
      expect(yield* k.call('shutdown', a, 3)).toBe(-EINVAL);
      yield* k.call('write', a, buf, 2);
      expect(yield* k.call('shutdown', a, 1)).toBe(0);
      expect(yield* k.call('write', a, buf, 1)).toBe(-EPIPE);
      expect(yield* k.call('read', b, buf, 5)).toBe(2);
      expect(yield* k.call('read', b, buf, 5)).toBe(0);
      expect(yield* k.call('write', b, buf, 1)).toBe(1);
    });
  });
});

describe('messages with borders', () => {
  test('each receive gets one, and what it has no room for is lost', () => {
    for (const type of [DGRAM, SEQPACKET]) {
      world(type | NONBLOCK, function* (p, k) {
        yield* k.call('write', p.a, p.buf, 0);
        expect(yield* k.call('read', p.b, p.buf, 5)).toBe(0);
        yield* p.send(p.a, 'hello', []);
        yield* p.send(p.a, 'you', []);
        yield* p.send(p.a, 'again', []);
        expect(yield* p.recv(p.b, 2, 0, PEEK)).toBe('2 he flags=20 control=0');
        expect(yield* p.recv(p.b, 2, 0, TRUNC)).toMatch(/^5 he.*flags=20/);
        expect(yield* p.recv(p.b, 10, 0)).toBe('3 you flags=0 control=0');
        expect(yield* k.call('read', p.b, BAD, 5)).toBe(-EFAULT);
        expect(yield* k.call('read', p.b, p.buf, 5)).toBe(-EAGAIN);
        expect(yield* k.call('write', p.a, p.buf, 212_961)).toBe(-EMSGSIZE);
      });
    }
  });

  test('a dead peer: a datagram socket is alone then, a packet socket at its end', () => {
    world(DGRAM | NONBLOCK, function* ({ a, b, buf }, k) {
      yield* k.call('write', a, buf, 3);
      yield* k.call('close', a);
      expect(yield* k.call('write', b, buf, 5)).toBe(-ECONNREFUSED);
      expect(yield* k.call('write', b, buf, 5)).toBe(-ENOTCONN);
      expect(yield* k.call('read', b, buf, 5)).toBe(-EAGAIN);
    });
    const k = world(SEQPACKET | NONBLOCK, function* ({ a, b, buf }, k) {
      yield* k.call('write', b, buf, 3);
      yield* k.call('write', a, buf, 3);
      yield* k.call('close', a);
      expect(yield* k.call('write', b, buf, 5)).toBe(-ECONNRESET);
      expect(yield* k.call('write', b, buf, 5)).toBe(-EPIPE);
      expect(yield* k.call('read', b, buf, 5)).toBe(3);
      expect(yield* k.call('read', b, buf, 5)).toBe(0);
    });
    expect(k.signals).toEqual([]);
  });
});

describe('00 R23: descriptors in messages', () => {
  test('they arrive as new descriptors of the same files', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 7, O_NONBLOCK);
      const file = k.fs.tables.slot(p.task.s.files, e);
      expect(yield* p.send(p.a, 'x', [e, p.b])).toBe(1);
      expect(k.fs.files.count(file)).toBe(2);
      expect(k.fs.inFlight().map((holder) => holder.file)[0]).toBe(file);
      yield* k.call('close', e);
      expect(yield* p.recv(p.b, 10, 64)).toBe(`1 x flags=0 control=24 rights=${e},3`);
      expect(k.fs.tables.slot(p.task.s.files, e)).toBe(file);
      expect(k.fs.files.count(file)).toBe(1);
      expect(k.fs.inFlight()).toEqual([]);
      expect(yield* k.call('read', e, p.buf, 8)).toBe(8);
    });
  });

  test('data is joined up to a message that carries some, and stops there', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      yield* p.send(p.a, 'ab', []);
      yield* p.send(p.a, 'cd', [e]);
      yield* p.send(p.a, 'ef', []);
      expect(yield* p.recv(p.b, 0, 64)).toBe('0  flags=0 control=0');
      expect(yield* p.recv(p.b, 3, 64)).toBe('3 abc flags=0 control=24 rights=3');
      expect(yield* p.recv(p.b, 10, 64)).toBe('3 def flags=0 control=0');
      yield* p.send(p.a, 'gh', [e]);
      expect(yield* p.recv(p.b, 0, 64, CMSG_CLOEXEC))
        .toBe('0  flags=40000000 control=24 rights=4');
      expect(yield* k.call('fcntl', 4, 1, 0)).toBe(1);
      yield* p.send(p.a, 'ij', [e]);
      yield* p.send(p.a, 'kl', []);
      expect(yield* k.call('read', p.b, p.buf + 9000, 20)).toBe(4);
      expect(yield* k.call('read', p.b, p.buf + 9000, 20)).toBe(2);
    });
  });

  test.each([
    [0, 0, ''], [16, 0, ''], [19, 0, ''], [20, 20, '3'], [23, 23, '3'], [24, 24, '3,4'],
    [27, 24, '3,4'], [28, 28, '3,4,5'], [31, 31, '3,4,5'], [32, 32, '3,4,5'],
  ])('three in a room of %i: %i used, %s', (room, used, fds) => {
    world(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      yield* p.send(p.a, 'x', [e, e, e]);
      const flags = fds.length < 5 ? CTRUNC : 0;
      const rights = fds === '' ? '' : ` rights=${fds}`;
      expect(yield* p.recv(p.b, 1, room)).toBe(`1 x flags=${flags} control=${used}${rights}`);
      const file = k.fs.tables.slot(p.task.s.files, e);
      expect(k.fs.files.count(file)).toBe(1 + (fds === '' ? 0 : fds.split(',').length));
    });
  });

  test('those for which no number is free are dropped', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      yield* p.send(p.a, 'x', [e, e]);
      signal_struct.at(k.machine.memory, p.task.s.signal).rlim_nofile_cur = 4;
      expect(yield* p.recv(p.b, 1, 64)).toBe('1 x flags=8 control=24 rights=3');
    });
  });

  test('control data in the order of the checks', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      const { a } = p;
      const e = yield* k.call('eventfd2', 0, 0);
      const file = k.fs.tables.slot(p.task.s.files, e);
      expect(yield* p.send(a, 'x', [e, 99])).toBe(-EBADF);
      expect(yield* p.send(a, 'x', [e, -1])).toBe(-EBADF);
      expect(yield* p.send(a, 'x', [e], { length: 15 })).toBe(-EINVAL);
      expect(yield* p.send(a, 'x', [e], { length: 25 })).toBe(-EINVAL);
      expect(yield* p.send(a, 'x', [e], { type: 99 })).toBe(-EINVAL);
      expect(yield* p.send(a, 'x', [99], { level: 12_345 })).toBe(1);
      expect(yield* p.send(a, 'x', [], { type: 1 })).toBe(1);
      expect(yield* p.send(a, 'x', Array.from({ length: 253 }, () => e))).toBe(1);
      expect(yield* p.send(a, 'x', Array.from({ length: 254 }, () => 99))).toBe(-EINVAL);
      expect(yield* p.send(a, 0, [99])).toBe(-EBADF);
      expect(yield* p.send(a, 0, [e])).toBe(0);
      expect(yield* p.send(a, 5, [e], { at: BAD })).toBe(-EFAULT);
      expect(yield* p.send(a, 'x', [], { name: 16 })).toBe(-EISCONN);
      expect(k.fs.files.count(file)).toBe(1 + 253);
      yield* k.call('close', p.b);
      expect(k.fs.files.count(file)).toBe(1);
      expect(yield* p.send(a, 5, [e], { at: BAD, flags: NOSIGNAL })).toBe(-EPIPE);
      expect(k.fs.files.count(file)).toBe(1);
    });
  });

  test('before control data: flags, descriptor, kind, addresses', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      for (const name of ['sendmsg', 'recvmsg']) {
        expect(yield* k.call(name, 99, BAD, 0x8000_0000)).toBe(-EINVAL);
        expect(yield* k.call(name, 99, BAD, 0)).toBe(-EBADF);
        expect(yield* k.call(name, e, BAD, 0)).toBe(-ENOTSOCK);
        expect(yield* k.call(name, p.a, BAD, 0)).toBe(-EFAULT);
        yield* p.header(0xffff_8000_0000_0000, 1, 0);
        expect(yield* k.call(name, p.a, p.buf, 0)).toBe(-EFAULT);
        yield* p.header(p.buf, 2 ** 63, 0);
        expect(yield* k.call(name, p.a, p.buf, 0)).toBe(-EINVAL);
        yield* p.header(p.buf, 1, 0);
        yield* k.put(p.buf + 24, longBytes(1025n));
        expect(yield* k.call(name, p.a, p.buf, 0)).toBe(-EMSGSIZE);
      }
      yield* p.header(p.buf, 1, 131_072);
      expect(yield* k.call('sendmsg', p.a, p.buf, 0)).toBe(-ENOBUFS);
    });
  });

  test('a file that is only named can be sent', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      yield* k.put(p.buf, '/dev/null\0');
      const named = yield* k.call('open', p.buf, O_PATH, 0);
      expect(yield* p.send(p.a, 'x', [named])).toBe(1);
      expect(yield* p.recv(p.b, 1, 24)).toBe('1 x flags=0 control=24 rights=3');
      expect(yield* k.call('read', 3, p.buf, 1)).toBe(-EBADF);
    });
  });

  test('a look at a message gives new descriptors each time', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      yield* p.send(p.a, 'xy', [e]);
      expect(yield* p.recv(p.b, 5, 24, PEEK)).toBe('2 xy flags=0 control=24 rights=3');
      expect(yield* p.recv(p.b, 5, 24, PEEK)).toBe('2 xy flags=0 control=24 rights=4');
      expect(yield* p.recv(p.b, 5, 24)).toBe('2 xy flags=0 control=24 rights=5');
      expect(k.fs.files.count(k.fs.tables.slot(p.task.s.files, e))).toBe(4);
    });
  });

  test('a fault in the data leaves the message, and its descriptors', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      yield* p.send(p.a, 'xy', [e]);
      expect(yield* p.recv(p.b, 2, 24, 0, BAD)).toBe(String(-EFAULT));
      expect(yield* p.recv(p.b, 2, 24)).toBe('2 xy flags=0 control=24 rights=3');
    });
  });

  test('ETOOMANYREFS: no more than the limit in flight, unless privileged', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      k.capabilities.clear();
      const e = yield* k.call('eventfd2', 0, 0);
      signal_struct.at(k.machine.memory, p.task.s.signal).rlim_nofile_cur = 4;
      expect(yield* p.send(p.a, 'x', [e, e, e, e])).toBe(1);
      expect(yield* p.send(p.a, 'x', [e])).toBe(1);
      expect(yield* p.send(p.a, 1, [e], { at: BAD })).toBe(-ETOOMANYREFS);
      expect(yield* p.send(p.a, 0, [e])).toBe(0);
      expect(yield* p.recv(p.b, 1, 0)).toBe('1 x flags=8 control=0');
      expect(yield* p.send(p.a, 'x', [e])).toBe(1);
    });
  });
});

describe('sockets in flight', () => {
  test.each([
    ['over itself', (p: Pair) => [[p.a, p.b]]],
    ['each over the other', (p: Pair) => [[p.a, p.b], [p.b, p.a]]],
  ] as const)('sent %s, and closed: collected', (_how, sends) => {
    const k = new FsKernel();
    k.do(function* (task) {
      const p = new Pair(k, task);
      yield* k.put(p.buf, 'x');
      const before = live(k);
      yield* p.open(STREAM | NONBLOCK);
      for (const [over, sent] of sends(p)) yield* p.send(over!, 'x', [sent!]);
      yield* k.call('close', p.a);
      yield* k.call('close', p.b);
      const last = yield* k.call('eventfd2', 0, 0); // on the way back the rest is torn down
      yield* k.call('close', last);
      expect(live(k)).toBe(before);
    });
  });

  test('one that somebody can still receive stays', () => {
    world(STREAM | NONBLOCK, function* (p, k) {
      expect(yield* k.call('socketpair', 1, STREAM, 0, p.buf)).toBe(0);
      const [c, d] = yield* k.pair(p.buf);
      yield* p.send(p.a, 'x', [c]);
      yield* k.call('close', c);
      yield* k.call('close', yield* k.call('eventfd2', 0, 0));
      expect(yield* k.call('write', d, p.buf, 3)).toBe(3);
      expect(yield* p.recv(p.b, 1, 64)).toBe(`1 x flags=0 control=24 rights=${c}`);
      expect(yield* k.call('close', p.b)).toBe(0);
      expect(yield* k.call('write', d, p.buf, 3)).toBe(3);
    });
  });
});

describe('two tasks', () => {
  test('a receiver sleeps until a descriptor comes, and both may close at any time', () => {
    for (const type of [STREAM, SEQPACKET]) {
      for (let run = 0; run < 60; run++) {
        const k = new FsKernel();
        let got = '';
        const a = k.process('A', function* (task) {
          const p = new Pair(k, task);
          yield* p.open(type);
          const e = yield* k.call('eventfd2', 5, 0);
          k.process('B', function* () {
            const q = Object.assign(Object.create(Pair.prototype), p, { buf: p.buf + 65_536 }) as Pair;
            yield* q.send(p.a, 'x', [e]);
            yield* k.call('close', p.a);
            yield* k.call('close', e);
          }, a);
          got = yield* p.recv(p.b, 10, 24);
          got += ` ${yield* k.call('read', p.b, p.buf, 4)}`;
        });
        expect(k.runRandomly(run)).toEqual([]);
        expect(got).toMatch(/^1 x flags=0 control=24 rights=\d 0$/);
      }
    }
  });

  test('a sender sleeps until a quarter of its account is free', () => {
    for (let run = 0; run < 5; run++) {
      const k = new FsKernel();
      k.machine.engine.stepsMax = 1e6;
      let received = 0;
      const a = k.process('A', function* (task) {
        const p = new Pair(k, task);
        yield* p.open(STREAM);
        k.process('B', function* () {
          expect(yield* k.call('write', p.a, p.buf + 65_536, 400_000)).toBe(400_000);
          yield* k.call('close', p.a);
        }, a);
        for (;;) {
          const count = yield* k.call('read', p.b, p.buf, 60_000);
          if (count <= 0) break;
          received += count;
        }
      });
      expect(k.runRandomly(run)).toEqual([]);
      expect(received).toBe(400_000);
    }
  });
});
