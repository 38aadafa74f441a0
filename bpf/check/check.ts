import { EACCES, EINVAL } from '../../kernel/errno.ts';
import type { Helper } from '../helpers/prototype.ts';
import { decodeProgram, rawInsn } from '../isa/decode.ts';
import { FRAME_POINTER, INSN_BYTES, type Insn, type Insns, type Reg } from '../isa/insn.ts';
import { CODE } from '../isa/ops.ts';
import { helperFor, type ProgType } from '../prog/types.ts';
import { MAX_BPF_STACK } from '../vm/frame.ts';
import { followPointers } from './origins.ts';
import { isReject, type Reject } from './reject.ts';
import { checkDepth, checkReached, findSubprogs } from './subprogs.ts';

/** What the checker asks of the world. */
export interface CheckWorld {
  readonly type: ProgType;
  readonly isGpl: boolean;
  /** A helper of this number, whoever may call it. */
  helper(id: number): Helper | undefined;
  /** The kfunc of a BTF id, or the reason why there is none. */
  kfunc(btfId: number): Helper | Reject;
}

/** A program that may run: what the engines and the fix-ups need to know of it. */
export interface Accepted {
  readonly insns: Insns;
  readonly subprogs: readonly number[];
  /** By slot of the call. */
  readonly calls: ReadonlyMap<number, Helper>;
  /** Slots of loads that read zero where they fault. */
  readonly probes: ReadonlySet<number>;
  /** Bytes of stack of the deepest subprogram. */
  readonly stackDepth: number;
  /** Bytes of the context that it reaches to by constant offsets. */
  readonly ctxBytes: number;
}

/**
 * Looks at a program's structure: every instruction is one, jumps land, nothing falls through or
 * is unreachable, registers, helpers and kfuncs exist and may be called, constant operands make
 * sense, and the stack is not left by a constant offset. What values flow where is not followed:
 * that is the verifier's. The texts are its own. kernel/bpf/verifier.c
 */
export function checkProgram(code: Uint8Array, world: CheckWorld): Accepted | Reject {
  const insns = decodeProgram(code);
  if ('errno' in insns) return endReject(code) ?? insns;
  const subprogs = findSubprogs(insns);
  if ('errno' in subprogs) return subprogs;
  const wrong = checkReached(insns, subprogs) ?? checkDepth(insns, subprogs);
  if (wrong) return wrong;
  const calls = new Map<number, Helper>();
  let stackDepth = 0;
  for (const [slot, insn] of insns.entries()) {
    if (!insn) continue;
    const reject = checkInsn(insn) ?? checkStack(insn);
    if (reject) return reject;
    if (insn.kind === 'call' && insn.target !== 'subprog') {
      const called = callee(insn, world);
      if (isReject(called)) return called;
      calls.set(slot, called);
    }
    stackDepth = Math.max(stackDepth, depthOf(insn));
  }
  const { kernelLoads, ctxBytes } = followPointers(insns, subprogs, calls);
  const probes = world.type.hasKernelPointers ? kernelLoads : new Set<number>();
  return { insns, subprogs, calls, probes, stackDepth, ctxBytes };
}

/** What is said of the end comes before what is said of an instruction. check_subprogs() */
function endReject(code: Uint8Array): Reject | undefined {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const last = rawInsn(view, code.length / INSN_BYTES - 1).code;
  if (last === CODE.exit || last === CODE.ja || last === CODE.gotol) return undefined;
  return { errno: EINVAL, message: 'last insn is not an exit or jmp' };
}

/** Operands that can never be right. check_alu_op(), check_reg_arg() */
function checkInsn(insn: Insn): Reject | undefined {
  if (destination(insn) === FRAME_POINTER) {
    return { errno: EACCES, message: 'frame pointer is read only' };
  }
  if (insn.kind !== 'alu' || !('imm' in insn.src)) return undefined;
  const { op, wide } = insn;
  const { imm } = insn.src;
  const isDivision = op === 'div' || op === 'sdiv' || op === 'mod' || op === 'smod';
  if (isDivision && imm === 0) return { errno: EINVAL, message: 'div by zero' };
  const isShift = op === 'lsh' || op === 'rsh' || op === 'arsh';
  if (isShift && (imm < 0 || imm >= (wide ? 64 : 32))) {
    return { errno: EINVAL, message: `invalid shift ${imm}` };
  }
  return undefined;
}

/** The register that an instruction writes, where its operands say which. */
function destination(insn: Insn): Reg | undefined {
  switch (insn.kind) {
    case 'alu':
    case 'movsx':
    case 'neg':
    case 'endian':
    case 'addr_space_cast':
    case 'ld_imm64':
    case 'ldx':
    case 'load_acquire':
      return insn.dst;
    case 'atomic':
      return insn.fetch && insn.op !== 'cmpxchg' ? insn.src : undefined;
    default:
      return undefined;
  }
}

interface StackAccess {
  readonly what: 'read from' | 'write to';
  readonly off: number;
  readonly size: number;
}

function stackAccess(insn: Insn): StackAccess | undefined {
  switch (insn.kind) {
    case 'ldx':
    case 'load_acquire':
      if (insn.src !== FRAME_POINTER) return undefined;
      return { what: 'read from', off: insn.off, size: insn.size };
    case 'st':
    case 'stx':
    case 'atomic':
    case 'store_release':
      if (insn.dst !== FRAME_POINTER) return undefined;
      return { what: 'write to', off: insn.off, size: insn.size };
    default:
      return undefined;
  }
}

/** check_stack_access_within_bounds() */
function checkStack(insn: Insn): Reject | undefined {
  const access = stackAccess(insn);
  if (!access) return undefined;
  const { what, off, size } = access;
  if (off >= -MAX_BPF_STACK && off + size <= 0) return undefined;
  return { errno: EACCES, message: `invalid ${what} stack R10 off=${off} size=${size}` };
}

function depthOf(insn: Insn): number {
  const access = stackAccess(insn);
  if (access) return Math.ceil(-access.off / 8) * 8;
  // `r2 = r10; r2 += -16`: the address of something there.
  const isBelow = insn.kind === 'alu' && insn.op === 'add' && 'imm' in insn.src && insn.src.imm < 0;
  return isBelow && -insn.src.imm <= MAX_BPF_STACK ? Math.ceil(-insn.src.imm / 8) * 8 : 0;
}

/** The row of what is called, or why it may not be. check_helper_call(), check_kfunc_call() */
function callee(insn: Extract<Insn, { kind: 'call' }>, world: CheckWorld): Helper | Reject {
  if (insn.target === 'kfunc') return world.kfunc(insn.imm);
  const known = world.helper(insn.imm);
  if (!known) return { errno: EINVAL, message: `invalid func unknown#${insn.imm >>> 0}` };
  const allowed = helperFor(world.type, insn.imm);
  const name = `${known.name}#${known.id}`;
  if (!allowed) {
    return { errno: EINVAL, message: `program of this type cannot use helper ${name}` };
  }
  if (allowed.gplOnly && !world.isGpl) {
    const message = 'cannot call GPL-restricted function from non-GPL compatible program';
    return { errno: EINVAL, message };
  }
  return allowed;
}
