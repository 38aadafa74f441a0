import { cnum32IsSubset, cnum64IsSubset } from '../values/cnum.ts';
import type { VerifierEnv } from '../env.ts';
import { deltaFlags, type IdMap } from './id-map.ts';
import type { Reg } from '../values/reg.ts';
import { tnumIn } from '../values/tnum.ts';
import * as t from '../types.ts';

/** How alike a state must be to one that is kept. enum exact_level */
export const NOT_EXACT = 0;
/** All the same. */
export const EXACT = 1;
/** As NOT_EXACT, and the kept state's marks of precision are not complete. */
export const RANGE_WITHIN = 2;
export type ExactLevel = typeof NOT_EXACT | typeof EXACT | typeof RANGE_WITHIN;

/** What says what a register is, but for its value and its ids. */
export function sameKind(a: Reg, b: Reg): boolean {
  return (
    a.type === b.type &&
    a.delta === b.delta &&
    a.map === b.map &&
    a.mapUid === b.mapUid &&
    a.btf === b.btf &&
    a.btfId === b.btfId &&
    a.memSize === b.memSize &&
    a.range === b.range &&
    a.dynptrType === b.dynptrType &&
    a.firstSlot === b.firstSlot &&
    a.iterState === b.iterState &&
    a.iterDepth === b.iterDepth &&
    a.irqClass === b.irqClass &&
    a.subprogno === b.subprogno
  );
}

/** The same but for ids. */
export function sameButIds(a: Reg, b: Reg): boolean {
  return a === b || (sameKind(a, b) && a.s.equals(b.s));
}

function regsExact(old: Reg, cur: Reg, ids: IdMap): boolean {
  return sameButIds(old, cur) && ids.check(old.id, cur.id) && ids.check(old.parentId, cur.parentId);
}

/** range_within() and tnum_in(): every value of `cur` is one of `old`. */
function isWithin({ s: old }: Reg, { s: cur }: Reg): boolean {
  return (
    old === cur ||
    (cnum64IsSubset(old.r64, cur.r64) &&
      cnum32IsSubset(old.r32, cur.r32) &&
      tnumIn(old.tnum, cur.tnum))
  );
}

/** Whether what was safe with `old` is with `cur`. regsafe() */
export function regsafe(
  env: VerifierEnv,
  old: Reg,
  cur: Reg,
  ids: IdMap,
  exact: ExactLevel,
): boolean {
  if (old === cur && old.id === 0 && old.parentId === 0) return true;
  if (exact === EXACT) return regsExact(old, cur, ids);
  if (old.type === t.NOT_INIT) return true;
  if (old.type !== cur.type) return false;
  switch (t.baseType(old.type)) {
    case t.SCALAR_VALUE:
      return scalarSafe(env, old, cur, ids, exact);
    case t.PTR_TO_MAP_KEY:
    case t.PTR_TO_MAP_VALUE:
    case t.PTR_TO_MEM:
    case t.PTR_TO_BUF:
    case t.PTR_TO_TP_BUFFER:
      return (
        sameKind(old, cur) &&
        isWithin(old, cur) &&
        ids.check(old.id, cur.id) &&
        ids.check(old.parentId, cur.parentId)
      );
    case t.PTR_TO_PACKET_META:
    case t.PTR_TO_PACKET:
      return packetSafe(old, cur, ids);
    case t.PTR_TO_STACK:
      return regsExact(old, cur, ids) && old.frameno === cur.frameno;
    case t.PTR_TO_ARENA:
      return true;
    case t.PTR_TO_INSN:
      return sameKind(old, cur) && isWithin(old, cur);
    default:
      return regsExact(old, cur, ids);
  }
}

function scalarSafe(env: VerifierEnv, old: Reg, cur: Reg, ids: IdMap, exact: ExactLevel): boolean {
  if (env.exploreAluLimits) return sameButIds(old, cur) && ids.checkScalar(old.id, cur.id);
  if (!old.precise && exact === NOT_EXACT) return true;
  const flags = deltaFlags(old.id);
  if (old.id !== 0 && flags !== deltaFlags(cur.id)) return false;
  if (flags !== 0 && old.delta !== cur.delta) return false;
  return ids.checkScalar(old.id, cur.id) && isWithin(old, cur);
}

function packetSafe(old: Reg, cur: Reg, ids: IdMap): boolean {
  const isAtEnd = old.range < 0 || cur.range < 0;
  if (isAtEnd ? old.range !== cur.range : old.range > cur.range) return false;
  if (!ids.check(old.id, cur.id)) return false;
  if (old.id !== 0 && old.s.r64.base !== cur.s.r64.base) return false;
  return isWithin(old, cur);
}
