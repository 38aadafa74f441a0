import { EACCES } from '../../../kernel/errno.ts';
import { MAP_TYPE } from '../../uapi.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { tnumAdd, tnumConst, tnumIsAligned } from '../values/tnum.ts';
import { tnumText } from '../report/print-state.ts';
import * as t from '../types.ts';

/** Headers behind the Ethernet header are aligned so, not that itself. NET_IP_ALIGN */
const NET_IP_ALIGN = 2;

/** How messages call what a pointer points to, where they do. */
const NOUNS: Readonly<Record<number, string>> = {
  [t.PTR_TO_FLOW_KEYS]: 'flow keys ',
  [t.PTR_TO_MAP_KEY]: 'key ',
  [t.PTR_TO_MAP_VALUE]: 'value ',
  [t.PTR_TO_CTX]: 'context ',
  [t.PTR_TO_STACK]: 'stack ',
  [t.PTR_TO_SOCKET]: 'sock ',
  [t.PTR_TO_SOCK_COMMON]: 'sock_common ',
  [t.PTR_TO_TCP_SOCK]: 'tcp_sock ',
  [t.PTR_TO_XDP_SOCK]: 'xdp_sock ',
};

function isAligned({ s }: Reg, off: number, size: number): boolean {
  if (!s.isConst) return tnumIsAligned(tnumAdd(s.tnum, tnumConst(BigInt(off))), size);
  // Sizes are powers of two up to 8: only the low bits count.
  return ((Number(s.value & 7n) + off) & (size - 1)) === 0;
}

/** An access that must be aligned is. check_ptr_alignment() */
export function checkPtrAlignment(
  env: VerifierEnv,
  reg: Reg,
  off: number,
  size: number,
  strictAlignmentOnce: boolean,
): void {
  const { type } = reg;
  if (size === 1 || type === t.PTR_TO_ARENA) return;
  // What is spilled to the stack is known by the slot.
  const isAlwaysStrict =
    type === t.PTR_TO_STACK ||
    (type === t.PTR_TO_MAP_VALUE && reg.map!.type === MAP_TYPE.INSN_ARRAY);
  if (!env.strictAlignment && !strictAlignmentOnce && !isAlwaysStrict) return;
  if (t.isPktPointer(type)) {
    if (isAligned(reg, NET_IP_ALIGN + off, size)) return;
    throw env.reject(
      EACCES,
      `misaligned packet access off ${NET_IP_ALIGN}+${tnumText(reg.s.tnum)}+${off} size ${size}`,
    );
  }
  if (isAligned(reg, off, size)) return;
  throw env.reject(
    EACCES,
    `misaligned ${NOUNS[type] ?? ''}access off ${tnumText(reg.s.tnum)}+${off} size ${size}`,
  );
}
