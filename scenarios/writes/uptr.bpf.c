/* SPDX-License-Identifier: Apache-2.0 */
/* Tells a process of events, in memory of its own that it has given: a uptr. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define __uptr __attribute__((btf_type_tag("uptr")))

struct state {
	__u64 events;
};

struct value {
	struct state __uptr *state;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct value);
} storage SEC(".maps");

/* What the program has told, whoever it was. */
__u64 told = 0;

/* An event for whoever runs. */
SEC("syscall")
int event(void *ctx)
{
	struct value *value;

	value = bpf_task_storage_get(&storage, bpf_get_current_task_btf(), 0, 0);
	if (!value || !value->state)
		return 0;
	value->state->events++;
	__sync_fetch_and_add(&told, 1);
	return 1;
}

/* A new image knows nothing of what the old one has given. */
SEC("tp/sched/sched_process_exec")
int on_exec(void *ctx)
{
	bpf_task_storage_delete(&storage, bpf_get_current_task_btf());
	return 0;
}
