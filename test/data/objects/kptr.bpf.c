/* SPDX-License-Identifier: Apache-2.0 */
/* Kptrs as the versions of the kernel have them: spec 02, section 2. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_ref __attribute__((btf_type_tag("kptr_ref")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
extern struct task_struct *bpf_task_kptr_get(struct task_struct **pp) __ksym __weak;

struct old_value {
	struct task_struct __kptr *view;
	struct task_struct __kptr_ref *owned;
};

struct value {
	struct task_struct __kptr_untrusted *view;
	struct task_struct __kptr *owned;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct old_value);
} olds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 16);
} untyped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, long);
} plain SEC(".maps");

#define LOOKUP(map) ({ int key = 0; bpf_map_lookup_elem(&map, &key); })

/* R13 */
SEC("tp_btf/sched_switch")
int get(void *ctx)
{
	struct old_value *v = LOOKUP(olds);
	struct task_struct *p;

	if (!v)
		return 0;
	p = bpf_task_kptr_get(&v->owned);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("tp_btf/sched_switch")
int get_no_release(void *ctx)
{
	struct old_value *v = LOOKUP(olds);

	if (v)
		bpf_task_kptr_get(&v->owned);
	return 0;
}

SEC("tp_btf/sched_switch")
int get_unreferenced(void *ctx)
{
	struct old_value *v = LOOKUP(olds);

	if (v)
		bpf_task_kptr_get(&v->view);
	return 0;
}

SEC("tp_btf/sched_switch")
int get_variable(void *ctx)
{
	struct old_value *v = LOOKUP(olds);

	if (v)
		bpf_task_kptr_get((void *)v + (bpf_get_prandom_u32() & 8));
	return 0;
}

SEC("tp_btf/sched_switch")
int get_stack(void *ctx)
{
	struct task_struct *p = 0;

	bpf_task_kptr_get(&p);
	return 0;
}

/* R9: what is loaded in a read section is an RCU pointer, where the kernel knows such. */
SEC("tp_btf/sched_switch")
int load_old(void *ctx)
{
	struct old_value *v = LOOKUP(olds);
	struct task_struct *p;

	if (!v)
		return 0;
	p = v->owned;
	if (!p)
		return 0;
	p = bpf_task_acquire(p);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("tp_btf/sched_switch")
int load(void *ctx)
{
	struct value *v = LOOKUP(values);
	struct task_struct *p;

	if (!v)
		return 0;
	p = v->owned;
	if (!p)
		return 0;
	p = bpf_task_acquire(p);
	if (p)
		bpf_task_release(p);
	return 0;
}

/* R7 */
SEC("tp_btf/sched_switch")
int store_referenced(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		v->owned = bpf_get_current_task_btf();
	return 0;
}

SEC("tp_btf/sched_switch")
int store_unreferenced(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		v->view = bpf_get_current_task_btf();
	return 0;
}

/* R10, R11 */
SEC("tp_btf/sched_switch")
int exchange_leaks(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		bpf_kptr_xchg(&v->owned, 0);
	return 0;
}

SEC("tp_btf/sched_switch")
int exchange_unreferenced(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		bpf_kptr_xchg(&v->view, 0);
	return 0;
}

SEC("tp_btf/sched_switch")
int exchange_not_owned(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		bpf_kptr_xchg(&v->owned, bpf_get_current_task_btf());
	return 0;
}

/* R6 */
SEC("tp_btf/sched_switch")
int access_size(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		*(volatile int *)&v->view;
	return 0;
}

SEC("tp_btf/sched_switch")
int access_variable(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		*(volatile long *)((void *)v + (bpf_get_prandom_u32() & 8));
	return 0;
}

SEC("tp_btf/sched_switch")
int access_misaligned(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		asm volatile("r0 = *(u64 *)(%0 + 4)" ::"r"(v) : "r0");
	return 0;
}

SEC("tp_btf/sched_switch")
int access_atomic(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		__sync_fetch_and_add((long *)&v->view, 1);
	return 0;
}

SEC("tp_btf/sched_switch")
int access_helper(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		bpf_get_current_comm(v, sizeof(*v));
	return 0;
}

/* R7, R8 */
SEC("tp_btf/sched_switch")
int store_one(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v) {
		register struct value *to asm("r1") = v;
	
		asm volatile(".8byte 0x10000017a" ::"r"(to)); /* *(u64 *)(r1 + 0) = 1 */
	}
	return 0;
}

SEC("tp_btf/sched_switch")
int store_null(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		*(void *volatile *)&v->view = 0;
	return 0;
}

SEC("tp_btf/sched_switch")
int store_scalar(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		*(volatile long *)&v->view = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sched_switch")
int store_loaded(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		*(void *volatile *)&v->view = *(void *volatile *)&v->owned;
	return 0;
}

SEC("tp_btf/sched_switch")
int exchange_nulled(void *ctx)
{
	struct value *v = LOOKUP(values);
	struct task_struct *p;
	
	if (!v)
		return 0;
	p = bpf_task_acquire(bpf_get_current_task_btf());
	bpf_kptr_xchg(&v->owned, p);
	return 0;
}

/* R10 */
SEC("tp_btf/sched_switch")
int exchange_untyped(void *ctx)
{
	void *v = LOOKUP(untyped);

	if (v)
		bpf_kptr_xchg(v, 0);
	return 0;
}

SEC("tp_btf/sched_switch")
int exchange_plain(void *ctx)
{
	void *v = LOOKUP(plain);

	if (v)
		bpf_kptr_xchg(v, 0);
	return 0;
}

SEC("tp_btf/sched_switch")
int exchange_variable(void *ctx)
{
	struct value *v = LOOKUP(values);

	if (v)
		bpf_kptr_xchg((void *)v + (bpf_get_prandom_u32() & 8), 0);
	return 0;
}

SEC("tp_btf/sched_switch")
int exchange_whole(void *ctx)
{
	struct value *v = LOOKUP(values);
	struct task_struct *p;
	
	if (!v)
		return 0;
	p = bpf_task_acquire(bpf_get_current_task_btf());
	if (!p)
		return 0;
	p = bpf_kptr_xchg(&v->owned, p);
	if (p)
		bpf_task_release(p);
	return 0;
}

/* Spec 01, R3, R5 */
SEC("syscall")
int ctx_askew(void *ctx)
{
	*(volatile int *)(ctx + 2);
	return 0;
}

SEC("syscall")
int ctx_far(void *ctx)
{
	*(volatile int *)(ctx + 65535);
	return 0;
}

SEC("syscall")
int ctx_variable(void *ctx)
{
	*(volatile int *)(ctx + (bpf_get_prandom_u32() & 4));
	return 0;
}

SEC("syscall")
int sleeps_in_section(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_sys_close(3);
	bpf_rcu_read_unlock();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
