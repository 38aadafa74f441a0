import { describe, expect, test } from 'vitest';
import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EPERM,
} from '../../../kernel/errno.ts';
import {
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_PATH,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '../../../kernel/fs/uapi.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

/** What open() says: 0 for a descriptor, which is closed again. */
function opened(path: string, flags = 0, earlier: readonly string[] = []): number {
  const k = new FsKernel();
  return k.do(function* (task) {
    const buf = k.map(task, 8192);
    for (const name of earlier) {
      yield* k.put(buf, `${name}\0`);
      expect(yield* k.call('open', buf, O_CREAT | O_RDWR, 0o600)).toBeGreaterThanOrEqual(0);
    }
    yield* k.put(buf, `${path}\0`);
    const live = k.machine.slab.liveCount;
    const fd = yield* k.call('open', buf, flags, 0o600);
    if (fd < 0) {
      expect(k.machine.slab.liveCount).toBe(live);
      return fd;
    }
    expect(yield* k.call('close', fd)).toBe(0);
    return 0;
  });
}

describe('what open finds', () => {
  test.each([
    ['/dev/null', 0, 0],
    ['/dev/./../dev//zero', O_RDWR, 0],
    ['dev/full', 0, 0],
    ['/', 0, 0],
    ['/dev', 0, 0],
    ['/tmp/', 0, 0],
    ['/../..', O_DIRECTORY, 0],
    ['', 0, -ENOENT],
    ['/nonexistent/file', 0, -ENOENT],
    ['/dev/none', 0, -ENOENT],
    ['/dev/null/file', 0, -ENOTDIR],
    ['/dev/null/', 0, -ENOTDIR],
    ['/dev/null/..', 0, -ENOTDIR],
    ['/dev/null', O_DIRECTORY, -ENOTDIR],
    ['/dev/null', O_DIRECTORY | O_PATH, -ENOTDIR],
    ['/dev/null', O_CREAT | O_EXCL, -EEXIST],
    ['/dev/null', O_CREAT, 0],
    ['/', O_WRONLY, -EISDIR],
    ['/tmp', O_RDWR, -EISDIR],
    ['/tmp', O_TRUNC, -EISDIR],
    ['/tmp', O_CREAT, -EISDIR],
    ['/tmp', O_CREAT | O_EXCL, -EEXIST],
    ['/', O_PATH | O_WRONLY, 0],
    ['/tmp/new', 0, -ENOENT],
    ['/tmp/new', O_CREAT, 0],
    ['/tmp/new/', O_CREAT, -EISDIR],
    ['/tmp/new/x', O_CREAT, -ENOENT],
    ['/dev/new', O_CREAT, -EACCES],
    ['/new', O_CREAT, -EACCES],
    ['/dev/null', O_DIRECT, -EINVAL],
    ['/dev/null', O_NOATIME, -EPERM],
    ['/', O_TMPFILE | O_RDWR, -EACCES],
    ['/tmp', O_TMPFILE | O_RDWR, 0],
    [`/tmp/${'x'.repeat(255)}`, O_CREAT, 0],
    [`/tmp/${'x'.repeat(256)}`, O_CREAT, -ENAMETOOLONG],
  ])('%s with %i', (path, flags, result) => {
    expect(opened(path, flags)).toBe(result);
  });

  test.each([
    ['/tmp/f', 0, 0],
    ['/tmp/f', O_CREAT | O_EXCL, -EEXIST],
    ['/tmp/f/', 0, -ENOTDIR],
    ['/tmp/f/x', 0, -ENOTDIR],
    ['/tmp/f', O_CREAT | O_TRUNC, 0],
    ['/tmp/g', 0, -ENOENT],
  ])('where /tmp/f is: %s with %i', (path, flags, result) => {
    expect(opened(path, flags, ['/tmp/f'])).toBe(result);
  });
});

test('a directory can be neither read nor written', () => {
  const k = new FsKernel();
  k.do(function* (task) {
    const buf = k.map(task, 4096);
    yield* k.put(buf, '/\0');
    const fd = yield* k.call('open', buf, 0, 0);
    expect(yield* k.call('read', fd, buf, 10)).toBe(-EISDIR);
    expect(yield* k.call('write', fd, buf, 10)).toBe(-EBADF);
    expect(yield* k.call('lseek', fd, 5, 0)).toBe(5);
    expect(yield* k.call('lseek', fd, 5, 2)).toBe(-EINVAL);
  });
});
