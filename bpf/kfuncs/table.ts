import { ARENA_KFUNCS } from './arena.ts';
import { RES_LOCK_KFUNCS } from './res-lock.ts';
import * as roster from './roster.ts';
import { CPUMASK_KFUNCS } from './cpumask.ts';
import { DYNPTR_KFUNCS } from './dynptr.ts';
import { FILE_KFUNCS } from './file.ts';
import { ITER_BITS_KFUNCS } from './iter-bits.ts';
import { bpf_iter_num_destroy, bpf_iter_num_new, bpf_iter_num_next } from './iter-num.ts';
import { ITER_TASK_KFUNCS } from './iter-task.ts';
import { ITER_TASK_VMA_KFUNCS } from './iter-task-vma.ts';
import { KEY_KFUNCS } from './key.ts';
import { LIST_KFUNCS } from './lists.ts';
import { OBJECT_KFUNCS } from './object.ts';
import type { Kfunc } from './prototype.ts';
import { RBTREE_KFUNCS } from './rbtree.ts';
import { STREAM_KFUNCS } from './stream.ts';
import { STRING_KFUNCS } from './string.ts';
import { bpf_throw } from './throw.ts';
import { bpf_rcu_read_lock, bpf_rcu_read_unlock } from './rcu.ts';
import { SECTION_KFUNCS } from './sections.ts';
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
  ...ARENA_KFUNCS,
  ...OBJECT_KFUNCS,
  ...LIST_KFUNCS,
  ...RBTREE_KFUNCS,
  ...DYNPTR_KFUNCS,
  ...CPUMASK_KFUNCS,
  ...ITER_TASK_KFUNCS,
  ...ITER_BITS_KFUNCS,
  ...ITER_TASK_VMA_KFUNCS,
  ...FILE_KFUNCS,
  ...KEY_KFUNCS,
  ...SECTION_KFUNCS,
  ...RES_LOCK_KFUNCS,
  ...STREAM_KFUNCS,
  ...STRING_KFUNCS,
  bpf_throw,
  ...Object.values(roster),
];
