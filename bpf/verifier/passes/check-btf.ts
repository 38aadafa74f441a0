import { EINVAL } from '../../../kernel/errno.ts';
import { resolve } from '../../btf/resolve.ts';
import type { BtfType } from '../../btf/types.ts';
import { INSN_BYTES } from '../../isa/insn.ts';
import type { VerifierEnv } from '../env.ts';
import { subprogFunc } from '../subprog-query.ts';

// What the program's BTF says of its functions and lines: it must fit to the instructions.

/** What may end in the middle must be known to return a number. check_abnormal_return() */
function checkAbnormalReturn(env: VerifierEnv): void {
  for (const { hasLdAbs, hasTailCall } of env.subprogs.slice(1, env.subprogCnt)) {
    if (hasLdAbs) throw env.reject(EINVAL, 'LD_ABS is not allowed in subprogs without BTF');
    if (hasTailCall) throw env.reject(EINVAL, 'tail_call is not allowed in subprogs without BTF');
  }
}

/** Before there are functions: bpf_check_btf_info_early() */
export function checkBtfInfoEarly(env: VerifierEnv): void {
  const { funcInfo, btf } = env.prog;
  let previous = -1;
  for (const { insnOff, typeId } of funcInfo) {
    if (previous === -1 && insnOff !== 0) {
      env.verbose(`nonzero insn_off ${insnOff} for the first func info record`);
      throw env.reject(EINVAL, '');
    }
    if (insnOff <= previous) {
      env.verbose(
        `same or smaller insn offset (${insnOff}) than previous func info record (${previous})`,
      );
      throw env.reject(EINVAL, '');
    }
    const type = btf?.types[typeId];
    if (type?.kind !== 'func') {
      env.verbose(`invalid type id ${typeId} in func info`);
      throw env.reject(EINVAL, '');
    }
    previous = insnOff;
  }
}

/** bpf_check_btf_info() */
export function checkBtfInfo(env: VerifierEnv): void {
  const { funcInfo } = env.prog;
  if (funcInfo.length === 0) checkAbnormalReturn(env);
  else checkBtfFunc(env);
  checkBtfLine(env);
}

function checkBtfFunc(env: VerifierEnv): void {
  const { funcInfo, btf } = env.prog;
  if (funcInfo.length !== env.subprogCnt) {
    const message = "number of funcs in func_info doesn't match number of subprogs";
    throw env.reject(EINVAL, message);
  }
  for (let i = 0; i < env.subprogCnt; i++) {
    const subprog = env.subprogs[i]!;
    if (subprog.start !== funcInfo[i]!.insnOff) {
      const message = "func_info BTF section doesn't match subprog layout in BPF program";
      throw env.reject(EINVAL, message);
    }
    const func = subprogFunc(env, i)!;
    const proto = btf!.types[func.type];
    const returned = proto?.kind === 'func_proto' ? resolve(btf!, proto.type) : undefined;
    if (i > 0 && !isSmallNumber(returned)) {
      if (subprog.hasLdAbs) {
        throw env.reject(EINVAL, "LD_ABS is only allowed in functions that return 'int'.");
      }
      if (subprog.hasTailCall) {
        throw env.reject(EINVAL, "tail_call is only allowed in functions that return 'int'.");
      }
    }
    subprog.name = func.name;
  }
}

/** btf_type_is_small_int(), btf_is_any_enum() */
function isSmallNumber(type: BtfType | undefined): boolean {
  if (type?.kind === 'enum' || type?.kind === 'enum64') return true;
  return type?.kind === 'int' && type.sizeBytes <= 8;
}

/** Ascending, in the program, and one for each function's first instruction. check_btf_line() */
function checkBtfLine(env: VerifierEnv): void {
  const { lineInfo, wrongLines, code } = env.prog;
  if (wrongLines) {
    env.verbose(wrongLines.message);
    throw env.reject(wrongLines.errno, '');
  }
  if (lineInfo.length === 0) return;
  const count = env.insns.length;
  let subprog = 0;
  let previous = 0;
  for (const [i, { insnOff, isUnnamed }] of lineInfo.entries()) {
    if ((i > 0 && insnOff <= previous) || insnOff >= count) {
      const where = `(prev_offset:${previous} prog->len:${count})`;
      throw env.reject(EINVAL, `Invalid line_info[${i}].insn_off:${insnOff} ${where}`);
    }
    if (code[insnOff * INSN_BYTES] === 0) {
      throw env.reject(EINVAL, `Invalid insn code at line_info[${i}].insn_off`);
    }
    if (isUnnamed) {
      throw env.reject(EINVAL, `Invalid line_info[${i}].line_off or .file_name_off`);
    }
    if (subprog < env.subprogCnt) {
      const { start } = env.subprogs[subprog]!;
      if (insnOff === start) {
        subprog++;
      } else if (start < insnOff) {
        throw env.reject(EINVAL, `missing bpf_line_info for func#${subprog}`);
      }
    }
    previous = insnOff;
  }
  if (subprog === env.subprogCnt) return;
  const missing = env.subprogCnt - subprog;
  const message = `missing bpf_line_info for ${missing} funcs starting from func#${subprog}`;
  throw env.reject(EINVAL, message);
}
