/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two nested counting loops of 100,000 each: every verifier takes them, and no kernel sees the end.
 * The same bomb in each kind of context, and with something in its hands. A loader picks one.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define ROUNDS 100000
#define STREAM_STDOUT 1

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args,
			      u32 len__sz) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;

/* bpf_for(), which old headers of libbpf lack. */
#define for_each_number(i, it, n)							\
	for (bpf_iter_num_new(&it, 0, n); (i = bpf_iter_num_next(&it)) ||		\
	     (bpf_iter_num_destroy(&it), 0);)

struct value {
	struct bpf_spin_lock lock;
	u32 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct value);
} values SEC(".maps");

/* Who sets it off, where that is not every task: its pid. 0: nobody. */
volatile u32 armed = 0;

static __always_inline void explode(void)
{
	struct bpf_iter_num outer, inner;
	int *i, *j;

	for_each_number(i, outer, ROUNDS) {
		for_each_number(j, inner, ROUNDS)
			bpf_printk("bomb %d %d", *i, *j);
	}
}

static __always_inline bool is_armed(void)
{
	return armed == (u32)bpf_get_current_pid_tgid();
}

/* Interrupts are off, and the run queue's lock is held. */
SEC("?raw_tp/sched_switch")
int plain(void *ctx)
{
	explode();
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(reference, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct task_struct *held = bpf_task_acquire(next);

	if (!held)
		return 0;
	explode();
	bpf_task_release(held);
	return 0;
}

static const char text[] = "bomb %d %d\n";

/* Under a bpf_spin_lock no helper may be called: it prints by a kfunc, into its stream. */
SEC("?tp_btf/sched_switch")
int BPF_PROG(lock, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&values, &key);
	struct bpf_iter_num outer, inner;
	int *i, *j;

	if (!value)
		return 0;
	bpf_spin_lock(&value->lock);
	for_each_number(i, outer, ROUNDS) {
		for_each_number(j, inner, ROUNDS) {
			u64 args[] = { *i, *j };

			bpf_stream_vprintk(STREAM_STDOUT, text, args, sizeof(args));
		}
	}
	bpf_spin_unlock(&value->lock);
	return 0;
}

/* Interrupts come all the same. */
SEC("?fentry/__x64_sys_dup")
int BPF_PROG(preempt_off)
{
	if (!is_armed())
		return 0;
	bpf_preempt_disable();
	explode();
	bpf_preempt_enable();
	return 0;
}

/* Preemptible, inside the RCU section that every program runs in which may not sleep. */
SEC("?fentry/__x64_sys_dup")
int BPF_PROG(rcu)
{
	if (is_armed())
		explode();
	return 0;
}

/* Preemptible, and may sleep: whoever wants to free the program waits for it. */
SEC("?fentry.s/__x64_sys_dup")
int BPF_PROG(sleepable)
{
	if (is_armed())
		explode();
	return 0;
}

/* No bomb: what another task hangs on the kernel meanwhile. */
SEC("?tp/syscalls/sys_enter_getpid")
int bystander(void *ctx)
{
	return 0;
}

/* No other NMI comes in one: what is to notice must run on another CPU. */
SEC("?perf_event")
int nmi(void *ctx)
{
	explode();
	return 0;
}
