import type { FieldGraphRoot } from '../../btf/record.ts';
import type { VerifierEnv } from '../env.ts';
import { pointerReg, type Reg } from '../values/reg.ts';
import { regBtfRecord } from './reg-record.ts';
import { releaseReferenceNomark } from './refs.ts';
import { Scalar } from '../values/scalar.ts';
import { isSpilled } from '../values/stack.ts';
import { MEM_ALLOC, MEM_RCU, NON_OWN_REF, PTR_TO_BTF_ID } from '../types.ts';

// Objects that are in a list or tree: the program may look at them while it holds the lock.

/** A pointer to the node of an element of that list or tree. mark_reg_graph_node() */
export function markRegGraphNode({ btf, valueBtfId, nodeOffset }: FieldGraphRoot): Reg {
  const s = Scalar.of(BigInt(nodeOffset));
  return pointerReg(PTR_TO_BTF_ID | MEM_ALLOC, { btf, btfId: valueBtfId, s });
}

/** A pointer that is good for as long as the lock is held. ref_set_non_owning() */
export function refSetNonOwning(env: VerifierEnv, reg: Reg): Reg {
  if (env.cur.activeLocks === 0) throw env.bug('ref_set_non_owning w/o active lock');
  if ((reg.type & NON_OWN_REF) !== 0) throw env.bug('NON_OWN_REF already set');
  const isCounted = (regBtfRecord(reg)?.refcountOff ?? -1) >= 0;
  return reg.with({ type: reg.type | NON_OWN_REF | (isCounted ? MEM_RCU : 0) });
}

/** The object belongs to the list or tree from now on. ref_convert_owning_non_owning() */
export function refConvertOwningNonOwning(env: VerifierEnv, id: number): void {
  releaseReferenceNomark(env.cur, id);
  env.cur.mapRegs(
    (reg) => (reg.id === id ? refSetNonOwning(env, reg.with({ id: 0 })) : reg),
    isSpilled,
  );
}
