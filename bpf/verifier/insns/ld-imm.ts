import { EINVAL } from '../../../kernel/errno.ts';
import type { Insn } from '../../isa/insn.ts';
import { MAP_TYPE } from '../../uapi.ts';
import type { VerifierEnv } from '../env.ts';
import { pointerReg } from '../values/reg.ts';
import { checkRegArg, knownReg, unknownReg } from '../values/regs.ts';
import { Scalar } from '../values/scalar.ts';
import { subprogFunc } from '../subprog-query.ts';
import * as t from '../types.ts';

type LdImm64 = Extract<Insn, { kind: 'ld_imm64' }>;

/** A constant of 64 bits: a number, or a name for a map, a variable, a function. check_ld_imm() */
export function checkLdImm(env: VerifierEnv, insn: LdImm64): void {
  checkRegArg(env, insn.dst, 'dst');
  switch (insn.from) {
    case 'value': {
      const value = (BigInt(insn.next >>> 0) << 32n) | BigInt(insn.imm >>> 0);
      env.regs[insn.dst] = knownReg(env, value);
      return;
    }
    case 'btf_id':
      loadVariable(env, insn.dst);
      return;
    case 'func':
      loadFunction(env, insn);
      return;
    default:
      loadMap(env, insn);
  }
}

function loadVariable(env: VerifierEnv, dst: number): void {
  const { btfVarType, btfVarMemSize, btfVarBtf, btfVarId } = env.curAux;
  switch (t.baseType(btfVarType)) {
    case t.PTR_TO_MEM:
      env.regs[dst] = pointerReg(btfVarType, { memSize: btfVarMemSize });
      return;
    case t.PTR_TO_BTF_ID:
      env.regs[dst] = pointerReg(btfVarType, { btf: btfVarBtf, btfId: btfVarId });
      return;
    default:
      throw env.bug('pseudo btf id: unexpected dst reg type');
  }
}

function loadFunction(env: VerifierEnv, insn: LdImm64): void {
  const start = env.insnIdx + insn.imm + 1;
  const subprogno = env.subprogs.findIndex((info) => info.start === start);
  if (env.prog.funcInfo.length === 0) throw env.reject(EINVAL, 'missing btf func_info');
  if (subprogFunc(env, subprogno)?.linkage !== 'static') {
    throw env.reject(EINVAL, 'callback function not static');
  }
  if (subprogno === 0) {
    throw env.reject(EINVAL, 'callback function cannot be the main program');
  }
  env.regs[insn.dst] = pointerReg(t.PTR_TO_FUNC, { subprogno });
}

function loadMap(env: VerifierEnv, insn: LdImm64): void {
  const named = env.prog.maps.get(env.insnIdx);
  if (!named) throw env.bug('unexpected src reg value for ldimm64');
  const { map, off } = named;
  const isValue = insn.from === 'map_value' || insn.from === 'map_idx_value';
  if (!isValue) {
    env.regs[insn.dst] = pointerReg(t.CONST_PTR_TO_MAP, { map });
    return;
  }
  if (map.type === MAP_TYPE.ARENA) {
    env.regs[insn.dst] = unknownReg(env).with({ map });
    return;
  }
  env.regs[insn.dst] = pointerReg(t.PTR_TO_MAP_VALUE, { map, s: Scalar.of(BigInt(off)) });
}
