// SPDX-License-Identifier: Apache-2.0
// Pointers to objects of the kernel in values of maps.
// What Linux says of each: linux.txt.
#include "kernel.h"

extern void bpf_cgroup_release(struct cgroup *cgrp) __weak __ksym;
extern struct bpf_cpumask *bpf_cpumask_create(void) __weak __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *cpumask) __weak __ksym;
extern void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *cpumask) __weak __ksym;
extern bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __weak __ksym;
extern int bpf_fentry_test1(int a) __weak __ksym;
extern void bpf_rcu_read_lock(void) __weak __ksym;
extern void bpf_rcu_read_unlock(void) __weak __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __weak __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __weak __ksym;
extern struct task_struct *bpf_task_from_vpid(s32 vpid) __weak __ksym;
extern void bpf_task_release(struct task_struct *p) __weak __ksym;

struct v {
	struct task_struct __kptr *t;
	struct task_struct __kptr_untrusted *u;
	struct cgroup __kptr *cg;
	struct bpf_cpumask __kptr *m;
	int x;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, struct v);
	__uint(max_entries, 1);
} am SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int);
	__type(value, struct v);
	__uint(max_entries, 4);
} hm SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, int);
	__type(value, struct v);
	__uint(max_entries, 4);
} lm SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, int);
	__type(value, struct v);
	__uint(max_entries, 4);
} pm SEC(".maps");
static struct v *get(void)
{
	int k = 0;
	return bpf_map_lookup_elem(&am, &k);
}

SEC("tp_btf/task_newtask") int BPF_PROG(ok_xchg, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *t = bpf_task_acquire(task);
	if (!t)
		return 0;
	t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(leak_xchg, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *t = bpf_task_acquire(task);
	if (!t)
		return 0;
	t = bpf_kptr_xchg(&v->t, t);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(xchg_unref, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	bpf_kptr_xchg(&v->t, task);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(xchg_wrongtype, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *t = bpf_task_acquire(task);
	if (!t)
		return 0;
	t = bpf_kptr_xchg(&v->cg, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(xchg_unkptr, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *t = bpf_task_acquire(task);
	if (!t)
		return 0;
	t = bpf_kptr_xchg(&v->u, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(xchg_nokptr, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	bpf_kptr_xchg(&v->x, NULL);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(xchg_off, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	bpf_kptr_xchg((void *)&v->t + 4, NULL);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(xchg_var, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	bpf_kptr_xchg((void *)v + (f & 8), NULL);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(xchg_stack, struct task_struct *task, u64 f)
{
	u64 x = 0;
	bpf_kptr_xchg(&x, NULL);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(store_ref, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	v->t = task;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(store_untrusted, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	v->u = task;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(store_null, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	v->u = 0;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(store_imm, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	v->u = (void *)1;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(store_scalar, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	v->u = (void *)f;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(store_zero_ref, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	v->t = 0;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(store_u_mm, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	*(void **)&v->u = task->mm;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(store_half, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	*(u32 *)&v->u = 0;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(store_st_mid, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	*(volatile u16 *)((void *)&v->x - 2) = f;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(load_u, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *p = v->u;
	if (!p)
		return 0;
	return p->pid == 5;
}

SEC("tp_btf/task_newtask") int BPF_PROG(load_u_nonull, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *p = v->u;
	return p->pid == 5;
}

SEC("tp_btf/task_newtask") int BPF_PROG(load_ref_rcu, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *p = v->t;
	if (!p)
		return 0;
	p = bpf_task_acquire(p);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(load_untrusted_acquire, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *p = v->u;
	if (!p)
		return 0;
	p = bpf_task_acquire(p);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(sl_load_ref)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *p = v->t;
	if (!p)
		return 0;
	p = bpf_task_acquire(p);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(sl_load_ref_rcu)
{
	struct v *v = get();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct task_struct *p = v->t;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	p = bpf_task_acquire(p);
	if (p)
		bpf_task_release(p);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(sl_rcu_after)
{
	struct v *v = get();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct task_struct *p = v->t;
	bpf_rcu_read_unlock();
	if (!p) {
		return 0;
	}
	p = bpf_task_acquire(p);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(cpumask_kptr, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct bpf_cpumask *m = bpf_cpumask_create();
	if (!m)
		return 0;
	m = bpf_kptr_xchg(&v->m, m);
	if (m)
		bpf_cpumask_release(m);
	m = v->m;
	if (!m)
		return 0;
	bpf_printk("%d", bpf_cpumask_test_cpu(0, (void *)m));
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(cpumask_kptr_null, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct bpf_cpumask *m = v->m;
	bpf_cpumask_test_cpu(0, (void *)m);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(cpumask_rcu_mut, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct bpf_cpumask *m = v->m;
	if (!m)
		return 0;
	bpf_cpumask_set_cpu(0, m);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(hm_upd, struct task_struct *task, u64 f)
{
	struct v v = {};
	int k = 0;
	bpf_map_update_elem(&hm, &k, &v, 0);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(pm_xchg, struct task_struct *task, u64 f)
{
	int k = 0;
	struct v *v = bpf_map_lookup_elem(&pm, &k);
	if (!v)
		return 0;
	struct task_struct *t = bpf_kptr_xchg(&v->t, NULL);
	if (t)
		bpf_task_release(t);
	v = bpf_map_lookup_percpu_elem(&pm, &k, 0);
	if (!v)
		return 0;
	t = v->t;
	if (t)
		bpf_printk("%d", t->pid);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(lm_xchg, struct task_struct *task, u64 f)
{
	int k = 0;
	struct v *v = bpf_map_lookup_elem(&lm, &k);
	if (!v)
		return 0;
	struct cgroup *t = bpf_kptr_xchg(&v->cg, NULL);
	if (t)
		bpf_cgroup_release(t);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(helper_kptr, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	bpf_probe_read_kernel(v, sizeof(*v), 0);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(helper_kptr_read, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	bpf_trace_printk((void *)v, sizeof(*v));
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(kptr_write_btf, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *p = v->u;
	if (!p)
		return 0;
	p->pid = 1;
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(xchg_atomic, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	__sync_fetch_and_add((u64 *)&v->t, 1);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(release_loaded, struct task_struct *task, u64 f)
{
	struct v *v = get();
	if (!v)
		return 0;
	struct task_struct *p = v->t;
	if (!p)
		return 0;
	bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(release_twice, struct task_struct *task, u64 f)
{
	struct task_struct *p = bpf_task_acquire(task);
	if (!p)
		return 0;
	bpf_task_release(p);
	bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(release_maybe_null, struct task_struct *task, u64 f)
{
	struct task_struct *p = bpf_task_acquire(task);
	bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(release_task, struct task_struct *task, u64 f)
{
	bpf_task_release(task);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(acquire_fp, struct task_struct *task, u64 f)
{
	u64 x = 0;
	struct task_struct *p = bpf_task_acquire((void *)&x);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(acquire_walk, struct task_struct *task, u64 f)
{
	struct task_struct *p = bpf_task_acquire(task->group_leader);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(acquire_lastwake, struct task_struct *task, u64 f)
{
	struct task_struct *p = bpf_task_acquire(task->last_wakee);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("kprobe/x") int acquire_kprobe(struct pt_regs *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("syscall") int acquire_syscall(void *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("syscall") int acquire_cast(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("syscall") int from_pid(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	if (t) {
		bpf_printk("%d", t->pid);
		bpf_task_release(t);
	}
	t = bpf_task_from_vpid(1);
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("syscall") int from_pid_nonull(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	bpf_printk("%d", t->pid);
	bpf_task_release(t);
	return 0;
}

SEC("tp_btf/task_newtask") int BPF_PROG(add_to_ref, struct task_struct *task, u64 f)
{
	struct task_struct *p = bpf_task_acquire(task);
	if (!p)
		return 0;
	p = (void *)p + 8;
	asm volatile("" : "+r"(p));
	bpf_task_release(p);
	return 0;
}
