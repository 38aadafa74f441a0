/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that keep others away from their CPU for a while, and say how far they are. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;
extern void bpf_local_irq_save(unsigned long *flags__irq_flag) __ksym;
extern void bpf_local_irq_restore(unsigned long *flags__irq_flag) __ksym;

#define TURNS 300

volatile u32 stage = 0;

static __always_inline void reach(u32 next)
{
	stage = next;
	for (u32 i = 0; i < TURNS; i++)
		asm volatile("" : "+r"(i));
}

SEC("syscall")
int irqs_off(void *ctx)
{
	unsigned long outer, inner;

	reach(0);
	bpf_local_irq_save(&outer);
	reach(1);
	bpf_local_irq_save(&inner);
	reach(2);
	bpf_local_irq_restore(&inner);
	reach(3);
	bpf_local_irq_restore(&outer);
	reach(4);
	return 0;
}

SEC("syscall")
int preempt_off(void *ctx)
{
	reach(0);
	bpf_preempt_disable();
	reach(1);
	bpf_preempt_disable();
	reach(2);
	bpf_preempt_enable();
	reach(3);
	bpf_preempt_enable();
	reach(4);
	return 0;
}
