import type { Kernel } from '../kernel/kernel.ts';

/** include/uapi/linux/capability.h */
export const CAP_NET_ADMIN = 12;
export const CAP_SYS_ADMIN = 21;
export const CAP_SYS_BOOT = 22;
export const CAP_PERFMON = 38;
export const CAP_BPF = 39;

/** Whether the current task has a capability, or CAP_SYS_ADMIN in its place. */
export function hasCap(kernel: Kernel, cap: number): boolean {
  return kernel.creds.capable(cap) || kernel.creds.capable(CAP_SYS_ADMIN);
}
