import { EACCES, EFAULT, EINVAL, ENOTSUPP } from '../../../kernel/errno.ts';
import { FUNC } from '../../helpers/func-ids.ts';
import { lsmRetvalRange, MAX_ERRNO } from '../../prog/retval.ts';
import { resolveProgType } from '../../prog/types.ts';
import type { Insn } from '../../isa/insn.ts';
import { ATTACH_TYPE } from '../../uapi.ts';
import type { CallArgMeta } from './call-meta.ts';
import {
  pushCallbackCall,
  setFindVmaCallbackState,
  setLoopCallbackState,
  setMapElemCallbackState,
  setTimerCallbackState,
  setUserRingbufCallbackState,
} from './callbacks.ts';
import { checkBpfSnprintfCall } from './const-str.ts';
import type { VerifierEnv } from '../env.ts';
import type { SetCalleeState } from './func-entry.ts';
import { checkResourceLeak } from '../objects/leak.ts';
import { markChainPrecision } from '../search/precision.ts';
import { isNullReg } from '../values/reg.ts';
import { regTypeStr } from '../values/reg-names.ts';
import { Rejection } from '../rejection.ts';
import type { RetvalRange } from '../values/retval-range.ts';
import { retvalRangeWithin, verboseInvalidScalar } from '../insns/return-code.ts';
import * as t from '../types.ts';

/** A call of a helper whose arguments are good. */
export interface HelperCall {
  readonly insn: Insn;
  readonly insnIdx: number;
  readonly meta: CallArgMeta;
  /** The packet may have moved. */
  changesData: boolean;
  /** What is returned is this CPU's part of an object of the program's. */
  returnsCpuSpecificAllocPtr: boolean;
}

type Rule = (env: VerifierEnv, call: HelperCall) => void;

function callback(setState: SetCalleeState): Rule {
  return (env, { insn, insnIdx, meta }) =>
    pushCallbackCall(env, insn, insnIdx, meta.subprogno, setState);
}

/** It cannot return an error: so its flags must be none. */
const getLocalStorage: Rule = (env) => {
  if (!isNullReg(env.regs[2]!)) {
    throw env.reject(EINVAL, "get_local_storage() doesn't support non-zero flags");
  }
  markChainPrecision(env, 2);
};

/** Whether the flags are a known zero. loop_flag_is_zero() */
function loopFlagIsZero(env: VerifierEnv): boolean {
  if (!isNullReg(env.regs[4]!)) return false;
  markChainPrecision(env, 4);
  return true;
}

/** It becomes a loop if it always calls the same function. update_loop_inline_state() */
function updateLoopInlineState(env: VerifierEnv, subprogno: number): void {
  const aux = env.curAux;
  if (!aux.loopInitialized) {
    aux.loopInitialized = true;
    aux.loopFitForInline = loopFlagIsZero(env);
    aux.loopCallbackSubprogno = subprogno;
    return;
  }
  if (!aux.loopFitForInline) return;
  aux.loopFitForInline = loopFlagIsZero(env) && aux.loopCallbackSubprogno === subprogno;
}

const loop: Rule = (env, call) => {
  updateLoopInlineState(env, call.meta.subprogno);
  // How often it calls is in r1.
  markChainPrecision(env, 1);
  if (BigInt(env.frame.callbackDepth) < env.regs[1]!.s.umax) {
    callback(setLoopCallbackState)(env, call);
    return;
  }
  env.frame.callbackDepth = 0;
  if (env.log.isVerbose) {
    env.verbose(`frame${env.cur.curframe} bpf_loop iteration limit reached\n`);
  }
};

const dynptrFromMem: Rule = (env) => {
  const { type } = env.regs[1]!;
  if (type === t.PTR_TO_MAP_VALUE) return;
  const text = `Unsupported reg type ${regTypeStr(type)} for bpf_dynptr_from_mem data`;
  throw env.reject(EACCES, text);
};

const ERRNO_RANGE: RetvalRange = { min: -MAX_ERRNO, max: 0, return32bit: true };

/** Whether a program may set, and so see, any value: getsockopt. */
function isGetsockopt(env: VerifierEnv): boolean {
  return (
    resolveProgType(env.prog).name === 'CGROUP_SOCKOPT' &&
    env.prog.expectedAttachType === ATTACH_TYPE.CGROUP_GETSOCKOPT
  );
}

function isCgroupLsm(env: VerifierEnv): boolean {
  return (
    resolveProgType(env.prog).name === 'LSM' &&
    env.prog.expectedAttachType === ATTACH_TYPE.LSM_CGROUP
  );
}

/** What bpf_get_retval() may see; undefined: anything. */
export function getRetvalRange(env: VerifierEnv): RetvalRange | undefined {
  if (isGetsockopt(env)) return undefined;
  return isCgroupLsm(env) ? lsmRetvalRange(env.prog) : ERRNO_RANGE;
}

const setRetval: Rule = (env) => {
  if (env.regs[1]!.type !== t.SCALAR_VALUE) throw env.reject(EINVAL, 'R1 is not a scalar');
  if (isGetsockopt(env)) return;
  let range = ERRNO_RANGE;
  if (isCgroupLsm(env)) {
    const ofHook = lsmRetvalRange(env.prog);
    if (!ofHook) {
      throw env.reject(
        EINVAL,
        "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!",
      );
    }
    range = { ...ofHook, return32bit: true };
  }
  markChainPrecision(env, 1);
  const r1 = env.regs[1]!;
  if (retvalRangeWithin(range, r1)) return;
  verboseInvalidScalar(env, r1, range, 'At bpf_set_retval', 'R1');
  throw env.reject(EINVAL, '');
};

const dynptrWrite: Rule = (_env, call) => {
  const { type } = call.meta.dynptr;
  if (type === t.BPF_DYNPTR_TYPE_INVALID) throw new Rejection(EFAULT);
  const isSkb = type === t.BPF_DYNPTR_TYPE_SKB || type === t.BPF_DYNPTR_TYPE_SKB_META;
  if (isSkb) call.changesData = true;
};

const cpuPtr: Rule = (env, call) => {
  const { type, btf, btfId } = env.regs[1]!;
  if ((type & t.MEM_RCU) === 0) return;
  const { kind } = btf?.types[btfId] ?? {};
  if (kind !== 'struct' && kind !== 'union') {
    throw env.reject(EFAULT, 'Helper has invalid btf/btf_id in R1');
  }
  call.returnsCpuSpecificAllocPtr = true;
};

/** What is asked of a call beyond its prototype, by helper. */
export const HELPER_RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [FUNC.tail_call, (env) => checkResourceLeak(env, false, true, 'tail_call')],
  [FUNC.get_local_storage, getLocalStorage],
  [FUNC.for_each_map_elem, callback(setMapElemCallbackState)],
  [FUNC.timer_set_callback, callback(setTimerCallbackState)],
  [FUNC.find_vma, callback(setFindVmaCallbackState)],
  [FUNC.snprintf, (env) => checkBpfSnprintfCall(env)],
  [FUNC.loop, loop],
  [FUNC.dynptr_from_mem, dynptrFromMem],
  [FUNC.set_retval, setRetval],
  [FUNC.dynptr_write, dynptrWrite],
  [FUNC.per_cpu_ptr, cpuPtr],
  [FUNC.this_cpu_ptr, cpuPtr],
  [FUNC.user_ringbuf_drain, callback(setUserRingbufCallbackState)],
]);

const HAS_TRAMPOLINE: ReadonlySet<number> = new Set([
  ATTACH_TYPE.TRACE_FENTRY,
  ATTACH_TYPE.TRACE_FEXIT,
  ATTACH_TYPE.MODIFY_RETURN,
  ATTACH_TYPE.TRACE_FSESSION,
  ATTACH_TYPE.TRACE_FENTRY_MULTI,
  ATTACH_TYPE.TRACE_FEXIT_MULTI,
  ATTACH_TYPE.TRACE_FSESSION_MULTI,
]);

/** bpf_get_func_ip(): where a program is attached to a function. check_get_func_ip() */
export function checkGetFuncIp(env: VerifierEnv): void {
  const { name, number } = resolveProgType(env.prog);
  const func = `func bpf_get_func_ip#${FUNC.get_func_ip}`;
  if (name === 'KPROBE') return;
  if (name === 'TRACING') {
    if (HAS_TRAMPOLINE.has(env.prog.expectedAttachType)) return;
    throw env.reject(
      ENOTSUPP,
      `${func} supported only for fentry/fexit/fsession/fmod_ret programs`,
    );
  }
  throw env.reject(ENOTSUPP, `${func} not supported for program type ${number}`);
}
