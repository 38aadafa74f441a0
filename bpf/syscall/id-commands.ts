import { EINVAL, ENOENT, EPERM } from '../../kernel/errno.ts';
import { O_RDWR } from '../../kernel/fs/uapi.ts';
import type { FileOps } from '../../kernel/hooks.ts';
import type { Sim } from '../../sim/request.ts';
import { CAP_SYS_ADMIN, putU32, type BpfContext, type Command } from './context.ts';

/** A kind of object that has ids, as the commands on ids need it. */
interface Kind {
  /** Every id there is, in no order. */
  ids(bpf: BpfContext): Iterable<number>;
  /** A reference on the object, its address; 0 where it is gone. */
  get(bpf: BpfContext, id: number): Sim<number>;
  put(bpf: BpfContext, addr: number): Sim<void>;
  ops(bpf: BpfContext): FileOps;
}

const PROG: Kind = {
  *ids({ programs }) {
    for (const program of programs.registry.values()) yield programs.idOf(program);
  },
  *get({ programs }, id) {
    const found = programs.byId(id);
    if (!found) return 0;
    const program = yield* programs.bpf_prog_inc_not_zero(found.addr);
    return typeof program === 'number' ? 0 : program.addr;
  },
  put: ({ programs }, addr) => programs.bpf_prog_put(addr),
  ops: ({ ops }) => ops.prog,
};

const MAP: Kind = {
  *ids({ maps }) {
    for (const map of maps.registry.values()) yield maps.idOf(map);
  },
  *get({ maps }, id) {
    const found = maps.byId(id);
    if (!found) return 0;
    const map = yield* maps.bpf_map_inc_not_zero(found);
    return map ? map.addr : 0;
  },
  put: ({ maps }, addr) => maps.bpf_map_put_with_uref(maps.of(addr)),
  ops: ({ ops }) => ops.map,
};

const LINK: Kind = {
  *ids({ links, kernel }) {
    const { memory } = kernel.machine;
    for (const { addr } of links.registry.values()) {
      yield memory.unwatched(() => links.at(addr).id);
    }
  },
  *get({ links }, id) {
    const found = links.byId(id);
    return found ? yield* links.bpf_link_inc(found.addr) : 0;
  },
  put: ({ links }, addr) => links.bpf_link_put(addr),
  ops: ({ ops }) => ops.link,
};

const BTF: Kind = {
  *ids({ btfs }) {
    for (const { addr } of btfs.registry.values()) yield btfs.idOf(addr);
  },
  *get({ btfs }, id) {
    const found = btfs.byId(id);
    return found ? (yield* btfs.btf_get(found.addr)).addr : 0;
  },
  put: ({ btfs }, addr) => btfs.btf_put(addr),
  ops: ({ ops }) => ops.btf,
};

/** The least id above the given one. bpf_obj_get_next_id() */
function nextId(kind: Kind): Command {
  return {
    endBytes: 12,
    *run(bpf, attr) {
      if (!bpf.kernel.creds.capable(CAP_SYS_ADMIN)) return -EPERM;
      if (attr.u32(8) !== 0) return -EINVAL;
      bpf.vmlinux();
      let next = Infinity;
      for (const id of kind.ids(bpf)) if (id > attr.u32(0)) next = Math.min(next, id);
      if (next === Infinity) return -ENOENT;
      return yield* putU32(bpf.kernel, attr.addr + 4, next);
    },
  };
}

/** bpf_prog_get_fd_by_id(), and its like */
function fdById(kind: Kind): Command {
  return {
    endBytes: 12,
    *run(bpf, attr) {
      if (!bpf.kernel.creds.capable(CAP_SYS_ADMIN)) return -EPERM;
      const id = attr.u32(0);
      const addr = id === 0 ? 0 : yield* kind.get(bpf, id);
      if (addr === 0) return -ENOENT;
      const fd = yield* bpf.fds.install(kind.ops(bpf), addr, O_RDWR);
      if (fd < 0) yield* kind.put(bpf, addr);
      return fd;
    },
  };
}

export const progGetNextId = nextId(PROG);
export const mapGetNextId = nextId(MAP);
export const linkGetNextId = nextId(LINK);
export const btfGetNextId = nextId(BTF);
export const progGetFdById = fdById(PROG);
export const mapGetFdById = fdById(MAP);
export const linkGetFdById = fdById(LINK);
export const btfGetFdById = fdById(BTF);
