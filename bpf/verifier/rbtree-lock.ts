import type { VerifierEnv } from './env.ts';
import { kfuncNameOf } from './kfunc-meta.ts';

/** is_bpf_rbtree_api_kfunc() */
export const RBTREE_KFUNCS: ReadonlySet<string> = new Set([
  'bpf_rbtree_add',
  'bpf_rbtree_add_impl',
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
  return env.cur.frames.some(
    ({ frameno, inCallbackFn, callsite }) =>
      frameno > 0 && inCallbackFn && RBTREE_KFUNCS.has(kfuncNameOf(env, env.insns[callsite]!)),
  );
}
