import { E2BIG, EEXIST, EINVAL, ENOENT, EPERM } from '../../../kernel/errno.ts';
import { idOf } from '../../btf/resolve.ts';
import type { Btf, BtfType } from '../../btf/types.ts';
import { FUNC } from '../../helpers/func-ids.ts';
import { type RawInsn, rawInsn } from '../../isa/decode.ts';
import { CALL_TARGETS, CLASS, CODE, IMM_SOURCES, MODE } from '../../isa/ops.ts';
import type { VerifierEnv } from '../env.ts';
import { addKfuncCall } from '../kfuncs/kfunc-meta.ts';
import { SubprogInfo } from '../subprog-info.ts';
import { findSubprog } from '../subprog-query.ts';

const BPF_MAX_SUBPROGS = 256;
const PSEUDO_CALL = CALL_TARGETS.indexOf('subprog');
const PSEUDO_KFUNC_CALL = CALL_TARGETS.indexOf('kfunc');
const PSEUDO_FUNC = IMM_SOURCES.indexOf('func');
const EXCEPTION_CALLBACK_TAG = 'exception_callback:';

/** The slots as loaded: what these passes look at need not be instructions at all. */
function slotsOf(env: VerifierEnv): (slot: number) => RawInsn {
  const { code } = env.prog;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  return (slot) => rawInsn(view, slot);
}

/** Its index among the functions. add_subprog() */
export function addSubprog(env: VerifierEnv, off: number): number {
  if (off >= env.insns.length || off < 0) {
    throw env.reject(EINVAL, 'call to invalid destination');
  }
  const known = findSubprog(env, off);
  if (known >= 0) return known;
  if (env.subprogCnt >= BPF_MAX_SUBPROGS) throw env.reject(E2BIG, 'too many subprograms');
  const at = env.subprogs.findIndex(({ start }) => start > off);
  const index = at < 0 ? env.subprogs.length : at;
  env.subprogs.splice(index, 0, new SubprogInfo(off));
  env.subprogCnt++;
  return index;
}

/** Where functions begin, and which kfuncs are called. add_subprog_and_kfunc() */
export function addSubprogAndKfunc(env: VerifierEnv): void {
  const at = slotsOf(env);
  const count = env.insns.length;
  addSubprog(env, 0);
  for (let slot = 0; slot < count; slot++) {
    const { code, src, imm, off } = at(slot);
    const isFunc = code === CODE.ld_imm64 && src === PSEUDO_FUNC;
    const isCall = code === CODE.call && src === PSEUDO_CALL;
    const isKfunc = code === CODE.call && src === PSEUDO_KFUNC_CALL;
    if (!isFunc && !isCall && !isKfunc) continue;
    if (!env.bpfCapable) {
      const message =
        'loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN';
      throw env.reject(EPERM, message);
    }
    if (isKfunc) addKfuncCall(env, imm, off);
    else addSubprog(env, slot + imm + 1);
  }
  addExceptionCallback(env);
  env.subprogs.push(new SubprogInfo(count));
  if (!env.log.isVerbose) return;
  for (let i = 0; i < env.subprogCnt; i++) env.verbose(`func#${i} @${env.subprogs[i]!.start}\n`);
}

function addExceptionCallback(env: VerifierEnv): void {
  const start = findExceptionCallbackInsnOff(env);
  if (start === 0) return;
  const index = addSubprog(env, start);
  env.exceptionCallbackSubprog = index;
  markSubprogExcCb(env, index);
}

/** bpf_mark_subprog_exc_cb() */
export function markSubprogExcCb(env: VerifierEnv, subprog: number): void {
  const info = env.subprogs[subprog]!;
  info.isCb = true;
  info.isAsyncCb = true;
  info.isExceptionCb = true;
}

/** Of the function that a tag of the main program names; 0: none does. */
function findExceptionCallbackInsnOff(env: VerifierEnv): number {
  const { funcInfo, btf } = env.prog;
  if (funcInfo.length === 0 || !btf) return 0;
  const mainId = funcInfo[0]!.typeId;
  if (!btf.types[mainId]) {
    throw env.reject(EINVAL, 'invalid btf id for main subprog in func_info');
  }
  const tags = tagsOf(btf, mainId, EXCEPTION_CALLBACK_TAG);
  if (tags.length === 0) return 0;
  if (tags.length > 1) {
    throw env.reject(EEXIST, 'multiple exception callback tags for main subprog');
  }
  return exceptionCallbackNamed(env, btf, tags[0]!);
}

function exceptionCallbackNamed(env: VerifierEnv, btf: Btf, name: string): number {
  const id = idOf(btf, name, 'func');
  if (id === 0) {
    throw env.reject(ENOENT, `exception callback '${name}' could not be found in BTF`);
  }
  const func: BtfType | undefined = btf.types[id];
  if (func?.kind !== 'func' || func.linkage !== 'global') {
    throw env.reject(EINVAL, `exception callback '${name}' must have global linkage`);
  }
  const start = env.prog.funcInfo.findLast(({ typeId }) => typeId === id)?.insnOff;
  if (start === undefined) {
    throw env.reject(EINVAL, 'exception callback type id not found in func_info');
  }
  if (start === 0) {
    env.verbose('invalid exception callback insn_off in func_info: 0\n');
    throw env.reject(EINVAL, '');
  }
  return start;
}

/** What stands behind `prefix` in the tags of a type itself. btf_find_decl_tag_value() */
function tagsOf(btf: Btf, id: number, prefix: string): string[] {
  return btf.types.flatMap((type) => {
    const isTag = type?.kind === 'decl_tag' && type.type === id && type.component === -1;
    return isTag && type.name.startsWith(prefix) ? [type.name.slice(prefix.length)] : [];
  });
}

/** Jumps stay in their function, and nothing runs from one into the next. check_subprogs() */
export function checkSubprogs(env: VerifierEnv): void {
  const at = slotsOf(env);
  for (let i = 0; i < env.subprogCnt; i++) {
    const info = env.subprogs[i]!;
    const end = env.subprogs[i + 1]!.start;
    for (let slot = info.start; slot < end; slot++) checkSlot(env, info, end, at(slot), slot);
    if (!ENDS.has(at(end - 1).code)) throw env.reject(EINVAL, 'last insn is not an exit or jmp');
  }
}

/** What a function may end in. */
const ENDS: ReadonlySet<number> = new Set([CODE.exit, CODE.gotol, CODE.ja, CODE.gotox]);

function checkSlot(
  env: VerifierEnv,
  info: SubprogInfo,
  end: number,
  { code, src, off, imm }: RawInsn,
  slot: number,
): void {
  const mode = code & 0xe0;
  switch (code & 0x07) {
    case CLASS.LD:
      if (mode === MODE.ABS || mode === MODE.IND) info.hasLdAbs = true;
      return;
    case CLASS.JMP:
    case CLASS.JMP32:
      break;
    default:
      return;
  }
  if (code === CODE.call && src === 0 && imm === FUNC.tail_call) {
    info.hasTailCall = true;
    info.tailCallReachable = true;
  }
  const op = code & 0xf0;
  if (op === (CODE.call & 0xf0)) return;
  if (op === (CODE.exit & 0xf0)) {
    info.exitIdx = slot;
    return;
  }
  if (code === CODE.gotox) return;
  const target = slot + (code === CODE.gotol ? imm : off) + 1;
  if (target < info.start || target >= end) {
    throw env.reject(EINVAL, `jump out of range from insn ${slot} to ${target}`);
  }
}
