import { EINVAL } from '../../../kernel/errno.ts';
import { resolveProgType } from '../../prog/types.ts';
import { checkMemRegionAccess } from './access-mem.ts';
import { type AccessType, type ArgNo, BPF_WRITE, regArgName } from './access-types.ts';
import type { CallArgMeta } from '../calls/call-meta.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';

/** Types of programs that read packets, and do not write to them. */
const READERS: ReadonlySet<string> = new Set([
  'LWT_IN',
  'LWT_OUT',
  'LWT_SEG6LOCAL',
  'SK_REUSEPORT',
  'FLOW_DISSECTOR',
  'CGROUP_SKB',
]);

/** Those that do both. */
const WRITERS: ReadonlySet<string> = new Set([
  'SCHED_CLS',
  'SCHED_ACT',
  'XDP',
  'LWT_XMIT',
  'SK_SKB',
  'SK_MSG',
]);

/**
 * Whether the program, or the helper of `meta`, may access bytes of packets so.
 * may_access_direct_pkt_data()
 */
export function mayAccessDirectPktData(
  env: VerifierEnv,
  meta: CallArgMeta | undefined,
  type: AccessType,
): boolean {
  const { name } = resolveProgType(env.prog);
  if (name === 'CGROUP_SOCKOPT') {
    if (type === BPF_WRITE) env.seenDirectWrite = true;
    return true;
  }
  if (!WRITERS.has(name) && !(READERS.has(name) && type !== BPF_WRITE)) return false;
  if (meta) return meta.pktAccess;
  env.seenDirectWrite = true;
  return true;
}

/** The bytes are ones that the program has compared with the end. check_packet_access() */
export function checkPacketAccess(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  zeroSizeAllowed: boolean,
): void {
  if (reg.range < 0) {
    throw env.reject(EINVAL, `${regArgName(argno)} offset is outside of the packet`);
  }
  checkMemRegionAccess(env, reg, argno, off, size, reg.range, zeroSizeAllowed);
}
