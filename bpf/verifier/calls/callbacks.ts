import { EFAULT, ENOTSUPP } from '../../../kernel/errno.ts';
import { BPF_RB_ROOT } from '../../btf/field-types.ts';
import { idOf } from '../../btf/resolve.ts';
import type { Insn } from '../../isa/insn.ts';
import { MAP_TYPE } from '../../uapi.ts';
import { pushAsyncCb, pushStack } from '../search/branches.ts';
import { isAsyncCallbackCallingInsn, isAsyncCbSleepable } from '../passes/callback-insns.ts';
import type { VerifierEnv } from '../env.ts';
import { type SetCalleeState, setupFuncEntry } from './func-entry.ts';
import { markRegGraphNode, refSetNonOwning } from '../objects/graph-refs.ts';
import { NOT_INIT_REG, pointerReg, type Reg } from '../values/reg.ts';
import { regFindFieldOffset } from '../objects/reg-record.ts';
import { unknownReg } from '../values/regs.ts';
import { Rejection } from '../rejection.ts';
import type { RetvalRange } from '../values/retval-range.ts';
import { markDynptrCbReg } from '../objects/stack-dynptr.ts';
import type { FuncState } from '../state.ts';
import { btfCheckSubprogCall } from './subprog-call-args.ts';
import * as t from '../types.ts';

// Functions of the program that a helper or kfunc calls: what they are given, what they may return.

const S32_MIN = -0x8000_0000;
const S32_MAX = 0x7fff_ffff;

/**
 * A call that calls a function. Now: it is explored later as if it was called here, while this path
 * goes on behind the call. Asynchronous ones begin on a stack of their own. push_callback_call()
 */
export function pushCallbackCall(
  env: VerifierEnv,
  insn: Insn,
  insnIdx: number,
  subprog: number,
  setState: SetCalleeState,
): void {
  const caller = env.frame;
  btfCheckSubprogCall(env, subprog);
  const info = env.subprogs[subprog]!;
  info.isCb = true;
  if (isAsyncCallbackCallingInsn(env, insn)) {
    info.isAsyncCb = true;
    const state = pushAsyncCb(env, info.start, insnIdx, subprog, isAsyncCbSleepable(insn));
    state.frame.asyncEntryCnt = caller.asyncEntryCnt + 1;
    setState(env, caller, state.frame, insnIdx);
    return;
  }
  const state = pushStack(env, info.start, insnIdx, false);
  setupFuncEntry(env, subprog, insnIdx, setState, state);
  state.callbackUnrollDepth++;
  state.frames[state.curframe - 1]!.callbackDepth++;
  caller.callbackDepth = 0;
}

/** Arguments from r1 on; registers behind them hold nothing. */
function setArgs(callee: FuncState, args: readonly Reg[]): void {
  for (let i = 0; i < t.MAX_BPF_FUNC_REG_ARGS; i++) callee.regs[1 + i] = args[i] ?? NOT_INIT_REG;
}

/** Called within the call. */
function setSync(callee: FuncState): void {
  callee.inCallbackFn = true;
  callee.callbackRetRange = range(0, 1);
}

function setAsync(callee: FuncState, returns: RetvalRange): void {
  callee.inAsyncCallbackFn = true;
  callee.callbackRetRange = returns;
}

function range(min: number, max: number): RetvalRange {
  return { min, max, return32bit: false };
}

function mapKeyAndValue({ map, mapUid }: Reg): [key: Reg, value: Reg] {
  return [
    pointerReg(t.PTR_TO_MAP_KEY, { map, mapUid }),
    pointerReg(t.PTR_TO_MAP_VALUE, { map, mapUid }),
  ];
}

/** Types of maps whose elements can be gone through. */
const FOR_EACH_MAPS: ReadonlySet<number> = new Set([
  MAP_TYPE.ARRAY,
  MAP_TYPE.PERCPU_ARRAY,
  MAP_TYPE.HASH,
  MAP_TYPE.PERCPU_HASH,
  MAP_TYPE.LRU_HASH,
  MAP_TYPE.LRU_PERCPU_HASH,
  MAP_TYPE.RHASH,
]);

/** bpf_for_each_map_elem(): (map, key, value, ctx). set_map_elem_callback_state() */
export const setMapElemCallbackState: SetCalleeState = (env, caller, callee, insnIdx) => {
  const map = env.aux[insnIdx]!.mapPtr!;
  if (!FOR_EACH_MAPS.has(map.type)) {
    throw env.reject(ENOTSUPP, 'callback function not allowed for map');
  }
  const mapReg = caller.regs[1]!;
  setArgs(callee, [mapReg, ...mapKeyAndValue(mapReg), caller.regs[3]!]);
  setSync(callee);
};

/** bpf_loop(): (index, ctx). set_loop_callback_state() */
export const setLoopCallbackState: SetCalleeState = (env, caller, callee) => {
  setArgs(callee, [unknownReg(env), caller.regs[3]!]);
  setSync(callee);
};

function setMapCallbackState(callee: FuncState, field: Reg, returns: RetvalRange): void {
  const { map, mapUid } = field;
  setArgs(callee, [pointerReg(t.CONST_PTR_TO_MAP, { map, mapUid }), ...mapKeyAndValue(field)]);
  setAsync(callee, returns);
}

/** Timers and work queues: (map, key, value). set_timer_callback_state() */
export const setTimerCallbackState: SetCalleeState = (_env, caller, callee) =>
  setMapCallbackState(callee, caller.regs[1]!, range(0, 0));

/** Task work: (map, key, value). set_task_work_schedule_callback_state() */
export const setTaskWorkScheduleCallbackState: SetCalleeState = (_env, caller, callee) =>
  setMapCallbackState(callee, caller.regs[3]!, range(S32_MIN, S32_MAX));

/** bpf_find_vma(): (task, vma, ctx). set_find_vma_callback_state() */
export const setFindVmaCallbackState: SetCalleeState = (env, caller, callee) => {
  const btf = env.kernelBtf;
  const btfId = idOf(btf, 'vm_area_struct', 'struct');
  const vma = pointerReg(t.PTR_TO_BTF_ID, { btf, btfId });
  setArgs(callee, [caller.regs[1]!, vma, caller.regs[4]!]);
  setSync(callee);
};

/** bpf_user_ringbuf_drain(): (dynptr, ctx). set_user_ringbuf_callback_state() */
export const setUserRingbufCallbackState: SetCalleeState = (env, caller, callee) => {
  setArgs(callee, [markDynptrCbReg(env, t.BPF_DYNPTR_TYPE_LOCAL), caller.regs[3]!]);
  setSync(callee);
};

/** bpf_rbtree_add(): two nodes of the tree, to compare. set_rbtree_add_callback_state() */
export const setRbtreeAddCallbackState: SetCalleeState = (env, caller, callee) => {
  const root = caller.regs[1]!;
  const field = regFindFieldOffset(root, Number(root.s.svalue), BPF_RB_ROOT);
  if (!field?.graphRoot?.valueBtfId) throw new Rejection(EFAULT);
  const node = refSetNonOwning(env, markRegGraphNode(field.graphRoot));
  setArgs(callee, [node, node]);
  setSync(callee);
};
