import { long, struct, u32, u64 } from '../../base/layout.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EFAULT, ENOIOCTLCMD, ENOMEM } from '../errno.ts';
import type { FileOps, InodeKind } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import { longBytes, privateOf, unsignedAt, type DriverParts } from './driver.ts';
import { file as fileStruct } from './structs.ts';
import { S_IFCHR } from './uapi.ts';

/** The module that holds the driver. */
export const SLOW_MODULE = 'slowdev';
/** _IOR('s', 1, u64): stores the value of the device in user memory. */
export const SLOW_GET = 0x8008_7301;
/** _IOW('s', 2, u64): loads a new value from user memory. */
export const SLOW_SET = 0x4008_7302;
/** _IOWR('s', 3, u64): loads a new value, then stores the old one at the same place. */
export const SLOW_SWAP = 0xc008_7303;

const COPY = site('slow_ioctl', 'copy');
const COPIED = site('slow_ioctl', 'copied');
const OPEN = site('slow_open', 'open');
const FLUSH = site('slow_flush', 'flush');
const RELEASE = site('slow_release', 'release');

/** What each open file of the device has. */
export const slow_device = struct('slow_device', { value: u64, ioctls: long, flushes: u32 });

type Parts = Pick<DriverParts, 'kasan' | 'user'>;

/**
 * /dev/slow: not a device of Linux. It copies to and from user pages, which may block for as long
 * as a scenario likes (spec 00 R46), and uses its own memory and its file after that; so it shows
 * what any driver meets whose file goes away inside its ioctl.
 */
export class SlowDevice {
  readonly #machine: Machine;
  readonly #parts: Parts;
  readonly ops: FileOps = {
    name: 'slow_fops',
    module: SLOW_MODULE,
    open: (file) => this.slow_open(file),
    read: (file, buf, count) => this.slow_read(file, buf, count),
    unlocked_ioctl: (file, cmd, arg) => this.slow_ioctl(file, cmd, arg),
    flush: (file) => this.slow_flush(file),
    release: (file) => this.slow_release(file),
  };
  readonly kinds: readonly InodeKind[] = [{ path: '/dev/slow', ops: this.ops, type: S_IFCHR }];

  constructor(machine: Machine, parts: Parts) {
    this.#machine = machine;
    this.#parts = parts;
  }

  *slow_open(file: number): Sim<number> {
    yield* step(OPEN);
    const { slab, memory } = this.#machine;
    const addr = this.#machine.mayAlloc('slow_device') ? slab.kzalloc(slow_device.sizeBytes) : 0;
    if (addr === 0) return -ENOMEM;
    fileStruct.at(memory, file).private_data = addr;
    return 0;
  }

  /** The value, as many bytes of it as are asked for. */
  *slow_read(file: number, buf: number, count: number): Sim<number> {
    const bytes = longBytes(this.#deviceOf(file).value).subarray(0, count);
    const left = yield* this.#parts.user.copy_to_user(buf, bytes);
    return left > 0 ? -EFAULT : bytes.length;
  }

  *slow_ioctl(file: number, cmd: number, arg: number): Sim<number> {
    if (cmd !== SLOW_GET && cmd !== SLOW_SET && cmd !== SLOW_SWAP) return -ENOIOCTLCMD;
    const { user } = this.#parts;
    const old = this.#deviceOf(file).value;
    yield* step(COPY);
    if (cmd !== SLOW_GET) {
      const bytes = yield* user.copy_from_user(arg, 8);
      if (!bytes) return -EFAULT;
      this.#deviceOf(file).value = unsignedAt(bytes, 0, 8);
    }
    if (cmd !== SLOW_SET && (yield* user.copy_to_user(arg, longBytes(old))) > 0) return -EFAULT;
    yield* step(COPIED);
    this.#count(file, 'ioctls');
    return 0;
  }

  *slow_flush(file: number): Sim<number> {
    yield* step(FLUSH);
    this.#count(file, 'flushes');
    return 0;
  }

  *slow_release(file: number): Sim<number> {
    yield* step(RELEASE);
    this.#parts.kasan.free(privateOf(this.#machine, file));
    return 0;
  }

  /** Statistics, which nobody guards. */
  #count(file: number, what: 'ioctls' | 'flushes'): void {
    this.#machine.memory.unwatched(() => (this.#deviceOf(file)[what] += 1));
  }

  /** By way of the file, each time: a file that is gone is noticed here. */
  #deviceOf(file: number): ReturnType<typeof slow_device.at> {
    return slow_device.at(this.#machine.memory, privateOf(this.#machine, file));
  }
}

kernelText(SlowDevice, SLOW_MODULE);
