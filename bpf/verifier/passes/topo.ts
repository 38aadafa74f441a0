import { EFAULT, EINVAL } from '../../../kernel/errno.ts';
import type { Insn } from '../../isa/insn.ts';
import type { VerifierEnv } from '../env.ts';
import { findSubprog, subprogName } from '../subprog-query.ts';

/** The first slot of the function that an instruction calls, or names. */
export function subprogTarget(insn: Insn | null, slot: number): number | undefined {
  if (insn?.kind === 'call' && insn.target === 'subprog') return slot + insn.imm + 1;
  if (insn?.kind === 'ld_imm64' && insn.from === 'func') return slot + insn.imm + 1;
  return undefined;
}

/** Callees before callers; a function that calls itself is refused. sort_subprogs_topo() */
export function sortSubprogsTopo(env: VerifierEnv): void {
  const order: number[] = [];
  const seen = new Set<number>();
  for (let root = 0; root < env.subprogCnt; root++) {
    if (seen.has(root)) continue;
    seen.add(root);
    const path = [root];
    const onPath = new Set(path);
    while (path.length > 0) {
      const current = path.at(-1)!;
      const callee = nextCallee(env, current, onPath, seen);
      if (callee === undefined) {
        path.pop();
        onPath.delete(current);
        order.push(current);
      } else {
        seen.add(callee);
        onPath.add(callee);
        path.push(callee);
      }
    }
  }
  env.subprogTopoOrder = order;
  if (!env.log.isVerbose) return;
  order.forEach((subprog, i) => {
    env.verbose(`topo_order[${i}] = ${subprogName(env, subprog)}\n`);
  });
}

/** The next function that is not yet in the order, nor on the way here. */
function nextCallee(
  env: VerifierEnv,
  current: number,
  onPath: ReadonlySet<number>,
  seen: ReadonlySet<number>,
): number | undefined {
  const end = env.subprogs[current + 1]!.postorderStart;
  for (let i = env.subprogs[current]!.postorderStart; i < end; i++) {
    const insnIdx = env.postorder[i]!;
    const insn = env.insns[insnIdx]!;
    const target = subprogTarget(insn, insnIdx);
    if (target === undefined) continue;
    const callee = findSubprog(env, target);
    if (callee < 0) throw env.reject(EFAULT, '');
    if (!seen.has(callee)) return callee;
    if (!onPath.has(callee) || insn.kind !== 'call') continue;
    const names = [current, callee].map((subprog) => `${subprogName(env, subprog)}()`);
    throw env.reject(EINVAL, `recursive call from ${names[0]} to ${names[1]}`);
  }
  return undefined;
}
