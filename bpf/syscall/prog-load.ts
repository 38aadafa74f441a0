import { EACCES, EFAULT, EINVAL, ENOMEM, ENOTSUPP } from '../../kernel/errno.ts';
import { O_RDWR } from '../../kernel/fs/uapi.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import type { BtfObject } from '../btf/objects.ts';
import { decodeInsn, rawInsn } from '../isa/decode.ts';
import { encodeProgram } from '../isa/encode.ts';
import { INSN_BYTES, type Insn } from '../isa/insn.ts';
import { ProgArray } from '../maps/prog-array.ts';
import type { AttachPoint } from '../prog/attach-point.ts';
import { attachPoint } from '../prog/attach-points.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import type { ProgType } from '../prog/types.ts';
import { PROG_TYPE } from '../uapi.ts';
import { fixup } from '../verifier/fixup/fixup.ts';
import { BPF_F_SLEEPABLE, type LoadedProgram, type WrongInfo } from '../verifier/program.ts';
import { verify, type Verified } from '../verifier/verify.ts';
import { ATTR_BYTES, isObjectName, type BpfAttr } from './attr.ts';
import type { BpfContext, Command } from './context.ts';
import { UserLog } from './log.ts';
import {
  AT,
  attachTypeOf,
  capabilitiesOf,
  isMultiFunc,
  mayAttach,
  permittedType,
} from './prog-attrs.ts';
import { funcInfos, lineInfos, movedInfo, NO_INFO, takeInfo, type ProgInfo } from './prog-info.ts';
import { ProgMaps } from './prog-maps.ts';
import { subprogNames } from './subprog-names.ts';
import { tagsOf } from './tags.ts';
import { VerifierWorld } from './verifier-world.ts';

const LICENSE_MAX = 127;
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

/** What a load says of a program, beside its maps and BTF. */
interface Given {
  readonly code: Uint8Array;
  readonly name: string;
  readonly type: ProgType;
  readonly attachType: number;
  readonly attach: AttachPoint | undefined;
  readonly isGpl: boolean;
  readonly info: ProgInfo;
}

class ProgLoad {
  readonly #bpf: BpfContext;
  readonly #kernel: Kernel;
  readonly #attr: BpfAttr;
  readonly #maps: ProgMaps;
  #btf: BtfObject | undefined;

  constructor(bpf: BpfContext, attr: BpfAttr) {
    this.#bpf = bpf;
    this.#kernel = bpf.kernel;
    this.#attr = attr;
    this.#maps = new ProgMaps(bpf, attr);
  }

  *run(): Sim<number> {
    const type = permittedType(this.#bpf, this.#attr);
    if (typeof type === 'number') return type;
    const attachType = attachTypeOf(this.#attr, type);
    const attach = yield* this.#attachPoint(type, attachType);
    if (typeof attach === 'number') return attach;
    const log = UserLog.open(this.#kernel, this.#attr, {
      level: AT.logLevel,
      size: AT.logSize,
      buf: AT.logBuf,
      trueSize: AT.logTrueSize,
    });
    const read = yield* this.#read();
    if (typeof read === 'number') return read;
    if (typeof log === 'number') return log;
    const result = yield* this.#loadWith({ ...read, type, attachType, attach }, log);
    if (result < 0) yield* this.#release();
    return result;
  }

  /** Instructions, licence and name: or -errno. */
  *#read(): Sim<Pick<Given, 'code' | 'name' | 'isGpl'> | number> {
    const { mm } = this.#kernel;
    const attr = this.#attr;
    const bytes = attr.u32(AT.insnCnt) * INSN_BYTES;
    const code = yield* mm.copy_from_user(attr.ptr(AT.insns), bytes);
    if (!code) return -EFAULT;
    const license = yield* mm.strncpy_from_user(attr.ptr(AT.license), LICENSE_MAX);
    if (typeof license === 'number') return -EFAULT;
    const name = attr.name(AT.name);
    if (name === undefined || !isObjectName(name)) return -EINVAL;
    return { code, name, isGpl: GPL.includes(license) };
  }

  /** What it is for; undefined: nothing in particular. */
  *#attachPoint(type: ProgType, attachType: number): Sim<AttachPoint | number | undefined> {
    const attr = this.#attr;
    const btfId = attr.u32(AT.attachBtfId);
    const fd = attr.s32(AT.attachFd);
    const dst = fd === 0 ? undefined : yield* this.#attachTo(fd);
    if (typeof dst === 'number') return dst;
    const isMulti = isMultiFunc(attachType);
    const needsKernel = fd === 0 && (btfId !== 0 || isMulti);
    const kernelBtf = needsKernel || dst?.isKernel ? this.#bpf.vmlinux().btf : undefined;
    const hasDstProg = dst?.dstProg !== undefined;
    const asked = { type: type.number, attachType, btfId, hasBtf: !!kernelBtf, hasDstProg };
    if (!mayAttach(asked)) return -EINVAL;
    const btf = kernelBtf ?? dst?.dstProg?.btf;
    if (!btf) return hasDstProg ? -EINVAL : undefined;
    return attachPoint({
      progType: type.number,
      attachType,
      btf,
      btfId,
      isKernel: !hasDstProg,
      dstProg: dst?.dstProg,
    });
  }

  /** attach_prog_fd, which may also be the kernel's BTF. */
  *#attachTo(fd: number): Sim<Pick<AttachPoint, 'dstProg' | 'isKernel'> | number> {
    const { fds, ops, programs } = this.#bpf;
    const found = yield* fds.withAny(fd, function* (kind, addr): Sim<number> {
      return kind === ops.prog || kind === ops.btf ? addr : -EINVAL;
    });
    if (found < 0) return -EINVAL;
    const program = programs.registry.get(found);
    if (program) return { dstProg: program.asTarget, isKernel: false };
    return found === this.#bpf.vmlinux().addr ? { isKernel: true } : -ENOTSUPP;
  }

  *#loadWith(given: Omit<Given, 'info'>, log: UserLog): Sim<number> {
    const made = yield* this.#check(given, log);
    const logged = yield* log.finish(typeof made === 'number' ? made : 0);
    if (typeof made === 'number') return logged;
    const result = logged < 0 || this.#fitsProgArrays(made) ? logged : -EINVAL;
    if (result === 0) return yield* this.#install(made);
    yield* this.#discard(made);
    return result;
  }

  /** bpf_check_tail_call() */
  #fitsProgArrays(made: ExecProgram): boolean {
    return this.#maps.held.every((map) => !(map instanceof ProgArray) || map.isFor(made));
  }

  /** BTF is only asked for where something is said of the program in it. */
  *#takeInfo(): Sim<ProgInfo | WrongInfo> {
    const attr = this.#attr;
    if (attr.u32(AT.funcInfoCnt) === 0 && attr.u32(AT.lineInfoCnt) === 0) return NO_INFO;
    const { fds, ops, btfs } = this.#bpf;
    const found = yield* fds.with(attr.s32(AT.btfFd), ops.btf, (addr) => btfs.btf_get(addr));
    if (typeof found === 'number') return { errno: -found, message: '' };
    this.#btf = found;
    if (found === this.#bpf.vmlinux()) return { errno: EACCES, message: '' };
    return yield* takeInfo(this.#bpf, attr);
  }

  *#check(asked: Omit<Given, 'info'>, log: UserLog): Sim<ExecProgram | number> {
    const bad = yield* this.#maps.holdFdArray();
    if (bad) {
      if (bad.message !== '') log.print(bad.message);
      log.print(NOTHING_PROCESSED);
      return -bad.errno;
    }
    const info = yield* this.#takeInfo();
    if ('errno' in info) {
      log.print(info.message + NOTHING_PROCESSED);
      return -info.errno;
    }
    const given = { ...asked, info };
    const program = yield* this.#program(given);
    const verified = verify(program, new VerifierWorld(this.#bpf), log.text);
    this.#bpf.onVerified?.(verified);
    if (verified.errno !== 0) return -verified.errno;
    const made = this.#create(given, program, verified);
    if (!made) return -ENOMEM;
    const refused = this.#bpf.protection.of(made)?.admit?.(made);
    if (refused === undefined) return made;
    log.print(refused);
    yield* this.#discard(made);
    return -EINVAL;
  }

  /** The program has what was held for it, and gives it back. */
  *#discard(made: ExecProgram): Sim<void> {
    this.#maps.held.length = 0;
    this.#btf = undefined;
    yield* this.#bpf.programs.bpf_prog_put(made.addr);
  }

  *#program(given: Given): Sim<LoadedProgram> {
    const { code, name, type, attachType, attach, isGpl, info } = given;
    const insns = decodedInsns(code);
    yield* this.#maps.find(insns);
    const flags = this.#attr.u32(AT.flags);
    return {
      name,
      type,
      expectedAttachType: attachType,
      flags,
      isSleepable: (flags & BPF_F_SLEEPABLE) !== 0,
      isGplCompatible: isGpl,
      code,
      insns,
      btf: this.#btf?.btf,
      funcInfo: funcInfos(info),
      lineInfo: lineInfos(info, this.#btf?.bytes),
      wrongLines: info.wrongLines,
      attach,
      caps: capabilitiesOf(this.#kernel),
      maps: this.#maps.bySlot,
      wrongMaps: this.#maps.wrong,
      boundMaps: this.#maps.bound,
    };
  }

  #create(given: Given, program: LoadedProgram, { env }: Verified): ExecProgram | undefined {
    const bpf = this.#bpf;
    const fixed = fixup(env, { helper: (id) => bpf.helper(id), kfunc: (id) => bpf.kfunc(id) });
    const { name, type, isGpl, code, attach, attachType } = given;
    const info = movedInfo(given.info, fixed.now);
    const xlated = encodeProgram(fixed.xlated);
    return bpf.programs.create({
      ...fixed,
      name,
      ...tagsOf(this.#kernel.machine.profile, code, { xlated, subprogs: fixed.subprogs }),
      type: type.number,
      expectedAttachType: attachType,
      sleepable: program.isSleepable,
      gplCompatible: isGpl,
      usedMaps: [...this.#maps.held],
      xlated,
      btf: this.#btf?.btf,
      btfObject: this.#btf?.addr ?? 0,
      subprogNames: subprogNames(funcInfos(info), this.#btf?.btf, fixed.subprogs, name),
      funcInfo: info.funcs,
      lineInfo: info.lines,
      sourceLines: lineInfos(info, this.#btf?.bytes),
      attachTo: attach?.name ?? '',
      attachBtfId: attach?.btfId ?? 0,
      asTarget: {
        type: type.number,
        savedDstType: attach?.dstProg?.type ?? 0,
        expectedAttachType: attachType,
        btf: this.#btf?.btf,
        funcs: env.subprogs.slice(0, env.subprogCnt).map((subprog, i) => ({
          typeId: program.funcInfo[i]?.typeId ?? 0,
          isUnreliable: subprog.isUnreliable,
          isExceptionCallback: subprog.isExceptionCb,
          changesPktData: subprog.changesPktData,
          mightSleep: subprog.mightSleep,
        })),
        isAttachedToTracing:
          type.number === PROG_TYPE.TRACING && attach?.dstProg?.type === PROG_TYPE.TRACING,
      },
      verifiedInsns: env.insnProcessed,
    });
  }

  *#install(program: ExecProgram): Sim<number> {
    const { fds, ops, programs } = this.#bpf;
    const fd = yield* fds.install(ops.prog, program.addr, O_RDWR);
    this.#maps.held.length = 0;
    this.#btf = undefined;
    if (fd < 0) yield* programs.bpf_prog_put(program.addr);
    return fd;
  }

  *#release(): Sim<void> {
    yield* this.#maps.release();
    if (this.#btf) yield* this.#bpf.btfs.btf_put(this.#btf.addr);
  }
}

/** The end of the log where nothing was looked at. */
const NOTHING_PROCESSED =
  'processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 ' +
  'mark_read 0';

/** By slot; null where nothing can be decoded, which the verifier finds out in its turn. */
function decodedInsns(code: Uint8Array): (Insn | null)[] {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const count = code.length / INSN_BYTES;
  const insns: (Insn | null)[] = [];
  for (let slot = 0; slot < count; slot++) {
    const next = slot + 1 < count ? rawInsn(view, slot + 1) : undefined;
    const insn = decodeInsn(rawInsn(view, slot), next);
    insns.push(typeof insn === 'string' ? null : insn);
    if (typeof insn === 'string' || insn.kind !== 'ld_imm64') continue;
    insns.push(null);
    slot++;
  }
  return insns;
}
