import { EBADF, EINVAL } from '../../kernel/errno.ts';
import type { Fs } from '../../kernel/fs/fs.ts';
import type { Fd } from '../../kernel/fs/checkers.ts';
import { flagsOf, privateOf } from '../../kernel/fs/driver.ts';
import { FMODE_READ, FMODE_WRITE } from '../../kernel/fs/structs.ts';
import { O_CLOEXEC, O_RDONLY, O_RDWR, O_WRONLY } from '../../kernel/fs/uapi.ts';
import type { FileOps } from '../../kernel/hooks.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import { RDONLY, WRONLY } from '../maps/flags.ts';

/** Objects of bpf(2) as descriptors. */
export class BpfFds {
  readonly #kernel: Kernel;
  readonly #fs: Fs;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#fs = kernel.fs;
  }

  /** All tables of operations, at boot. */
  register(tables: readonly FileOps[]): void {
    for (const ops of tables) this.#fs.files.registerOps(ops);
  }

  /** A descriptor, or -errno: then the reference is still the caller's. */
  *install(ops: FileOps, privateData: number, flags: number): Sim<number> {
    if (this.#kernel.security.isOn) {
      const refused = yield* this.#refused(ops, privateData, flags);
      if (refused !== 0) return refused;
    }
    return yield* this.#fs.anon.anon_inode_getfd({ ops, flags: flags | O_CLOEXEC, privateData });
  }

  /** What security modules say of a descriptor of a map or program. bpf_map_new_fd() */
  *#refused({ name }: FileOps, addr: number, flags: number): Sim<number> {
    const { security } = this.#kernel;
    const fmode = (flags + 1) & (FMODE_READ | FMODE_WRITE);
    if (name === 'bpf_map_fops') return yield* security.security_bpf_map(addr, fmode);
    return name === 'bpf_prog_fops' ? yield* security.security_bpf_prog(addr) : 0;
  }

  /**
   * What `pin` makes of the object behind a descriptor of this kind, its f_flags and its file,
   * called before the bracket ends; -EBADF, or -EINVAL where it is of another kind.
   */
  *with<T>(
    fd: number,
    ops: FileOps,
    pin: (addr: number, flags: number, file: number) => Sim<T>,
  ): Sim<T | number> {
    const found = yield* this.#fs.lookup.fdget(fd);
    const addr = this.addrOf(found, ops);
    const { machine } = this.#kernel;
    const { file } = found;
    const result = addr < 0 ? addr : yield* pin(addr, flagsOf(machine, file), file);
    yield* this.#fs.lookup.fdput(found);
    return result;
  }

  /** Of a file that is looked up already. */
  addrOf({ file }: Fd, ops: FileOps): number {
    if (file === 0) return -EBADF;
    if (this.#fs.files.opsOf(file) !== ops) return -EINVAL;
    return privateOf(this.#kernel.machine, file);
  }

  /**
   * What `use` makes of the object behind a descriptor of any kind, within the bracket; -EBADF.
   */
  *withAny<T>(fd: number, use: (ops: FileOps, addr: number) => Sim<T>): Sim<T | number> {
    const found = yield* this.#fs.lookup.fdget(fd);
    if (found.file === 0) return -EBADF;
    const ops = this.#fs.files.opsOf(found.file);
    const result = yield* use(ops, privateOf(this.#kernel.machine, found.file));
    yield* this.#fs.lookup.fdput(found);
    return result;
  }
}

/** How a file is opened that is asked for with these flags; -EINVAL. bpf_get_file_flag() */
export function fileMode(flags: number): number {
  switch (flags & ~(RDONLY | WRONLY) ? -1 : flags) {
    case 0:
      return O_RDWR;
    case RDONLY:
      return O_RDONLY;
    case WRONLY:
      return O_WRONLY;
    default:
      return -EINVAL;
  }
}
