/* SPDX-License-Identifier: Apache-2.0 */
/* Design task-storage-mmap: the value of the task, which the task has in its memory. */
#include "publish.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_MMAPABLE);
	__type(key, int);
	__type(value, __u64);
} storage SEC(".maps");

/* Whether the value is that of the group leader, which threads share. */
const volatile bool by_leader = false;

void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;
struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
void bpf_task_release(struct task_struct *task) __ksym;

static __always_inline long store(struct task_struct *task, __u64 sequence)
{
	__u64 *value = bpf_task_storage_get(&storage, task, 0, 0);

	if (!value)
		return -ENOENT;
	*value = sequence;
	return 0;
}

static __always_inline long publish(__u64 sequence)
{
	struct task_struct *task = bpf_get_current_task_btf();
	long result;

	bpf_rcu_read_lock();
	result = by_leader ? store(task->group_leader, sequence) : store(task, sequence);
	bpf_rcu_read_unlock();
	return result;
}

static __always_inline long publish_for(__u32 pid, __u64 sequence)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	long result;

	if (!task)
		return -ENOENT;
	result = store(task, sequence);
	bpf_task_release(task);
	return result;
}
