import { expect, test } from 'vitest';
import { EFAULT, EINVAL, ENOSPC, ENOTTY } from '../../../kernel/errno.ts';
import { FIONREAD } from '../../../kernel/fs/driver.ts';
import type { Task } from '../../../kernel/task.ts';
import type { Sim } from '../../../sim/request.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

const BAD = 8;
const O_RDWR = 2;

function* open(k: FsKernel, task: Task, path: string): Sim<{ fd: number; buf: number }> {
  const buf = k.map(task, 3 * 4096);
  yield* k.put(buf, `${path}\0`);
  const fd = yield* k.call('open', buf, O_RDWR, 0);
  expect(fd).toBeGreaterThanOrEqual(0);
  return { fd, buf };
}

test('/dev/null takes everything, gives nothing and never touches the buffer', () => {
  const k = new FsKernel();
  k.do(function* (task) {
    const { fd, buf } = yield* open(k, task, '/dev/null');
    expect(yield* k.call('write', fd, BAD, 10)).toBe(10);
    expect(yield* k.call('read', fd, BAD, 10)).toBe(0);
    expect(yield* k.call('write', fd, 0x1000_0000, 0x8000_0000)).toBe(2_147_479_552);
    expect(yield* k.call('write', fd, buf, -1)).toBe(-EFAULT);
    expect(yield* k.call('write', fd, 0xffff_8000_0000_0000, 10)).toBe(-EFAULT);
    expect(yield* k.call('ioctl', fd, FIONREAD, buf)).toBe(-ENOTTY);
    expect(yield* k.call('fcntl', fd, 3, 0)).toBe(0o100002);
    for (const whence of [0, 1, 2, 3, 4]) expect(yield* k.call('lseek', fd, 5, whence)).toBe(0);
    expect(yield* k.call('lseek', fd, 5, 7)).toBe(-EINVAL);
  });
});

test('/dev/zero gives zeros, as far as there is room', () => {
  const k = new FsKernel();
  k.do(function* (task) {
    const { fd, buf } = yield* open(k, task, '/dev/zero');
    expect(yield* k.call('read', fd, buf, 5)).toBe(5);
    expect(yield* k.get(buf, 7)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 122, 101));
    expect(yield* k.call('read', fd, buf + 4096, 3 * 4096)).toBe(2 * 4096);
    expect(yield* k.call('read', fd, BAD, 10)).toBe(-EFAULT);
    expect(yield* k.call('write', fd, BAD, 10)).toBe(10);
  });
});

test('/dev/full has no room even for nothing', () => {
  const k = new FsKernel();
  k.do(function* (task) {
    const { fd, buf } = yield* open(k, task, '/dev/full');
    expect(yield* k.call('write', fd, buf, 0)).toBe(-ENOSPC);
    expect(yield* k.call('write', fd, BAD, 1)).toBe(-ENOSPC);
    expect(yield* k.call('read', fd, buf, 1)).toBe(1);
  });
});
