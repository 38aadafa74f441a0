import { EINVAL } from '../../../kernel/errno.ts';
import { PROG_TYPE } from '../../uapi.ts';
import type { VerifierEnv } from '../env.ts';
import { REF_TYPE_PTR } from '../types.ts';

/**
 * Whether something acquired is still held. In functions that return, the caller may still release
 * it; a struct_ops program may hand one back. check_reference_leak()
 */
function hasReferenceLeak(env: VerifierEnv, isException: boolean): boolean {
  if (!isException && env.frame.frameno > 0) return false;
  const mayReturn = env.prog.type.number === PROG_TYPE.STRUCT_OPS && !isException;
  let isLeaking = false;
  for (const { type, id, insnIdx } of env.cur.refs) {
    if (type !== REF_TYPE_PTR || (mayReturn && env.regs[0]!.id === id)) continue;
    env.verbose(`Unreleased reference id=${id} alloc_insn=${insnIdx}\n`);
    isLeaking = true;
  }
  return isLeaking;
}

/** Nothing may be held where the program, or a function, ends. check_resource_leak() */
export function checkResourceLeak(
  env: VerifierEnv,
  exceptionExit: boolean,
  checkLock: boolean,
  prefix: string,
): void {
  const { cur } = env;
  if (checkLock && cur.activeLocks > 0) {
    throw env.reject(EINVAL, `${prefix} cannot be used inside bpf_spin_lock-ed region`);
  }
  if (hasReferenceLeak(env, exceptionExit)) {
    throw env.reject(EINVAL, `${prefix} would lead to reference leak`);
  }
  if (!checkLock) return;
  const sections = [
    [cur.activeIrqId, 'bpf_local_irq_save'],
    [cur.activeRcuLocks, 'bpf_rcu_read_lock'],
    [cur.activePreemptLocks, 'bpf_preempt_disable'],
  ] as const;
  for (const [active, name] of sections) {
    if (active === 0) continue;
    throw env.reject(EINVAL, `${prefix} cannot be used inside ${name}-ed region`);
  }
}
