/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bomb as the kernel's own means would have it written: with bpf_throw(), with may_goto, with a
 * resilient lock, with an arena. Each in the contexts in which those means are compared.
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
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;
extern void bpf_throw(u64 cookie) __ksym;
extern int bpf_res_spin_lock(struct bpf_res_spin_lock *lock) __ksym;
extern void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock) __ksym;
extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args,
			      u32 len__sz) __ksym;

#define for_each_number(i, it, n)							\
	for (bpf_iter_num_new(&it, 0, n); (i = bpf_iter_num_next(&it)) ||		\
	     (bpf_iter_num_destroy(&it), 0);)

#define may_go_on()									\
	({										\
		__label__ over, next;							\
		bool goes_on = true;							\
		asm volatile goto("may_goto %l[over]" :::: over);			\
		goto next;								\
	over:										\
		goes_on = false;							\
	next:										\
		goes_on;								\
	})

struct value {
	struct bpf_spin_lock lock;
	u32 count;
};

struct res_value {
	struct bpf_res_spin_lock lock;
	u32 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct res_value);
} res_values SEC(".maps");

/* Who sets it off, where that is not every task: its pid. */
volatile u32 armed = 0;
/* What whoever wanted the resilient lock got; how often. */
volatile int waited = 0;
volatile u32 waits = 0;

static const char text[] = "bomb %d %d\n";

static __always_inline bool is_armed(void)
{
	return armed == (u32)bpf_get_current_pid_tgid();
}

static __always_inline void explode(void)
{
	struct bpf_iter_num outer, inner;
	int *i, *j;

	for_each_number(i, outer, ROUNDS) {
		for_each_number(j, inner, ROUNDS)
			bpf_printk("bomb %d %d", *i, *j);
	}
}

/* Within the loops the iterators are held: there it could not throw. */
SEC("?raw_tp/sched_switch")
int throw_plain(void *ctx)
{
	explode();
	bpf_throw(0);
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(throw_reference, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct task_struct *held = bpf_task_acquire(next);

	if (!held)
		return 0;
	while (may_go_on()) {
		if (waits)
			bpf_throw(0);
	}
	bpf_task_release(held);
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(throw_lock, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&values, &key);

	if (!value)
		return 0;
	bpf_spin_lock(&value->lock);
	while (may_go_on()) {
		if (waits)
			bpf_throw(0);
	}
	bpf_spin_unlock(&value->lock);
	return 0;
}

/* Both loops in one frame, which has one quarter of a second. */
SEC("?raw_tp/sched_switch")
int goto_plain(void *ctx)
{
	u32 i = 0, j = 0;

	while (may_go_on()) {
		for (j = 0; may_go_on(); j++)
			bpf_printk("bomb %d %d", i, j);
		i++;
	}
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(goto_reference, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct task_struct *held = bpf_task_acquire(next);
	u32 i = 0, j = 0;

	if (!held)
		return 0;
	while (may_go_on()) {
		for (j = 0; may_go_on(); j++)
			bpf_printk("bomb %d %d", i, j);
		i++;
	}
	bpf_task_release(held);
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(goto_lock, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&values, &key);
	u64 args[2] = {};

	if (!value)
		return 0;
	bpf_spin_lock(&value->lock);
	while (may_go_on()) {
		while (may_go_on()) {
			bpf_stream_vprintk(STREAM_STDOUT, text, args, sizeof(args));
			args[1]++;
		}
		args[0]++;
	}
	bpf_spin_unlock(&value->lock);
	return 0;
}

/* Interrupts come; it holds a lock that others give up waiting for. */
SEC("?fentry/__x64_sys_dup")
int BPF_PROG(res_lock)
{
	u32 key = 0;
	struct res_value *value = bpf_map_lookup_elem(&res_values, &key);
	struct bpf_iter_num outer, inner;
	int *i, *j;

	if (!value || !is_armed() || bpf_res_spin_lock(&value->lock))
		return 0;
	for_each_number(i, outer, ROUNDS) {
		for_each_number(j, inner, ROUNDS) {
			u64 args[] = { *i, *j };

			bpf_stream_vprintk(STREAM_STDOUT, text, args, sizeof(args));
		}
	}
	bpf_res_spin_unlock(&value->lock);
	return 0;
}

/* Wants the same lock, at every call of getppid(). */
SEC("?fentry/__x64_sys_getppid")
int BPF_PROG(waiter)
{
	u32 key = 0;
	struct res_value *value = bpf_map_lookup_elem(&res_values, &key);
	int result;

	if (!value)
		return 0;
	result = bpf_res_spin_lock(&value->lock);
	waits++;
	waited = result;
	if (!result) {
		value->count++;
		bpf_res_spin_unlock(&value->lock);
	}
	return 0;
}

/* With interrupts on, and with something in its hands: what a timer's interrupt can find. */
SEC("?fentry/__x64_sys_dup")
int BPF_PROG(irqs_reference)
{
	struct task_struct *held;

	if (!is_armed())
		return 0;
	held = bpf_task_acquire(bpf_get_current_task_btf());
	if (!held)
		return 0;
	bpf_preempt_disable();
	explode();
	bpf_preempt_enable();
	bpf_task_release(held);
	return 0;
}
