import { describe, expect, test } from 'vitest';
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EMFILE,
  ENOPKG,
  ENOTTY,
  EPIPE,
  ESPIPE,
} from '../../../kernel/errno.ts';
import { FIONREAD } from '../../../kernel/fs/driver.ts';
import { pipe_inode_info } from '../../../kernel/fs/pipe.ts';
import { file as fileStruct } from '../../../kernel/fs/structs.ts';
import { O_CLOEXEC, O_DIRECT, O_EXCL, O_NONBLOCK, O_WRONLY } from '../../../kernel/fs/uapi.ts';
import { signal_struct } from '../../../kernel/structs.ts';
import type { Task } from '../../../kernel/task.ts';
import type { Sim } from '../../../sim/request.ts';
import { FsKernel, text } from '../../kit/fs-kernel.ts';

const BAD = 8;
const KERNEL_HALF = 0xffff_8000_0000_0000;

/** A pipe of the current task, and a buffer: what a test starts from. */
function* pipe(
  k: FsKernel,
  task: Task,
  flags = O_NONBLOCK,
): Sim<{ r: number; w: number; buf: number }> {
  const buf = k.map(task, 1 << 18);
  expect(yield* k.call('pipe2', buf, flags)).toBe(0);
  const [r, w] = yield* k.pair(buf);
  return { r, w, buf };
}

describe('pipe2', () => {
  test('00 R19: the lowest two descriptors; the first reads, the second writes', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { r, w } = yield* pipe(k, task, O_NONBLOCK | O_DIRECT);
      expect([r, w]).toEqual([0, 1]);
      expect(yield* k.call('fcntl', r, 3, 0)).toBe(O_NONBLOCK);
      expect(yield* k.call('fcntl', w, 3, 0)).toBe(O_WRONLY | O_NONBLOCK | O_DIRECT);
    });
  });

  test('flags are refused before the pointer is looked at', () => {
    const k = new FsKernel();
    k.do(function* () {
      for (const flags of [1, 0o2000]) expect(yield* k.call('pipe2', BAD, flags)).toBe(-EINVAL);
      expect(yield* k.call('pipe2', BAD, O_EXCL)).toBe(-ENOPKG);
      expect(yield* k.call('pipe2', BAD, 0)).toBe(-EFAULT);
    });
  });

  test('a pair of numbers that cannot be stored, or of which there is one, is given back', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const buf = k.map(task, 4096);
      const before = k.machine.slab.liveCount;
      expect(yield* k.call('pipe2', BAD, 0)).toBe(-EFAULT);
      expect(k.machine.slab.liveCount).toBe(before);
      signal_struct.at(k.machine.memory, task.s.signal).rlim_nofile_cur = 1;
      expect(yield* k.call('pipe2', buf, 0)).toBe(-EMFILE);
      expect(k.machine.slab.liveCount).toBe(before);
      signal_struct.at(k.machine.memory, task.s.signal).rlim_nofile_cur = 2;
      expect(yield* k.call('pipe2', buf, 0)).toBe(0);
      expect(yield* k.pair(buf)).toEqual([0, 1]);
    });
  });
});

describe('read and write, nonblocking, as measured on Linux', () => {
  test('each end does one thing, and neither has a position', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { r, w, buf } = yield* pipe(k, task);
      expect(yield* k.call('read', w, buf, 1)).toBe(-EBADF);
      expect(yield* k.call('write', r, buf, 1)).toBe(-EBADF);
      expect(yield* k.call('lseek', r, 0, 0)).toBe(-ESPIPE);
      expect(yield* k.call('lseek', r, 0, 4)).toBe(-ESPIPE);
      expect(yield* k.call('lseek', r, 0, 5)).toBe(-EINVAL);
      expect(yield* k.call('lseek', r, 0, -1)).toBe(-EINVAL);
    });
  });

  test('nothing is read and written without a look at the pipe; the kernel half is refused', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { r, w, buf } = yield* pipe(k, task);
      expect(yield* k.call('read', r, BAD, 0)).toBe(0);
      expect(yield* k.call('write', w, BAD, 0)).toBe(0);
      expect(yield* k.call('write', w, BAD, 1)).toBe(-EFAULT);
      expect(yield* k.call('read', r, BAD, 1)).toBe(-EAGAIN);
      expect(yield* k.call('read', r, KERNEL_HALF, 0)).toBe(-EFAULT);
      expect(yield* k.call('read', r, buf, -1)).toBe(-EFAULT);
      expect(yield* k.call('close', r)).toBe(0);
      expect(yield* k.call('write', w, BAD, 0)).toBe(0);
      expect(yield* k.call('write', w, BAD, 1)).toBe(-EPIPE);
      expect(k.signals).toEqual([13]);
    });
  });

  test.each([
    [1, 65_536, 1],
    [13, 5_040, 13],
    [121, 528, 121],
    [364, 176, 364],
    [1_093, 48, 1_093],
    [3_280, 16, 3_280],
    [9_841, 7, 4_096],
    [29_524, 3, 4_096],
  ])('writes of %i bytes: %i of them, the last of %i', (size, count, last) => {
    const k = new FsKernel();
    k.machine.engine.stepsMax = 10_000_000;
    k.do(function* (task) {
      const { w, buf } = yield* pipe(k, task);
      let writes = 0;
      let written = 0;
      for (;;) {
        const result = yield* k.call('write', w, buf, size);
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

  test('what was read of the last page is not won back', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { r, w, buf } = yield* pipe(k, task);
      expect(yield* k.call('write', w, buf, 70_000)).toBe(65_536);
      expect(yield* k.call('read', r, buf, 4_095)).toBe(4_095);
      expect(yield* k.call('write', w, buf, 1)).toBe(-EAGAIN);
      expect(yield* k.call('read', r, buf, 1)).toBe(1);
      expect(yield* k.call('write', w, buf, 1)).toBe(1);
      expect(yield* k.call('read', r, buf, 70_000)).toBe(61_441);
      expect(yield* k.call('read', r, buf, 1)).toBe(-EAGAIN);
    });
  });

  test('bytes come out in order across pages and reads', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { r, w, buf } = yield* pipe(k, task);
      const data = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7) & 0xff);
      yield* k.put(buf, data);
      expect(yield* k.call('write', w, buf, 3_000)).toBe(3_000);
      expect(yield* k.call('write', w, buf + 3_000, 7_000)).toBe(7_000);
      expect(yield* k.call('ioctl', r, FIONREAD, buf + 20_000)).toBe(0);
      expect((yield* k.pair(buf + 20_000))[0]).toBe(10_000);
      expect(yield* k.call('ioctl', r, FIONREAD, BAD)).toBe(-EFAULT);
      expect(yield* k.call('ioctl', r, 0x1234, BAD)).toBe(-ENOTTY);
      expect(yield* k.call('read', r, buf + 20_000, 4_500)).toBe(4_500);
      expect(yield* k.call('read', r, buf + 24_500, 9_999)).toBe(5_500);
      expect(yield* k.get(buf + 20_000, 10_000)).toEqual(data);
    });
  });

  test('a fault leaves what was there, and what was written before it', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { r, w, buf } = yield* pipe(k, task);
      const end = buf + (1 << 18);
      expect(yield* k.call('write', w, end - 5_000, 9_000)).toBe(4_096);
      expect(yield* k.call('read', r, BAD, 10)).toBe(-EFAULT);
      expect(yield* k.call('read', r, buf, 9_000)).toBe(4_096);
    });
  });

  test('a packet pipe keeps writes apart, and cuts what is not read of one', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { r, w, buf } = yield* pipe(k, task, O_DIRECT | O_NONBLOCK);
      expect(yield* k.call('write', w, buf, 5)).toBe(5);
      expect(yield* k.call('write', w, buf, 7)).toBe(7);
      expect(yield* k.call('read', r, buf, 3)).toBe(3);
      expect(yield* k.call('read', r, buf, 100)).toBe(7);
    });
  });

  test('a reader without writers is at the end', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { r, w, buf } = yield* pipe(k, task);
      yield* k.call('write', w, buf, 3);
      yield* k.call('close', w);
      expect(yield* k.call('read', r, buf, 10)).toBe(3);
      expect(yield* k.call('read', r, buf, 10)).toBe(0);
    });
  });
});

describe('two tasks', () => {
  test('a reader sleeps until there is data, and until there is nobody to send it', () => {
    for (let run = 0; run < 20; run++) {
      const k = new FsKernel();
      const got: (number | string)[] = [];
      let ends: { r: number; w: number; buf: number } | undefined;
      const a = k.process('A', function* (task) {
        ends = yield* pipe(k, task, O_CLOEXEC);
        k.process(
          'B',
          function* () {
            yield* k.put(ends!.buf + 100, 'hello');
            yield* k.call('write', ends!.w, ends!.buf + 100, 5);
            yield* k.call('close', ends!.w);
          },
          a,
        );
        const read = yield* k.call('read', ends.r, ends.buf, 10);
        got.push(read, yield* k.getText(ends.buf, read));
        got.push(yield* k.call('read', ends.r, ends.buf, 10));
      });
      expect(k.runRandomly(run)).toEqual([]);
      expect(got).toEqual([5, 'hello', 0]);
    }
  });

  test('a writer sleeps until there is room: all arrives, in order', () => {
    for (let run = 0; run < 8; run++) {
      const k = new FsKernel();
      const data = Uint8Array.from({ length: 100_000 }, (_, i) => (i >> 3) & 0xff);
      const got: number[] = [];
      const a = k.process('A', function* (task) {
        const { r, w, buf } = yield* pipe(k, task, 0);
        k.process(
          'B',
          function* () {
            yield* k.put(buf, data);
            expect(yield* k.call('write', w, buf, data.length)).toBe(data.length);
            yield* k.call('close', w);
          },
          a,
        );
        for (;;) {
          const count = yield* k.call('read', r, buf + 120_000, 30_000);
          if (count <= 0) break;
          got.push(...(yield* k.get(buf + 120_000, count)));
        }
      });
      expect(k.runRandomly(run)).toEqual([]);
      expect(got).toEqual([...data]);
    }
  });

  test('writes of up to a page from two tasks are not mixed', () => {
    for (let run = 0; run < 20; run++) {
      const k = new FsKernel();
      let got = '';
      const a = k.process('A', function* (task) {
        const { r, w, buf } = yield* pipe(k, task, 0);
        const writer = (mark: string) =>
          function* (): Sim<void> {
            const at = buf + mark.charCodeAt(0) * 128;
            yield* k.put(at, mark.repeat(100));
            yield* k.call('write', w, at, 100);
          };
        k.process('B', writer('b'), a);
        k.process('C', writer('c'), a);
        while (got.length < 200) {
          const count = yield* k.call('read', r, buf, 200);
          got += yield* k.getText(buf, count);
        }
      });
      expect(k.runRandomly(run)).toEqual([]);
      expect([
        `${'b'.repeat(100)}${'c'.repeat(100)}`,
        `${'c'.repeat(100)}${'b'.repeat(100)}`,
      ]).toContain(got);
    }
  });

  test('the last end closed frees the pipe, and what nobody has read', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const buf = k.map(task, 4096);
      yield* k.put(buf, text('x'));
      const before = k.machine.slab.liveCount;
      expect(yield* k.call('pipe2', buf, 0)).toBe(0);
      const [r, w] = yield* k.pair(buf);
      yield* k.call('write', w, buf, 1);
      const file = k.fs.tables.slot(task.s.files, r);
      const { private_data } = fileStruct.at(k.machine.memory, file);
      expect(pipe_inode_info.at(k.machine.memory, private_data).files).toBe(2);
      yield* k.call('close', r);
      yield* k.call('close', w);
      expect(k.machine.slab.liveCount).toBe(before);
    });
  });
});
