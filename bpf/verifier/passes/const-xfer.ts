import type { AluOp } from '../../isa/ops.ts';
import { type Insn, type Operand, PARAMS_POINTER } from '../../isa/insn.ts';
import { atomicLoadReg } from '../liveness/arg-xfer.ts';
import type { VerifierEnv } from '../env.ts';
import { readFrozenMap } from '../access/map-read.ts';
import { findSubprog } from '../subprog-query.ts';

/**
 * What a register is known to hold before the search, if anything. `val` of a constant is its 64
 * bits, unsigned; of a map value, the offset into it; of a function, its index. `map` is an index
 * of env.usedMaps. A value, never changed. struct const_arg_info
 */
export interface ConstArg {
  readonly state: 'unknown' | 'const' | 'map_ptr' | 'map_value' | 'subprog';
  readonly val: bigint;
  readonly map: number;
}

export const UNKNOWN_CONST: ConstArg = { state: 'unknown', val: 0n, map: 0 };
/** By register, r0 to r10. Never changed once it stands before an instruction. */
export type ConstArgs = readonly ConstArg[];

export function sameConst(a: ConstArg, b: ConstArg): boolean {
  return a === b || (a.state === b.state && a.val === b.val && a.map === b.map);
}

/** What was known before stays where it means nothing: it counts where ways meet. */
function constant(was: ConstArg, val: bigint): ConstArg {
  return { ...was, state: 'const', val: BigInt.asUintN(64, val) };
}

/** What an instruction makes of the registers; the same array if nothing. const_reg_xfer() */
export function constRegXfer(env: VerifierEnv, insnIdx: number, regs: ConstArgs): ConstArgs {
  const insn = env.insns[insnIdx]!;
  switch (insn.kind) {
    case 'alu':
    case 'movsx':
    case 'neg':
    case 'endian':
    case 'addr_space_cast':
      return withReg(regs, insn.dst, computed(insn, regs));
    case 'ld_imm64':
      return withReg(regs, insn.dst, loadedConstant(env, insn, insnIdx, regs[insn.dst]!));
    case 'ldx':
      return withReg(regs, insn.dst, loaded(env, insn, regs));
    case 'ld_abs':
    case 'ld_ind':
    case 'call': {
      const out = regs.slice();
      return out.fill(UNKNOWN_CONST, 0, 6);
    }
    case 'atomic':
    case 'bad_atomic':
    case 'load_acquire': {
      const reg = atomicLoadReg(insn);
      return reg < 0 ? regs : withReg(regs, reg, UNKNOWN_CONST);
    }
    default:
      return regs;
  }
}

function withReg(regs: ConstArgs, reg: number, value: ConstArg): ConstArgs {
  if (sameConst(regs[reg]!, value)) return regs;
  const out = regs.slice();
  out[reg] = value;
  return out;
}

type AluInsn = Extract<Insn, { kind: 'alu' | 'movsx' | 'neg' | 'endian' | 'addr_space_cast' }>;

function computed(insn: AluInsn, regs: ConstArgs): ConstArg {
  switch (insn.kind) {
    case 'movsx': {
      const src = regs[insn.src]!;
      if (src.state !== 'const') return UNKNOWN_CONST;
      const extended = constant(src, BigInt.asIntN(insn.bits, src.val));
      return insn.wide ? extended : narrowed(extended);
    }
    case 'alu': {
      const result = aluResult(insn.op, regs[insn.dst]!, insn.src, regs);
      return insn.wide ? result : narrowed(result);
    }
    default:
      return UNKNOWN_CONST;
  }
}

/** Of 32 bits only numbers are left. */
function narrowed(value: ConstArg): ConstArg {
  return value.state === 'const' ? constant(value, BigInt.asUintN(32, value.val)) : UNKNOWN_CONST;
}

function aluResult(op: AluOp, dst: ConstArg, src: Operand, regs: ConstArgs): ConstArg {
  if ('reg' in src) {
    const other = regs[src.reg]!;
    if (op === 'mov') return other;
    return op === 'and' ? andOf(dst, other) : UNKNOWN_CONST;
  }
  const imm = BigInt(src.imm);
  switch (op) {
    case 'mov':
      return constant(dst, imm);
    case 'add':
      return moved(dst, imm);
    case 'sub':
      return moved(dst, -imm);
    case 'and':
      if (dst.state === 'const') return constant(dst, dst.val & imm);
      return imm === 0n ? constant(dst, 0n) : UNKNOWN_CONST;
    default:
      return UNKNOWN_CONST;
  }
}

function moved(dst: ConstArg, by: bigint): ConstArg {
  if (dst.state !== 'const' && dst.state !== 'map_value') return UNKNOWN_CONST;
  return { ...dst, val: BigInt.asUintN(64, dst.val + by) };
}

function andOf(dst: ConstArg, src: ConstArg): ConstArg {
  if (dst.state === 'const' && dst.val === 0n) return dst;
  if (src.state === 'const' && src.val === 0n) return constant(dst, 0n);
  if (dst.state !== 'const' || src.state !== 'const') return UNKNOWN_CONST;
  return constant(dst, dst.val & src.val);
}

type LdImm64 = Extract<Insn, { kind: 'ld_imm64' }>;

function loadedConstant(env: VerifierEnv, insn: LdImm64, insnIdx: number, was: ConstArg): ConstArg {
  const { mapIndex, mapOff } = env.aux[insnIdx]!;
  switch (insn.from) {
    case 'func': {
      const subprog = findSubprog(env, insnIdx + insn.imm + 1);
      if (subprog < 0) return UNKNOWN_CONST;
      return { ...was, state: 'subprog', val: BigInt(subprog) };
    }
    case 'map_value':
    case 'map_idx_value':
      return { state: 'map_value', val: BigInt(mapOff), map: mapIndex };
    case 'map_fd':
    case 'map_idx':
      return { ...was, state: 'map_ptr', map: mapIndex };
    case 'value':
      return constant(was, (BigInt(insn.next >>> 0) << 32n) | BigInt(insn.imm >>> 0));
    case 'btf_id':
      return UNKNOWN_CONST;
  }
}

type Ldx = Extract<Insn, { kind: 'ldx' }>;

/** From the value of a map that nobody can write to: what stands there. */
function loaded(env: VerifierEnv, insn: Ldx, regs: ConstArgs): ConstArg {
  if (insn.src === PARAMS_POINTER) return UNKNOWN_CONST;
  const { state, val, map: index } = regs[insn.src]!;
  const map = state === 'map_value' ? env.usedMaps[index] : undefined;
  if (!map) return UNKNOWN_CONST;
  const off = Number(BigInt.asIntN(32, val + BigInt(insn.off)));
  if (off < 0 || off + insn.size > map.valueSize) return UNKNOWN_CONST;
  const found = readFrozenMap(env, map, off, insn.size, insn.mode === 'memsx');
  return found === undefined ? UNKNOWN_CONST : constant(regs[insn.dst]!, found);
}
