import { expect, test } from 'vitest';
import { EBADF, EFAULT, EINVAL } from '../../../kernel/errno.ts';
import { FIOCLEX, FIONBIO, FIONCLEX, intBytes } from '../../../kernel/fs/driver.ts';
import { O_NONBLOCK, O_PATH } from '../../../kernel/fs/uapi.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

test('a closed descriptor, and one that only names a file, can do nothing', () => {
  const k = new FsKernel();
  k.do(function* (task) {
    const buf = k.map(task, 4096);
    yield* k.put(buf, '/dev/null\0');
    const named = yield* k.call('open', buf, O_PATH, 0);
    for (const fd of [named, 9, -1]) {
      expect(yield* k.call('read', fd, buf, 1)).toBe(-EBADF);
      expect(yield* k.call('write', fd, buf, 1)).toBe(-EBADF);
      expect(yield* k.call('lseek', fd, 0, 9)).toBe(-EBADF);
      expect(yield* k.call('ioctl', fd, FIOCLEX, buf)).toBe(-EBADF);
    }
  });
});

test('the ioctls of every file', () => {
  const k = new FsKernel();
  k.do(function* (task) {
    const buf = k.map(task, 4096);
    const fd = yield* k.call('eventfd2', 0, 0);
    expect(yield* k.call('ioctl', fd, FIOCLEX, 0)).toBe(0);
    expect(yield* k.call('fcntl', fd, 1, 0)).toBe(1);
    expect(yield* k.call('ioctl', fd, FIONCLEX, 0)).toBe(0);
    expect(yield* k.call('fcntl', fd, 1, 0)).toBe(0);
    yield* k.put(buf, intBytes(1));
    expect(yield* k.call('ioctl', fd, FIONBIO, buf)).toBe(0);
    expect((yield* k.call('fcntl', fd, 3, 0)) & O_NONBLOCK).toBe(O_NONBLOCK);
    yield* k.put(buf, intBytes(0));
    expect(yield* k.call('ioctl', fd, FIONBIO, buf)).toBe(0);
    expect((yield* k.call('fcntl', fd, 3, 0)) & O_NONBLOCK).toBe(0);
    expect(yield* k.call('ioctl', fd, FIONBIO, 8)).toBe(-EFAULT);
  });
});

test('whence is 32 bits, and is looked at before the kind of file', () => {
  const k = new FsKernel();
  k.do(function* () {
    const fd = yield* k.call('eventfd2', 0, 0);
    expect(yield* k.call('lseek', fd, 0, 0x1_0000_0000)).toBe(0);
    expect(yield* k.call('lseek', fd, 0, -1)).toBe(-EINVAL);
  });
});
