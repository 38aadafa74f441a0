import { CAP_SYS_ADMIN } from '../capabilities.ts';
import { EINVAL, ENOENT, EPERM } from '../../kernel/errno.ts';
import { putU32, type BpfContext, type Command } from './context.ts';
import { fileMode } from './fds.ts';
import { holdFound, letGo, type ObjectKind } from './hold.ts';

const INT_MAX = 0x7fff_ffff;

/** Every id of a kind that there is, in no order; and 0 for what is going. */
function* idsOf({ programs, maps, links, btfs, kernel }: BpfContext, kind: ObjectKind) {
  const { memory } = kernel.machine;
  if (kind === 'prog') for (const each of programs.registry.values()) yield programs.idOf(each);
  else if (kind === 'map') for (const each of maps.registry.values()) yield maps.idOf(each);
  else if (kind === 'btf') for (const { addr } of btfs.registry.values()) yield btfs.idOf(addr);
  else {
    for (const { addr } of links.registry.values()) {
      yield memory.unwatched(() => links.at(addr).id);
    }
  }
}

function byId(bpf: BpfContext, kind: ObjectKind, id: number): number {
  const tables = { prog: bpf.programs, map: bpf.maps, link: bpf.links, btf: bpf.btfs };
  return id === 0 ? 0 : (tables[kind].byId(id)?.addr ?? 0);
}

/** The least id above the given one. bpf_obj_get_next_id() */
function nextId(kind: ObjectKind): Command {
  return {
    endBytes: 8,
    *run(bpf, attr) {
      if (attr.u32(0) >= INT_MAX) return -EINVAL;
      if (!bpf.kernel.creds.capable(CAP_SYS_ADMIN)) return -EPERM;
      bpf.vmlinux();
      let next = Infinity;
      for (const id of idsOf(bpf, kind)) if (id > attr.u32(0)) next = Math.min(next, id);
      if (next === Infinity) return -ENOENT;
      return yield* putU32(bpf.kernel, attr.addr + 4, next);
    },
  };
}

/** bpf_prog_get_fd_by_id(), and its like */
function fdById(kind: ObjectKind, endBytes = 4): Command {
  return {
    endBytes,
    *run(bpf, attr) {
      const mode = fileMode(attr.u32(8));
      if (mode < 0) return mode;
      if (!bpf.kernel.creds.capable(CAP_SYS_ADMIN)) return -EPERM;
      const addr = byId(bpf, kind, attr.u32(0));
      if (addr === 0) return -ENOENT;
      holdFound(bpf, kind, addr);
      const fd = yield* bpf.fds.install(bpf.ops[kind], addr, mode);
      if (fd < 0) yield* letGo(bpf, kind, addr);
      return fd;
    },
  };
}

export const progGetNextId = nextId('prog');
export const mapGetNextId = nextId('map');
export const linkGetNextId = nextId('link');
export const btfGetNextId = nextId('btf');
export const progGetFdById = fdById('prog');
export const mapGetFdById = fdById('map', 12);
export const linkGetFdById = fdById('link');
export const btfGetFdById = fdById('btf', 16);
