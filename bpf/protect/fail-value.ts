import { EPERM, ETIMEDOUT } from '../../kernel/errno.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { PROG_TYPE } from '../uapi.ts';
import type { Settings } from './settings.ts';

/** include/uapi/linux/bpf.h: enum xdp_action */
const XDP_ABORTED = 0;

/** What the hook gets in place of the value of a program that was killed. Spec 03 R24. */
export function failValue(prog: ExecProgram, isTestRun: boolean, settings: Settings): bigint {
  if (isTestRun) return BigInt.asUintN(64, BigInt(-ETIMEDOUT));
  switch (prog.type) {
    case PROG_TYPE.LSM:
      return settings.lsmFails === 'closed' ? BigInt.asUintN(64, BigInt(-EPERM)) : 0n;
    case PROG_TYPE.XDP:
      return BigInt(XDP_ABORTED);
    default:
      return 0n;
  }
}
