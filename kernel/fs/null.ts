import { kernelText, type Sim } from '../../sim/request.ts';
import { EFAULT, ENOSPC } from '../errno.ts';
import type { FileOps, InodeKind } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../memory.ts';
import type { DriverParts } from './driver.ts';
import { file as fileStruct } from './structs.ts';
import { S_IFCHR } from './uapi.ts';

/** /dev/null, /dev/zero, /dev/full. drivers/char/mem.c */
export class MemDevices {
  readonly #machine: Machine;
  readonly #user: DriverParts['user'];
  readonly kinds: readonly InodeKind[];

  constructor(machine: Machine, user: DriverParts['user']) {
    this.#machine = machine;
    this.#user = user;
    const llseek = (file: number): Sim<number> => this.null_lseek(file);
    const discard = (_file: number, _buf: number, count: number): Sim<number> =>
      this.write_null(count);
    const zeros = (_file: number, buf: number, count: number): Sim<number> =>
      this.read_iter_zero(buf, count);
    const table = (name: string, ops: Omit<FileOps, 'name' | 'module' | 'llseek'>): FileOps => ({
      ...ops,
      name,
      module: '',
      llseek,
    });
    const device = (path: string, ops: FileOps): InodeKind => ({ path, ops, type: S_IFCHR });
    this.kinds = [
      device('/dev/null', table('null_fops', { read: () => this.read_null(), write: discard })),
      device('/dev/zero', table('zero_fops', { read: zeros, write: discard })),
      device('/dev/full', table('full_fops', { read: zeros, write: () => this.write_full() })),
    ];
  }

  *read_null(): Sim<number> {
    return 0;
  }

  *write_null(count: number): Sim<number> {
    return count;
  }

  /** Even for nothing. */
  *write_full(): Sim<number> {
    return -ENOSPC;
  }

  /** Zeros; as many as could be written before a fault. */
  *read_iter_zero(buf: number, count: number): Sim<number> {
    let done = 0;
    while (done < count) {
      const chunk = Math.min(count - done, PAGE_SIZE);
      const left = yield* this.#user.copy_to_user(buf + done, new Uint8Array(chunk));
      done += chunk - left;
      if (left > 0) return done > 0 ? done : -EFAULT;
    }
    return done;
  }

  *null_lseek(file: number): Sim<number> {
    fileStruct.at(this.#machine.memory, file).f_pos = 0;
    return 0;
  }
}

kernelText(MemDevices);
