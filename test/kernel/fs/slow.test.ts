import { expect, test } from 'vitest';
import { EFAULT, ENOTTY } from '../../../kernel/errno.ts';
import { longBytes } from '../../../kernel/fs/driver.ts';
import { SLOW_GET, SLOW_MODULE, SLOW_SET, SLOW_SWAP } from '../../../kernel/fs/slow.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

test('the value of an open file is stored, loaded and swapped', () => {
  const k = new FsKernel();
  k.do(function* (task) {
    const buf = k.map(task, 4096);
    yield* k.put(buf, '/dev/slow\0');
    const fd = yield* k.call('open', buf, 2, 0);
    yield* k.put(buf, longBytes(77n));
    expect(yield* k.call('ioctl', fd, SLOW_SET, buf)).toBe(0);
    yield* k.put(buf, longBytes(5n));
    expect(yield* k.call('ioctl', fd, SLOW_SWAP, buf)).toBe(0);
    expect((yield* k.pair(buf))[0]).toBe(77);
    expect(yield* k.call('ioctl', fd, SLOW_GET, buf)).toBe(0);
    expect((yield* k.pair(buf))[0]).toBe(5);
    expect(yield* k.call('read', fd, buf, 100)).toBe(8);
    expect(yield* k.call('ioctl', fd, SLOW_GET, 8)).toBe(-EFAULT);
    expect(yield* k.call('ioctl', fd, SLOW_SET, 8)).toBe(-EFAULT);
    expect(yield* k.call('ioctl', fd, 3, buf)).toBe(-ENOTTY);
    expect(k.modules.refcount(SLOW_MODULE)).toBe(1);
    yield* k.call('close', fd);
    expect(k.modules.refcount(SLOW_MODULE)).toBe(0);
  });
});

test('00 R46: asleep in its copy, it shows what it holds', () => {
  const seen = new Set<string>();
  for (let run = 0; run < 30; run++) {
    const k = new FsKernel();
    k.process('A', function* (task) {
      const buf = k.map(task, 4096);
      yield* k.put(buf, '/dev/slow\0');
      const fd = yield* k.call('open', buf, 2, 0);
      const arg = k.map(task, 4096, true);
      k.process('B', function* () {
        for (let i = 0; i < 50; i++) {
          for (const { callChain, modules } of k.user.blocked()) {
            seen.add(`${callChain.join(' ')} ${modules.map(({ name }) => name).join()}`);
          }
          yield* k.call('eventfd2', 0, 0);
        }
      });
      expect(yield* k.call('ioctl', fd, SLOW_GET, arg)).toBe(0);
    });
    expect(k.runRandomly(run)).toEqual([]);
  }
  expect([...seen].join('\n')).toMatch(/copy_to_user slow_ioctl vfs_ioctl \w*sys_ioctl .*slowdev/);
});
