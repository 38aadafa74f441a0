/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells processes of events in memory that they have registered with prctl(2): whoever runs when
 * the event happens. The helper is that of a patch which is in no kernel.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

static long (*bpf_probe_write_user_registered)(void *dst, const void *src, __u32 len, __u32 tag) =
	(void *)212;

/* Where a process wants to be told; what is written there are the low bytes of `value`. */
struct wish {
	__u64 addr;
	__u64 value;
	__u32 tag;
	__u32 size; /* 1 to 8 */
	__u32 pid; /* of the process; an event in its own context needs none */
	__u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wish);
} wishes SEC(".maps");

/* What has become of it: how often the helper has succeeded, and failed. */
struct told {
	__u64 done;
	__u64 refused;
	__u64 absent;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct told);
} results SEC(".maps");

#define EPERM 1

static long tell(struct wish *wish)
{
	__u32 size = wish->size;
	__u64 value = wish->value;

	if (size == 0 || size > sizeof(value))
		return -22;
	return bpf_probe_write_user_registered((void *)wish->addr, &value, size, wish->tag);
}

static void tell_current(void)
{
	__u32 key = 0;
	struct wish *wish = bpf_map_lookup_elem(&wishes, &key);
	struct told *told = bpf_map_lookup_elem(&results, &key);
	long result;

	if (!wish || !told || wish->pid == 0)
		return;
	if (bpf_get_current_pid_tgid() >> 32 != wish->pid)
		return;
	result = tell(wish);
	if (result == 0)
		__sync_fetch_and_add(&told->done, 1);
	else if (result == -EPERM)
		__sync_fetch_and_add(&told->refused, 1);
	else
		__sync_fetch_and_add(&told->absent, 1);
}

/* An event in the context of whoever says where to write. */
SEC("syscall")
int event(struct wish *wish)
{
	return tell(wish);
}

/* Whoever leaves its CPU is told. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	tell_current();
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
{
	tell_current();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *p, bool group_dead)
{
	tell_current();
	return 0;
}

/* An event that comes as an interrupt: whoever it has interrupted is told. */
SEC("raw_tp")
int interrupt(void *ctx)
{
	tell_current();
	return 0;
}

/* The same as an NMI: of a counter of cycles. */
SEC("?perf_event")
int on_nmi(void *ctx)
{
	tell_current();
	return 0;
}
