import { E2BIG, EBADF, EBADFD, EFAULT, EINVAL, ENOSPC } from '../../kernel/errno.ts';
import type { FileOps } from '../../kernel/hooks.ts';
import type { Sim } from '../../sim/request.ts';
import type { LinkInfo } from '../attach/link.ts';
import { bpf_map } from '../maps/map.ts';
import { bpf_prog } from '../prog/program.ts';
import { encodeKills, KILL_INFO_AT, KILL_INFO_BYTES } from '../protect/kill-info.ts';
import type { BpfAttr } from './attr.ts';
import { putU32, type BpfContext, type Command } from './context.ts';

const PAGE_SIZE = 4096;
/** sizeof of struct bpf_prog_info, bpf_map_info, bpf_btf_info, bpf_link_info: Linux 7.2 */
const PROG_INFO_BYTES = 232;
const TAG_BYTES = 8;
const FUNC_INFO_BYTES = 8;
const LINE_INFO_BYTES = 16;
/** Here no address is behind a line. */
const JITED_LINE_INFO_BYTES = 8;
const MAP_INFO_BYTES = 104;
const BTF_INFO_BYTES = 32;
const LINK_INFO_BYTES = 72;

/**
 * What bpf(2) tells of an object: what the caller gave, filled in where the kernel knows. Buffers
 * that the caller named are written behind the struct's back.
 */
class Info implements LinkInfo {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** What is to be stored elsewhere in user space: address and bytes. */
  readonly elsewhere: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  /** -ENOSPC where a buffer was too small for a name. */
  result = 0;

  constructor(given: Uint8Array, size: number) {
    this.bytes = new Uint8Array(size);
    this.bytes.set(given.subarray(0, size));
    this.#view = new DataView(this.bytes.buffer);
  }

  u32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  u64(offset: number, value: bigint): void {
    this.#view.setBigUint64(offset, value, true);
  }

  given32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  pointer(offset: number): number {
    return Number(this.#view.getBigUint64(offset, true) & 0x1f_ffff_ffff_ffffn);
  }

  text(offset: number, value: string): void {
    for (let i = 0; i < 16; i++) this.bytes[offset + i] = value.charCodeAt(i) || 0;
  }

  /** The count goes to `lenAt`; as many as the caller had room for to where `ptrAt` points. */
  array(ptrAt: number, lenAt: number, itemBytes: number, bytes: Uint8Array): void {
    const room = this.given32(lenAt) * itemBytes;
    const to = this.pointer(ptrAt);
    this.u32(lenAt, bytes.length / itemBytes);
    const shown = bytes.subarray(0, Math.min(room, bytes.length));
    if (to !== 0 && shown.length > 0) this.elsewhere.push({ at: to, bytes: shown });
  }

  /** The same, of records whose size is told too; the caller's must be that. set_info_rec_size() */
  records(
    sizeAt: number,
    ptrAt: number,
    lenAt: number,
    recordBytes: number,
    bytes: Uint8Array = new Uint8Array(0),
  ): void {
    const size = this.given32(sizeAt);
    if ((size !== 0 || this.given32(lenAt) !== 0) && size !== recordBytes) this.result = -EINVAL;
    this.u32(sizeAt, recordBytes);
    this.array(ptrAt, lenAt, recordBytes, bytes);
  }

  /** bpf_copy_to_user() of a name: cut, with a NUL, where there is no room. */
  name(ptrAt: number, lenAt: number, value: string): void {
    const room = this.given32(lenAt);
    const to = this.pointer(ptrAt);
    if ((to === 0) !== (room === 0)) {
      this.result = -EINVAL;
      return;
    }
    this.u32(lenAt, value.length + 1);
    if (to === 0) return;
    const cut = value.slice(0, room - 1);
    const bytes = Uint8Array.from([...cut, '\0'], (char) => char.charCodeAt(0));
    this.elsewhere.push({ at: to, bytes });
    if (cut.length < value.length) this.result = -ENOSPC;
  }
}

/** kernel/bpf/syscall.c: bpf_obj_get_info_by_fd() */
export const objGetInfoByFd: Command = {
  endBytes: 16,
  *run(bpf, attr) {
    const fd = attr.s32(0);
    const result = yield* bpf.fds.withAny(fd, (ops, addr) => infoOf(bpf, attr, ops, addr));
    return result === -EBADF ? -EBADFD : result;
  },
};

/** The descriptor's bracket is held: the object stays. */
function* infoOf(bpf: BpfContext, attr: BpfAttr, kind: FileOps, addr: number): Sim<number> {
  const { ops } = bpf;
  const killBytes = bpf.protection.isOn ? KILL_INFO_BYTES : 0;
  const rows = new Map([
    [ops.prog, { known: PROG_INFO_BYTES + killBytes, fill: fillProg }],
    [ops.map, { known: MAP_INFO_BYTES, fill: fillMap }],
    [ops.btf, { known: BTF_INFO_BYTES, fill: fillBtf }],
    [ops.link, { known: LINK_INFO_BYTES, fill: fillLink }],
  ]);
  const row = rows.get(kind);
  if (!row) return -EINVAL;
  const given = yield* givenInfo(bpf, attr.ptr(8), attr.u32(4), row.known);
  if (typeof given === 'number') return given;
  const info = new Info(given, row.known);
  row.fill(bpf, info, addr);
  return yield* store(bpf, info, attr.ptr(8), Math.min(attr.u32(4), row.known), attr.addr + 4);
}

function* givenInfo(
  { kernel }: BpfContext,
  from: number,
  size: number,
  known: number,
): Sim<Uint8Array | number> {
  if (size > PAGE_SIZE) return -E2BIG;
  const bytes = yield* kernel.mm.copy_from_user(from, size);
  if (!bytes) return -EFAULT;
  return bytes.subarray(known).some((byte) => byte !== 0) ? -E2BIG : bytes;
}

function* store(
  { kernel }: BpfContext,
  info: Info,
  to: number,
  size: number,
  lenAt: number,
): Sim<number> {
  if (info.result === -EINVAL) return -EINVAL;
  for (const { at, bytes } of info.elsewhere) {
    if ((yield* kernel.mm.copy_to_user(at, bytes)) > 0) return -EFAULT;
  }
  if (info.result < 0) return info.result;
  if ((yield* kernel.mm.copy_to_user(to, info.bytes.subarray(0, size))) > 0) return -EFAULT;
  return yield* putU32(kernel, lenAt, size);
}

/** bpf_prog_get_info_by_fd() */
function fillProg(bpf: BpfContext, info: Info, addr: number): void {
  const { kernel, programs, maps, btfs, protection } = bpf;
  const { memory } = kernel.machine;
  const program = programs.of(addr);
  memory.unwatched(() => {
    const s = bpf_prog.at(memory, addr);
    const aux = programs.aux(addr);
    info.u32(0, s.type);
    info.u32(4, aux.id);
    info.bytes.set(memory.copyOut(s.tag, 8), 8);
    info.u32(16, s.jited_len);
    const room = info.given32(20);
    info.u32(20, program.xlated.length);
    const to = info.pointer(32);
    const shown = program.xlated.subarray(0, room);
    if (to !== 0 && shown.length > 0) info.elsewhere.push({ at: to, bytes: shown });
    info.u64(40, aux.load_time);
    const ids = Uint32Array.from(program.usedMaps, (map) => maps.idOf(map));
    info.array(56, 52, 4, new Uint8Array(ids.buffer));
    info.text(64, aux.name);
    info.u32(84, s.gpl_compatible);
    info.u32(128, program.btfObject === 0 ? 0 : btfs.idOf(program.btfObject));
    info.records(132, 136, 144, FUNC_INFO_BYTES, program.funcInfo);
    info.records(172, 152, 148, LINE_INFO_BYTES, program.lineInfo);
    info.records(176, 160, 168, JITED_LINE_INFO_BYTES, undefined);
    const tags = program.subprogTags ?? [program.tag];
    info.array(184, 180, TAG_BYTES, bytesOfHex(tags.join('')));
    info.u64(192, s.run_time_ns);
    info.u64(200, s.run_cnt);
    info.u64(208, s.recursion_misses);
    info.u32(216, aux.verified_insns);
    info.u32(220, aux.attach_btf_id === 0 ? 0 : 1);
    info.u32(224, aux.attach_btf_id);
  });
  if (protection.isOn) info.bytes.set(encodeKills(protection.notes.of(program)), KILL_INFO_AT);
}

/** bpf_map_get_info_by_fd() */
function fillMap({ kernel, btfs }: BpfContext, info: Info, addr: number): void {
  const { memory } = kernel.machine;
  memory.unwatched(() => {
    const s = bpf_map.at(memory, addr);
    info.u32(0, s.map_type);
    info.u32(4, s.id);
    info.u32(8, s.key_size);
    info.u32(12, s.value_size);
    info.u32(16, s.max_entries);
    info.u32(20, s.map_flags);
    info.text(24, s.name);
    info.u32(44, s.btf_vmlinux_value_type_id);
    info.u32(64, s.btf === 0 ? 0 : btfs.idOf(s.btf));
    info.u32(68, s.btf_key_type_id);
    info.u32(72, s.btf_value_type_id);
    info.u64(80, s.map_extra);
  });
}

/** btf_get_info_by_fd() */
function fillBtf({ btfs }: BpfContext, info: Info, addr: number): void {
  const { bytes } = btfs.of(addr);
  const isKernel = btfs.idOf(addr) === 1;
  const room = info.given32(8);
  const to = info.pointer(0);
  const shown = bytes.subarray(0, room);
  if (to !== 0 && shown.length > 0) info.elsewhere.push({ at: to, bytes: shown });
  info.u32(8, bytes.length);
  info.u32(12, btfs.idOf(addr));
  info.name(16, 24, isKernel ? 'vmlinux' : '');
  info.u32(28, isKernel ? 1 : 0);
}

/** bpf_link_get_info_by_fd() */
function fillLink({ kernel, links, programs }: BpfContext, info: Info, addr: number): void {
  const { memory } = kernel.machine;
  const { ops } = links.of(addr);
  memory.unwatched(() => {
    const s = links.at(addr);
    info.u32(0, s.type);
    info.u32(4, s.id);
    info.u32(8, s.prog === 0 ? 0 : programs.aux(s.prog).id);
  });
  ops.fillInfo?.(info);
}

function bytesOfHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g)!, (digits) => Number.parseInt(digits, 16));
}
