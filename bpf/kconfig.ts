import type { Profile } from '../kernel/profile.ts';
import type { Kconfig } from './object/kconfig.ts';

/** KERNEL_VERSION(): include/generated/uapi/linux/version.h */
function version(major: number, minor: number): string {
  return String((major << 16) | (minor << 8));
}

/** What the simulated kernel is, as far as a configuration says so. */
const COMMON: readonly (readonly [string, string])[] = [
  ['LINUX_HAS_SYSCALL_WRAPPER', 'y'],
  ['LINUX_HAS_BPF_COOKIE', 'y'],
  ['CONFIG_64BIT', 'y'],
  ['CONFIG_X86_64', 'y'],
  ['CONFIG_SMP', 'y'],
  ['CONFIG_NR_CPUS', '64'],
  ['CONFIG_PREEMPT', 'y'],
  ['CONFIG_HZ', '250'],
  ['CONFIG_BPF', 'y'],
  ['CONFIG_BPF_SYSCALL', 'y'],
  ['CONFIG_BPF_JIT', 'y'],
  ['CONFIG_BPF_UNPRIV_DEFAULT_OFF', 'y'],
  ['CONFIG_DEBUG_INFO_BTF', 'y'],
  ['CONFIG_KASAN', 'y'],
  ['CONFIG_PROVE_LOCKING', 'y'],
];

/** By profile: what /proc/config.gz would say. */
export const KCONFIG: Readonly<Record<Profile, Kconfig>> = {
  'v6.1': new Map([...COMMON, ['LINUX_KERNEL_VERSION', version(6, 1)]]),
  'v7.2': new Map([...COMMON, ['LINUX_KERNEL_VERSION', version(7, 2)]]),
};
