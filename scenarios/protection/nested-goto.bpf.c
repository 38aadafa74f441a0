/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop that the kernel cuts short after a quarter of a second, in a subprogram that is called by
 * such a loop. Each call has a time of its own, and the outer loop looks at the clock once in
 * 65,535 rounds: each loop is bounded, and their nest runs for days.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* True as long as the kernel lets the loop go on. */
#define may_go_on()						\
	({							\
		__label__ over, next;				\
		bool goes_on = true;				\
		asm volatile goto("may_goto %l[over]"		\
				  :::: over);			\
		goto next;					\
	over:							\
		goes_on = false;				\
	next:							\
		goes_on;					\
	})

/* Who sets it off: its pid. */
volatile u32 armed = 0;
/* How often the inner loop was cut. */
volatile u64 cut = 0;

static __noinline int inner(int round)
{
	int i = 0;

	while (may_go_on())
		bpf_printk("round %d: %d", round, i++);
	cut++;
	return i;
}

SEC("?fentry/__x64_sys_dup")
int BPF_PROG(nested)
{
	int round = 0;

	if (armed != (u32)bpf_get_current_pid_tgid())
		return 0;
	while (may_go_on())
		inner(round++);
	return 0;
}
