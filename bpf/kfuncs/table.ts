import { bpf_iter_num_destroy, bpf_iter_num_new, bpf_iter_num_next } from './iter-num.ts';
import type { Kfunc } from './prototype.ts';
import { bpf_rcu_read_lock, bpf_rcu_read_unlock } from './rcu.ts';
import {
  bpf_task_acquire,
  bpf_task_from_pid,
  bpf_task_from_vpid,
  bpf_task_kptr_get,
  bpf_task_release,
} from './task.ts';

/** Every kfunc. Their ids are those of their types in the kernel's BTF. */
export const KFUNCS: readonly Kfunc[] = [
  bpf_iter_num_new,
  bpf_iter_num_next,
  bpf_iter_num_destroy,
  bpf_task_acquire,
  bpf_task_kptr_get,
  bpf_task_release,
  bpf_task_from_pid,
  bpf_task_from_vpid,
  bpf_rcu_read_lock,
  bpf_rcu_read_unlock,
];
