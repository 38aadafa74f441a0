import { describe, expect, test } from 'vitest';
import {
  EBADF,
  EFAULT,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOBUFS,
  ENOTSOCK,
  EPIPE,
  ETOOMANYREFS,
} from '../../../kernel/errno.ts';
import { longBytes } from '../../../kernel/fs/driver.ts';
import { O_NONBLOCK, O_PATH } from '../../../kernel/fs/uapi.ts';
import { signal_struct } from '../../../kernel/structs.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';
import { SocketPair, withPair } from '../../kit/socket-pair.ts';

const BAD = 8;
const STREAM = 1;
const SEQPACKET = 5;
const NONBLOCK = O_NONBLOCK;
const PEEK = 2;
const NOSIGNAL = 0x4000;
const CMSG_CLOEXEC = 0x4000_0000;
const CTRUNC = 8;

const live = (k: FsKernel): number => k.machine.slab.liveCount;

describe('00 R23: descriptors in messages', () => {
  test('they arrive as new descriptors of the same files', () => {
    withPair(STREAM | NONBLOCK, function* (p, k) {
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
    withPair(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      yield* p.send(p.a, 'ab', []);
      yield* p.send(p.a, 'cd', [e]);
      yield* p.send(p.a, 'ef', []);
      expect(yield* p.recv(p.b, 0, 64)).toBe('0  flags=0 control=0');
      expect(yield* p.recv(p.b, 3, 64)).toBe('3 abc flags=0 control=24 rights=3');
      expect(yield* p.recv(p.b, 10, 64)).toBe('3 def flags=0 control=0');
      yield* p.send(p.a, 'gh', [e]);
      expect(yield* p.recv(p.b, 0, 64, CMSG_CLOEXEC)).toBe('0  flags=40000000 control=24 rights=4');
      expect(yield* k.call('fcntl', 4, 1, 0)).toBe(1);
      yield* p.send(p.a, 'ij', [e]);
      yield* p.send(p.a, 'kl', []);
      expect(yield* k.call('read', p.b, p.buf + 9000, 20)).toBe(4);
      expect(yield* k.call('read', p.b, p.buf + 9000, 20)).toBe(2);
    });
  });

  test.each([
    [0, 0, ''],
    [16, 0, ''],
    [19, 0, ''],
    [20, 20, '3'],
    [23, 23, '3'],
    [24, 24, '3,4'],
    [27, 24, '3,4'],
    [28, 28, '3,4,5'],
    [31, 31, '3,4,5'],
    [32, 32, '3,4,5'],
  ])('three in a room of %i: %i used, %s', (room, used, fds) => {
    withPair(STREAM | NONBLOCK, function* (p, k) {
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
    withPair(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      yield* p.send(p.a, 'x', [e, e]);
      signal_struct.at(k.machine.memory, p.task.s.signal).rlim_nofile_cur = 4;
      expect(yield* p.recv(p.b, 1, 64)).toBe('1 x flags=8 control=24 rights=3');
    });
  });

  test('control data in the order of the checks', () => {
    withPair(STREAM | NONBLOCK, function* (p, k) {
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
      expect(
        yield* p.send(
          a,
          'x',
          Array.from({ length: 253 }, () => e),
        ),
      ).toBe(1);
      expect(
        yield* p.send(
          a,
          'x',
          Array.from({ length: 254 }, () => 99),
        ),
      ).toBe(-EINVAL);
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
    withPair(STREAM | NONBLOCK, function* (p, k) {
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
    withPair(STREAM | NONBLOCK, function* (p, k) {
      yield* k.put(p.buf, '/dev/null\0');
      const named = yield* k.call('open', p.buf, O_PATH, 0);
      expect(yield* p.send(p.a, 'x', [named])).toBe(1);
      expect(yield* p.recv(p.b, 1, 24)).toBe('1 x flags=0 control=24 rights=3');
      expect(yield* k.call('read', 3, p.buf, 1)).toBe(-EBADF);
    });
  });

  test('a look at a message gives new descriptors each time', () => {
    withPair(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      yield* p.send(p.a, 'xy', [e]);
      expect(yield* p.recv(p.b, 5, 24, PEEK)).toBe('2 xy flags=0 control=24 rights=3');
      expect(yield* p.recv(p.b, 5, 24, PEEK)).toBe('2 xy flags=0 control=24 rights=4');
      expect(yield* p.recv(p.b, 5, 24)).toBe('2 xy flags=0 control=24 rights=5');
      expect(k.fs.files.count(k.fs.tables.slot(p.task.s.files, e))).toBe(4);
      yield* p.send(p.a, 'plain', []);
      yield* p.send(p.a, 'z', [e]);
      expect(yield* p.recv(p.b, 0, 0, PEEK)).toBe('0  flags=8 control=0');
    });
  });

  test('a fault in the data leaves the message, and its descriptors', () => {
    withPair(STREAM | NONBLOCK, function* (p, k) {
      const e = yield* k.call('eventfd2', 0, 0);
      yield* p.send(p.a, 'xy', [e]);
      expect(yield* p.recv(p.b, 2, 24, 0, BAD)).toBe(String(-EFAULT));
      expect(yield* p.recv(p.b, 2, 24)).toBe('2 xy flags=0 control=24 rights=3');
    });
  });

  test('ETOOMANYREFS: no more than the limit in flight, unless privileged', () => {
    withPair(STREAM | NONBLOCK, function* (p, k) {
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
    ['over itself', (p: SocketPair) => [[p.a, p.b]]],
    [
      'each over the other',
      (p: SocketPair) => [
        [p.a, p.b],
        [p.b, p.a],
      ],
    ],
  ] as const)('sent %s, and closed: collected when the next socket dies', (_how, sends) => {
    const k = new FsKernel();
    k.do(function* (task) {
      const p = new SocketPair(k, task);
      const other = new SocketPair(k, task);
      yield* k.put(p.buf, 'x');
      const before = live(k);
      yield* p.open(STREAM | NONBLOCK);
      for (const [over, sent] of sends(p)) yield* p.send(over!, 'x', [sent!]);
      yield* k.call('close', p.a);
      yield* k.call('close', p.b);
      expect(live(k)).toBeGreaterThan(before);
      yield* other.open(STREAM);
      yield* k.call('close', other.a);
      yield* k.call('close', other.b);
      expect(live(k)).toBe(before);
    });
  });

  test('one that somebody can still receive stays', () => {
    withPair(STREAM | NONBLOCK, function* (p, k) {
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

test('a receiver sleeps until a descriptor comes, and both may close at any time', () => {
  for (const type of [STREAM, SEQPACKET]) {
    for (let run = 0; run < 30; run++) {
      const k = new FsKernel();
      let got = '';
      const a = k.process('A', function* (task) {
        const p = new SocketPair(k, task);
        yield* p.open(type);
        const e = yield* k.call('eventfd2', 5, 0);
        k.process(
          'B',
          function* () {
            const q = Object.assign(Object.create(SocketPair.prototype), p, {
              buf: p.buf + 65_536,
            }) as SocketPair;
            yield* q.send(p.a, 'x', [e]);
            yield* k.call('close', p.a);
            yield* k.call('close', e);
          },
          a,
        );
        got = yield* p.recv(p.b, 10, 24);
        got += ` ${yield* k.call('read', p.b, p.buf, 4)}`;
      });
      expect(k.runRandomly(run)).toEqual([]);
      expect(got).toMatch(/^1 x flags=0 control=24 rights=\d 0$/);
    }
  }
});
