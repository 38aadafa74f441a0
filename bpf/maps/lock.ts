import { struct, u32 } from '../../base/layout.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';

/** The class of every lock in a map value. */
export const BPF_SPIN_LOCK = lockClass('bpf_spin_lock', 'spin');

/** include/uapi/linux/bpf.h: what a value holds of it. */
export const bpf_spin_lock_struct = struct('bpf_spin_lock', { val: u32 });
