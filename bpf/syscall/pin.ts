import { EEXIST, EFAULT, EINVAL, EISDIR, ENOENT, EPERM } from '../../kernel/errno.ts';
import { O_RDWR } from '../../kernel/fs/uapi.ts';
import type { SyscallRow } from '../../kernel/hooks.ts';
import type { Sim } from '../../sim/request.ts';
import { BPFFS, PIN_KINDS, type PinKind } from './bpffs.ts';
import type { BpfContext, Command } from './context.ts';
import { holdFound, letGo } from './hold.ts';

const PATH_MAX = 4096;

function* pathAt(bpf: BpfContext, addr: number): Sim<string | number> {
  const path = yield* bpf.kernel.mm.strncpy_from_user(addr, PATH_MAX);
  return typeof path === 'number' ? -EFAULT : path;
}

/** bpf_obj_pin_user(). Dots in names are reserved. */
export const objPin: Command = {
  endBytes: 20,
  *run(bpf, attr) {
    if (attr.u32(12) !== 0) return -EINVAL;
    const path = yield* pathAt(bpf, attr.ptr(0));
    if (typeof path === 'number') return path;
    const held = yield* holdFd(bpf, attr.s32(8));
    if (typeof held === 'number') return held;
    const result = addPin(bpf, path, held);
    if (result < 0) yield* letGo(bpf, held.kind, held.addr);
    return result;
  },
};

interface Held {
  readonly kind: PinKind;
  readonly addr: number;
}

/** A reference on what a descriptor stands for. bpf_fd_probe_obj() */
function* holdFd(bpf: BpfContext, fd: number): Sim<Held | number> {
  return yield* bpf.fds.withAny(fd, function* (ops, addr): Sim<Held | number> {
    const kind = PIN_KINDS.find((name) => bpf.ops[name] === ops);
    if (!kind) return -EINVAL;
    holdFound(bpf, kind, addr);
    return { kind, addr };
  });
}

/** The name takes the reference over. bpf_obj_do_pin() */
function addPin({ pins }: BpfContext, path: string, { kind, addr }: Held): number {
  const name = pins.nameOf(path);
  if (name === -EISDIR) return -EEXIST;
  if (typeof name === 'number') {
    return name === -ENOENT && !path.startsWith(BPFFS) ? -EPERM : name;
  }
  if (pins.find(name)) return -EEXIST;
  return name.includes('.') ? -EPERM : pins.add(name, kind, addr);
}

/** bpf_obj_get_user() */
export const objGet: Command = {
  endBytes: 20,
  *run(bpf, attr) {
    if (attr.u32(8) !== 0) return -EINVAL;
    const path = yield* pathAt(bpf, attr.ptr(0));
    if (typeof path === 'number') return path;
    const name = bpf.pins.nameOf(path);
    if (typeof name === 'number') return name === -EISDIR ? -EPERM : name;
    const found = bpf.pins.find(name);
    if (!found) return -ENOENT;
    holdFound(bpf, found.kind, found.object);
    const fd = yield* bpf.fds.install(bpf.ops[found.kind], found.object, O_RDWR);
    if (fd < 0) yield* letGo(bpf, found.kind, found.object);
    return fd;
  },
};

/** unlink(2), of names in bpffs: no other file system here takes names away. */
export function unlinkRow(bpf: () => BpfContext): SyscallRow {
  return {
    nr: 87,
    name: 'unlink',
    args: ['pathname'],
    *run(addr) {
      const path = yield* pathAt(bpf(), addr!);
      if (typeof path === 'number') return path;
      const name = bpf().pins.nameOf(path);
      if (typeof name === 'number') return name === -ENOENT ? -EPERM : name;
      const found = bpf().pins.find(name);
      if (!found) return -ENOENT;
      bpf().pins.remove(found.addr);
      yield* letGo(bpf(), found.kind, found.object);
      return 0;
    },
  };
}
