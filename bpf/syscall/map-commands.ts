import { CAP_BPF, hasCap } from '../capabilities.ts';
import { EBUSY, EFAULT, EINVAL, ENOMEM, ENOTSUPP, EPERM } from '../../kernel/errno.ts';
import { O_ACCMODE, O_RDONLY, O_WRONLY } from '../../kernel/fs/uapi.ts';
import { alignUp } from '../../base/layout.ts';
import type { Sim } from '../../sim/request.ts';
import { BPF_F_LOCK } from '../maps/base.ts';
import { RDONLY, WRONLY } from '../maps/flags.ts';
import { bpf_map, type BpfMap } from '../maps/map.ts';
import { MAP_TYPE } from '../uapi.ts';
import { isObjectName, type BpfAttr } from './attr.ts';
import { BPF_F_CPU, elemFlags } from './elem-flags.ts';
import { fileMode } from './fds.ts';
import { type BpfContext, type Command } from './context.ts';

/** Offsets in union bpf_attr of the commands on elements. */
const ELEM = { fd: 0, key: 8, value: 16, next: 16, flags: 24, end: 32 } as const;

/** kernel/bpf/syscall.c: map_create() */
export const mapCreate: Command = {
  endBytes: 88,
  *run(bpf, attr) {
    const { fds, ops, maps } = bpf;
    const flags = attr.u32(16);
    const mode = fileMode(flags & (RDONLY | WRONLY));
    if (mode < 0) return mode;
    if (!mayCreate(bpf, attr.u32(0))) return -EPERM;
    const name = attr.name(28);
    if (name === undefined || !isObjectName(name)) return -EINVAL;
    const map = yield* maps.map_create({
      type: attr.u32(0),
      keySize: attr.u32(4),
      valueSize: attr.u32(8),
      maxEntries: attr.u32(12),
      flags,
      innerMapFd: attr.s32(20),
      numaNode: attr.s32(24),
      name,
      btfFd: attr.s32(48),
      btfKeyTypeId: attr.u32(52),
      btfValueTypeId: attr.u32(56),
      btfVmlinuxValueTypeId: attr.u32(60),
      extra: attr.u64(64),
    });
    if (typeof map === 'number') return map;
    const fd = yield* fds.install(ops.map, map.addr, mode);
    if (fd < 0) yield* maps.bpf_map_put_with_uref(map);
    return fd;
  },
};

/** Types of maps for everybody, where the administrator lets them. map_create_alloc() */
const UNPRIVILEGED: readonly number[] = [
  MAP_TYPE.ARRAY,
  MAP_TYPE.PERCPU_ARRAY,
  MAP_TYPE.PROG_ARRAY,
  MAP_TYPE.PERF_EVENT_ARRAY,
  MAP_TYPE.CGROUP_ARRAY,
  MAP_TYPE.ARRAY_OF_MAPS,
  MAP_TYPE.HASH,
  MAP_TYPE.RHASH,
  MAP_TYPE.PERCPU_HASH,
  MAP_TYPE.HASH_OF_MAPS,
  MAP_TYPE.RINGBUF,
  MAP_TYPE.USER_RINGBUF,
  MAP_TYPE.CGROUP_STORAGE,
  MAP_TYPE.PERCPU_CGROUP_STORAGE,
];

function mayCreate({ kernel, unprivilegedBpfDisabled }: BpfContext, type: number): boolean {
  if (hasCap(kernel, CAP_BPF)) return true;
  return unprivilegedBpfDisabled === 0 && UNPRIVILEGED.includes(type);
}

/** What a command on an element does with the map, its key and a buffer for a value. */
type ElementCommand = (bpf: BpfContext, map: BpfMap, attr: BpfAttr, mapFile: number) => Sim<number>;

function onMap(endBytes: number, mode: 'read' | 'write', run: ElementCommand): Command {
  return {
    endBytes,
    *run(bpf, attr) {
      const { fds, ops, maps } = bpf;
      const found = yield* fds.with(attr.s32(ELEM.fd), ops.map, function* (addr, opened, file) {
        return { map: yield* maps.bpf_map_inc(maps.of(addr)), access: opened & O_ACCMODE, file };
      });
      if (typeof found === 'number') return found;
      const { map, access, file } = found;
      const isDenied =
        mode === 'read' ? access === O_WRONLY : access === O_RDONLY || isFrozen(bpf, map);
      const result = isDenied ? -EPERM : yield* run(bpf, map, attr, file);
      yield* maps.bpf_map_put(map);
      return result;
    },
  };
}

/** bpf_map_write_active(), map_get_sys_perms() */
function isFrozen({ kernel }: BpfContext, map: BpfMap): boolean {
  const { memory } = kernel.machine;
  return memory.unwatched(() => bpf_map.at(memory, map.addr).frozen !== 0);
}

/**
 * Gives `use` the address of kernel memory that holds a copy of a user buffer, or zeroes; and frees
 * it. -EFAULT, -ENOMEM.
 */
function* withBuffer(
  bpf: BpfContext,
  size: number,
  from: number | undefined,
  use: (addr: number) => Sim<number>,
): Sim<number> {
  const { kernel } = bpf;
  const { slab, memory } = kernel.machine;
  const bytes = from === undefined ? undefined : yield* kernel.mm.copy_from_user(from, size);
  if (bytes === null) return -EFAULT;
  const addr = slab.kzalloc(Math.max(8, alignUp(size, 8)));
  if (addr === 0) return -ENOMEM;
  if (bytes) memory.unwatched(() => memory.copyIn(addr, bytes));
  const result = yield* use(addr);
  kernel.kasan.free(addr);
  return result;
}

function withKey(
  bpf: BpfContext,
  map: BpfMap,
  attr: BpfAttr,
  use: (key: number) => Sim<number>,
): Sim<number> {
  if (map.keySize === 0) return attr.u64(ELEM.key) === 0n ? use(0) : fail(-EINVAL);
  return withBuffer(bpf, map.keySize, attr.ptr(ELEM.key), use);
}

function* copyOut(bpf: BpfContext, to: number, addr: number, size: number): Sim<number> {
  const { memory } = bpf.kernel.machine;
  const bytes = memory.unwatched(() => memory.copyOut(addr, size));
  return (yield* bpf.kernel.mm.copy_to_user(to, bytes)) > 0 ? -EFAULT : 0;
}

export const mapLookupElem = onMap(ELEM.end, 'read', (bpf, map, attr) => {
  const asked = elemFlags(bpf, map, attr.u64(ELEM.flags), BPF_F_LOCK | BPF_F_CPU);
  if (typeof asked === 'number') return fail(asked);
  const { flags, cpu, valueBytes } = asked;
  return withKey(bpf, map, attr, (key) =>
    withBuffer(bpf, valueBytes, undefined, function* (value) {
      const result = yield* map.bpf_map_copy_value(key, value, flags, cpu);
      if (result < 0) return result;
      return yield* copyOut(bpf, attr.ptr(ELEM.value), value, valueBytes);
    }),
  );
});

export const mapUpdateElem = onMap(ELEM.end, 'write', (bpf, map, attr, file) => {
  const asked = elemFlags(bpf, map, attr.u64(ELEM.flags), ~0);
  if (typeof asked === 'number') return fail(asked);
  const { flags, whose, valueBytes } = asked;
  return withKey(bpf, map, attr, (key) =>
    withBuffer(bpf, valueBytes, attr.ptr(ELEM.value), (value) =>
      guarded(bpf, () => map.bpf_map_update_value(key, value, flags, file, whose)),
    ),
  );
});

export const mapDeleteElem = onMap(16, 'write', (bpf, map, attr) =>
  withKey(bpf, map, attr, (key) => guarded(bpf, () => map.bpf_map_delete_key(key))),
);

export const mapGetNextKey = onMap(24, 'read', (bpf, map, attr) => {
  const find = (key: number): Sim<number> =>
    withBuffer(bpf, map.keySize, undefined, function* (next) {
      const result = yield* map.map_get_next_key(key, next);
      if (result < 0) return result;
      return yield* copyOut(bpf, attr.ptr(ELEM.next), next, map.keySize);
    });
  return attr.u64(ELEM.key) === 0n ? find(0) : withKey(bpf, map, attr, find);
});

/** map_lookup_and_delete_elem() */
export const mapLookupAndDeleteElem = onMap(ELEM.end, 'write', (bpf, map, attr) => {
  const flags = attr.u64(ELEM.flags);
  if (flags !== 0n && flags !== BigInt(BPF_F_LOCK)) return fail(-EINVAL);
  return withKey(bpf, map, attr, (key) =>
    withBuffer(bpf, map.userValueSize, undefined, function* (value) {
      const pop = map.map_lookup_and_delete_elem;
      if (!pop) return -ENOTSUPP;
      const result = yield* guarded(bpf, () => pop.call(map, key, value, Number(flags)));
      if (result < 0) return result;
      return yield* copyOut(bpf, attr.ptr(ELEM.value), value, map.userValueSize);
    }),
  );
});

export const mapFreeze: Command = {
  endBytes: 4,
  *run(bpf, attr) {
    const { fds, ops, maps, kernel } = bpf;
    const map = yield* fds.with(attr.s32(0), ops.map, function* (addr, opened) {
      // The kernel itself writes to special fields.
      if (maps.of(addr).record) return -ENOTSUPP;
      if ((opened & O_ACCMODE) === O_RDONLY) return -EPERM;
      return yield* maps.bpf_map_inc(maps.of(addr));
    });
    if (typeof map === 'number') return map;
    const { memory } = kernel.machine;
    const result = memory.unwatched(() => {
      const s = bpf_map.at(memory, map.addr);
      // What is frozen cannot be written to by bpf(2): map_get_sys_perms()
      if (s.frozen !== 0) return -EPERM;
      if (s.writecnt !== 0n) return -EBUSY;
      s.frozen = 1;
      return 0;
    });
    yield* maps.bpf_map_put(map);
    return result;
  },
};

/** Programs on trace events do not run here while the map changes: bpf_disable_instrumentation() */
function* guarded(bpf: BpfContext, change: () => Sim<number>): Sim<number> {
  const cpu = bpf.kernel.cpus.this.id;
  bpf.hooks.rules.bpf_prog_active(cpu, 1);
  const result = yield* change();
  bpf.hooks.rules.bpf_prog_active(cpu, -1);
  return result;
}

function* fail(errno: number): Sim<number> {
  return errno;
}
