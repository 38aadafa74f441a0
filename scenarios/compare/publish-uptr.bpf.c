/* SPDX-License-Identifier: Apache-2.0 */
/* Design uptr: memory of the process, which the value of the task has pinned. */
#include "publish.h"

#define __uptr __attribute__((btf_type_tag("uptr")))

struct word {
	__u64 sequence;
};

struct value {
	struct word __uptr *word;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct value);
} storage SEC(".maps");

struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
void bpf_task_release(struct task_struct *task) __ksym;

static __always_inline long store(struct task_struct *task, __u64 sequence)
{
	struct value *value = bpf_task_storage_get(&storage, task, 0, 0);

	if (!value || !value->word)
		return -ENOENT;
	value->word->sequence = sequence;
	return 0;
}

static __always_inline long publish(__u64 sequence)
{
	return store(bpf_get_current_task_btf(), sequence);
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
