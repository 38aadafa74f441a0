import { describe, expect, test } from 'vitest';
import { EAGAIN, EFAULT, EINVAL, ENOTTY } from '../../../kernel/errno.ts';
import { FIONREAD, longBytes } from '../../../kernel/fs/driver.ts';
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from '../../../kernel/fs/uapi.ts';
import type { Sim } from '../../../sim/request.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

const BAD = 8;
const SEMAPHORE = 1;

/** eventfd2, and the number in a buffer written to or read from it. */
function* counter(
  k: FsKernel,
  buf: number,
  initial: number,
  flags: number,
): Sim<{ fd: number; read: () => Sim<bigint>; write: (value: bigint) => Sim<number> }> {
  const fd = yield* k.call('eventfd2', initial, flags);
  return {
    fd,
    *read() {
      const result = yield* k.call('read', fd, buf, 8);
      if (result < 0) return BigInt(result);
      return new DataView((yield* k.get(buf, 8)).buffer).getBigUint64(0, true);
    },
    *write(value) {
      yield* k.put(buf, longBytes(value));
      return yield* k.call('write', fd, buf, 8);
    },
  };
}

describe('as measured on Linux', () => {
  test('the initial value has 32 bits; reading takes all of it', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const e = yield* counter(k, k.map(task, 4096), -1, O_NONBLOCK | O_CLOEXEC);
      expect(yield* k.call('fcntl', e.fd, 3, 0)).toBe(O_RDWR | O_NONBLOCK);
      expect(yield* k.call('fcntl', e.fd, 1, 0)).toBe(1);
      expect(yield* e.read()).toBe(0xffff_ffffn);
      expect(yield* e.read()).toBe(BigInt(-EAGAIN));
      expect(yield* k.call('eventfd2', 0, 2)).toBe(-EINVAL);
    });
  });

  test('a semaphore gives one at a time', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const e = yield* counter(k, k.map(task, 4096), 2, O_NONBLOCK | SEMAPHORE);
      expect([yield* e.read(), yield* e.read(), yield* e.read()]).toEqual([1n, 1n, -11n]);
    });
  });

  test('it holds up to 2^64-2, and nobody can write 2^64-1', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const e = yield* counter(k, k.map(task, 4096), 0, O_NONBLOCK);
      expect(yield* e.write(2n ** 64n - 1n)).toBe(-EINVAL);
      expect(yield* e.write(2n ** 64n - 2n)).toBe(8);
      expect(yield* e.write(1n)).toBe(-EAGAIN);
      expect(yield* e.write(0n)).toBe(8);
      expect(yield* e.read()).toBe(2n ** 64n - 2n);
    });
  });

  test('sizes before pointers; a value that cannot be stored is lost', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { fd } = yield* counter(k, k.map(task, 4096), 5, O_NONBLOCK);
      for (const size of [0, 7, 9, 16]) {
        expect(yield* k.call('write', fd, BAD, size)).toBe(-EINVAL);
      }
      expect(yield* k.call('write', fd, BAD, 8)).toBe(-EFAULT);
      expect(yield* k.call('read', fd, BAD, 7)).toBe(-EINVAL);
      expect(yield* k.call('read', fd, BAD, 9)).toBe(-EFAULT);
      expect(yield* k.call('read', fd, BAD, 9)).toBe(-EAGAIN);
    });
  });

  test('v6.1 takes more than eight bytes', () => {
    const k = new FsKernel({ profile: 'v6.1' });
    k.do(function* (task) {
      const buf = k.map(task, 4096);
      const { fd } = yield* counter(k, buf, 0, O_NONBLOCK);
      expect(yield* k.call('write', fd, buf, 16)).toBe(8);
    });
  });

  test('it has a position that never moves, and no ioctl', () => {
    const k = new FsKernel();
    k.do(function* () {
      const fd = yield* k.call('eventfd2', 0, 0);
      for (const whence of [0, 1, 2, 4]) expect(yield* k.call('lseek', fd, 3, whence)).toBe(0);
      expect(yield* k.call('lseek', fd, 3, 5)).toBe(-EINVAL);
      expect(yield* k.call('ioctl', fd, FIONREAD, BAD)).toBe(-ENOTTY);
    });
  });
});

test('a reader and a writer sleep for each other', () => {
  for (let run = 0; run < 40; run++) {
    const k = new FsKernel();
    const seen: bigint[] = [];
    const a = k.process('A', function* (task) {
      const buf = k.map(task, 4096);
      const first = yield* counter(k, buf, 0, 0);
      const second = yield* counter(k, buf + 8, 0, 0);
      yield* second.write(2n ** 64n - 2n);
      k.process(
        'B',
        function* () {
          yield* k.put(buf + 64, longBytes(3n));
          yield* k.call('write', first.fd, buf + 64, 8);
          expect(yield* k.call('read', second.fd, buf + 64, 8)).toBe(8);
        },
        a,
      );
      seen.push(yield* first.read());
      seen.push(BigInt(yield* second.write(9n)));
      seen.push(yield* second.read());
    });
    expect(k.runRandomly(run)).toEqual([]);
    expect(seen).toEqual([3n, 8n, 9n]);
  }
});

test('the last put frees the counter', () => {
  const k = new FsKernel();
  k.do(function* () {
    const before = k.machine.slab.liveCount;
    const fd = yield* k.call('eventfd2', 0, 0);
    yield* k.call('close', fd);
    expect(k.machine.slab.liveCount).toBe(before);
  });
});
