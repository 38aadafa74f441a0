import { EINVAL } from '../../../kernel/errno.ts';
import { FUNC, FUNC_NAMES } from '../../helpers/func-ids.ts';
import type { FuncProto } from '../../helpers/proto.ts';
import type { Insn } from '../../isa/insn.ts';
import { checkMemAccess } from '../access/access.ts';
import { BPF_WRITE } from '../access/access-types.ts';
import { argTypeIsRelease } from './arg-types.ts';
import { checkFuncArg } from './args.ts';
import { pushStack } from '../search/branches.ts';
import { CallArgMeta } from './call-meta.ts';
import type { VerifierEnv } from '../env.ts';
import { invalidateOutgoingStackArgs } from './func-entry.ts';
import { prepareFuncExit } from './func-exit.ts';
import { setHelperReturn } from './helper-ret.ts';
import { checkGetFuncIp, HELPER_RULES, type HelperCall } from './helper-rules.ts';
import { checkMapFuncCompatibility, recordFuncMap } from './map-call.ts';
import { recordFuncKey } from './map-key.ts';
import type { Outcome } from '../outcome.ts';
import { clearAllPktPointers } from '../access/packet-pointers.ts';
import { clearCallerSaved, unknownReg } from '../values/regs.ts';
import { releaseReg } from './release.ts';
import {
  inRcuCs,
  inSleepableContext,
  nonSleepableContextDescription,
} from '../objects/sections.ts';
import * as t from '../types.ts';

type Call = Extract<Insn, { kind: 'call' }>;

/** `bpf_map_lookup_elem#1` */
function funcText(funcId: number): string {
  const name = FUNC_NAMES[funcId];
  return `${name === undefined ? 'unknown' : `bpf_${name}`}#${funcId}`;
}

/** The helper of that number, where the program may call it. bpf_get_helper_proto() */
function helperProto(env: VerifierEnv, funcId: number): FuncProto {
  const fn = env.ops.helper(funcId, env.prog);
  if (!fn && FUNC_NAMES[funcId] === undefined) {
    throw env.reject(EINVAL, `invalid func ${funcText(funcId)}`);
  }
  if (!fn) {
    const text = `program of this type cannot use helper ${funcText(funcId)}`;
    throw env.reject(EINVAL, text);
  }
  if (!env.prog.isGplCompatible && fn.gplOnly) {
    throw env.reject(EINVAL, 'cannot call GPL-restricted function from non-GPL compatible program');
  }
  if (fn.allowed && !fn.allowed(env.prog)) {
    throw env.reject(EINVAL, 'helper call is not allowed in probe');
  }
  return fn;
}

/** A call of a helper. check_helper_call() */
export function checkHelperCall(env: VerifierEnv, insn: Call): Outcome {
  const { insnIdx } = env;
  const fn = helperProto(env, insn.imm);
  const maySleep = inSleepableContext(env);
  if (fn.mightSleep && !maySleep) {
    const where = nonSleepableContextDescription(env);
    throw env.reject(EINVAL, `sleepable helper ${funcText(fn.id)} in ${where}`);
  }
  if (!maySleep) env.aux[insnIdx]!.nonSleepable = true;
  const meta = checkArgs(env, fn, insnIdx);
  const call: HelperCall = {
    insn,
    insnIdx,
    meta,
    changesData: fn.isChangingPkt,
    returnsCpuSpecificAllocPtr: false,
  };
  HELPER_RULES.get(fn.id)?.(env, call);
  clearCallerSaved(env);
  invalidateOutgoingStackArgs(env.frame);
  setHelperReturn(env, fn, call);
  checkMapFuncCompatibility(env, meta.map.ptr, fn.id, fn.name);
  if (fn.id === FUNC.get_func_ip) checkGetFuncIp(env);
  if (fn.id === FUNC.tail_call) return afterTailCall(env);
  if (call.changesData) clearAllPktPointers(env);
  return 'next';
}

/** The arguments, and what the call does to what they point to. */
function checkArgs(env: VerifierEnv, fn: FuncProto, insnIdx: number): CallArgMeta {
  const { regs } = env;
  const meta = new CallArgMeta(fn.name, fn.pktAccess);
  meta.releaseRegno = fn.args.findIndex(({ type }) => argTypeIsRelease(type)) + 1;
  for (let i = 0; i < t.MAX_BPF_FUNC_REG_ARGS; i++) checkFuncArg(env, i, meta, fn, insnIdx);
  recordFuncMap(env, meta.map.ptr, fn.id, insnIdx);
  recordFuncKey(env, meta.map.ptr, fn.id, insnIdx);
  for (let i = 0; i < meta.accessSize; i++) {
    const { regno } = meta;
    checkMemAccess(env, insnIdx, regs[regno]!, regno, i, 1, BPF_WRITE, -1, false, false);
  }
  if (meta.releaseRegno > 0) {
    const reg = regs[meta.releaseRegno]!;
    const isPercpu = (reg.type & t.MEM_ALLOC) !== 0 && (reg.type & t.MEM_PERCPU) !== 0;
    const convertRcu = fn.id === FUNC.kptr_xchg && isPercpu && inRcuCs(env);
    releaseReg(env, reg, convertRcu, meta.dynptr.id !== 0);
  }
  return meta;
}

/** It does not come back, unless it fails: for the function's caller, it is an exit. */
function afterTailCall(env: VerifierEnv): Outcome {
  if (env.cur.curframe === 0) return 'next';
  if (env.frame.inCallbackFn) throw env.reject(EINVAL, 'cannot tail call within callback');
  env.markRegScratched(0);
  pushStack(env, env.insnIdx + 1, env.insnIdx, false);
  clearAllPktPointers(env);
  env.regs[0] = unknownReg(env);
  prepareFuncExit(env);
  return 'moved';
}
