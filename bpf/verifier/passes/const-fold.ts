import type { Insn } from '../../isa/insn.ts';
import type { JmpOp } from '../../isa/ops.ts';
import { type ConstArgs, constRegXfer, sameConst, UNKNOWN_CONST } from './const-xfer.ts';
import type { VerifierEnv } from '../env.ts';
import type { InsnAux } from '../insn-aux.ts';
import { computePostorder } from './postorder.ts';
import { insnSuccessors } from './successors.ts';
import { MAX_BPF_REG } from '../types.ts';

/** r0 to r9: what is kept of what is known. */
const KEPT_REGS = 10;
const U32_MAX = 0xffff_ffffn;

/** Which registers hold a known constant, map or function before each instruction. */
export function computeConstRegs(env: VerifierEnv): void {
  const known: (ConstArgs | undefined)[] = Array.from({ length: env.insns.length });
  const nothing: ConstArgs = Array.from({ length: MAX_BPF_REG }, () => UNKNOWN_CONST);
  for (const { start } of env.subprogs.slice(0, env.subprogCnt)) known[start] = nothing;
  for (let changed = true; changed;) {
    changed = false;
    for (let i = env.postorder.length - 1; i >= 0; i--) {
      const insnIdx = env.postorder[i]!;
      const regs = known[insnIdx];
      if (!regs) continue;
      const out = constRegXfer(env, insnIdx, regs);
      for (const target of insnSuccessors(env, insnIdx)) {
        const joined = constRegJoin(known[target], out);
        if (joined === known[target]) continue;
        known[target] = joined;
        changed = true;
      }
    }
  }
  known.forEach((regs, insnIdx) => regs && keep(env.aux[insnIdx]!, regs));
}

/** const_reg_join(): the old array itself if nothing changes. */
function constRegJoin(old: ConstArgs | undefined, from: ConstArgs): ConstArgs {
  if (!old || old === from) return from;
  let joined: ConstArgs[number][] | undefined;
  for (let r = 0; r < MAX_BPF_REG; r++) {
    const was = old[r]!;
    if (was.state === 'unknown' || sameConst(was, from[r]!)) continue;
    joined ??= old.slice();
    joined[r] = UNKNOWN_CONST;
  }
  return joined ?? old;
}

/** What is found out, as far as it fits into 32 bits. */
function keep(aux: InsnAux, regs: ConstArgs): void {
  for (let r = 0; r < KEPT_REGS; r++) {
    const { state, val, map } = regs[r]!;
    const bit = 1 << r;
    if (state === 'const' && val <= U32_MAX) aux.constRegMask |= bit;
    else if (state === 'map_ptr') aux.constRegMapMask |= bit;
    else if (state === 'subprog') aux.constRegSubprogMask |= bit;
    else continue;
    aux.constRegVals ??= Array.from<number>({ length: KEPT_REGS }).fill(0);
    aux.constRegVals[r] = state === 'map_ptr' ? map : Number(val);
  }
}

/** Branches that always go one way become jumps. bpf_prune_dead_branches() */
export function pruneDeadBranches(env: VerifierEnv): void {
  let insns: (Insn | null)[] | undefined;
  for (let i = 0; i < env.insns.length; i++) {
    const insn = env.insns[i];
    if (insn?.kind !== 'jmp') continue;
    const isTaken = knownBranch(insn, env.aux[i]!);
    if (isTaken === undefined) continue;
    insns ??= env.insns.slice();
    insns[i] = { kind: 'ja', long: false, off: isTaken ? insn.off : 0 };
    env.aux[i]!.successors = undefined;
  }
  if (!insns) return;
  env.insns = insns;
  computePostorder(env);
}

type Jmp = Extract<Insn, { kind: 'jmp' }>;

function knownBranch({ op, wide, dst, src }: Jmp, aux: InsnAux): boolean | undefined {
  const valueOf = (reg: number): bigint | undefined =>
    (aux.constRegMask & (1 << reg)) === 0 ? undefined : BigInt(aux.constRegVals![reg]!);
  const a = valueOf(dst);
  const b = 'reg' in src ? valueOf(src.reg) : BigInt(src.imm);
  if (a === undefined || b === undefined) return undefined;
  // As signed numbers of 32 bits, extended to 64: that keeps the order of unsigned ones too.
  const bits = wide ? 64 : 32;
  return evalConstBranch(op, BigInt.asIntN(bits, a), BigInt.asIntN(bits, b));
}

/** Of signed numbers. eval_const_branch() */
function evalConstBranch(op: JmpOp, a: bigint, b: bigint): boolean {
  const [x, y] = [BigInt.asUintN(64, a), BigInt.asUintN(64, b)];
  switch (op) {
    case 'jeq':
      return x === y;
    case 'jne':
      return x !== y;
    case 'jgt':
      return x > y;
    case 'jge':
      return x >= y;
    case 'jlt':
      return x < y;
    case 'jle':
      return x <= y;
    case 'jsgt':
      return a > b;
    case 'jsge':
      return a >= b;
    case 'jslt':
      return a < b;
    case 'jsle':
      return a <= b;
    case 'jset':
      return (x & y) !== 0n;
  }
}
