/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of slots in a mapped array: one for each process. Which is whose says a hash, by process
 * id. What the agent does for processes that ask it, claim() and mine(), it does in their context.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define SLOTS 4
#define CLONE_THREAD 0x10000

/* The result of the last event for whoever has the slot, and how often it has been given away. */
struct slot {
	__u32 result;
	__u32 generation;
	__u64 state; /* the process's own */
	__u32 owner; /* 0: free */
	__u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

/* Process id, generation, index. In one word: a hash gives what it has found to others at once. */
#define PLACE(pid, generation, index) ((__u64)(pid) << 32 | (generation) << 8 | (index))

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} slot_of SEC(".maps");

/* Whether results are stored only where the slot is still the same process's. */
const volatile bool by_generation = false;
/* Whether the slot is that of the process id modulo their number: nobody gives any. */
const volatile bool by_modulo = false;
/* Whether what is free has nothing in it any more. */
const volatile bool clears = true;

/* The slot is the task's from now on: its index, or -1. */
static int give(__u32 pid)
{
	__u32 index;

	for (index = 0; index < SLOTS; index++) {
		__u32 key = index;
		struct slot *slot = bpf_map_lookup_elem(&slots, &key);
		__u64 place;

		if (!slot || __sync_val_compare_and_swap(&slot->owner, 0, pid) != 0)
			continue;
		place = PLACE(pid, slot->generation, index);
		bpf_map_update_elem(&slot_of, &pid, &place, BPF_ANY);
		return index;
	}
	return -1;
}

static void take(__u32 pid)
{
	__u64 *place = bpf_map_lookup_elem(&slot_of, &pid);
	struct slot *slot;
	__u32 index;

	if (!place)
		return;
	index = *place & 0xff;
	bpf_map_delete_elem(&slot_of, &pid);
	slot = bpf_map_lookup_elem(&slots, &index);
	if (!slot)
		return;
	/* Result and generation at once: whoever still stores for the old one fails. */
	if (clears) {
		__sync_lock_test_and_set((__u64 *)slot, (__u64)((slot->generation + 1) & 0xffffff) << 32);
		slot->state = 0;
	}
	__sync_lock_test_and_set(&slot->owner, 0);
}

SEC("syscall")
int claim(void *ctx)
{
	return give(bpf_get_current_pid_tgid() >> 32);
}

SEC("syscall")
int mine(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 *place = bpf_map_lookup_elem(&slot_of, &pid);

	return place ? *place & 0xff : -1;
}

struct event {
	__u32 pid;
};

/* The agent gives a slot to another process. */
SEC("syscall")
int assign(struct event *event)
{
	return give(event->pid);
}

/* The agent has seen that a process is gone: whoever asks gets a slot. */
SEC("syscall")
int succeed(struct event *event)
{
	take(event->pid);
	return give(bpf_get_current_pid_tgid() >> 32);
}

/* Something has happened to a process: what, stands in its slot. The result is its id here. */
SEC("syscall")
int deliver(struct event *event)
{
	__u32 pid = event->pid;
	__u64 *found, place;
	__u32 index, generation;
	struct slot *slot;

	if (by_modulo) {
		index = pid % SLOTS;
		slot = bpf_map_lookup_elem(&slots, &index);
		if (slot)
			slot->result = pid;
		return 0;
	}
	found = bpf_map_lookup_elem(&slot_of, &pid);
	if (!found)
		return -1;
	place = *(volatile __u64 *)found;
	if (place >> 32 != pid)
		return -1;
	index = place & 0xff;
	generation = (__u32)place >> 8;
	slot = bpf_map_lookup_elem(&slots, &index);
	if (!slot)
		return -1;
	if (by_generation) {
		__u64 old = (__u64)generation << 32 | slot->result;

		__sync_val_compare_and_swap((__u64 *)slot, old, (__u64)generation << 32 | pid);
	} else {
		slot->result = pid;
	}
	return 0;
}

SEC("tp/task/task_newtask")
int on_fork(struct trace_event_raw_task_newtask *ctx)
{
	if (!(ctx->clone_flags & CLONE_THREAD))
		give(ctx->pid);
	return 0;
}

SEC("tp/sched/sched_process_exit")
int on_exit(struct trace_event_raw_sched_process_exit *ctx)
{
	if (ctx->group_dead)
		take(ctx->pid);
	return 0;
}
