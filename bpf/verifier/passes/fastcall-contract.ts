import type { VerifierEnv } from '../env.ts';
import type { FuncState } from '../state.ts';

/** Lower than any offset: spills around fast calls are left as they are. S16_MIN */
const NO_FASTCALL_STACK = -32768;

/**
 * Slots that only spills around fast calls use may be taken away with the spills. If something else
 * accesses them, they are slots like others in all of the function.
 * check_fastcall_stack_contract()
 */
export function checkFastcallStackContract(
  env: VerifierEnv,
  { subprogno }: FuncState,
  insnIdx: number,
  off: number,
): void {
  const subprog = env.subprogs[subprogno]!;
  if (subprog.fastcallStackOff <= off || env.aux[insnIdx]!.fastcallPattern) return;
  subprog.fastcallStackOff = NO_FASTCALL_STACK;
  const end = env.subprogs[subprogno + 1]!.start;
  for (let i = subprog.start; i < end; i++) {
    const aux = env.aux[i]!;
    aux.fastcallSpillsNum = 0;
    aux.fastcallPattern = false;
  }
}
