import { s32, struct, u32, u64 } from '../../base/layout.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EBADF, EFAULT, EINVAL, ENAMETOOLONG, ENOMEM, ENOTTY, EPERM } from '../errno.ts';
import type { FileOps, InodeKind } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import { pointerText } from '../oops.ts';
import type { Closing } from './close.ts';
import { unsignedAt, type DriverParts } from './driver.ts';
import type { Lookup } from './lookup.ts';
import { file as fileStruct } from './structs.ts';
import { S_IFCHR } from './uapi.ts';

/** The module that holds the driver. */
export const AUTOFS_MODULE = 'autofs4';

/**
 * include/uapi/linux/auto_dev-ioctl.h: what goes both ways; a path may follow it, which `size`
 * counts too. The union of the arguments is read as one number here.
 */
export const autofs_dev_ioctl = struct('autofs_dev_ioctl', {
  ver_major: u32,
  ver_minor: u32,
  size: u32,
  ioctlfd: s32,
  args: u64,
});
const AUTOFS_DEV_IOCTL_SIZE = autofs_dev_ioctl.sizeBytes;
const AUTOFS_DEV_IOCTL_VERSION_MAJOR = 1;
const AUTOFS_DEV_IOCTL_VERSION_MINOR = 1;
const PATH_MAX = 4_096;

const AUTOFS_IOCTL = 0x93;
const VERSION_CMD = 0x71;
const OPENMOUNT_CMD = 0x74;
const CLOSEMOUNT_CMD = 0x75;
const REQUESTER_CMD = 0x7b;
const ISMOUNTPOINT_CMD = 0x7e;

/** _IOWR(AUTOFS_IOCTL, nr, struct autofs_dev_ioctl) */
function iowr(nr: number): number {
  return ((3 << 30) | (AUTOFS_DEV_IOCTL_SIZE << 16) | (AUTOFS_IOCTL << 8) | nr) >>> 0;
}
export const AUTOFS_DEV_IOCTL_VERSION = iowr(VERSION_CMD);
export const AUTOFS_DEV_IOCTL_OPENMOUNT = iowr(OPENMOUNT_CMD);
export const AUTOFS_DEV_IOCTL_CLOSEMOUNT = iowr(CLOSEMOUNT_CMD);
export const AUTOFS_DEV_IOCTL_ISMOUNTPOINT = iowr(ISMOUNTPOINT_CMD);

const CAP_SYS_ADMIN = 21;

const COPY_IN = site('_autofs_dev_ioctl', 'copy-in');
const COPY_BACK = site('_autofs_dev_ioctl', 'copy-back');
const FREE = site('_autofs_dev_ioctl', 'free');
const USE = site('autofs_dev_ioctl', 'L8');

export interface AutofsParts extends Pick<DriverParts, 'kasan' | 'user'> {
  readonly closing: Pick<Closing, 'close_fd' | 'close_fd_after_ioctl'>;
  readonly lookup: Pick<Lookup, 'fget'>;
  readonly files: Pick<DriverParts['files'], 'fput'>;
  /** Of the current task. kernel/cred.ts */
  readonly capable: (cap: number) => boolean;
}

/**
 * The control device of autofs, without its file system: nothing is ever mounted, so the commands
 * that need a mount fail as Linux does on a file that is none. CLOSEMOUNT closes whatever
 * descriptor it is told to, its own too, and then goes on. fs/autofs/dev-ioctl.c; spec 00 R50 to
 * R52
 */
export class Autofs {
  readonly #machine: Machine;
  readonly #parts: AutofsParts;
  readonly ops: FileOps = {
    name: '_dev_ioctl_fops',
    module: AUTOFS_MODULE,
    unlocked_ioctl: (file, cmd, arg) => this.autofs_dev_ioctl(file, cmd, arg),
    llseek: (file) => this.noop_llseek(file),
  };
  readonly kinds: readonly InodeKind[] = [{ path: '/dev/autofs', ops: this.ops, type: S_IFCHR }];

  constructor(machine: Machine, parts: AutofsParts) {
    this.#machine = machine;
    this.#parts = parts;
  }

  /** What follows the command relies on the caller's fdget() still keeping `file`. */
  *autofs_dev_ioctl(file: number, command: number, user: number): Sim<number> {
    const result = yield* this._autofs_dev_ioctl(command, user);
    yield* step(USE);
    const { f_op } = fileStruct.at(this.#machine.memory, file);
    this.#machine.remark(() => `the device's file used again, f_op 0x${pointerText(f_op)}`);
    return result;
  }

  *_autofs_dev_ioctl(command: number, user: number): Sim<number> {
    const cmd = command & 0xff;
    const isOurs = ((command >>> 8) & 0xff) === AUTOFS_IOCTL;
    if (!isOurs || cmd < VERSION_CMD || cmd > ISMOUNTPOINT_CMD) return -ENOTTY;
    const open = cmd === VERSION_CMD || cmd === ISMOUNTPOINT_CMD;
    if (!open && !this.#parts.capable(CAP_SYS_ADMIN)) return -EPERM;
    const param = yield* this.copy_dev_ioctl(user);
    if (param < 0) return param;
    const view = autofs_dev_ioctl.at(this.#machine.memory, param);
    let result = this.validate_dev_ioctl(cmd, param);
    if (result === 0) {
      result = yield* this.#dispatch(cmd, view);
      if (result >= 0) {
        yield* step(COPY_BACK);
        const bytes = this.#machine.memory.copyOut(param, AUTOFS_DEV_IOCTL_SIZE);
        if ((yield* this.#parts.user.copy_to_user(user, bytes)) > 0) result = -EFAULT;
      }
    }
    yield* step(FREE);
    this.#parts.kasan.free(param);
    return result;
  }

  /** The kernel's copy of the block and the path behind it, or -errno. */
  *copy_dev_ioctl(from: number): Sim<number> {
    const { user } = this.#parts;
    yield* step(COPY_IN);
    const head = yield* user.copy_from_user(from, AUTOFS_DEV_IOCTL_SIZE);
    if (!head) return -EFAULT;
    const size = Number(unsignedAt(head, autofs_dev_ioctl.off.size, 4));
    if (size < AUTOFS_DEV_IOCTL_SIZE) return -EINVAL;
    if (size > AUTOFS_DEV_IOCTL_SIZE + PATH_MAX) return -ENAMETOOLONG;
    const { slab, memory } = this.#machine;
    const param = this.#machine.mayAlloc('autofs_dev_ioctl') ? slab.kmalloc(size) : 0;
    if (param === 0) return -ENOMEM;
    const bytes = yield* user.copy_from_user(from, size);
    if (!bytes) {
      this.#parts.kasan.free(param);
      return -EFAULT;
    }
    memory.copyIn(param, bytes);
    autofs_dev_ioctl.at(memory, param).size = size; // it may have changed meanwhile
    return param;
  }

  /** Versions, and whether the path is there where one is wanted and is one. */
  validate_dev_ioctl(cmd: number, param: number): number {
    const { memory } = this.#machine;
    const view = autofs_dev_ioctl.at(memory, param);
    const { ver_major, ver_minor, size } = view;
    view.ver_major = AUTOFS_DEV_IOCTL_VERSION_MAJOR;
    view.ver_minor = AUTOFS_DEV_IOCTL_VERSION_MINOR;
    if (
      ver_major !== AUTOFS_DEV_IOCTL_VERSION_MAJOR ||
      ver_minor > AUTOFS_DEV_IOCTL_VERSION_MINOR
    ) {
      this.#machine.printk(
        4,
        'autofs: ioctl control interface version mismatch: kernel(1.1), ' +
          `user(${ver_major}.${ver_minor}), cmd(0x${cmd.toString(16).padStart(8, '0')})`,
      );
      return -EINVAL;
    }
    if (size === AUTOFS_DEV_IOCTL_SIZE) {
      return cmd === OPENMOUNT_CMD || cmd === REQUESTER_CMD || cmd === ISMOUNTPOINT_CMD
        ? -EINVAL
        : 0;
    }
    const path = memory.copyOut(param + AUTOFS_DEV_IOCTL_SIZE, size - AUTOFS_DEV_IOCTL_SIZE);
    const end = path.indexOf(0);
    return end < 0 || !path.subarray(0, end).includes(0x2f) ? -EINVAL : 0;
  }

  *#dispatch(cmd: number, param: ReturnType<typeof autofs_dev_ioctl.at>): Sim<number> {
    switch (cmd) {
      case VERSION_CMD:
        return 0; // validate_dev_ioctl() has filled it in
      case CLOSEMOUNT_CMD:
        return yield* this.autofs_dev_ioctl_closemount(param.ioctlfd);
      case OPENMOUNT_CMD:
        return -EINVAL; // no such mount
      default:
        return yield* this.#ofMount(cmd, param.ioctlfd);
    }
  }

  /** The commands on a mount: of files of that file system there are none. */
  *#ofMount(cmd: number, ioctlfd: number): Sim<number> {
    const file = yield* this.#parts.lookup.fget(ioctlfd);
    if (file === 0) return cmd === ISMOUNTPOINT_CMD ? 0 : -EBADF;
    yield* this.#parts.files.fput(file);
    return -EINVAL;
  }

  /** The fix is binder's: the file stays until the ioctl has ended. */
  *autofs_dev_ioctl_closemount(ioctlfd: number): Sim<number> {
    const { closing } = this.#parts;
    this.#machine.remark(() => `CLOSEMOUNT closes descriptor ${ioctlfd}`);
    if (this.#machine.mutated('autofs.keep-file')) {
      return yield* closing.close_fd_after_ioctl(ioctlfd);
    }
    return yield* closing.close_fd(ioctlfd);
  }

  *noop_llseek(file: number): Sim<number> {
    return fileStruct.at(this.#machine.memory, file).f_pos;
  }
}

kernelText(Autofs, AUTOFS_MODULE);
