import { sha1, sha256 } from '../../base/sha.ts';
import { E2BIG, EFAULT, EINVAL, ENOMEM, EPERM, EPROTO } from '../../kernel/errno.ts';
import { O_RDWR } from '../../kernel/fs/uapi.ts';
import type { FileOps } from '../../kernel/hooks.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import type { BtfObject } from '../btf/objects.ts';
import { checkProgram, parseProgram } from '../check/check.ts';
import type { Accepted, CheckWorld } from '../check/check.ts';
import { resolveNames, rewrite, type Resolved } from '../check/fixup.ts';
import type { Reject } from '../check/reject.ts';
import { encodeProgram } from '../isa/encode.ts';
import type { AccessBytes } from '../isa/insn.ts';
import { rawInsn } from '../isa/decode.ts';
import { CODE, IMM_SOURCES } from '../isa/ops.ts';
import { RDONLY_PROG } from '../maps/flags.ts';
import { bpf_map, type BpfMap } from '../maps/map.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { canBeSleepable, progType, type ProgType } from '../prog/types.ts';
import { ATTR_BYTES, isObjectName, type BpfAttr } from './attr.ts';
import { attachTarget, type AttachTarget } from './attach-target.ts';
import { CAP_BPF, CAP_PERFMON, hasCap, type BpfContext, type Command } from './context.ts';
import { MAX_CALL_FRAMES } from '../vm/frame.ts';
import { UserLog } from './log.ts';
import { subprogNames, type FuncInfo } from './subprog-names.ts';

/** Offsets in union bpf_attr of BPF_PROG_LOAD. include/uapi/linux/bpf.h */
const AT = {
  type: 0,
  insnCnt: 4,
  insns: 8,
  license: 16,
  logLevel: 24,
  logSize: 28,
  logBuf: 32,
  flags: 44,
  name: 48,
  expectedAttachType: 68,
  btfFd: 72,
  funcInfoRecSize: 76,
  funcInfo: 80,
  funcInfoCnt: 88,
  lineInfoRecSize: 92,
  lineInfo: 96,
  lineInfoCnt: 104,
  attachBtfId: 108,
  fdArray: 120,
  logTrueSize: 140,
  fdArrayCnt: 148,
} as const;
const LICENSE_MAX = 127;
const INSN_BYTES = 8;
/** MAX_FUNCINFO_REC_SIZE, MAX_LINEINFO_REC_SIZE */
const INFO_RECORD_MAX = 252;
const BPF_COMPLEXITY_LIMIT_INSNS = 1_000_000;
const BPF_F_SLEEPABLE = 1 << 4;
/** MAX_CALL_FRAMES of v6.1. */
const OLD_CALL_FRAMES = 8;
const FLAGS_ALL = 0x7ff;
const FD_ARRAY_MAX = 1 << 16;
/** include/linux/license.h: license_is_gpl_compatible() */
const GPL = [
  'GPL',
  'GPL v2',
  'GPL and additional rights',
  'Dual BSD/GPL',
  'Dual MIT/GPL',
  'Dual MPL/GPL',
];

/** kernel/bpf/syscall.c: bpf_prog_load() */
export const progLoad: Command = {
  endBytes: ATTR_BYTES,
  run: (bpf, attr) => new ProgLoad(bpf, attr).run(),
};

class ProgLoad {
  readonly #bpf: BpfContext;
  readonly #kernel: Kernel;
  readonly #attr: BpfAttr;
  /** Maps that the program holds once it is loaded. */
  readonly #pinned: BpfMap[] = [];
  #btf: BtfObject | undefined;
  #funcs: readonly FuncInfo[] = [];
  #funcInfo = new Uint8Array(0);
  #lineInfo = new Uint8Array(0);

  constructor(bpf: BpfContext, attr: BpfAttr) {
    this.#bpf = bpf;
    this.#kernel = bpf.kernel;
    this.#attr = attr;
  }

  *run(): Sim<number> {
    const attr = this.#attr;
    const flags = attr.u32(AT.flags);
    if ((flags & ~FLAGS_ALL) !== 0) return -EINVAL;
    const type = this.#permitted();
    if (typeof type === 'number') return type;
    const target = attachTarget(this.#bpf, type, attr.u32(AT.expectedAttachType), {
      btfId: attr.u32(AT.attachBtfId),
    });
    if (typeof target === 'number') return target;
    const code = yield* this.#kernel.mm.copy_from_user(
      attr.ptr(AT.insns),
      attr.u32(AT.insnCnt) * INSN_BYTES,
    );
    if (!code) return -EFAULT;
    const license = yield* this.#kernel.mm.strncpy_from_user(attr.ptr(AT.license), LICENSE_MAX);
    if (typeof license === 'number') return -EFAULT;
    const isGpl = GPL.includes(license);
    const name = attr.name(AT.name);
    if (name === undefined || !isObjectName(name)) return -EINVAL;
    const log = UserLog.open(this.#kernel, attr, {
      level: AT.logLevel,
      size: AT.logSize,
      buf: AT.logBuf,
      trueSize: AT.logTrueSize,
    });
    if (typeof log === 'number') return log;
    const btfResult = yield* this.#takeBtf();
    if (btfResult < 0) {
      yield* this.#release();
      return btfResult;
    }
    const made = yield* this.#check({ code, name, type, target, isGpl, flags }, log);
    const result = yield* log.finish(typeof made === 'number' ? made : 0);
    if (typeof made !== 'number' && result === 0) return yield* this.#install(made);
    if (typeof made !== 'number') yield* this.#bpf.programs.bpf_prog_put(made.addr);
    else yield* this.#release();
    return result;
  }

  /** Who may load what. */
  #permitted(): ProgType | number {
    const attr = this.#attr;
    const hasBpf = hasCap(this.#kernel, CAP_BPF);
    if (!hasBpf) return -EPERM; // kernel.unprivileged_bpf_disabled is 2
    const count = attr.u32(AT.insnCnt);
    if (count === 0 || count > BPF_COMPLEXITY_LIMIT_INSNS) return -E2BIG;
    const type = progType(attr.u32(AT.type));
    if (!type) return -EINVAL;
    if (type.isTracing && !hasCap(this.#kernel, CAP_PERFMON)) return -EPERM;
    return type;
  }

  *#takeBtf(): Sim<number> {
    const fd = this.#attr.s32(AT.btfFd);
    if (fd === 0) return 0;
    const { fds, ops, btfs } = this.#bpf;
    const found = yield* fds.with(fd, ops.btf, (addr) => btfs.btf_get(addr));
    if (typeof found === 'number') return found;
    this.#btf = found;
    const funcs = yield* this.#takeInfo(AT.funcInfoRecSize, AT.funcInfo, AT.funcInfoCnt, 8);
    if (typeof funcs === 'number') return funcs;
    this.#funcInfo = funcs;
    const words = new Uint32Array(funcs.buffer);
    this.#funcs = Array.from({ length: words.length / 2 }, (_, at) => ({
      slot: words[2 * at]!,
      typeId: words[2 * at + 1]!,
    }));
    const lines = yield* this.#takeInfo(AT.lineInfoRecSize, AT.lineInfo, AT.lineInfoCnt, 16);
    if (typeof lines === 'number') return lines;
    this.#lineInfo = lines;
    return 0;
  }

  /** Records as this kernel has them, of `known` bytes. check_btf_func_early(), check_btf_line() */
  *#takeInfo(
    sizeAt: number,
    pointerAt: number,
    countAt: number,
    known: number,
  ): Sim<Uint8Array<ArrayBuffer> | number> {
    const attr = this.#attr;
    const count = attr.u32(countAt);
    if (count === 0) return new Uint8Array(0);
    const size = attr.u32(sizeAt);
    const isFit = size >= known && size <= INFO_RECORD_MAX && size % 4 === 0;
    if (!isFit || count > attr.u32(AT.insnCnt)) return -EINVAL;
    const given = yield* this.#kernel.mm.copy_from_user(attr.ptr(pointerAt), count * size);
    if (!given) return -EFAULT;
    const records = new Uint8Array(count * known);
    for (let i = 0; i < count; i++) {
      const record = given.subarray(i * size, (i + 1) * size);
      if (record.subarray(known).some((byte) => byte !== 0)) return -E2BIG;
      records.set(record.subarray(0, known), i * known);
    }
    return records;
  }

  *#check(given: Given, log: UserLog): Sim<ExecProgram | number> {
    const reject = (why: Reject): number => {
      if (why.line) log.printDetail(why.line);
      if (why.message !== '') log.print(why.message);
      log.print(STATS);
      return -why.errno;
    };
    const wrong = this.#loadRules(given);
    if (wrong) return reject(wrong);
    const continuous = yield* this.#pinFdArray();
    if (continuous) return reject(continuous);
    const parsed = parseProgram(given.code);
    if ('errno' in parsed) return reject(parsed);
    const resolved = yield* resolveNames(parsed.insns, {
      map: (fd) => this.#mapAt(fd),
      fdAt: (index) => this.#fdAt(index),
      variable: () => undefined, // no variable of this kernel's has a place in its memory
    });
    if ('errno' in resolved) return reject(resolved);
    const accepted = checkProgram(parsed, this.#checkWorld(given, resolved));
    if ('errno' in accepted) return reject(accepted);
    log.print(STATS);
    const insns = rewrite(resolved.insns, accepted);
    return this.#create(given, { ...accepted, insns }) ?? -ENOMEM;
  }

  #checkWorld({ type, isGpl, flags }: Given, resolved: Resolved): CheckWorld {
    return {
      type,
      isGpl,
      helper: (id) => this.#bpf.helper(id),
      kfunc: (id) => this.#bpf.kfunc(id) ?? noKfunc(id),
      isSleepable: (flags & BPF_F_SLEEPABLE) !== 0,
      framesMax: this.#kernel.machine.facts.deepBpfCalls ? MAX_CALL_FRAMES : OLD_CALL_FRAMES,
      subprogName: this.#funcs.length > 0 ? (slot) => this.#funcName(slot) : undefined,
      maps: resolved.maps,
      frozenValue: (slot, off, size) => this.#frozenValue(resolved, slot, off, size),
    };
  }

  /** bpf_map_is_rdonly(), bpf_map_direct_read() */
  #frozenValue({ insns, maps }: Resolved, slot: number, off: number, size: AccessBytes) {
    const map = maps.get(slot);
    const insn = insns[slot];
    if (!map?.map_direct_value_addr || insn?.kind !== 'ld_imm64') return undefined;
    const { memory } = this.#kernel.machine;
    const isFrozen = memory.unwatched(() => bpf_map.at(memory, map.addr).frozen !== 0);
    if (!isFrozen || (map.flags & RDONLY_PROG) === 0) return undefined;
    const at = (insn.imm >>> 0) - map.map_direct_value_addr(0) + off;
    if (at < 0 || at + size > map.valueSize) return undefined;
    return memory.rawLoad(map.map_direct_value_addr(0) + at, size);
  }

  #funcName(start: number): string {
    const info = this.#funcs.find(({ slot }) => slot === start);
    return (info && this.#btf?.btf.types[info.typeId]?.name) ?? '';
  }

  #loadRules({ type, target, flags }: Given): Reject | undefined {
    const isSleepable = (flags & BPF_F_SLEEPABLE) !== 0;
    if (type.sleepable === 'must' && !isSleepable) {
      return { errno: EINVAL, message: 'Syscall programs can only be sleepable' };
    }
    if (isSleepable && !canBeSleepable(type, target.attachType)) {
      const message =
        'Only fentry/fexit/fsession/fmod_ret, lsm, iter, uprobe, and struct_ops programs ' +
        'can be sleepable';
      return { errno: EINVAL, message };
    }
    return target.reject;
  }

  #create(given: Given, accepted: Accepted): ExecProgram | undefined {
    const { name, type, target, isGpl, flags, code } = given;
    const { insns, subprogs, calls, stackDepth, ctxBytes } = accepted;
    const tag = tagOf(this.#kernel, code);
    return this.#bpf.programs.create({
      name,
      tag,
      type: type.number,
      expectedAttachType: target.attachType,
      sleepable: (flags & BPF_F_SLEEPABLE) !== 0,
      gplCompatible: isGpl,
      usedMaps: this.#pinned,
      xlated: encodeProgram(insns),
      btf: this.#btf?.btf,
      btfObject: this.#btf?.addr ?? 0,
      subprogNames: subprogNames(this.#funcs, this.#btf?.btf, subprogs, name),
      funcInfo: this.#funcInfo,
      lineInfo: this.#lineInfo,
      attachTo: target.name,
      attachBtfId: target.btfId,
      insns,
      subprogs,
      calls,
      stackDepth,
      ctxBytes,
    });
  }

  *#install(program: ExecProgram): Sim<number> {
    const { fds, ops, programs } = this.#bpf;
    const fd = yield* fds.install(ops.prog, program.addr, O_RDWR);
    if (fd < 0) yield* programs.bpf_prog_put(program.addr);
    return fd;
  }

  *#release(): Sim<void> {
    for (const map of this.#pinned) yield* this.#bpf.maps.bpf_map_put(map);
    if (this.#btf) yield* this.#bpf.btfs.btf_put(this.#btf.addr);
  }

  /** Once for each map, however often it is named. add_used_map() */
  *#mapAt(fd: number): Sim<BpfMap | number> {
    const { fds, ops, maps } = this.#bpf;
    return yield* fds.with(fd, ops.map, (addr) => this.#pin(maps.of(addr)));
  }

  *#pin(map: BpfMap): Sim<BpfMap> {
    if (!this.#pinned.includes(map)) {
      yield* this.#bpf.maps.bpf_map_inc(map);
      this.#pinned.push(map);
    }
    return map;
  }

  *#fdAt(index: number): Sim<number> {
    const array = this.#attr.ptr(AT.fdArray);
    if (array === 0) return -EPROTO;
    const bytes = yield* this.#kernel.mm.copy_from_user(array + 4 * index, 4);
    if (!bytes) return -EFAULT;
    return new DataView(bytes.buffer).getInt32(0, true);
  }

  /** With a count, every entry must be a map or BTF, and is held. process_fd_array() */
  *#pinFdArray(): Sim<Reject | undefined> {
    const count = this.#attr.u32(AT.fdArrayCnt);
    if (count === 0) return undefined;
    if (count > FD_ARRAY_MAX) {
      return { errno: EINVAL, message: `fd_array_cnt is too big (${count})` };
    }
    if (this.#attr.ptr(AT.fdArray) === 0) return { errno: EFAULT, message: '' };
    for (let i = 0; i < count; i++) {
      const fd = yield* this.#fdAt(i);
      if (fd === -EFAULT) return { errno: EFAULT, message: '' };
      const result = yield* this.#bpf.fds.withAny(fd, (ops, addr) => this.#pinAny(ops, addr));
      if (result < 0) {
        const message = `fd ${fd} is not pointing to valid bpf_map or btf`;
        return { errno: -result, message };
      }
    }
    return undefined;
  }

  *#pinAny(kind: FileOps, addr: number): Sim<number> {
    const { ops, maps } = this.#bpf;
    if (kind === ops.map) yield* this.#pin(maps.of(addr));
    return kind === ops.map || kind === ops.btf ? 0 : -EINVAL;
  }
}

interface Given {
  readonly code: Uint8Array;
  readonly name: string;
  readonly type: ProgType;
  readonly target: AttachTarget;
  readonly isGpl: boolean;
  readonly flags: number;
}

/** What the verifier says at the end; nothing is processed until there is one. */
const STATS =
  'processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 ' +
  'mark_read 0';

function noKfunc(id: number): Reject {
  return { errno: EINVAL, message: `kernel btf_id ${id} is not a function` };
}

/** Over the instructions as loaded, without descriptors. kernel/bpf/core.c: bpf_prog_calc_tag() */
function tagOf(kernel: Kernel, code: Uint8Array): string {
  const bytes = code.slice();
  const view = new DataView(bytes.buffer);
  for (let slot = 0; slot < bytes.length / INSN_BYTES; slot++) {
    const { code: opcode, src } = rawInsn(view, slot);
    if (opcode !== CODE.ld_imm64) continue;
    const from = IMM_SOURCES[src];
    if (from === 'map_fd' || from === 'map_value') {
      view.setInt32(slot * INSN_BYTES + 4, 0, true);
      view.setInt32(slot * INSN_BYTES + 12, 0, true);
    }
    slot++;
  }
  const digest = kernel.machine.profile === 'v6.1' ? sha1(bytes) : sha256(bytes);
  return [...digest.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
