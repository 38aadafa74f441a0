// SPDX-License-Identifier: Apache-2.0
// Locks, sections of RCU, without preemption or interrupts, and exceptions.
// What Linux says of each: linux.txt.
#include "kernel.h"

extern void __attribute__((address_space(1))) *
    bpf_arena_alloc_pages(void *p__map, void __attribute__((address_space(1))) * addr__ign,
			  u32 page_cnt, int node_id, u64 flags) __weak __ksym;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *cgrp) __weak __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __weak __ksym;
extern int bpf_fentry_test1(int a) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_local_irq_restore(unsigned long *flags__irq_flag) __weak __ksym;
extern void bpf_local_irq_save(unsigned long *flags__irq_flag) __weak __ksym;
extern int bpf_modify_return_test(int a, int *b) __weak __ksym;
extern void bpf_preempt_disable(void) __weak __ksym;
extern void bpf_preempt_enable(void) __weak __ksym;
extern void bpf_rcu_read_lock(void) __weak __ksym;
extern void bpf_rcu_read_unlock(void) __weak __ksym;
extern int bpf_res_spin_lock(struct bpf_res_spin_lock *lock) __weak __ksym;
extern int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *lock,
				     unsigned long *flags__irq_flag) __weak __ksym;
extern void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock) __weak __ksym;
extern void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *lock,
					   unsigned long *flags__irq_flag) __weak __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __weak __ksym;
extern void bpf_task_release(struct task_struct *p) __weak __ksym;
extern void bpf_throw(u64 cookie) __weak __ksym;

struct rl {
	struct bpf_res_spin_lock a, b;
	int x;
};
struct lk {
	struct bpf_spin_lock l;
	int x;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, struct lk);
	__uint(max_entries, 2);
} lm SEC(".maps");
struct rlk {
	struct bpf_res_spin_lock l;
	int x;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, struct rlk);
	__uint(max_entries, 2);
} rm SEC(".maps");
private(A) struct bpf_res_spin_lock gr;
private(B) struct bpf_res_spin_lock gr2;
private(C) struct bpf_spin_lock gs;
int g;
#define R(name, ...)                                                                           \
	TRACED int name(void *ctx)                                                             \
	{                                                                                      \
		__VA_ARGS__;                                                                   \
		return 0;                                                                      \
	}
#define S(name, ...)                                                                           \
	SEC("fentry.s/bpf_fentry_test1") int name(void *ctx)                                   \
	{                                                                                      \
		__VA_ARGS__;                                                                   \
		return 0;                                                                      \
	}
#define X(name, ...)                                                                           \
	SEC("?tc") int name(struct __sk_buff *ctx)                                             \
	{                                                                                      \
		__VA_ARGS__;                                                                   \
		return 0;                                                                      \
	}
R(p_ok, bpf_preempt_disable(); g++; bpf_preempt_enable())
R(p_leak, bpf_preempt_disable())
R(p_extra, bpf_preempt_enable())
R(p_nest, bpf_preempt_disable(); bpf_preempt_disable(); bpf_preempt_enable();
  bpf_preempt_enable())
R(p_nest_leak, bpf_preempt_disable(); bpf_preempt_disable(); bpf_preempt_enable())
S(p_sleep, char b[4]; bpf_preempt_disable(); bpf_copy_from_user(b, 4, 0); bpf_preempt_enable())
static __noinline void pd(void)
{
	bpf_preempt_disable();
}

static __noinline void pe(void)
{
	bpf_preempt_enable();
}

R(p_sub, pd(); pe())
R(p_sub_leak, pd())
__noinline int gf(void)
{
	return g;
}

__noinline int gfs(void)
{
	char b[4];
	return bpf_copy_from_user(b, 4, 0);
}

R(p_glob, bpf_preempt_disable(); gf(); bpf_preempt_enable())
S(p_glob_s, bpf_preempt_disable(); gfs(); bpf_preempt_enable())
S(r_ok, bpf_rcu_read_lock(); bpf_rcu_read_unlock())
S(r_leak, bpf_rcu_read_lock())
S(r_extra, bpf_rcu_read_unlock())
S(r_nest, bpf_rcu_read_lock(); bpf_rcu_read_lock(); bpf_rcu_read_unlock();
  bpf_rcu_read_unlock())
S(r_sleep, char b[4]; bpf_rcu_read_lock(); bpf_copy_from_user(b, 4, 0); bpf_rcu_read_unlock())
S(r_globs, bpf_rcu_read_lock(); gfs(); bpf_rcu_read_unlock())
S(r_glob, bpf_rcu_read_lock(); gf(); bpf_rcu_read_unlock())
S(r_branch, bpf_rcu_read_lock(); if (g) bpf_rcu_read_unlock())
R(r_nosl, bpf_rcu_read_lock(); bpf_rcu_read_unlock())
R(r_nosl_leak, bpf_rcu_read_lock())
static __noinline void rl(void)
{
	bpf_rcu_read_lock();
}

static __noinline void ru(void)
{
	bpf_rcu_read_unlock();
}

S(r_sub, rl(); ru())
S(r_sub_leak, rl())
S(r_walk, bpf_rcu_read_lock(); struct task_struct *t = bpf_get_current_task_btf();
  struct task_struct *p = t->real_parent; g = p->pid; bpf_rcu_read_unlock())
S(r_walk_after, bpf_rcu_read_lock(); struct task_struct *t = bpf_get_current_task_btf();
  struct task_struct *p = t->real_parent; bpf_rcu_read_unlock(); g = p->pid)
S(r_cgrp, bpf_rcu_read_lock(); struct task_struct *t = bpf_get_current_task_btf();
  struct cgroup *c = t->cgroups->dfl_cgrp; c = bpf_cgroup_acquire(c); bpf_rcu_read_unlock();
  if (c) bpf_cgroup_release(c))
S(r_cgrp_out, struct task_struct *t = bpf_get_current_task_btf();
  struct cgroup *c = t->cgroups->dfl_cgrp; c = bpf_cgroup_acquire(c);
  if (c) bpf_cgroup_release(c))
R(i_ok, unsigned long f; bpf_local_irq_save(&f); g++; bpf_local_irq_restore(&f))
R(i_leak, unsigned long f; bpf_local_irq_save(&f))
R(i_uninit, unsigned long f; bpf_local_irq_restore(&f))
R(i_zero, unsigned long f = 0; bpf_local_irq_restore(&f))
R(i_twice, unsigned long f; bpf_local_irq_save(&f); bpf_local_irq_save(&f);
  bpf_local_irq_restore(&f))
R(i_order, unsigned long f, h; bpf_local_irq_save(&f); bpf_local_irq_save(&h);
  bpf_local_irq_restore(&f); bpf_local_irq_restore(&h))
R(i_nest, unsigned long f, h; bpf_local_irq_save(&f); bpf_local_irq_save(&h);
  bpf_local_irq_restore(&h); bpf_local_irq_restore(&f))
R(i_overw, unsigned long f; bpf_local_irq_save(&f); *(volatile unsigned long *)&f = 0;
  bpf_local_irq_restore(&f))
R(i_read, unsigned long f; bpf_local_irq_save(&f); g = *(volatile unsigned long *)&f;
  bpf_local_irq_restore(&f))
R(i_map, int k = 0; struct lk *v = bpf_map_lookup_elem(&lm, &k);
  if (v) bpf_local_irq_save((void *)v))
S(i_sleep, unsigned long f; char b[4]; bpf_local_irq_save(&f); bpf_copy_from_user(b, 4, 0);
  bpf_local_irq_restore(&f))
S(i_globs, unsigned long f; bpf_local_irq_save(&f); gfs(); bpf_local_irq_restore(&f))
static __noinline void is(unsigned long *f)
{
	bpf_local_irq_save(f);
}

static __noinline void ir(unsigned long *f)
{
	bpf_local_irq_restore(f);
}

R(i_sub, unsigned long f; is(&f); ir(&f))
X(q_ok, if (bpf_res_spin_lock(&gr)) return 0; g++; bpf_res_spin_unlock(&gr))
X(q_nochk, bpf_res_spin_lock(&gr); bpf_res_spin_unlock(&gr))
X(q_leak, if (bpf_res_spin_lock(&gr)) return 0)
X(q_aa, if (bpf_res_spin_lock(&gr)) return 0;
  if (!bpf_res_spin_lock(&gr)) bpf_res_spin_unlock(&gr); bpf_res_spin_unlock(&gr))
X(q_ab, if (bpf_res_spin_lock(&gr)) return 0;
  if (!bpf_res_spin_lock(&gr2)) bpf_res_spin_unlock(&gr2); bpf_res_spin_unlock(&gr))
X(
    q_ooo, if (bpf_res_spin_lock(&gr)) return 0; if (!bpf_res_spin_lock(&gr2)) {
	    bpf_res_spin_unlock(&gr);
	    bpf_res_spin_unlock(&gr2);
	    return 0;
    } bpf_res_spin_unlock(&gr))
X(q_irq, unsigned long f; if (bpf_res_spin_lock_irqsave(&gr, &f)) return 0;
  bpf_res_spin_unlock_irqrestore(&gr, &f))
X(q_irq_mix, unsigned long f; if (bpf_res_spin_lock_irqsave(&gr, &f)) return 0;
  bpf_res_spin_unlock(&gr); bpf_local_irq_restore(&f))
X(
    q_irq_mix2, unsigned long f; bpf_local_irq_save(&f); if (bpf_res_spin_lock(&gr)) {
	    bpf_local_irq_restore(&f);
	    return 0;
    } bpf_res_spin_unlock_irqrestore(&gr, &f))
X(q_irq_fail, unsigned long f;
  if (!bpf_res_spin_lock_irqsave(&gr, &f)) bpf_res_spin_unlock_irqrestore(&gr, &f);
  bpf_local_irq_save(&f); bpf_local_irq_restore(&f))
X(q_map, int k = 0; struct rlk *v = bpf_map_lookup_elem(&rm, &k); if (!v) return 0;
  if (bpf_res_spin_lock(&v->l)) return 0; v->x++; bpf_res_spin_unlock(&v->l))
X(q_map2, int k = 0; struct rlk *v = bpf_map_lookup_elem(&rm, &k), *w; k = 1;
  w = bpf_map_lookup_elem(&rm, &k); if (!v || !w) return 0;
  if (bpf_res_spin_lock(&v->l)) return 0; bpf_res_spin_unlock(&w->l))
X(q_off, int k = 0; struct rlk *v = bpf_map_lookup_elem(&rm, &k); if (!v) return 0;
  bpf_res_spin_lock((void *)&v->x))
X(q_spin, bpf_spin_lock(&gs); bpf_res_spin_lock(&gr); bpf_spin_unlock(&gs))
X(q_spin2, if (bpf_res_spin_lock(&gr)) return 0; bpf_spin_lock(&gs); bpf_spin_unlock(&gs);
  bpf_res_spin_unlock(&gr))
X(q_unspin, bpf_spin_lock(&gs); bpf_res_spin_unlock((void *)&gs))
X(q_helper, if (bpf_res_spin_lock(&gr)) return 0; g = bpf_get_prandom_u32();
  bpf_res_spin_unlock(&gr))
X(q_glob, if (bpf_res_spin_lock(&gr)) return 0; gf(); bpf_res_spin_unlock(&gr))
X(s_glob, bpf_spin_lock(&gs); gf(); bpf_spin_unlock(&gs))
static __noinline int sf(void)
{
	return g++;
}

X(s_sub, bpf_spin_lock(&gs); sf(); bpf_spin_unlock(&gs))
static __noinline void sl(void)
{
	bpf_spin_lock(&gs);
}

static __noinline void su(void)
{
	bpf_spin_unlock(&gs);
}

X(s_sub2, sl(); su())
X(s_sub3, sl())
X(s_br, if (ctx->len) bpf_spin_lock(&gs); g++; bpf_spin_unlock(&gs))
X(s_loop, int i; bpf_spin_lock(&gs); bpf_for(i, 0, 10) g++; bpf_spin_unlock(&gs))
X(s_ldabs, bpf_spin_lock(&gs); asm volatile("r6 = %0; r0 = *(u8 *)skb[0]" ::"r"(ctx) : "r0",
					    "r1", "r2", "r3", "r4", "r5", "r6");
  bpf_spin_unlock(&gs))
X(s_exit, bpf_spin_lock(&gs); if (g) return 1; bpf_spin_unlock(&gs))
X(s_throw, bpf_spin_lock(&gs); bpf_throw(1); bpf_spin_unlock(&gs))
R(s_tp, bpf_spin_lock(&gs); bpf_spin_unlock(&gs))
R(q_tp, if (!bpf_res_spin_lock(&gr)) bpf_res_spin_unlock(&gr))
S(q_s, if (!bpf_res_spin_lock(&gr)) bpf_res_spin_unlock(&gr))
SEC("socket") int s_sock(struct __sk_buff *ctx)
{
	bpf_spin_lock(&gs);
	bpf_spin_unlock(&gs);
	return 0;
}

SEC("kprobe/x") int s_kp(void *ctx)
{
	bpf_spin_lock(&gs);
	bpf_spin_unlock(&gs);
	return 0;
}

R(t_throw, if (g) bpf_throw(3))
R(t_throw_p, bpf_preempt_disable(); bpf_throw(3))
R(t_throw_rcu, bpf_rcu_read_lock(); bpf_throw(3))
R(t_throw_irq, unsigned long f; bpf_local_irq_save(&f); bpf_throw(3))
R(t_throw_ref, struct task_struct *t = bpf_task_from_pid(1); if (!t) return 0; bpf_throw(3);
  bpf_task_release(t))
static __noinline int ts(int x)
{
	if (x)
		bpf_throw(x);
	return 1;
}

R(t_throw_sub, ts(g))
__noinline int tg(int x)
{
	if (x)
		bpf_throw(x);
	return 1;
}

R(t_throw_glob, g = tg(g))
__noinline int excb(u64 c)
{
	return 5;
}

__attribute__((btf_decl_tag("exception_callback:excb"))) TRACED int t_excb(void *ctx)
{
	bpf_throw(1);
	return 0;
}

__noinline int excb_bad(u64 c, u64 d)
{
	return 5;
}

__attribute__((btf_decl_tag("exception_callback:excb_bad"))) TRACED int t_excb_bad(void *ctx)
{
	bpf_throw(1);
	return 0;
}

__noinline int excb_throw(u64 c)
{
	bpf_throw(1);
	return 5;
}

__attribute__((btf_decl_tag("exception_callback:excb_throw"))) TRACED int
t_excb_throw(void *ctx)
{
	bpf_throw(1);
	return 0;
}

__attribute__((btf_decl_tag("exception_callback:excb")))
__attribute__((btf_decl_tag("exception_callback:tg"))) TRACED int
t_excb_two(void *ctx)
{
	bpf_throw(1);
	return 0;
}

__noinline int excb_ret(u64 c)
{
	return c;
}

__attribute__((btf_decl_tag("exception_callback:excb_ret")))
SEC("fentry/bpf_fentry_test1") int t_excb_fe(void *ctx)
{
	bpf_throw(1);
	return 0;
}

SEC("fentry/bpf_fentry_test1") int t_fe(void *ctx)
{
	bpf_throw(1);
	return 0;
}

SEC("fentry/bpf_fentry_test1") int t_fe0(void *ctx)
{
	bpf_throw(0);
	return 0;
}

SEC("fmod_ret/bpf_modify_return_test") int t_fm(void *ctx)
{
	bpf_throw(1);
	return 0;
}

SEC("xdp") int t_xdp(void *ctx)
{
	bpf_throw(64);
	return 2;
}
