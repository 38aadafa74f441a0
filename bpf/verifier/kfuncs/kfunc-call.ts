import { EACCES, EFAULT, EINVAL } from '../../../kernel/errno.ts';
import * as field from '../../btf/field-types.ts';
import { btfRecordHasField } from '../../btf/record.ts';
import { btfFindStructMeta } from '../../btf/struct-meta.ts';
import type { Insn } from '../../isa/insn.ts';
import * as kf from '../../kfuncs/flags.ts';
import { objectType } from '../../objects/object-type.ts';
import { resolveProgType } from '../../prog/types.ts';
import { ATTACH_TYPE } from '../../uapi.ts';
import { pushStack } from '../search/branches.ts';
import {
  pushCallbackCall,
  setRbtreeAddCallbackState,
  setTaskWorkScheduleCallbackState,
  setTimerCallbackState,
} from '../calls/callbacks.ts';
import type { VerifierEnv } from '../env.ts';
import { invalidateOutgoingStackArgs, type SetCalleeState } from '../calls/func-entry.ts';
import { processBpfExitFull } from '../calls/func-exit.ts';
import { refConvertOwningNonOwning } from '../objects/graph-refs.ts';
import { processIterNextCall } from './iterators.ts';
import { checkKfuncArgs } from './kfunc-check-args.ts';
import {
  fetchKfuncArgMeta,
  fetchKfuncMeta,
  isIterNextKfunc,
  isKfuncPktChanging,
  isKfuncRcuProtected,
  isKfuncSleepable,
  type KfuncCallArgMeta,
} from './kfunc-meta.ts';
import {
  GRAPH_ADD_KFUNCS,
  OBJ_DROP_KFUNCS,
  PERCPU_OBJ_DROP_KFUNCS,
  RBTREE_ADD_KFUNCS,
  TASK_WORK_KFUNCS,
} from './kfunc-names.ts';
import { setKfuncReturn } from './kfunc-ret.ts';
import type { Outcome } from '../outcome.ts';
import { clearAllPktPointers } from '../access/packet-pointers.ts';
import { inRbtreeLockRequiredCb } from '../objects/rbtree-lock.ts';
import { NOT_INIT_REG } from '../values/reg.ts';
import { invalidateRcuProtectedRefs, noteHeld } from '../objects/refs.ts';
import { CALLER_SAVED, unknownReg } from '../values/regs.ts';
import { Rejection } from '../rejection.ts';
import { releaseReg } from '../calls/release.ts';
import { checkReturnCode } from '../insns/return-code.ts';
import {
  inRcuCs,
  inSleepable,
  inSleepableContext,
  nonSleepableContextDescription,
} from '../objects/sections.ts';
import { MAX_BPF_FUNC_REG_ARGS } from '../types.ts';

type Call = Extract<Insn, { kind: 'call' }>;

/** A call of a kfunc. check_kfunc_call() */
export function checkKfuncCall(env: VerifierEnv, insn: Call): Outcome {
  const { insnIdx } = env;
  // Refused where it is never come to is nothing: see the fix-ups.
  if (insn.imm === 0) return 'next';
  const meta = fetchKfuncArgMeta(env, insn.imm, insn.off);
  if (!meta) {
    const { name } = fetchKfuncMeta(env, insn.imm, insn.off);
    throw env.reject(EACCES, `calling kernel function ${name} is not allowed`);
  }
  const aux = env.aux[insnIdx]!;
  aux.isIterNext = isIterNextKfunc(meta);
  beforeArgs(env, meta);
  if (!inSleepableContext(env)) aux.nonSleepable = true;
  checkKfuncArgs(env, meta, insnIdx);
  checkNmiSafe(env, meta);
  pushCallback(env, insn, meta);
  checkSections(env, meta);
  releaseAndAdd(env, meta);
  if (meta.funcName === 'bpf_throw') checkThrow(env);
  for (const regno of CALLER_SAVED) env.regs[regno] = NOT_INIT_REG;
  invalidateOutgoingStackArgs(env.frame);
  setKfuncReturn(env, meta, insnIdx);
  if (isKfuncPktChanging(meta)) clearAllPktPointers(env);
  noteStackArgs(env, meta);
  if (aux.isIterNext) processIterNextCall(env, insnIdx, meta);
  return meta.funcName === 'bpf_throw' ? processBpfExitFull(env, true) : 'next';
}

/** What can be said without the arguments. */
function beforeArgs(env: VerifierEnv, meta: KfuncCallArgMeta): void {
  const { funcName } = meta;
  if (funcName === 'bpf_res_spin_lock' || funcName === 'bpf_res_spin_lock_irqsave') {
    pushFailedLock(env);
  } else if (funcName === '__bpf_trap') {
    throw env.reject(EFAULT, 'unexpected __bpf_trap() due to uninitialized variable?');
  }
  if (meta.has(kf.KF_DESTRUCTIVE) && !env.prog.caps.sysBoot) {
    throw env.reject(EACCES, 'destructive kfunc calls require CAP_SYS_BOOT capability');
  }
  if (isKfuncSleepable(meta) && !inSleepable(env)) {
    const text = `program must be sleepable to call sleepable kfunc ${funcName}`;
    throw env.reject(EACCES, text);
  }
}

const MAX_ERRNO = 4095;

/** Another path: the lock could not be had, and r0 says why. */
function pushFailedLock(env: VerifierEnv): void {
  const { regs } = pushStack(env, env.insnIdx + 1, env.insnIdx, false).frame;
  for (const regno of CALLER_SAVED) regs[regno] = NOT_INIT_REG;
  const unknown = unknownReg(env);
  const ranged = unknown.s.withSrange32(-MAX_ERRNO, -1).withSrange64(-BigInt(MAX_ERRNO), -1n);
  regs[0] = unknown.with({ s: ranged.sync() });
}

/** Fields that an object may have that is given up where an NMI may come. */
const NMI_SAFE =
  field.BPF_SPIN_LOCK |
  field.BPF_RES_SPIN_LOCK |
  field.BPF_TIMER |
  field.BPF_WORKQUEUE |
  field.BPF_TASK_WORK |
  field.BPF_KPTR_UNREF |
  field.BPF_REFCOUNT;

/** is_tracing_prog_type() */
const TRACING: ReadonlySet<string> = new Set([
  'KPROBE',
  'TRACEPOINT',
  'PERF_EVENT',
  'RAW_TRACEPOINT',
  'RAW_TRACEPOINT_WRITABLE',
]);

function checkNmiSafe(env: VerifierEnv, meta: KfuncCallArgMeta): void {
  const { funcName, argBtf, argBtfId } = meta;
  if (!OBJ_DROP_KFUNCS.has(funcName) && !PERCPU_OBJ_DROP_KFUNCS.has(funcName)) return;
  const { name } = resolveProgType(env.prog);
  const { expectedAttachType, isSleepable } = env.prog;
  const isHook =
    name === 'TRACING' && expectedAttachType !== ATTACH_TYPE.TRACE_ITER && !isSleepable;
  if (!TRACING.has(name) && !isHook) return;
  const record = btfFindStructMeta(argBtf, argBtfId)?.record;
  if (!btfRecordHasField(record, ~NMI_SAFE)) return;
  const text = 'cannot be used in tracing programs on types with NMI unsafe fields';
  throw env.reject(EINVAL, `${funcName} ${text}`);
}

/** What the callback of a kfunc begins with. */
function callbackState(funcName: string): SetCalleeState | undefined {
  if (RBTREE_ADD_KFUNCS.has(funcName)) return setRbtreeAddCallbackState;
  if (TASK_WORK_KFUNCS.has(funcName)) return setTaskWorkScheduleCallbackState;
  return funcName === 'bpf_wq_set_callback' ? setTimerCallbackState : undefined;
}

function pushCallback(env: VerifierEnv, insn: Call, meta: KfuncCallArgMeta): void {
  const setState = callbackState(meta.funcName);
  if (!setState) return;
  try {
    pushCallbackCall(env, insn, env.insnIdx, meta.subprogno, setState);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    env.verbose(`kfunc ${meta.funcName}#${meta.funcId} failed callback verification\n`);
    throw error;
  }
}

/** Read sections and sections without preemption: their begin and end, and who needs them. */
function checkSections(env: VerifierEnv, meta: KfuncCallArgMeta): void {
  const { funcName } = meta;
  enterOrLeave(env, funcName);
  if (isKfuncSleepable(meta) && !inSleepableContext(env)) {
    const where = nonSleepableContextDescription(env);
    throw env.reject(EACCES, `kernel func ${funcName} is sleepable within ${where}`);
  }
  const isRcu = funcName === 'bpf_rcu_read_lock' || funcName === 'bpf_rcu_read_unlock';
  if (isRcu && inRbtreeLockRequiredCb(env)) {
    const text = 'Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback';
    throw env.reject(EACCES, text);
  }
  if (isKfuncRcuProtected(meta) && !inRcuCs(env)) {
    const text = 'requires RCU critical section protection';
    throw env.reject(EACCES, `kernel func ${funcName} ${text}`);
  }
}

function enterOrLeave(env: VerifierEnv, funcName: string): void {
  const { cur } = env;
  switch (funcName) {
    case 'bpf_rcu_read_lock':
      cur.activeRcuLocks++;
      noteHeld(env);
      break;
    case 'bpf_rcu_read_unlock':
      if (cur.activeRcuLocks === 0) {
        throw env.reject(EINVAL, `unmatched rcu read unlock (kernel function ${funcName})`);
      }
      if (--cur.activeRcuLocks === 0) invalidateRcuProtectedRefs(env);
      break;
    case 'bpf_preempt_disable':
      cur.activePreemptLocks++;
      noteHeld(env);
      break;
    case 'bpf_preempt_enable':
      if (cur.activePreemptLocks === 0) {
        const text = `unmatched attempt to enable preemption (kernel function ${funcName})`;
        throw env.reject(EINVAL, text);
      }
      cur.activePreemptLocks--;
      break;
    default:
  }
}

/** What the program has no longer: what it gives back, and what it puts into a list or tree. */
function releaseAndAdd(env: VerifierEnv, meta: KfuncCallArgMeta): void {
  const { releaseRegno, funcName, argBtf, argBtfId } = meta;
  if (releaseRegno !== 0) {
    releaseReg(env, env.regs[releaseRegno]!, false, meta.dynptr.id !== 0);
  }
  const aux = env.curAux;
  if (GRAPH_ADD_KFUNCS.has(funcName)) {
    const node = env.regs[2]!;
    const nodeOff = Number(node.s.value);
    aux.objectType = objectType(argBtf, argBtfId, { nodeOff });
    refConvertOwningNonOwning(env, node.id);
  } else if (OBJ_DROP_KFUNCS.has(funcName) || PERCPU_OBJ_DROP_KFUNCS.has(funcName)) {
    const isPercpu = PERCPU_OBJ_DROP_KFUNCS.has(funcName);
    aux.objectType = objectType(argBtf, argBtfId, { isPercpu });
  }
}

/** Without a callback of its own, what is thrown is what the program returns. */
function checkThrow(env: VerifierEnv): void {
  if (env.exceptionCallbackSubprog === 0) checkReturnCode(env, 1, 'R1');
}

function noteStackArgs(env: VerifierEnv, { proto }: KfuncCallArgMeta): void {
  const outgoing = proto.params.length - MAX_BPF_FUNC_REG_ARGS;
  if (outgoing <= 0) return;
  const info = env.subprogs[env.frame.subprogno]!;
  info.stackArgCnt = Math.max(info.stackArgCnt, info.inStackArgCnt + outgoing);
}
