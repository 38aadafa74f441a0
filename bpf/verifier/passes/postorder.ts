import type { VerifierEnv } from '../env.ts';
import { insnSuccessors } from './successors.ts';

const DISCOVERED = 1;
const EXPLORED = 2;

/** The instructions of every function, each behind those it leads to. bpf_compute_postorder() */
export function computePostorder(env: VerifierEnv): void {
  const postorder: number[] = [];
  const state = new Uint8Array(env.insns.length);
  for (const info of env.subprogs.slice(0, env.subprogCnt)) {
    info.postorderStart = postorder.length;
    const stack = [info.start];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      state[top]! |= DISCOVERED;
      if ((state[top]! & EXPLORED) !== 0) {
        postorder.push(top);
        stack.pop();
        continue;
      }
      for (const successor of insnSuccessors(env, top)) {
        if (state[successor] !== 0) continue;
        stack.push(successor);
        state[successor]! |= DISCOVERED;
      }
      state[top]! |= EXPLORED;
    }
  }
  env.subprogs[env.subprogCnt]!.postorderStart = postorder.length;
  env.postorder = postorder;
}
