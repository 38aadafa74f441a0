import { EINVAL, EPROTO } from '../../../kernel/errno.ts';
import { resolve, resolveId } from '../../btf/resolve.ts';
import * as kf from '../../kfuncs/flags.ts';
import { checkMemAccess } from '../access/access.ts';
import { argIdxFromArgno, BPF_WRITE, regArgName, type ArgNo } from '../access/access-types.ts';
import { pushStack } from '../search/branches.ts';
import type { VerifierEnv } from '../env.ts';
import { isKfuncRcuProtected, type KfuncCallArgMeta } from './kfunc-meta.ts';
import { markPtrNotNullReg } from '../insns/null-check.ts';
import { findPrevEntry, sameCallsites } from '../search/prev-entry.ts';
import type { Reg, RegFields } from '../values/reg.ts';
import { iterStateStr, iterTypeStr } from '../values/reg-names.ts';
import { updateRefObj } from '../objects/refs.ts';
import { knownReg } from '../values/regs.ts';
import { existingSpi } from '../objects/stack-objects.ts';
import {
  isIterRegValidInit,
  isIterRegValidUninit,
  iterGetSpi,
  markStackSlotsIter,
  unmarkStackSlotsIter,
} from '../objects/stack-iter.ts';
import type { VerifierState } from '../state.ts';
import * as t from '../types.ts';
import { widenImpreciseScalars } from '../search/widen.ts';

const ITER_PREFIX = 'bpf_iter_';

/** The struct of an iterator that is an argument, or 0. btf_check_iter_arg() */
function btfCheckIterArg({ btf, proto }: KfuncCallArgMeta, index: number): number {
  const param = proto.params[index];
  const pointer = param && resolve(btf, param.type);
  if (pointer?.kind !== 'ptr') return 0;
  const id = resolveId(btf, pointer.type);
  const type = btf.types[id];
  return type?.kind === 'struct' && type.name.startsWith(ITER_PREFIX) ? id : 0;
}

/** An iterator that is an argument: made, used, or done with. process_iter_arg() */
export function processIterArg(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  insnIdx: number,
  meta: KfuncCallArgMeta,
): void {
  const name = regArgName(argno);
  if (reg.type !== t.PTR_TO_STACK) {
    throw env.reject(EINVAL, `${name} expected pointer to an iterator on stack`);
  }
  const { btf } = meta;
  const btfId = btfCheckIterArg(meta, argIdxFromArgno(argno));
  const type = btf.types[btfId];
  if (type?.kind !== 'struct') {
    throw env.reject(EINVAL, `expected valid iter pointer as ${name}`);
  }
  const slots = Math.trunc(type.sizeBytes / t.BPF_REG_SIZE);
  if (meta.has(kf.KF_ITER_NEW)) {
    if (!isIterRegValidUninit(env, reg, slots)) {
      const text = `expected uninitialized iter_${iterTypeStr(btf, btfId)} as ${name}`;
      throw env.reject(EINVAL, text);
    }
    for (let i = 0; i < slots; i++) {
      const off = i * t.BPF_REG_SIZE;
      checkMemAccess(env, insnIdx, reg, argno, off, 8, BPF_WRITE, -1, false, false);
    }
    markStackSlotsIter(env, isKfuncRcuProtected(meta), reg, insnIdx, btf, btfId, slots);
    return;
  }
  useIter(env, reg, argno, meta, btfId, slots);
}

function useIter(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  meta: KfuncCallArgMeta,
  btfId: number,
  slots: number,
): void {
  const { btf } = meta;
  const error = isIterRegValidInit(env, reg, btf, btfId, slots);
  if (error === EPROTO) {
    throw env.reject(EPROTO, `expected an RCU CS when using ${meta.funcName}`);
  }
  if (error !== 0) {
    const text = `expected an initialized iter_${iterTypeStr(btf, btfId)} as ${regArgName(argno)}`;
    throw env.reject(EINVAL, text);
  }
  const spi = existingSpi(iterGetSpi(env, reg, slots));
  for (let i = 0; i < slots; i++) env.markSlotScratched(spi - i);
  meta.iterSpi = spi;
  meta.iterFrameno = reg.frameno;
  updateRefObj(meta.refObj, env.func(reg).stack[spi]!.reg);
  if (meta.has(kf.KF_ITER_DESTROY)) unmarkStackSlotsIter(env, reg, slots);
}

/** get_iter_from_state() */
export function getIterFromState(state: VerifierState, meta: KfuncCallArgMeta): Reg {
  return state.frames[meta.iterFrameno]!.stack[meta.iterSpi]!.reg;
}

function setIter(state: VerifierState, meta: KfuncCallArgMeta, changes: Partial<RegFields>): void {
  const { stack } = state.frames[meta.iterFrameno]!;
  const slot = stack[meta.iterSpi]!;
  stack[meta.iterSpi] = slot.withReg(slot.reg.with(changes));
}

/**
 * There may be a next element, or none: both are explored. With one, scalars that change from round
 * to round are forgotten, so that the loop comes to an end. process_iter_next_call()
 */
export function processIterNextCall(
  env: VerifierEnv,
  insnIdx: number,
  meta: KfuncCallArgMeta,
): void {
  const { cur } = env;
  const { iterState, iterDepth } = getIterFromState(cur, meta);
  if (iterState !== t.ITER_ACTIVE && iterState !== t.ITER_DRAINED) {
    throw env.bug(`unexpected iterator state ${iterState} (${iterStateStr(iterState)})`);
  }
  if (iterState === t.ITER_ACTIVE) {
    const { parent } = cur;
    if (parent?.insnIdx !== insnIdx || !sameCallsites(parent, cur)) {
      throw env.bug('bad parent state for iter next call');
    }
    const before = findPrevEntry(env, parent, insnIdx);
    const queued = pushStack(env, insnIdx + 1, insnIdx, false);
    setIter(queued, meta, { iterState: t.ITER_ACTIVE, iterDepth: iterDepth + 1 });
    if (before) widenImpreciseScalars(env, before, queued);
    const { regs } = queued.frame;
    regs[0] = markPtrNotNullReg(regs[0]!);
  }
  setIter(cur, meta, { iterState: t.ITER_DRAINED });
  cur.frame.regs[0] = knownReg(env, 0n);
}
