import { EINVAL, ERANGE } from '../../../kernel/errno.ts';
import { MAP_TYPE } from '../../uapi.ts';
import { pushStack } from '../search/branches.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { regTypeStr } from '../values/reg-names.ts';
import { PTR_TO_INSN } from '../types.ts';

/** Bytes of an entry of a jump table, as a program sees it. */
const ENTRY_BYTES = 8n;
const U32_MAX = 0xffff_ffffn;

/** Which entries of a jump table a register may come from. indirect_jump_min_max_index() */
function entriesOf(env: VerifierEnv, regno: number, reg: Reg): [first: number, last: number] {
  const { umin, umax } = reg.s;
  for (const [name, value] of [
    ['umin', umin],
    ['umax', umax],
  ] as const) {
    if (value <= U32_MAX * ENTRY_BYTES) continue;
    throw env.reject(ERANGE, `the sum of R${regno} ${name}_value ${value} is too big`);
  }
  const [first, last] = [umin / ENTRY_BYTES, umax / ENTRY_BYTES];
  const { maxEntries } = reg.map!;
  if (last >= BigInt(maxEntries)) {
    const range = `[${first},${last}] max_entries ${maxEntries}`;
    throw env.reject(EINVAL, `R${regno} points to outside of jump table: ${range}`);
  }
  return [Number(first), Number(last)];
}

/** gotox: the slot to go on at; the other targets are explored later. check_indirect_jump() */
export function checkIndirectJump(env: VerifierEnv, regno: number): number {
  const reg = env.regs[regno]!;
  if (reg.type !== PTR_TO_INSN) {
    const name = regTypeStr(reg.type);
    throw env.reject(EINVAL, `R${regno} has type ${name}, expected PTR_TO_INSN`);
  }
  if (reg.map?.type !== MAP_TYPE.INSN_ARRAY) throw env.bug(`R${regno} has an empty map pointer`);
  const [first, last] = entriesOf(env, regno, reg);
  const targets = env.world.insnArrayTargets(reg.map, first, last);
  if (targets.length === 0) {
    const id = env.world.mapId(reg.map);
    const message = `register R${regno} doesn't point to any offset in map id=${id}`;
    throw env.reject(EINVAL, message);
  }
  for (const target of targets.slice(0, -1)) {
    pushStack(env, target, env.insnIdx, env.cur.speculative);
  }
  return targets.at(-1)!;
}
