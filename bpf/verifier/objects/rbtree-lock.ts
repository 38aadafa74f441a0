import type { VerifierEnv } from '../env.ts';
import { kfuncNameOf } from '../kfuncs/kfunc-meta.ts';
import { RBTREE_KFUNCS } from '../kfuncs/kfunc-names.ts';

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
