import { expect, test } from 'vitest';
import { EFAULT, EFBIG, EINVAL, ENXIO } from '../../../kernel/errno.ts';
import { FIONREAD } from '../../../kernel/fs/driver.ts';
import { RAMFS_SIZE_MAX } from '../../../kernel/fs/ramfs.ts';
import { O_APPEND, O_CREAT, O_RDWR, O_TMPFILE, O_TRUNC } from '../../../kernel/fs/uapi.ts';
import type { Task } from '../../../kernel/task.ts';
import type { Sim } from '../../../sim/request.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

const BAD = 8;

function* open(k: FsKernel, buf: number, flags: number, path = '/tmp/f'): Sim<number> {
  yield* k.put(buf, `${path}\0`);
  return yield* k.call('open', buf, flags, 0o600);
}

function world(body: (k: FsKernel, buf: number, task: Task) => Sim<void>): void {
  const k = new FsKernel();
  k.do(function* (task) {
    yield* body(k, k.map(task, 16_384), task);
  });
}

test('what is written is read by whoever opens the file next', () => {
  world(function* (k, buf) {
    const fd = yield* open(k, buf, O_CREAT | O_RDWR);
    const data = Uint8Array.from({ length: 9_000 }, (_, i) => (i * 3) & 0xff);
    yield* k.put(buf, data);
    expect(yield* k.call('write', fd, buf, 9_000)).toBe(9_000);
    expect(yield* k.call('read', fd, buf, 1)).toBe(0);
    yield* k.call('close', fd);
    const again = yield* open(k, buf, 0);
    expect(yield* k.call('read', again, buf, 5_000)).toBe(5_000);
    expect(yield* k.call('ioctl', again, FIONREAD, buf + 12_000)).toBe(0);
    expect((yield* k.pair(buf + 12_000))[0]).toBe(4_000);
    expect(yield* k.call('read', again, buf + 5_000, 9_000)).toBe(4_000);
    expect(yield* k.get(buf, 9_000)).toEqual(data);
  });
});

test('the position: set, moved, from the end; holes read as zeros', () => {
  world(function* (k, buf) {
    const fd = yield* open(k, buf, O_CREAT | O_RDWR);
    expect(yield* k.call('lseek', fd, 5_000, 0)).toBe(5_000);
    yield* k.call('write', fd, buf, 4);
    expect(yield* k.call('lseek', fd, -4, 1)).toBe(5_000);
    expect(yield* k.call('lseek', fd, -2, 2)).toBe(5_002);
    expect(yield* k.call('lseek', fd, -1, 0)).toBe(-EINVAL);
    expect(yield* k.call('lseek', fd, 5_004, 3)).toBe(-ENXIO);
    expect(yield* k.call('lseek', fd, 7, 3)).toBe(7);
    expect(yield* k.call('lseek', fd, 7, 4)).toBe(5_004);
    yield* k.call('lseek', fd, 0, 0);
    expect(yield* k.call('read', fd, buf, 5_000)).toBe(5_000);
    expect((yield* k.get(buf, 5_000)).every((byte) => byte === 0)).toBe(true);
  });
});

test('append writes at the end, wherever the position is; truncating empties', () => {
  world(function* (k, buf) {
    const fd = yield* open(k, buf, O_CREAT | O_RDWR | O_APPEND);
    yield* k.put(buf, 'abc');
    yield* k.call('write', fd, buf, 3);
    yield* k.call('lseek', fd, 0, 0);
    yield* k.call('write', fd, buf, 2);
    expect(yield* k.call('lseek', fd, 0, 1)).toBe(5);
    yield* k.call('lseek', fd, 0, 0);
    expect(yield* k.getText(buf, yield* k.call('read', fd, buf, 10))).toBe('abcab');
    yield* open(k, buf, O_RDWR | O_TRUNC);
    yield* k.call('lseek', fd, 0, 0);
    expect(yield* k.call('read', fd, buf, 10)).toBe(0);
  });
});

test('faults and the largest size', () => {
  world(function* (k, buf) {
    const fd = yield* open(k, buf, O_CREAT | O_RDWR);
    expect(yield* k.call('write', fd, BAD, 3)).toBe(-EFAULT);
    expect(yield* k.call('write', fd, buf, 3)).toBe(3);
    yield* k.call('lseek', fd, 0, 0);
    expect(yield* k.call('read', fd, BAD, 3)).toBe(-EFAULT);
    expect(yield* k.call('read', fd, buf, 9)).toBe(3);
    yield* k.call('lseek', fd, RAMFS_SIZE_MAX - 2, 0);
    expect(yield* k.call('write', fd, buf, 9)).toBe(2);
    expect(yield* k.call('write', fd, buf, 9)).toBe(-EFBIG);
    expect(yield* k.call('write', fd, buf, 0)).toBe(0);
  });
});

test('a file without a name goes with its last descriptor', () => {
  world(function* (k, buf) {
    const before = k.machine.slab.liveCount;
    const fd = yield* open(k, buf, O_TMPFILE | O_RDWR, '/tmp');
    yield* k.call('write', fd, buf, 5_000);
    yield* k.call('close', fd);
    expect(k.machine.slab.liveCount).toBe(before);
  });
});

test('00 R16: writes of two who share a descriptor do not overlap', () => {
  for (let run = 0; run < 30; run++) {
    const k = new FsKernel();
    let size = 0;
    const a = k.process('A', function* (task) {
      const buf = k.map(task, 4096);
      const fd = yield* open(k, buf, O_CREAT | O_RDWR);
      k.process('B', () => k.call('write', fd, buf, 10), a);
      yield* k.call('write', fd, buf, 20);
      k.process(
        'C',
        function* () {
          size = yield* k.call('lseek', fd, 0, 2);
        },
        a,
      );
    });
    expect(k.runRandomly(run)).toEqual([]);
    expect([20, 30]).toContain(size);
  }
});
