import { FUNC_PROTOS } from '../helpers/protos.ts';
import type { Insn } from '../isa/insn.ts';
import { KF_ITER_NEXT, KF_RET_NULL } from '../kfuncs/flags.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { PTR_MAYBE_NULL } from '../verifier/types.ts';

/** r0 = value: what a call of a stub comes down to. */
function returning(value: number): Insn {
  return { kind: 'alu', op: 'mov', wide: true, dst: 0, src: { imm: value } } as Insn;
}

/**
 * What stands in a terminated program's text in place of its calls: of helpers and kfuncs that may
 * return NULL, NULL; of bpf_loop(), or where that is inlined of its callback, 1, which ends the
 * loop. A bpf_loop() under way that is not inlined goes on: it is the kernel's text. Where kfuncs
 * can be called from afar, none of their sites is on record. Spec 03 R34.
 */
export function stubsOf(prog: ExecProgram, hasKfuncSites: boolean): ReadonlyMap<number, Insn> {
  const stubs = new Map<number, Insn>();
  for (const [slot, helper] of prog.calls) {
    const isKfunc = 'flags' in helper;
    const mayBeNull = isKfunc
      ? ((helper.flags as number) & (KF_RET_NULL | KF_ITER_NEXT)) !== 0
      : ((FUNC_PROTOS.get(helper.id)?.ret ?? 0) & PTR_MAYBE_NULL) !== 0;
    if (helper.name === 'bpf_loop') stubs.set(slot, returning(1));
    else if (mayBeNull && (!isKfunc || hasKfuncSites)) stubs.set(slot, returning(0));
  }
  for (const slot of prog.loopCalls ?? []) stubs.set(slot, returning(1));
  return stubs;
}
