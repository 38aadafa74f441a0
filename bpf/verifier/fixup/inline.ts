import { alignUp } from '../../../base/layout.ts';
import { E2BIG } from '../../../kernel/errno.ts';
import { FUNC } from '../../helpers/func-ids.ts';
import { assemble } from '../../isa/asm.ts';
import type { Insn, Insns } from '../../isa/insn.ts';
import { BPF_MAX_LOOPS, MAX_BPF_STACK } from '../../vm/frame.ts';
import type { Compacted } from './dead-code.ts';
import type { VerifierEnv } from '../env.ts';
import type { InsnAux } from '../insn-aux.ts';
import { patchInsns } from './patch-insns.ts';

/** A program with code in the place of some of its calls. */
export interface Inlined extends Compacted {
  /** Bytes of stack of the main function. */
  readonly stackDepth: number;
}

/** A call that may become code: its slot is the one where it stands now. */
interface Site {
  readonly env: VerifierEnv;
  readonly insn: Extract<Insn, { kind: 'call' }>;
  readonly slot: number;
  readonly aux: InsnAux;
  /** Index of the function that it is in. */
  readonly subprogno: number;
  /** By slot as loaded. */
  readonly now: Int32Array;
}

/**
 * What is short and known in full stands where it was called, as in Linux: look-ups in one array,
 * bpf_loop() of one function, casts. bpf_optimize_bpf_loop(), bpf_do_misc_fixups()
 */
export function inlineCalls(env: VerifierEnv, compacted: Compacted): Inlined {
  const { insns, was, now } = compacted;
  const code = new Map<number, Insns>();
  let stackDepth = env.subprogs[0]?.stackDepth ?? 0;
  let subprogno = 0;
  for (const [slot, insn] of insns.entries()) {
    while (env.subprogs[subprogno + 1]!.start <= was[slot]!) subprogno++;
    if (insn?.kind !== 'call') continue;
    const parts = codeFor({ env, insn, slot, aux: env.aux[was[slot]!]!, subprogno, now });
    if (!parts) continue;
    code.set(slot, parts);
    if (subprogno === 0 && isHelper(insn, FUNC.loop)) stackDepth = loopStackDepth(env, 0);
  }
  const patched = code.size > 0 ? patchInsns(insns, code) : undefined;
  if (!patched) return { ...compacted, stackDepth: env.subprogs[0]?.stackDepth ?? 0 };
  return {
    insns: patched.insns,
    was: patched.was.map((slot) => was[slot]!),
    now: now.map((slot) => patched.now[slot]!),
    stackDepth,
  };
}

function codeFor(site: Site): Insns | undefined {
  const { env, insn, aux } = site;
  if (isHelper(insn, FUNC.map_lookup_elem)) {
    return aux.mapPtrPoison ? undefined : aux.mapPtr?.map_gen_lookup?.();
  }
  if (isHelper(insn, FUNC.loop)) return loopCode(site);
  const isCast =
    insn.target === 'kfunc' &&
    insn.off === 0 &&
    env.kernelBtf.types[insn.imm]?.name === 'bpf_rdonly_cast';
  return isCast ? assemble('r0 = r1') : undefined;
}

export function isHelper({ target, imm }: Site['insn'], id: number): boolean {
  return target === 'helper' && imm === id;
}

/** Of a function with such a loop: r6 to r8 are kept there. */
function loopStackDepth(env: VerifierEnv, subprogno: number): number {
  return alignUp(env.subprogs[subprogno]!.stackDepth, 8) + 3 * 8;
}

/** Frames have so much stack and no more, which Linux's need not heed. inline_bpf_loop() */
function loopCode({ env, slot, aux, subprogno, now }: Site): Insns | undefined {
  const base = -loopStackDepth(env, subprogno);
  const callback = env.subprogs[aux.loopCallbackSubprogno]!.start;
  const isAlive = (env.aux[callback]?.seen ?? 0) !== 0;
  if (!aux.loopFitForInline || !isAlive || base < -MAX_BPF_STACK) return undefined;
  const [r6, r7, r8] = [base, base + 8, base + 16];
  const code = `
    if r1 <= ${BPF_MAX_LOOPS} goto +2
    w0 = ${-E2BIG}
    goto +16
    *(u64 *)(r10 ${r6}) = r6
    *(u64 *)(r10 ${r7}) = r7
    *(u64 *)(r10 ${r8}) = r8
    r6 = r1
    w7 = 0
    r8 = r3
    if r7 >= r6 goto +5
    r1 = r7
    r2 = r8
    call pc${signed(now[callback]! - slot - 1)}
    r7 += 1
    if r0 == 0 goto -6
    r0 = r7
    r6 = *(u64 *)(r10 ${r6})
    r7 = *(u64 *)(r10 ${r7})
    r8 = *(u64 *)(r10 ${r8})`;
  return assemble(code);
}

function signed(value: number): string {
  return value < 0 ? `${value}` : `+${value}`;
}
