/* SPDX-License-Identifier: Apache-2.0 */
/* Values of tasks that the tasks have in their memory: for a kernel with task-storage-mmap. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_MMAPABLE);
	__type(key, int);
	__type(value, unsigned long);
} storage SEC(".maps");

/* One more; -1: the task has no value. */
SEC("syscall")
int hit(void *ctx)
{
	unsigned long *value;

	value = bpf_task_storage_get(&storage, bpf_get_current_task_btf(), 0, 0);
	return value ? ++*value : -1;
}

void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;

/* The same for the group leader of whoever calls. */
SEC("syscall")
int hit_leader(void *ctx)
{
	struct task_struct *leader;
	unsigned long *value;
	int sum;

	bpf_rcu_read_lock();
	leader = bpf_get_current_task_btf()->group_leader;
	value = bpf_task_storage_get(&storage, leader, 0, 0);
	sum = value ? ++*value : -1;
	bpf_rcu_read_unlock();
	return sum;
}
