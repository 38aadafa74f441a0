import { EACCES, EINVAL } from '../../kernel/errno.ts';
import type { Helper } from '../helpers/prototype.ts';
import { decodeProgram, rawInsn } from '../isa/decode.ts';
import { disasmLine, type DisasmNames } from '../isa/disasm.ts';
import { FRAME_POINTER, INSN_BYTES, type Insn, type Insns, type Reg } from '../isa/insn.ts';
import { CODE } from '../isa/ops.ts';
import { helperFor, type ProgType } from '../prog/types.ts';
import { MAX_BPF_STACK } from '../vm/frame.ts';
import { CallGraph } from './call-graph.ts';
import { followPointers, type StackAccess } from './origins.ts';
import { isReject, type Reject } from './reject.ts';
import { checkReached, findSubprogs } from './subprogs.ts';

const BPF_FUNC_tail_call = 12;

/** What the checker asks of the world. */
export interface CheckWorld {
  readonly type: ProgType;
  readonly isGpl: boolean;
  /** A helper of this number, whoever may call it. */
  helper(id: number): Helper | undefined;
  /** The kfunc of a BTF id, or the reason why there is none. */
  kfunc(btfId: number): Helper | Reject;
  /** BPF_F_SLEEPABLE */
  readonly isSleepable: boolean;
  /** How deep calls may nest. */
  readonly framesMax: number;
  /** The name of the function that begins at a slot; absent without BTF. */
  readonly subprogName?: ((slot: number) => string) | undefined;
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
  /** By slot of a call with a map: the slot of the constant that names it, or -1. */
  readonly maps: ReadonlyMap<number, number>;
}

/**
 * Looks at a program's structure: every instruction is one, jumps land, nothing falls through or
 * is unreachable, registers, helpers and kfuncs exist and may be called, constant operands make
 * sense, and the stack is not left by a constant offset, nor by calls of calls. Values are followed
 * only as far as origins.ts does: the rest is the verifier's. The texts are its own.
 * kernel/bpf/verifier.c
 */
export function checkProgram(code: Uint8Array, world: CheckWorld): Accepted | Reject {
  const insns = decodeProgram(code);
  if ('errno' in insns) return endReject(code) ?? insns;
  const subprogs = findSubprogs(insns);
  if ('errno' in subprogs) return subprogs;
  const graph = new CallGraph(insns, subprogs);
  const wrong = checkReached(insns, subprogs) ?? graph.recursion(world.subprogName ?? (() => ''));
  if (wrong) return wrong;
  const calls = new Map<number, Helper>();
  const badInsn = checkInsns(insns, subprogs, calls, world);
  const followed = followPointers(insns, subprogs, calls);
  const outside = firstOutside(followed.stack);
  if (outside && outside.slot < (badInsn?.slot ?? Infinity)) {
    return atInsn(insns, outside.slot, outsideReject(outside), world);
  }
  const bad =
    badInsn ??
    checkCallbacks(insns, followed.funcs, calls, world) ??
    graph.tooDeep(world.framesMax);
  if (bad) return bad;
  const depths = stackDepths(subprogs, followed.stack);
  const { kernelLoads, ctxBytes, maps } = followed;
  return (
    graph.tooMuchStack(depths) ?? {
      insns,
      subprogs,
      calls,
      probes: world.type.hasKernelPointers ? kernelLoads : new Set<number>(),
      stackDepth: Math.max(...depths),
      ctxBytes,
      maps,
    }
  );
}

/** Each instruction by itself; `calls` is filled. The first reject has its slot. */
function checkInsns(
  insns: Insns,
  subprogs: readonly number[],
  calls: Map<number, Helper>,
  world: CheckWorld,
): (Reject & { readonly slot?: number }) | undefined {
  const mainEnd = subprogs[1] ?? insns.length;
  for (const [slot, insn] of insns.entries()) {
    if (!insn) continue;
    let reject = checkInsn(insn);
    if (!reject && insn.kind === 'call' && insn.target !== 'subprog') {
      const called = callee(insn, slot < mainEnd, world);
      if (isReject(called)) reject = called;
      else calls.set(slot, called);
    }
    if (reject) return { ...atInsn(insns, slot, reject, world), slot };
  }
  return undefined;
}

/** What is called back must be a function's name, not a number. check_func_arg_reg_off() */
function checkCallbacks(
  insns: Insns,
  funcs: ReadonlyMap<number, number>,
  calls: ReadonlyMap<number, Helper>,
  world: CheckWorld,
): Reject | undefined {
  for (const [slot, constant] of funcs) {
    if (constant >= 0) continue;
    const reg = 1 + calls.get(slot)!.args.findIndex(({ kind }) => kind === 'ptr_to_func');
    const reject = { errno: EACCES, message: `R${reg} type=scalar expected=func` };
    return atInsn(insns, slot, reject, world);
  }
  return undefined;
}

/** With the line of the log that shows the instruction. */
export function atInsn(insns: Insns, slot: number, reject: Reject, world: CheckWorld): Reject {
  const callee: DisasmNames['callee'] = ({ target, imm }) =>
    target === 'helper' ? world.helper(imm)?.name : undefined;
  return { ...reject, line: disasmLine(insns[slot]!, slot, { callee }) };
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
  if (insn.kind === 'addr_space_cast') {
    const message =
      'addr_space_cast insn can only be used in a program that has an associated arena';
    return { errno: EINVAL, message };
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

/** The first access that leaves the stack. check_stack_access_within_bounds() */
function firstOutside(accesses: readonly StackAccess[]): StackAccess | undefined {
  let first: StackAccess | undefined;
  for (const access of accesses) {
    const { slot, off, size } = access;
    if (off >= -MAX_BPF_STACK && off + size <= 0) continue;
    if (!first || slot < first.slot) first = access;
  }
  return first;
}

function outsideReject({ reg, off, size, isWrite }: StackAccess): Reject {
  const what = isWrite ? 'write to' : 'read from';
  return { errno: EACCES, message: `invalid ${what} stack R${reg} off=${off} size=${size}` };
}

/** By subprogram: bytes of its own stack that are used. update_stack_depth() */
function stackDepths(subprogs: readonly number[], accesses: readonly StackAccess[]): number[] {
  const depths = subprogs.map(() => 0);
  for (const { slot, off } of accesses) {
    const i = subprogs.findLastIndex((start) => start <= slot);
    depths[i] = Math.max(depths[i]!, Math.ceil(-off / 8) * 8);
  }
  return depths;
}

/** The row of what is called, or why it may not be. check_helper_call(), check_kfunc_call() */
function callee(
  insn: Extract<Insn, { kind: 'call' }>,
  isMain: boolean,
  world: CheckWorld,
): Helper | Reject {
  const invalid = (message: string): Reject => ({ errno: EINVAL, message });
  if (insn.target === 'kfunc') {
    const kfunc = world.kfunc(insn.imm);
    if (isReject(kfunc) || !kfunc.mightSleep || world.isSleepable) return kfunc;
    const message = `program must be sleepable to call sleepable kfunc ${kfunc.name}`;
    return { errno: EACCES, message };
  }
  const known = world.helper(insn.imm);
  if (!known) return invalid(`invalid func unknown#${insn.imm >>> 0}`);
  const allowed = helperFor(world.type, insn.imm);
  const name = `${known.name}#${known.id}`;
  if (!allowed) return invalid(`program of this type cannot use helper ${name}`);
  if (allowed.gplOnly && !world.isGpl) {
    return invalid('cannot call GPL-restricted function from non-GPL compatible program');
  }
  if (allowed.mightSleep && !world.isSleepable) {
    return invalid(`sleepable helper ${name} in non-sleepable prog`);
  }
  if (known.id === BPF_FUNC_tail_call && !isMain && !world.subprogName) {
    return invalid('tail_call is not allowed in subprogs without BTF');
  }
  return allowed;
}
