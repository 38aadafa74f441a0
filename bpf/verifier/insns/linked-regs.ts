import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { FRAME_POINTER } from '../values/regs.ts';
import { Scalar } from '../values/scalar.ts';
import { scalarAdd } from '../values/scalar-alu.ts';
import { zext32To64 } from '../values/scalar-cast.ts';
import { isSpilled } from '../values/stack.ts';
import type { LinkedReg, VerifierState } from '../state.ts';
import { BPF_ADD_CONST32, BPF_ADD_CONST64, ID_MASK, SCALAR_VALUE } from '../types.ts';

// Scalars that are copies of each other, or differ by a constant: what a branch says of one of
// them is then known of all.

/** LINKED_REGS_MAX: further ones lose their link. */
const LINKED_MAX = 5;
const ADD_CONST = BPF_ADD_CONST64 | BPF_ADD_CONST32;

/** clear_scalar_id() */
export function clearScalarId(reg: Reg): Reg {
  return reg.id === 0 && reg.delta === 0 ? reg : reg.with({ id: 0, delta: 0 });
}

/** Before a copy is made: gives an id that both will have. assign_scalar_id_before_mov() */
export function assignScalarIdBeforeMov(env: VerifierEnv, src: Reg): Reg {
  if (src.type !== SCALAR_VALUE) return src;
  // Of what has had something added already, nothing more can be remembered.
  const reg = (src.id & ADD_CONST) !== 0 ? clearScalarId(src) : src;
  return reg.id === 0 && !reg.s.isConst ? reg.with({ id: env.newId() }) : reg;
}

/**
 * Adds to `linked` the live registers and the spilled ones of a state that hold the scalar of that
 * id. collect_linked_regs()
 */
export function collectLinkedRegs(
  env: VerifierEnv,
  state: VerifierState,
  id: number,
  linked: LinkedReg[],
): void {
  const wanted = id & ID_MASK;
  const isWanted = (reg: Reg): boolean =>
    reg.type === SCALAR_VALUE && (reg.id & ID_MASK) === wanted;
  for (let frameno = state.curframe; frameno >= 0; frameno--) {
    const { regs, stack } = state.frames[frameno]!;
    const live = env.aux[state.insnIdxOf(frameno)]!.liveRegsBefore;
    for (let i = 0; i < FRAME_POINTER; i++) {
      if (((live >>> i) & 1) === 0 || !isWanted(regs[i]!)) continue;
      if (linked.length < LINKED_MAX) linked.push({ frameno, isReg: true, index: i });
      else regs[i] = clearScalarId(regs[i]!);
    }
    for (let i = 0; i < stack.length; i++) {
      const slot = stack[i]!;
      if (!isSpilled(slot) || !isWanted(slot.reg)) continue;
      if (linked.length < LINKED_MAX) linked.push({ frameno, isReg: false, index: i });
      else stack[i] = slot.withReg(clearScalarId(slot.reg));
    }
  }
}

/** What follows for a register linked with `known`; undefined: it is not, or not any more. */
function learnFrom(reg: Reg, known: Reg): Reg | undefined {
  if (reg.type !== SCALAR_VALUE || (reg.id & ID_MASK) !== (known.id & ID_MASK)) return undefined;
  // A sum of 64 bits says nothing of one of 32 bits.
  if (((reg.id ^ known.id) & ADD_CONST) === ADD_CONST) return undefined;
  if (((reg.id | known.id) & ADD_CONST) === 0 || reg.delta === known.delta) {
    return known;
  }
  const delta = Scalar.of(BigInt(reg.delta) - BigInt(known.delta));
  const sum = scalarAdd(known.s, delta);
  const isNarrow = ((reg.id | known.id) & BPF_ADD_CONST32) !== 0;
  const s = (isNarrow ? zext32To64(sum) : sum).sync();
  return known.with({ s, delta: reg.delta, id: reg.id });
}

/**
 * Tells those that were collected what is known now of register `regno` of the running function.
 * sync_linked_regs()
 */
export function syncLinkedRegs(
  env: VerifierEnv,
  state: VerifierState,
  regno: number,
  linked: readonly LinkedReg[],
): void {
  const known = state.frame.regs[regno]!;
  for (const { frameno, isReg, index } of linked) {
    const { regs, stack } = state.frames[frameno]!;
    if (isReg) {
      if (index === regno && frameno === state.curframe) continue;
      const reg = learnFrom(regs[index]!, known);
      if (!reg) continue;
      regs[index] = reg;
      env.markRegScratched(index);
    } else {
      const slot = stack[index]!;
      const reg = learnFrom(slot.reg, known);
      if (!reg) continue;
      if (reg !== slot.reg) stack[index] = slot.withReg(reg);
      env.markSlotScratched(index);
    }
  }
}
