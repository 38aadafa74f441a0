// SPDX-License-Identifier: Apache-2.0
// Open-coded iterators.
// What Linux says of each: linux.txt.
#include "kernel.h"

extern struct cgroup *bpf_cgroup_from_id(u64 cgid) __weak __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __weak __ksym;
extern int bpf_fentry_test1(int a) __weak __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __weak __ksym;
extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *unsafe_ptr__ign,
			     u32 nr_words) __weak __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __weak __ksym;
extern void bpf_iter_css_destroy(struct bpf_iter_css *it) __weak __ksym;
extern int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *start,
			    unsigned int flags) __weak __ksym;
extern struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) __weak __ksym;
extern void bpf_iter_css_task_destroy(struct bpf_iter_css_task *it) __weak __ksym;
extern int bpf_iter_css_task_new(struct bpf_iter_css_task *it, struct cgroup_subsys_state *css,
				 unsigned int flags) __weak __ksym;
extern struct task_struct *bpf_iter_css_task_next(struct bpf_iter_css_task *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __weak __ksym;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task__nullable,
			     unsigned int flags) __weak __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __weak __ksym;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) __weak __ksym;
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *task,
				 u64 addr) __weak __ksym;
extern struct vm_area_struct *
bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) __weak __ksym;
extern void bpf_rcu_read_lock(void) __weak __ksym;
extern void bpf_rcu_read_unlock(void) __weak __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __weak __ksym;
extern void bpf_task_release(struct task_struct *p) __weak __ksym;
extern void bpf_throw(u64 cookie) __weak __ksym;

int g;
u64 gb[4];
struct task_struct *gt;
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, u64);
	__uint(max_entries, 10);
} am SEC(".maps");
#define NUM(it, a, b) bpf_iter_num_new(it, a, b)
TRACED int num_ok(void *ctx)
{
	struct bpf_iter_num it;
	int *v, s = 0;
	NUM(&it, 0, 10);
	while ((v = bpf_iter_num_next(&it)))
		s += *v;
	bpf_iter_num_destroy(&it);
	return s;
}

TRACED int num_leak(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	return 0;
}

TRACED int num_nodest(void *ctx)
{
	struct bpf_iter_num it;
	bpf_iter_num_destroy(&it);
	return 0;
}

TRACED int num_next_un(void *ctx)
{
	struct bpf_iter_num it = {};
	bpf_iter_num_next(&it);
	return 0;
}

TRACED int num_twice(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	NUM(&it, 0, 10);
	bpf_iter_num_destroy(&it);
	return 0;
}

TRACED int num_dest2(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	bpf_iter_num_destroy(&it);
	bpf_iter_num_destroy(&it);
	return 0;
}

TRACED int num_next_after(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	bpf_iter_num_destroy(&it);
	bpf_iter_num_next(&it);
	return 0;
}

TRACED int num_overw(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	*(volatile u64 *)&it = 3;
	bpf_iter_num_destroy(&it);
	return 0;
}

TRACED int num_read(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	int x = *(volatile u64 *)&it;
	bpf_iter_num_destroy(&it);
	return x;
}

TRACED int num_unal(void *ctx)
{
	char b[16];
	struct bpf_iter_num *it = (void *)b + 4;
	NUM(it, 0, 10);
	bpf_iter_num_destroy(it);
	return 0;
}

TRACED int num_write(void *ctx)
{
	struct bpf_iter_num it;
	int *v;
	NUM(&it, 0, 10);
	v = bpf_iter_num_next(&it);
	if (v)
		*v = 5;
	bpf_iter_num_destroy(&it);
	return 0;
}

TRACED int num_nonull(void *ctx)
{
	struct bpf_iter_num it;
	int *v, x;
	NUM(&it, 0, 10);
	v = bpf_iter_num_next(&it);
	x = *v;
	bpf_iter_num_destroy(&it);
	return x;
}

TRACED int num_after(void *ctx)
{
	struct bpf_iter_num it;
	int *v;
	NUM(&it, 0, 10);
	v = bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return v ? *v : 0;
}

TRACED int num_nested(void *ctx)
{
	struct bpf_iter_num a, b;
	int *v, *w, s = 0;
	NUM(&a, 0, 10);
	while ((v = bpf_iter_num_next(&a))) {
		NUM(&b, 0, *v);
		while ((w = bpf_iter_num_next(&b)))
			s += *w;
		bpf_iter_num_destroy(&b);
	}
	bpf_iter_num_destroy(&a);
	return s;
}

TRACED int num_nested_leak(void *ctx)
{
	struct bpf_iter_num a, b;
	int *v, *w, s = 0;
	NUM(&a, 0, 10);
	while ((v = bpf_iter_num_next(&a))) {
		NUM(&b, 0, *v);
	}
	bpf_iter_num_destroy(&a);
	return s;
}

TRACED int num_array(void *ctx)
{
	struct bpf_iter_num it;
	int *v, s = 0;
	u64 arr[10] = {};
	NUM(&it, 0, 10);
	while ((v = bpf_iter_num_next(&it))) {
		int i = *v;
		if (i < 0 || i >= 10)
			continue;
		s += arr[i];
	}
	bpf_iter_num_destroy(&it);
	return s;
}

TRACED int num_array_bad(void *ctx)
{
	struct bpf_iter_num it;
	int *v, s = 0;
	u64 arr[10] = {};
	NUM(&it, 0, 10);
	while ((v = bpf_iter_num_next(&it))) {
		int i = *v;
		if (i < 0 || i > 10)
			continue;
		s += arr[i];
	}
	bpf_iter_num_destroy(&it);
	return s;
}

TRACED int num_fe(void *ctx)
{
	int i, s = 0;
	bpf_for(i, 0, 100)
	{
		s += i;
		if (s > 50)
			break;
	}
	return s;
}

TRACED int num_cnt(void *ctx)
{
	int i, c = 0;
	u64 arr[4] = {};
	bpf_for(i, 0, 100)
	{
		if (c < 4)
			arr[c] = i;
		c++;
	}
	return arr[0] + arr[3];
}

TRACED int num_lookup(void *ctx)
{
	int i;
	u64 s = 0;
	bpf_for(i, 0, 10)
	{
		u64 *p = bpf_map_lookup_elem(&am, &i);
		if (!p)
			break;
		s += *p;
	}
	return s;
}

TRACED int num_wrong(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	bpf_iter_bits_destroy((void *)&it);
	return 0;
}

TRACED int num_map(void *ctx)
{
	int k = 0;
	void *p = bpf_map_lookup_elem(&am, &k);
	if (!p)
		return 0;
	NUM(p, 0, 10);
	return 0;
}

static __noinline int sub(struct bpf_iter_num *it)
{
	int *v, s = 0;
	while ((v = bpf_iter_num_next(it)))
		s += *v;
	return s;
}

TRACED int num_sub(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	int s = sub(&it);
	bpf_iter_num_destroy(&it);
	return s;
}

static __noinline void subd(struct bpf_iter_num *it)
{
	bpf_iter_num_destroy(it);
}

TRACED int num_subd(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	subd(&it);
	return 0;
}

static __noinline int subnew(int x)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	return x;
}

TRACED int num_subnew(void *ctx)
{
	return subnew(g);
}

TRACED int bits_ok(void *ctx)
{
	u64 b[1] = {7};
	int *v, s = 0;
	bpf_for_each(bits, v, b, 1) s += *v;
	return s;
}

TRACED int bits_mem(void *ctx)
{
	int *v, s = 0;
	bpf_for_each(bits, v, gb, 4) s += *v;
	return s;
}

TRACED int bits_oob(void *ctx)
{
	int *v, s = 0;
	u64 b[1] = {};
	bpf_for_each(bits, v, b, 5) s += *v;
	return s;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(task_ok)
{
	struct task_struct *t;
	int s = 0;
	bpf_rcu_read_lock();
	bpf_for_each(task, t, NULL, 0) s += t->pid;
	bpf_rcu_read_unlock();
	return s == 4;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(task_norcu)
{
	struct task_struct *t;
	int s = 0;
	bpf_for_each(task, t, NULL, 0) s += t->pid;
	return 0;
}

SEC("fentry/bpf_fentry_test1") int BPF_PROG(task_nosl)
{
	struct task_struct *t;
	int s = 0;
	bpf_for_each(task, t, NULL, 0) s += t->pid;
	g = s;
	return 0;
}

SEC("fentry/bpf_fentry_test1") int BPF_PROG(task_acq)
{
	struct task_struct *t;
	int s = 0;
	bpf_for_each(task, t, NULL, 0)
	{
		struct task_struct *u = bpf_task_acquire(t);
		if (u)
			bpf_task_release(u);
	}
	return 0;
}

SEC("fentry/bpf_fentry_test1") int BPF_PROG(task_rel)
{
	struct task_struct *t;
	int s = 0;
	bpf_for_each(task, t, NULL, 0)
	{
		bpf_task_release(t);
	}
	return 0;
}

SEC("fentry/bpf_fentry_test1") int BPF_PROG(task_arg)
{
	struct task_struct *t;
	int s = 0;
	bpf_for_each(task, t, bpf_get_current_task_btf(), 1)
	{
		s++;
	}
	g = s;
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(task_unlock_mid)
{
	struct bpf_iter_task it;
	struct task_struct *t;
	int s = 0;
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	bpf_rcu_read_unlock();
	bpf_rcu_read_lock();
	t = bpf_iter_task_next(&it);
	if (t)
		s = t->pid;
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(task_destroy_out)
{
	struct bpf_iter_task it;
	struct task_struct *t;
	int s = 0;
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	t = bpf_iter_task_next(&it);
	bpf_rcu_read_unlock();
	bpf_iter_task_destroy(&it);
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(vma_ok)
{
	struct vm_area_struct *v;
	int s = 0;
	bpf_for_each(task_vma, v, bpf_get_current_task_btf(), 0) s += v->vm_end - v->vm_start;
	g = s;
	return 0;
}

SEC("raw_tp/x") int vma_bad(void *c)
{
	struct vm_area_struct *v;
	int s = 0;
	bpf_for_each(task_vma, v, (void *)bpf_get_current_task(), 0) s += v->vm_end;
	return 0;
}

SEC("fentry/bpf_fentry_test1") int BPF_PROG(vma_null)
{
	struct vm_area_struct *v;
	int s = 0;
	bpf_for_each(task_vma, v, NULL, 0) s += v->vm_end;
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(css_ok)
{
	struct cgroup_subsys_state *p;
	struct cgroup *c = bpf_cgroup_from_id(1);
	int s = 0;
	if (!c)
		return 0;
	bpf_rcu_read_lock();
	bpf_for_each(css, p, &c->self, 1)
	{
		s += p->id;
	}
	bpf_rcu_read_unlock();
	bpf_cgroup_release(c);
	g = s;
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(css_norcu)
{
	struct cgroup_subsys_state *p;
	struct cgroup *c = bpf_cgroup_from_id(1);
	int s = 0;
	if (!c)
		return 0;
	bpf_for_each(css, p, &c->self, 1)
	{
		s += p->id;
	}
	bpf_cgroup_release(c);
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(csst_ok)
{
	struct task_struct *p;
	struct cgroup *c = bpf_cgroup_from_id(1);
	int s = 0;
	if (!c)
		return 0;
	bpf_for_each(css_task, p, &c->self, 1)
	{
		s += p->pid;
	}
	bpf_cgroup_release(c);
	return 0;
}

SEC("lsm.s/file_mprotect") int BPF_PROG(csst_lsm, struct vm_area_struct *vma)
{
	struct task_struct *p;
	struct cgroup *c = bpf_cgroup_from_id(1);
	int s = 0;
	if (!c)
		return 0;
	bpf_for_each(css_task, p, &c->self, 1)
	{
		s += p->pid;
	}
	bpf_cgroup_release(c);
	return 0;
}

TRACED int exc_iter(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	if (g)
		bpf_throw(0);
	bpf_iter_num_destroy(&it);
	return 0;
}

static int cb(u32 i, void *c)
{
	struct bpf_iter_num *it = c;
	int *v = bpf_iter_num_next(it);
	return v ? 0 : 1;
}

TRACED int iter_cb(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	bpf_loop(10, cb, &it, 0);
	bpf_iter_num_destroy(&it);
	return 0;
}

static int cbd(u32 i, void *c)
{
	bpf_iter_num_destroy(c);
	return 0;
}

TRACED int iter_cbd(void *ctx)
{
	struct bpf_iter_num it;
	NUM(&it, 0, 10);
	bpf_loop(10, cbd, &it, 0);
	return 0;
}

TRACED int widen(void *ctx)
{
	int i, k = 0;
	struct bpf_iter_num it;
	int *v;
	NUM(&it, 0, 1000);
	while ((v = bpf_iter_num_next(&it))) {
		k++;
		if (k > 100)
			g = k;
	}
	bpf_iter_num_destroy(&it);
	return k;
}

TRACED int widen2(void *ctx)
{
	int i = 0, j = 0;
	struct bpf_iter_num it;
	int *v;
	NUM(&it, 0, 1000);
	while ((v = bpf_iter_num_next(&it))) {
		if (*v & 1)
			i++;
		else
			j++;
	}
	bpf_iter_num_destroy(&it);
	return i + j;
}
