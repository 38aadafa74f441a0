import { AUTOFS_DEV_IOCTL_CLOSEMOUNT, autofs_dev_ioctl } from '../kernel/fs/autofs.ts';
import type { Sim } from '../sim/request.ts';
import type { Proc } from './proc.ts';
import { ints } from './user-memory.ts';

/** The control device of autofs. */
export const AUTOFS_DEVICE = '/dev/autofs';

/** The argument block of the command that closes descriptor `fd`: version 1.1, no path. */
export function closemountBlock(fd: number): Uint8Array {
  return ints(1, 1, autofs_dev_ioctl.sizeBytes, fd, 0, 0);
}

/** Has the device open as `device` close the descriptor `fd`. */
export function* closemount(p: Proc, device: number, fd: number): Sim<number> {
  return yield* p.ioctl(device, AUTOFS_DEV_IOCTL_CLOSEMOUNT, closemountBlock(fd));
}

/** The same, with the block in a page that takes its time when the kernel writes to it. */
export function* closemountSlowly(p: Proc, device: number, fd: number): Sim<number> {
  const block = p.mmap({ blocking: 'write', content: closemountBlock(fd) });
  return yield* p.ioctl(device, AUTOFS_DEV_IOCTL_CLOSEMOUNT, block);
}
