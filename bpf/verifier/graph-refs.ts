import type { FieldGraphRoot } from '../btf/record.ts';
import { Scalar } from './scalar.ts';
import type { VerifierEnv } from './env.ts';
import { pointerReg, type Reg } from './reg.ts';
import { regBtfRecord } from './reg-record.ts';
import { MEM_ALLOC, MEM_RCU, NON_OWN_REF, PTR_TO_BTF_ID, typeFlags } from './types.ts';

// Pointers to objects that a list or a tree owns: they hold as long as its lock is held.

/** A node of what the root links. mark_reg_graph_node() */
export function markRegGraphNode({ btf, valueBtfId, nodeOffset }: FieldGraphRoot): Reg {
  const s = Scalar.of(BigInt(nodeOffset));
  return pointerReg(PTR_TO_BTF_ID | MEM_ALLOC, { s, btf, btfId: valueBtfId });
}

/** ref_set_non_owning() */
export function refSetNonOwning(env: VerifierEnv, reg: Reg): Reg {
  if (env.cur.activeLocks === 0) throw env.bug('ref_set_non_owning w/o active lock');
  if ((typeFlags(reg.type) & NON_OWN_REF) !== 0) throw env.bug('NON_OWN_REF already set');
  const isCounted = (regBtfRecord(reg)?.refcountOff ?? -1) >= 0;
  return reg.with({ type: reg.type | NON_OWN_REF | (isCounted ? MEM_RCU : 0) });
}
