import { describe, expect, test } from 'vitest';
import {
  EBADF,
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ENOTTY,
  EPERM,
  EWOULDBLOCK,
} from '../../../kernel/errno.ts';
import {
  autofs_dev_ioctl,
  AUTOFS_DEV_IOCTL_CLOSEMOUNT,
  AUTOFS_DEV_IOCTL_ISMOUNTPOINT,
  AUTOFS_DEV_IOCTL_OPENMOUNT,
  AUTOFS_DEV_IOCTL_VERSION,
  AUTOFS_MODULE,
} from '../../../kernel/fs/autofs.ts';
import { intBytes } from '../../../kernel/fs/driver.ts';
import type { MachineOptions } from '../../../kernel/machine.ts';
import type { Failure } from '../../../sim/failure.ts';
import { PROT_READ, PROT_WRITE } from '../../../kernel/mm/structs.ts';
import { step, type Sim } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

const O_RDWR = 2;
const LOOK = site('test', 'look');

interface Block {
  readonly major?: number;
  readonly minor?: number;
  readonly size?: number;
  readonly fd?: number;
  readonly path?: string;
}

function block({
  major = 1,
  minor = 1,
  fd = -1,
  path = '',
  size = 24 + path.length,
}: Block): Uint8Array {
  const bytes = new Uint8Array(24 + path.length);
  bytes.set([...intBytes(major), ...intBytes(minor), ...intBytes(size), ...intBytes(fd)]);
  bytes.set(
    Uint8Array.from(path, (char) => char.charCodeAt(0)),
    24,
  );
  return bytes;
}

function* openDevice(k: FsKernel, buf: number): Sim<number> {
  yield* k.put(buf, '/dev/autofs\0');
  return yield* k.call('open', buf, O_RDWR, 0);
}

/** What one ioctl with that block says, in a task with the device open at 0. */
function ioctl(cmd: number, given: Block, capable = true): { result: number; fds: number[] } {
  const k = new FsKernel();
  if (!capable) k.capabilities.clear();
  let result = 0;
  let fds: number[] = [];
  k.process('A', function* (task) {
    const buf = k.map(task, 8192);
    const fd = yield* openDevice(k, buf);
    yield* k.call('dup', fd);
    yield* k.put(buf, block(given));
    result = yield* k.call('ioctl', fd, cmd, buf);
    fds = [...k.fs.tables.installed(task.s.files)].map((slot) => slot.fd);
  });
  // Whatever it closes, it does so inside its own fdget(): spec 00 R49.
  expect(k.run().filter(({ kind }) => kind !== 'borrow-rule')).toEqual([]);
  return { result, fds };
}

describe('the interface of include/uapi/linux/auto_dev-ioctl.h', () => {
  test('numbers and sizes', () => {
    expect(autofs_dev_ioctl.sizeBytes).toBe(24);
    expect(autofs_dev_ioctl.off).toEqual({
      ver_major: 0,
      ver_minor: 4,
      size: 8,
      ioctlfd: 12,
      args: 16,
    });
    expect(AUTOFS_DEV_IOCTL_VERSION.toString(16)).toBe('c0189371');
    expect(AUTOFS_DEV_IOCTL_CLOSEMOUNT.toString(16)).toBe('c0189375');
  });

  test('00 R50: CLOSEMOUNT closes the descriptor it is told to', () => {
    expect(ioctl(AUTOFS_DEV_IOCTL_CLOSEMOUNT, { fd: 1 })).toEqual({ result: 0, fds: [0] });
    expect(ioctl(AUTOFS_DEV_IOCTL_CLOSEMOUNT, { fd: 7 })).toEqual({ result: -EBADF, fds: [0, 1] });
  });

  test('00 R50: it needs CAP_SYS_ADMIN; the version does not', () => {
    expect(ioctl(AUTOFS_DEV_IOCTL_CLOSEMOUNT, { fd: 1 }, false).result).toBe(-EPERM);
    expect(ioctl(AUTOFS_DEV_IOCTL_VERSION, {}, false).result).toBe(0);
  });

  test.each<[string, number, Block, number]>([
    ['a foreign number', 0x1234, {}, -ENOTTY],
    ['one below', 0xc018_9370, {}, -ENOTTY],
    ['one above', 0xc018_937f, {}, -ENOTTY],
    ['a short block', AUTOFS_DEV_IOCTL_CLOSEMOUNT, { size: 23 }, -EINVAL],
    ['a long one', AUTOFS_DEV_IOCTL_CLOSEMOUNT, { size: 24 + 4097 }, -ENAMETOOLONG],
    ['another version', AUTOFS_DEV_IOCTL_CLOSEMOUNT, { major: 2 }, -EINVAL],
    ['a later one', AUTOFS_DEV_IOCTL_CLOSEMOUNT, { minor: 2 }, -EINVAL],
    ['no path', AUTOFS_DEV_IOCTL_OPENMOUNT, {}, -EINVAL],
    ['a path that is none', AUTOFS_DEV_IOCTL_CLOSEMOUNT, { fd: 1, path: 'abc\0' }, -EINVAL],
    ['a path without an end', AUTOFS_DEV_IOCTL_CLOSEMOUNT, { fd: 1, path: '/abc' }, -EINVAL],
    ['a path', AUTOFS_DEV_IOCTL_CLOSEMOUNT, { fd: 1, path: '/abc\0' }, 0],
    ['a mount point', AUTOFS_DEV_IOCTL_ISMOUNTPOINT, { path: '/abc\0' }, 0],
    ['a file that is no mount', 0xc018_9376, { fd: 1 }, -EINVAL],
    ['no file', 0xc018_9376, { fd: 9 }, -EBADF],
  ])('%s', (_what, cmd, given, result) => {
    expect(ioctl(cmd, given).result).toBe(result);
  });

  test('the version of the kernel comes back', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const buf = k.map(task, 8192);
      const fd = yield* openDevice(k, buf);
      yield* k.put(buf, block({ minor: 0 }));
      expect(yield* k.call('ioctl', fd, AUTOFS_DEV_IOCTL_VERSION, buf)).toBe(0);
      expect(yield* k.pair(buf)).toEqual([1, 1]);
      expect(yield* k.call('ioctl', fd, AUTOFS_DEV_IOCTL_VERSION, 8)).toBe(-EFAULT);
    });
  });
});

describe('the device closes itself', () => {
  test('00 R51: alone, the file is torn down after the ioctl has ended', () => {
    const k = new FsKernel();
    k.process('A', function* (task) {
      const buf = k.map(task, 8192);
      const fd = yield* openDevice(k, buf);
      yield* k.put(buf, block({ fd }));
      expect(yield* k.call('ioctl', fd, AUTOFS_DEV_IOCTL_CLOSEMOUNT, buf)).toBe(0);
      expect(k.modules.refcount(AUTOFS_MODULE)).toBe(0);
      expect(yield* k.call('ioctl', fd, AUTOFS_DEV_IOCTL_VERSION, buf)).toBe(-EBADF);
    });
    expect(k.run().map(({ kind }) => kind)).toEqual(['borrow-rule']);
  });

  /**
   * A and B have tables of their own with one file. A closes its own by CLOSEMOUNT and may sleep in
   * the copy back; B closes its own, and unloads the module.
   */
  function viro(
    run: number,
    options: Partial<MachineOptions>,
    unload: boolean,
  ): readonly Failure[] {
    const k = new FsKernel(options);
    k.process('A', function* (task) {
      const buf = k.map(task, 8192);
      const fd = yield* openDevice(k, buf);
      const file = k.fs.tables.slot(task.s.files, fd);
      k.process('B', function* () {
        yield* k.fs.files.get_file(file);
        const own = yield* k.fs.tables.get_unused_fd_flags(0);
        yield* k.fs.tables.fd_install(own, file);
        for (let i = 0; i < 100 && k.fs.tables.slot(task.s.files, fd) !== 0; i++) {
          yield* step(LOOK);
        }
        k.user.munmap(task.s.mm, buf, 8192); // the page goes, and will come back some time
        k.user.mmap(task.s.mm, 8192, { addr: buf, prot: PROT_READ | PROT_WRITE, blocking: true });
        yield* k.call('close', own);
        if (unload) yield* k.modules.delete_module(AUTOFS_MODULE);
      });
      yield* k.put(buf, block({ fd }));
      yield* k.call('ioctl', fd, AUTOFS_DEV_IOCTL_CLOSEMOUNT, buf);
    });
    return k.runRandomly(run);
  }

  function kinds(options: Partial<MachineOptions>, unload: boolean, runs = 100): Set<string> {
    const found = new Set<string>();
    for (let run = 0; run < runs; run++) {
      for (const { kind, title } of viro(run, options, unload)) {
        found.add(kind);
        if (kind === 'use-after-free') expect(title).toMatch(/autofs_dev_ioctl|sys_ioctl|fput/);
      }
    }
    return found;
  }

  test('00 H1: the file goes under its feet', () => {
    expect(kinds({}, false)).toEqual(new Set(['borrow-rule', 'use-after-free']));
  });

  test('00 H3: and so does its code', () => {
    expect(kinds({}, true)).toContain('exec-of-unmapped-text');
  });

  test('00 R52: kept by a task-work item, nothing goes', () => {
    const options = { mutations: new Set(['autofs.keep-file']) };
    expect(kinds(options, true)).toEqual(new Set());
  });
});

test('00 R45: an open device keeps its module', () => {
  const k = new FsKernel();
  k.do(function* (task) {
    const buf = k.map(task, 8192);
    const fd = yield* openDevice(k, buf);
    expect(yield* k.modules.delete_module(AUTOFS_MODULE)).toBe(-EWOULDBLOCK);
    yield* k.call('close', fd);
    expect(yield* k.modules.delete_module(AUTOFS_MODULE)).toBe(0);
  });
});
