import { BPF_TASK_WORK, BPF_TIMER, BPF_WORKQUEUE } from '../../btf/field-types.ts';
import { btfRecordHasField } from '../../btf/record.ts';
import { MAP_TYPE } from '../../uapi.ts';
import type { VerifierEnv } from '../env.ts';
import { type Reg, constReg } from '../values/reg.ts';
import { isSpilled } from '../values/stack.ts';
import type { VerifierState } from '../state.ts';
import { findReferenceState, releaseReferenceNomark } from '../objects/refs.ts';
import { isTrustedReg } from '../access/trust.ts';
import * as t from '../types.ts';

// Pointers that may be NULL, until a comparison has told.

const VAR_OFF_MAX = BigInt(t.BPF_MAX_VAR_OFF);

/** Of which the base is never NULL, if they may not be. */
const NEVER_NULL: ReadonlySet<number> = new Set([
  t.PTR_TO_SOCKET,
  t.PTR_TO_TCP_SOCK,
  t.PTR_TO_XDP_SOCK,
  t.PTR_TO_BUF,
  t.PTR_TO_MAP_VALUE,
  t.PTR_TO_MAP_KEY,
  t.PTR_TO_SOCK_COMMON,
  t.CONST_PTR_TO_MAP,
]);

/** A pointer that is certainly not NULL. reg_not_null() */
export function regNotNull(env: VerifierEnv, reg: Reg): boolean {
  const { type, s } = reg;
  if (t.mayBeNull(type)) return false;
  // Any offset might lead back to 0.
  if (s.smin <= -VAR_OFF_MAX || s.smax >= VAR_OFF_MAX) return false;
  const base = t.baseType(type);
  if (base === t.PTR_TO_BTF_ID) return isTrustedReg(env, reg);
  if (base === t.PTR_TO_MEM) return (type & t.PTR_UNTRUSTED) === 0;
  return NEVER_NULL.has(base);
}

/** A pointer that turned out not to be NULL. mark_ptr_not_null_reg() */
export function markPtrNotNullReg(reg: Reg): Reg {
  if (t.baseType(reg.type) !== t.PTR_TO_MAP_VALUE) {
    return reg.with({ type: reg.type & ~t.PTR_MAYBE_NULL });
  }
  const map = reg.map!;
  const inner = map.innerMapMeta;
  if (inner !== undefined) {
    // Its timers belong to that one inner map: the id of the look-up tells it apart.
    const mapUid = btfRecordHasField(inner.record, OF_ONE_MAP) ? reg.id : reg.mapUid;
    return reg.with({ type: t.CONST_PTR_TO_MAP, map: inner, mapUid });
  }
  switch (map.type) {
    case MAP_TYPE.XSKMAP:
      return reg.with({ type: t.PTR_TO_XDP_SOCK });
    case MAP_TYPE.SOCKMAP:
    case MAP_TYPE.SOCKHASH:
      return reg.with({ type: t.PTR_TO_SOCKET });
    default:
      return reg.with({ type: t.PTR_TO_MAP_VALUE });
  }
}

/** Fields of a map's values that know their map. */
const OF_ONE_MAP = BPF_TIMER | BPF_WORKQUEUE | BPF_TASK_WORK;

/** One of those that came from the same look-up. mark_ptr_or_null_reg() */
function markPtrOrNullReg(env: VerifierEnv, reg: Reg, id: number, isNull: boolean): Reg {
  const { type } = reg;
  if (!t.mayBeNull(type) || reg.id !== id) return reg;
  if (id === 0 && (type & t.MEM_RCU) === 0) return reg;
  const isAtStart = reg.s.isConst && reg.s.value === 0n;
  if (!isAtStart && !t.isAllocObj(type)) return reg;
  return isNull ? nullOf(env, reg) : markPtrNotNullReg(reg);
}

/** What was a pointer is 0. */
function nullOf(env: VerifierEnv, reg: Reg): Reg {
  const { frameno, precise } = reg;
  return constReg(0n, precise || !env.bpfCapable).with({ frameno });
}

/**
 * Register `regno` is known to be NULL, or not to be: with it all those that came from the same
 * call. An object that is not there need not be released. mark_ptr_or_null_regs()
 */
export function markPtrOrNullRegs(
  env: VerifierEnv,
  state: VerifierState,
  regno: number,
  isNull: boolean,
): void {
  const { id } = state.frame.regs[regno]!;
  if (isNull && findReferenceState(state, id)) releaseReferenceNomark(state, id);
  state.mapRegs((reg) => markPtrOrNullReg(env, reg, id, isNull), isSpilled);
}
