import { BPF_FUNC_tail_call } from '../uapi.ts';
import { EACCES, EINVAL } from '../../kernel/errno.ts';
import type { Helper } from '../helpers/prototype.ts';
import { decodeProgram, rawInsn } from '../isa/decode.ts';
import { disasmLine, type DisasmNames } from '../isa/disasm.ts';
import { FRAME_POINTER, INSN_BYTES, type Insn, type Insns, type Reg } from '../isa/insn.ts';
import { CODE } from '../isa/ops.ts';
import type { BpfMap } from '../maps/map.ts';
import { helperFor, type ProgType } from '../prog/types.ts';
import { MAX_BPF_STACK } from '../vm/frame.ts';
import { CallGraph } from './call-graph.ts';
import { checkMapCall } from './map-func.ts';
import { followPointers, type FollowWorld, type StackAccess } from './origins.ts';
import { isReject, type Reject } from './reject.ts';
import { checkReached, findSubprogs } from './subprogs.ts';

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
  /** By the slot of the constant that names it, or its value. */
  readonly maps: ReadonlyMap<number, BpfMap>;
  /** What stands in the value of such a map, if it can be written to no more. */
  readonly frozenValue?: FollowWorld['frozenValue'];
}

/** A program whose instructions are some, cut into its functions. */
export interface Parsed {
  readonly insns: Insns;
  /** Their first slots, ascending. */
  readonly subprogs: readonly number[];
}

/** A program that may run: what the engines and the fix-ups need to know of it. */
export interface Accepted extends Parsed {
  /** By slot of the call. */
  readonly calls: ReadonlyMap<number, Helper>;
  /** By slot: 0 where it never comes to. */
  readonly reached: Uint8Array;
  /** Slots of loads that read zero where they fault. */
  readonly probes: ReadonlySet<number>;
  /** Bytes of stack of the deepest subprogram. */
  readonly stackDepth: number;
  /** Bytes of the context that it reaches to by constant offsets. */
  readonly ctxBytes: number;
}

/** Decodes a program: jumps stay in their function, calls go to one. */
export function parseProgram(code: Uint8Array): Parsed | Reject {
  const insns = decodeProgram(code);
  if ('errno' in insns) return endReject(code) ?? insns;
  const subprogs = findSubprogs(insns);
  return 'errno' in subprogs ? subprogs : { insns, subprogs };
}

/**
 * Looks at a program's structure: nothing falls through or is unreachable; where it comes to,
 * registers, helpers and kfuncs exist and may be called, with maps that they take; constant
 * operands make sense, and the stack is not left by a constant offset, nor by calls of calls.
 * Values are followed only as far as origins.ts does: the rest is the verifier's. The texts are its
 * own. kernel/bpf/verifier.c
 */
export function checkProgram({ insns, subprogs }: Parsed, world: CheckWorld): Accepted | Reject {
  const graph = new CallGraph(insns, subprogs);
  const wrong = checkReached(insns, subprogs) ?? graph.recursion(world.subprogName ?? (() => ''));
  if (wrong) return wrong;
  const calls = calledBy(insns, world);
  const followed = followPointers({ insns, calls, frozenValue: world.frozenValue });
  const checks: readonly Check[] = [
    (insn, slot) => checkInsn(insn) ?? checkCall(insn, slot < (subprogs[1] ?? Infinity), world),
    stackCheck(followed.stack),
    callbackCheck(followed.funcs, calls),
    mapCheck(followed.maps, calls, world.maps),
  ];
  const { reached, kernelLoads, ctxBytes } = followed;
  for (const [slot, insn] of insns.entries()) {
    if (!insn || !reached[slot]) continue;
    for (const check of checks) {
      const reject = check(insn, slot);
      if (reject) return atInsn(insn, slot, reject, world);
    }
  }
  const depths = stackDepths(subprogs, followed.stack);
  const probes = world.type.hasKernelPointers ? kernelLoads : new Set<number>();
  const stackDepth = Math.max(...depths);
  return (
    graph.tooDeep(world.framesMax) ??
    graph.tooMuchStack(depths) ?? {
      insns,
      subprogs,
      calls,
      reached,
      probes,
      stackDepth,
      ctxBytes,
    }
  );
}

/** What is wrong with an instruction at a slot. */
type Check = (insn: Insn, slot: number) => Reject | undefined;

/** By slot: the rows of what is called. What there is none of, or may not be called, is no row. */
function calledBy(insns: Insns, world: CheckWorld): Map<number, Helper> {
  const calls = new Map<number, Helper>();
  for (const [slot, insn] of insns.entries()) {
    if (insn?.kind !== 'call' || insn.target === 'subprog') continue;
    const { target, imm } = insn;
    const called = target === 'kfunc' ? world.kfunc(imm) : helperFor(world.type, imm);
    if (called && !isReject(called)) calls.set(slot, called);
  }
  return calls;
}

/** What is called back must be a function's name, not a number. check_func_arg_reg_off() */
function callbackCheck(
  funcs: ReadonlyMap<number, number>,
  calls: ReadonlyMap<number, Helper>,
): Check {
  return (_, slot) => {
    if (funcs.get(slot) !== -1) return undefined;
    const reg = 1 + calls.get(slot)!.args.findIndex(({ kind }) => kind === 'ptr_to_func');
    return { errno: EACCES, message: `R${reg} type=scalar expected=func` };
  };
}

/** Where the map is known, it must be of a type that the helper takes. */
function mapCheck(
  constants: ReadonlyMap<number, number>,
  calls: ReadonlyMap<number, Helper>,
  maps: ReadonlyMap<number, BpfMap>,
): Check {
  return (_, slot) => {
    const map = maps.get(constants.get(slot) ?? -1);
    return map && checkMapCall(calls.get(slot)!, map);
  };
}

/** With the line of the log that shows the instruction. */
function atInsn(insn: Insn, slot: number, reject: Reject, world: CheckWorld): Reject {
  const callee: DisasmNames['callee'] = ({ target, imm }) =>
    target === 'helper' ? world.helper(imm)?.name : undefined;
  return { ...reject, line: disasmLine(insn, slot, { callee }) };
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

/** check_stack_access_within_bounds() */
function stackCheck(accesses: readonly StackAccess[]): Check {
  const outside = new Map<number, StackAccess>();
  for (const access of accesses) {
    const { slot, off, size } = access;
    if (off < -MAX_BPF_STACK || off + size > 0) outside.set(slot, access);
  }
  return (_, slot) => {
    const access = outside.get(slot);
    if (!access) return undefined;
    const { reg, off, size, isWrite } = access;
    const what = isWrite ? 'write to' : 'read from';
    return { errno: EACCES, message: `invalid ${what} stack R${reg} off=${off} size=${size}` };
  };
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

/** Why something may not be called. check_helper_call(), check_kfunc_call() */
function checkCall(insn: Insn, isMain: boolean, world: CheckWorld): Reject | undefined {
  if (insn.kind !== 'call' || insn.target === 'subprog') return undefined;
  const invalid = (message: string): Reject => ({ errno: EINVAL, message });
  if (insn.target === 'kfunc') {
    const kfunc = world.kfunc(insn.imm);
    if (isReject(kfunc)) return kfunc;
    if (!kfunc.mightSleep || world.isSleepable) return undefined;
    const message = `program must be sleepable to call sleepable kfunc ${kfunc.name}`;
    return { errno: EACCES, message };
  }
  const known = world.helper(insn.imm);
  if (!known) return invalid(`invalid func unknown#${insn.imm >>> 0}`);
  const name = `${known.name}#${known.id}`;
  if (!helperFor(world.type, insn.imm)) {
    return invalid(`program of this type cannot use helper ${name}`);
  }
  if (known.gplOnly && !world.isGpl) {
    return invalid('cannot call GPL-restricted function from non-GPL compatible program');
  }
  if (known.mightSleep && !world.isSleepable) {
    return invalid(`sleepable helper ${name} in non-sleepable prog`);
  }
  if (known.id === BPF_FUNC_tail_call && !isMain && !world.subprogName) {
    return invalid('tail_call is not allowed in subprogs without BTF');
  }
  return undefined;
}
