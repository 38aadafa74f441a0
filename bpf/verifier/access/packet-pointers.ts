import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { markRegInvalid } from '../objects/refs.ts';
import { isSpilled } from '../values/stack.ts';
import * as t from '../types.ts';

/** Into the packet, or to its end. reg_is_pkt_pointer_any() */
export function regIsPktPointerAny({ type }: Reg): boolean {
  return t.isPktPointer(type) || type === t.PTR_TO_PACKET_END;
}

const PACKETS = t.DYNPTR_TYPE_SKB | t.DYNPTR_TYPE_XDP | t.DYNPTR_TYPE_SKB_META;

/** Into the packet by way of a dynptr. reg_is_dynptr_slice_pkt() */
export function regIsDynptrSlicePkt({ type }: Reg): boolean {
  return t.baseType(type) === t.PTR_TO_MEM && (type & PACKETS) !== 0;
}

/** The packet may have moved: pointers into it say nothing any more. clear_all_pkt_pointers() */
export function clearAllPktPointers(env: VerifierEnv): void {
  const invalid = markRegInvalid(env);
  env.cur.mapRegs(
    (reg) => (regIsPktPointerAny(reg) || regIsDynptrSlicePkt(reg) ? invalid : reg),
    isSpilled,
  );
}
