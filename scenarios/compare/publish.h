/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same event in every design: a process calls getppid(), and a program tells it so in memory of
 * its own. publish() is the design's: 0, or -errno; -ENOENT where nothing has been registered.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define ENOENT 2

char LICENSE[] SEC("license") = "GPL";

struct results {
	__s64 event; /* of the last getppid() */
	__s64 exec;  /* as an exec was told of */
	__s64 exit;  /* as an exit was told of */
	__s64 irq;   /* in an interrupt */
	__s64 late;  /* of an event for a process that is named */
	__u64 sequence;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct results);
} results SEC(".maps");

/* For whoever runs; for the process `pid`, whoever runs. */
static __always_inline long publish(__u64 sequence);
static __always_inline long publish_for(__u32 pid, __u64 sequence);

static __always_inline struct results *next_event(void)
{
	__u32 zero = 0;
	struct results *r = bpf_map_lookup_elem(&results, &zero);

	if (r)
		r->sequence++;
	return r;
}

SEC("tp/syscalls/sys_enter_getppid")
int on_event(void *ctx)
{
	struct results *r = next_event();

	if (r)
		r->event = publish(r->sequence);
	return 0;
}

SEC("tp/sched/sched_process_exec")
int on_exec(void *ctx)
{
	struct results *r = next_event();

	if (r)
		r->exec = publish(r->sequence);
	return 0;
}

SEC("tp/sched/sched_process_exit")
int on_exit(void *ctx)
{
	struct results *r = next_event();

	if (r)
		r->exit = publish(r->sequence);
	return 0;
}

/* Not attached: run on another CPU, which it interrupts. */
SEC("raw_tp/sys_enter")
int in_irq(void *ctx)
{
	struct results *r = next_event();

	if (r)
		r->irq = publish(r->sequence);
	return 0;
}

/* Not attached: an event that has been on its way for long. */
SEC("raw_tp/sys_enter")
int late(struct bpf_raw_tracepoint_args *ctx)
{
	struct results *r = next_event();

	if (r)
		r->late = publish_for(ctx->args[0], r->sequence);
	return 0;
}

#endif
