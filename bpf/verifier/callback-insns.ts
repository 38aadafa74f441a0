import { FUNC } from '../helpers/func-ids.ts';
import type { Insn } from '../isa/insn.ts';
import type { VerifierEnv } from './env.ts';

// Calls that call a function of the program: during the call, or later on their own.

/** is_sync_callback_calling_function() */
const SYNC_HELPERS: ReadonlySet<number> = new Set([
  FUNC.for_each_map_elem,
  FUNC.find_vma,
  FUNC.loop,
  FUNC.user_ringbuf_drain,
]);

/** is_async_callback_calling_function() */
const ASYNC_HELPERS: ReadonlySet<number> = new Set([FUNC.timer_set_callback]);

type Names = ReadonlySet<string>;

/** is_bpf_rbtree_add_kfunc(): the only ones that call during the call. */
export const RBTREE_ADD_KFUNCS: Names = new Set(['bpf_rbtree_add', 'bpf_rbtree_add_impl']);

/** is_bpf_rbtree_api_kfunc() */
export const RBTREE_KFUNCS: Names = new Set([
  ...RBTREE_ADD_KFUNCS,
  'bpf_rbtree_remove',
  'bpf_rbtree_first',
  'bpf_rbtree_root',
  'bpf_rbtree_left',
  'bpf_rbtree_right',
]);

/** is_task_work_add_kfunc() */
export const TASK_WORK_KFUNCS: Names = new Set([
  'bpf_task_work_schedule_signal',
  'bpf_task_work_schedule_resume',
]);

/** is_async_callback_calling_kfunc() */
const ASYNC_KFUNCS: Names = new Set(['bpf_wq_set_callback', ...TASK_WORK_KFUNCS]);

function calls(
  env: VerifierEnv,
  insn: Insn | null,
  helpers: ReadonlySet<number>,
  kfuncs: Names,
): boolean {
  if (insn?.kind !== 'call') return false;
  if (insn.target === 'helper') return helpers.has(insn.imm);
  return insn.target === 'kfunc' && kfuncs.has(kfuncName(env, insn.imm));
}

function kfuncName(env: VerifierEnv, btfId: number): string {
  return env.world.kfunc(btfId)?.name ?? '';
}

/** bpf_is_sync_callback_calling_insn() */
export function isSyncCallbackCallingInsn(env: VerifierEnv, insn: Insn | null): boolean {
  return calls(env, insn, SYNC_HELPERS, RBTREE_ADD_KFUNCS);
}

/** bpf_is_async_callback_calling_insn() */
export function isAsyncCallbackCallingInsn(env: VerifierEnv, insn: Insn | null): boolean {
  return calls(env, insn, ASYNC_HELPERS, ASYNC_KFUNCS);
}

/** Timers' callbacks never sleep; those of work queues and task work may. is_async_cb_sleepable() */
export function isAsyncCbSleepable(insn: Insn): boolean {
  return insn.kind === 'call' && insn.target === 'kfunc';
}

/**
 * In the callback of a tree's kfunc, or in a function that it calls: the lock is held all the
 * time. in_rbtree_lock_required_cb()
 */
export function inRbtreeLockRequiredCb(env: VerifierEnv): boolean {
  return env.cur.frames.some((frame) => {
    if (frame.frameno === 0 || !frame.inCallbackFn) return false;
    const insn = env.insns[frame.callsite];
    if (insn?.kind !== 'call' || insn.target !== 'kfunc') return false;
    return RBTREE_KFUNCS.has(kfuncName(env, insn.imm));
  });
}
