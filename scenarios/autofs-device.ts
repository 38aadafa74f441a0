import {
  AUTOFS_DEV_IOCTL_CLOSEMOUNT, autofs_dev_ioctl,
} from '../kernel/fs/autofs.ts';
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

/** Moves a descriptor. */
export function* moveFd(p: Proc, from: number, to: number): Sim<void> {
  if (from === to) return;
  p.ok(yield* p.dup2(from, to));
  p.ok(yield* p.close(from));
}
