import { FUNC } from '../helpers/func-ids.ts';
import type { Insn } from '../isa/insn.ts';
import type { VerifierEnv } from './env.ts';

/** Helpers that call back while they run. is_sync_callback_calling_function() */
const SYNC_HELPERS: ReadonlySet<number> = new Set([
  FUNC.for_each_map_elem,
  FUNC.find_vma,
  FUNC.loop,
  FUNC.user_ringbuf_drain,
]);
/** is_sync_callback_calling_kfunc() */
const SYNC_KFUNCS: ReadonlySet<string> = new Set(['bpf_rbtree_add', 'bpf_rbtree_add_impl']);
/** is_async_callback_calling_kfunc() */
const ASYNC_KFUNCS: ReadonlySet<string> = new Set([
  'bpf_wq_set_callback',
  'bpf_task_work_schedule_signal',
  'bpf_task_work_schedule_resume',
]);

/** The name of the kfunc that an instruction calls, if it calls one. */
export function calledKfunc(env: VerifierEnv, insn: Insn): string | undefined {
  if (insn.kind !== 'call' || insn.target !== 'kfunc' || insn.off !== 0) return undefined;
  return env.world.kfunc(insn.imm)?.name;
}

/** bpf_is_sync_callback_calling_insn() */
export function isSyncCallbackCallingInsn(env: VerifierEnv, insn: Insn): boolean {
  if (insn.kind !== 'call') return false;
  if (insn.target === 'helper') return SYNC_HELPERS.has(insn.imm);
  return SYNC_KFUNCS.has(calledKfunc(env, insn) ?? '');
}

/** bpf_is_async_callback_calling_insn() */
export function isAsyncCallbackCallingInsn(env: VerifierEnv, insn: Insn): boolean {
  if (insn.kind !== 'call') return false;
  if (insn.target === 'helper') return insn.imm === FUNC.timer_set_callback;
  return ASYNC_KFUNCS.has(calledKfunc(env, insn) ?? '');
}

/** bpf_is_throw_kfunc() */
export function isThrowKfunc(env: VerifierEnv, insn: Insn): boolean {
  return calledKfunc(env, insn) === 'bpf_throw';
}

/** Timers' callbacks never sleep; those of work queues and task work may. is_async_cb_sleepable() */
export function isAsyncCbSleepable(insn: Insn): boolean {
  return insn.kind === 'call' && insn.target === 'kfunc';
}

/** is_bpf_rbtree_api_kfunc() */
export const RBTREE_KFUNCS: ReadonlySet<string> = new Set([
  ...SYNC_KFUNCS,
  'bpf_rbtree_remove',
  'bpf_rbtree_first',
  'bpf_rbtree_root',
  'bpf_rbtree_left',
  'bpf_rbtree_right',
]);

/**
 * In the callback of a tree's kfunc, or in a function that it calls: the lock is held all the
 * time. in_rbtree_lock_required_cb()
 */
export function inRbtreeLockRequiredCb(env: VerifierEnv): boolean {
  return env.cur.frames.some(({ frameno, inCallbackFn, callsite }) => {
    if (frameno === 0 || !inCallbackFn) return false;
    return RBTREE_KFUNCS.has(calledKfunc(env, env.insns[callsite]!) ?? '');
  });
}
