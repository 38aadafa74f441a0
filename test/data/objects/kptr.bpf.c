/* SPDX-License-Identifier: Apache-2.0 */
/* Kptrs as the versions of the kernel have them: spec 02, section 2. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_ref __attribute__((btf_type_tag("kptr_ref")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
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

char LICENSE[] SEC("license") = "GPL";
