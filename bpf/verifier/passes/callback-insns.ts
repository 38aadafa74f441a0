import { FUNC } from '../../helpers/func-ids.ts';
import type { Insn } from '../../isa/insn.ts';
import type { VerifierEnv } from '../env.ts';
import { kfuncNameOf } from '../kfuncs/kfunc-meta.ts';
import { RBTREE_ADD_KFUNCS, TASK_WORK_KFUNCS } from '../kfuncs/kfunc-names.ts';

/** Helpers that call back while they run. is_sync_callback_calling_function() */
const SYNC_HELPERS: ReadonlySet<number> = new Set([
  FUNC.for_each_map_elem,
  FUNC.find_vma,
  FUNC.loop,
  FUNC.user_ringbuf_drain,
]);
/** is_async_callback_calling_kfunc() */
const ASYNC_KFUNCS: ReadonlySet<string> = new Set(['bpf_wq_set_callback', ...TASK_WORK_KFUNCS]);

/** bpf_is_sync_callback_calling_insn() */
export function isSyncCallbackCallingInsn(env: VerifierEnv, insn: Insn): boolean {
  if (insn.kind !== 'call') return false;
  if (insn.target === 'helper') return SYNC_HELPERS.has(insn.imm);
  return RBTREE_ADD_KFUNCS.has(kfuncNameOf(env, insn));
}

/** bpf_is_async_callback_calling_insn() */
export function isAsyncCallbackCallingInsn(env: VerifierEnv, insn: Insn): boolean {
  if (insn.kind !== 'call') return false;
  if (insn.target === 'helper') return insn.imm === FUNC.timer_set_callback;
  return ASYNC_KFUNCS.has(kfuncNameOf(env, insn));
}

/** Whether what is called back later may sleep. is_async_cb_sleepable() */
export function isAsyncCbSleepable(insn: Insn): boolean {
  return insn.kind === 'call' && insn.target === 'kfunc';
}
