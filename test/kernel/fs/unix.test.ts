import { describe, expect, test } from 'vitest';
import {
  EAFNOSUPPORT,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EMFILE,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  ESPIPE,
} from '../../../kernel/errno.ts';
import { FIONREAD } from '../../../kernel/fs/driver.ts';
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from '../../../kernel/fs/uapi.ts';
import { truesizeOf } from '../../../kernel/fs/unix.ts';
import { signal_struct } from '../../../kernel/structs.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';
import { SocketPair, withPair } from '../../kit/socket-pair.ts';

const BAD = 8;
const STREAM = 1;
const DGRAM = 2;
const SEQPACKET = 5;
const NONBLOCK = O_NONBLOCK;
const PEEK = 2;
const TRUNC = 0x20;
const NOSIGNAL = 0x4000;

const live = (k: FsKernel): number => k.machine.slab.liveCount;

describe('socketpair', () => {
  test.each([
    [1, 16 | 1, 0, -EINVAL],
    [77, 1, 0, -EAFNOSUPPORT],
    [-1, 1, 0, -EAFNOSUPPORT],
    [0, 1, 0, -EAFNOSUPPORT],
    [46, 12, 0, -EAFNOSUPPORT],
    [1, 0, 0, -ESOCKTNOSUPPORT],
    [1, 3, 0, 0],
    [1, 4, 0, -ESOCKTNOSUPPORT],
    [1, 11, 0, -EINVAL],
    [1, 12, 0, -EINVAL],
    [1, 1, 1, 0],
    [1, 1, 2, -EPROTONOSUPPORT],
    [1, 4, 2, -EPROTONOSUPPORT],
    [1, 1, -1, -EPROTONOSUPPORT],
    [2, 1, 0, -EOPNOTSUPP],
    [2, 2, 0, -EOPNOTSUPP],
    [2, 5, 0, -ESOCKTNOSUPPORT],
    [2, 3, 0, -EPROTONOSUPPORT],
    [2, 1, 17, -EPROTONOSUPPORT],
    [2, 1, 6, -EOPNOTSUPP],
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
      const pair = new SocketPair(k, task);
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
    const k = withPair(STREAM | NONBLOCK, function* ({ a, b, buf }, k) {
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
    withPair(STREAM | NONBLOCK, function* (p, k) {
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
    [STREAM, 1, 278, 1],
    [STREAM, 500, 167, 500],
    [STREAM, 1000, 93, 1000],
    [STREAM, 3776, 49, 3776],
    [STREAM, 3777, 44, 3777],
    [STREAM, 8192, 24, 8192],
    [STREAM, 10_000, 17, 10_000],
    [STREAM, 16_384, 13, 16_384],
    [STREAM, 50_000, 5, 36_544],
    [STREAM, 65_536, 4, 36_544],
    [STREAM, 131_072, 2, 109_632],
    [STREAM, 300_000, 1, 219_264],
    [DGRAM, 0, 278, 0],
    [DGRAM, 3777, 26, 3777],
    [DGRAM, 10_000, 13, 10_000],
    [DGRAM, 16_384, 11, 16_384],
    [DGRAM, 36_544, 6, 36_544],
    [SEQPACKET, 100_000, 3, 100_000],
    [DGRAM, 212_960, 1, 212_960],
  ])('type %i: what fits in writes of %i: %i, the last of %i', (type, size, count, last) => {
    withPair(type | NONBLOCK, function* ({ a, buf }, k) {
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
    expect([0, 64, 65, 192, 193, 3776].map((size) => truesizeOf(size, true))).toEqual([
      768, 768, 768, 768, 1280, 4352,
    ]);
  });

  test('shutdown', () => {
    withPair(STREAM | NONBLOCK, function* ({ a, b, buf }, k) {
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
      withPair(type | NONBLOCK, function* (p, k) {
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
    withPair(DGRAM | NONBLOCK, function* ({ a, b, buf }, k) {
      yield* k.call('write', a, buf, 3);
      yield* k.call('close', a);
      expect(yield* k.call('write', b, buf, 5)).toBe(-ECONNREFUSED);
      expect(yield* k.call('write', b, buf, 5)).toBe(-ENOTCONN);
      expect(yield* k.call('read', b, buf, 5)).toBe(-EAGAIN);
    });
    const k = withPair(SEQPACKET | NONBLOCK, function* ({ a, b, buf }, k) {
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

test('a sender sleeps until a quarter of its account is free', () => {
  for (let run = 0; run < 5; run++) {
    const k = new FsKernel();
    k.machine.engine.stepsMax = 1e6;
    let received = 0;
    const a = k.process('A', function* (task) {
      const p = new SocketPair(k, task);
      yield* p.open(STREAM);
      k.process(
        'B',
        function* () {
          expect(yield* k.call('write', p.a, p.buf + 65_536, 400_000)).toBe(400_000);
          yield* k.call('close', p.a);
        },
        a,
      );
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
