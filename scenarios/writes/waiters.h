/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the process that runs on a CPU whether somebody waits for that CPU: it finds out with one
 * load and one compare. In place of the events of publish.h, with the publish() of each design.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define ENOENT 2

char LICENSE[] SEC("license") = "GPL";

static __always_inline long publish(__u64 waits);

/* What is woken waits for the CPU that it is to run on. Whoever runs here can be told here. */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *p)
{
	if (p->cpu == bpf_get_smp_processor_id())
		publish(1);
	return 0;
}

/* Whoever leaves is in nobody's way. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	publish(0);
	return 0;
}

#endif
