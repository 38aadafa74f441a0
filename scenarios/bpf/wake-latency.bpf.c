/* SPDX-License-Identifier: Apache-2.0 */
/* How long a task waits for a CPU after it was woken: a histogram in powers of two. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define SLOTS 32

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32); /* pid */
	__type(value, u64); /* when it was woken, in ns */
} woken SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32); /* log2 of the wait in ns */
	__type(value, u64);
} latency SEC(".maps");

static __always_inline void note_wakeup(struct task_struct *p)
{
	u32 pid = p->pid;
	u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&woken, &pid, &now, BPF_ANY);
}

static u32 slot_of(u64 ns)
{
	u32 slot = 0;

	while (slot < SLOTS - 1 && ns > 1) {
		ns >>= 1;
		slot++;
	}
	return slot;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *p)
{
	note_wakeup(p);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *p)
{
	note_wakeup(p);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 pid = next->pid;
	u64 *at, *count;
	u32 slot;

	at = bpf_map_lookup_elem(&woken, &pid);
	if (!at)
		return 0;
	slot = slot_of(bpf_ktime_get_ns() - *at);
	bpf_map_delete_elem(&woken, &pid);
	count = bpf_map_lookup_elem(&latency, &slot);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}
