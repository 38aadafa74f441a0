// SPDX-License-Identifier: Apache-2.0
// Global functions and the tags of their arguments.
// What Linux says of each: linux.txt.
#include "kernel.h"

extern void __attribute__((address_space(1))) *
    bpf_arena_alloc_pages(void *p__map, void __attribute__((address_space(1))) * addr__ign,
			  u32 page_cnt, int node_id, u64 flags) __weak __ksym;
extern int bpf_dynptr_adjust(struct bpf_dynptr *p, u64 start, u64 end) __weak __ksym;
extern u64 bpf_dynptr_size(const struct bpf_dynptr *p) __weak __ksym;
extern int bpf_fentry_test1(int a) __weak __ksym;
extern void bpf_rcu_read_lock(void) __weak __ksym;
extern void bpf_rcu_read_unlock(void) __weak __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __weak __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __weak __ksym;
extern void bpf_task_release(struct task_struct *p) __weak __ksym;

#define __arg(t) __attribute__((btf_decl_tag("arg:" #t)))
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} rb SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, u64);
	__uint(max_entries, 10);
} am SEC(".maps");
int g;
struct big {
	char c[16];
};
__noinline int g_int(int a, u64 b, char c)
{
	return a + b + c;
}

TRACED int x_int(void *c)
{
	return g_int(1, 2, 3) + g_int(g, g, g);
}

TRACED int x_int_ptr(void *c)
{
	int z = 1;
	return g_int((u64)&z, 2, 3);
}

__noinline int g_mem(struct big *p)
{
	return p ? p->c[3] : 0;
}

__noinline int g_mem_nn(struct big *p __arg(nonnull))
{
	return p->c[3];
}

__noinline int g_mem_nonull(struct big *p)
{
	return p->c[3];
}

__noinline int g_mem_oob(struct big *p)
{
	return p ? p->c[16] : 0;
}

__noinline int g_mem_w(struct big *p)
{
	if (p)
		p->c[3] = 1;
	return 0;
}

TRACED int x_mem(void *c)
{
	struct big b = {};
	return g_mem(&b) + g_mem(0);
}

TRACED int x_mem_nn(void *c)
{
	struct big b = {};
	return g_mem_nn(&b);
}

TRACED int x_mem_nn0(void *c)
{
	return g_mem_nn(0);
}

TRACED int x_mem_nonull(void *c)
{
	struct big b = {};
	return g_mem_nonull(&b);
}

TRACED int x_mem_oob(void *c)
{
	struct big b = {};
	return g_mem_oob(&b);
}

TRACED int x_mem_small(void *c)
{
	char b[8] = {};
	return g_mem((void *)b);
}

TRACED int x_mem_uninit(void *c)
{
	struct big b;
	return g_mem(&b);
}

TRACED int x_mem_w(void *c)
{
	struct big b;
	g_mem_w(&b);
	return b.c[3];
}

TRACED int x_mem_map(void *c)
{
	int k = 0;
	void *v = bpf_map_lookup_elem(&am, &k);
	return g_mem(v);
}

static const struct big ro = {{1}};
TRACED int x_mem_ro(void *c)
{
	return g_mem_w((void *)&ro);
}

TRACED int x_mem_sc(void *c)
{
	return g_mem((void *)(u64)g);
}

__noinline int g_void(void *p)
{
	return p ? 1 : 0;
}

TRACED int x_void(void *c)
{
	return g_void(&g);
}

__noinline int g_ptrptr(int **p)
{
	return p ? 1 : 0;
}

TRACED int x_ptrptr(void *c)
{
	int *p = &g;
	return g_ptrptr(&p);
}

__noinline int g_ctx(void *ctx __arg(ctx))
{
	return bpf_get_attach_cookie(ctx);
}

TRACED int x_ctx(void *c)
{
	return g_ctx(c);
}

SEC("kprobe/x") int x_ctx_k(void *c)
{
	return g_ctx(c);
}

SEC("perf_event") int x_ctx_pe(void *c)
{
	return g_ctx(c);
}

SEC("tp/syscalls/sys_enter_open") int x_ctx_tp(void *c)
{
	return g_ctx(c);
}

TRACED int x_ctx_bad(void *c)
{
	return g_ctx(&g);
}

__noinline int g_ptregs(struct pt_regs *ctx __arg(ctx))
{
	return bpf_get_stack(ctx, 0, 0, 0);
}

SEC("kprobe/x") int x_ptregs(void *c)
{
	return g_ptregs(c);
}

TRACED int x_ptregs_tp(void *c)
{
	return g_ptregs(c);
}

SEC("perf_event") int x_ptregs_pe(void *c)
{
	return g_ptregs(c);
}

__noinline int g_rtp(struct bpf_raw_tracepoint_args *ctx __arg(ctx))
{
	return ctx->args[0];
}

TRACED int x_rtp(void *c)
{
	return g_rtp(c);
}

SEC("kprobe/x") int x_rtp_k(void *c)
{
	return g_rtp(c);
}

SEC("tp_btf/task_newtask") int x_rtp_b(void *c)
{
	return g_rtp(c);
}

__noinline int g_skb(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("?tc") int x_skb(struct __sk_buff *c)
{
	return g_skb(c);
}

SEC("xdp") int x_skb_xdp(struct xdp_md *c)
{
	return g_skb((void *)c);
}

__noinline int g_dyn(struct bpf_dynptr *d)
{
	return bpf_dynptr_size(d);
}

__noinline int g_dyn_adj(struct bpf_dynptr *d)
{
	return bpf_dynptr_adjust(d, 1, 2);
}

TRACED int x_dyn(void *c)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(&g, 4, 0, &d);
	return g_dyn(&d);
}

TRACED int x_dyn_adj(void *c)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(&g, 4, 0, &d);
	return g_dyn_adj(&d);
}

__noinline int g_task(struct task_struct *t __arg(trusted))
{
	return t->pid;
}

__noinline int g_task_null(struct task_struct *t __arg(trusted) __arg(nullable))
{
	return t ? t->pid : 0;
}

__noinline int g_task_null_bad(struct task_struct *t __arg(trusted) __arg(nullable))
{
	return t->pid;
}

__noinline int g_task_nn(struct task_struct *t __arg(trusted) __arg(nonnull))
{
	return t->pid;
}

__noinline int g_task_un(struct task_struct *t __arg(untrusted))
{
	return t->pid;
}

__noinline int g_task_un_acq(struct task_struct *t __arg(untrusted))
{
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}

__noinline int g_task_acq(struct task_struct *t __arg(trusted))
{
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}

__noinline int g_task_plain(struct task_struct *t)
{
	return t ? t->pid : 0;
}

__noinline int g_task_both(struct task_struct *t __arg(trusted) __arg(untrusted))
{
	return t->pid;
}

__noinline int g_int_un(int *p __arg(untrusted))
{
	return *p;
}

__noinline int g_void_un(void *p __arg(untrusted))
{
	return *(int *)p;
}

__noinline int g_int_un_w(int *p __arg(untrusted))
{
	*p = 1;
	return *p;
}

__noinline int g_int_tr(int *p __arg(trusted))
{
	return *p;
}

__noinline int g_int_null(int *p __arg(nullable))
{
	return p ? *p : 0;
}

__noinline int g_unk(int *p __arg(whatever))
{
	return p ? *p : 0;
}

struct mine {
	int a;
};
__noinline int g_mine_tr(struct mine *p __arg(trusted))
{
	return p->a;
}

__noinline int g_mine_un(struct mine *p __arg(untrusted))
{
	return p->a;
}

struct task_struct___loc {
	int pid;
};
__noinline int g_flav(struct task_struct___loc *p __arg(trusted))
{
	return p->pid;
}
#define TB(n, ...)                                                                             \
	SEC("tp_btf/task_newtask") int BPF_PROG(n, struct task_struct *task, u64 f)            \
	{                                                                                      \
		__VA_ARGS__;                                                                   \
		return 0;                                                                      \
	}
TB(y_task, g = g_task(task))
TB(y_null, g = g_task_null(task) + g_task_null(0)) TB(y_nullbad, g = g_task_null_bad(task)) TB(
    y_nn, g = g_task_nn(task)) TB(y_un,
				  g = g_task_un(task) + g_task_un(task->parent) + g_task_un(0) +
				      g_task_un((void *)f)) TB(y_unacq, g = g_task_un_acq(task))
    TB(y_acq, g = g_task_acq(task))	TB(y_both, g = g_task_both(task)) TB(y_intun, g = g_int_un(&g) + g_int_un((void *)f))
	    TB(y_voidun, g = g_void_un((void *)f)) TB(y_intunw, g = g_int_un_w(&g))
		TB(y_inttr, g = g_int_tr(&g)) TB(y_intnull,
						 g = g_int_null(&g)) TB(y_unk, g = g_unk(&g))
		    TB(y_minetr, g = g_mine_tr((void *)task)) TB(y_mineun,
								 g = g_mine_un((void *)task))
			TB(y_flav,
			   g = g_flav((void *)task)) TB(y_walk, g = g_task(task->group_leader))
			    TB(y_walk2, g = g_task(task->last_wakee)) TB(y_null0, g = g_task(0))
				TB(y_off, g = g_task((void *)task + 8))
				    TB(y_wrong, g = g_task((void *)task->mm))
					TB(y_fp, u64 x = 0; g = g_task((void *)&x)) TB(
					    y_ref,
					    struct task_struct *t = bpf_task_acquire(task);
					    if (t) {
						    g = g_task(t);
						    bpf_task_release(t);
					    })
					    TB(y_refnull,
					       struct task_struct *t = bpf_task_from_pid(3);
					       g = g_task_null(t); if (t) bpf_task_release(t))
						TB(y_refnull2,
						   struct task_struct *t = bpf_task_from_pid(3);
						   g = g_task(t); if (t) bpf_task_release(t))
						    SEC("fentry.s/bpf_fentry_test1") int z_rcu(
							void *c)
{
	struct task_struct *t = bpf_get_current_task_btf();
	bpf_rcu_read_lock();
	t = t->real_parent;
	g = g_task(t);
	bpf_rcu_read_unlock();
	return 0;
}

__noinline struct task_struct *g_ret_ptr(int a)
{
	return (void *)(u64)a;
}

TRACED int x_retptr(void *c)
{
	return (u64)g_ret_ptr(g);
}

__noinline void g_ret_void(int a)
{
	g = a;
}

TRACED int x_retvoid(void *c)
{
	g_ret_void(1);
	return 0;
}

__noinline u64 g_ret_u64(int a)
{
	return (u64)&g;
}

TRACED int x_retu64(void *c)
{
	return g_ret_u64(1);
}

__noinline char g_ret_char(int a)
{
	return a;
}

TRACED int x_retchar(void *c)
{
	return g_ret_char(1);
}

__noinline int g_six(int a, int b, int c, int d, int e)
{
	return a + b + c + d + e;
}

TRACED int x_six(void *c)
{
	return g_six(1, 2, 3, 4, 5);
}

__noinline int g_rec(int a)
{
	return a ? g_rec(a - 1) + g : 0;
}

TRACED int x_rec(void *c)
{
	return g_rec(g);
}

enum en { A, B };
enum en64 : u64 { C = 1ull << 40 };
__noinline int g_enum(enum en a, enum en64 b)
{
	return a + b;
}

TRACED int x_enum(void *c)
{
	return g_enum(A, C);
}

struct two {
	u64 a, b;
};
__noinline int g_struct(struct two t)
{
	return t.a;
}

TRACED int x_struct(void *c)
{
	struct two t = {1, g};
	return g_struct(t);
}

__noinline int g_arena(int *p __arg(arena))
{
	return *p;
}

__noinline int g_arr(int (*p)[4])
{
	return p ? (*p)[3] : 0;
}

TRACED int x_arr(void *c)
{
	int a[4] = {};
	return g_arr(&a);
}

TRACED int x_arr3(void *c)
{
	int a[3] = {};
	return g_arr((void *)&a);
}

struct empty {};
struct fl {
	int n;
	char f[];
};
__noinline int g_fl(struct fl *p)
{
	return p ? p->n : 0;
}

TRACED int x_fl(void *c)
{
	struct fl a = {};
	return g_fl(&a);
}

__noinline int g_cg(struct cgroup *p __arg(trusted))
{
	return p->level;
}

SEC("tp_btf/cgroup_mkdir") int BPF_PROG(y_cg, struct cgroup *c, const char *path)
{
	g = g_cg(c);
	return 0;
}

static __noinline int s_task(struct task_struct *t)
{
	return t->pid;
}

TB(y_stat, g = s_task(task))
static __noinline int s_five(u64 a, u64 b, u64 c, u64 d, u64 e)
{
	return a + b + c + d + e;
}

TB(y_five, g = s_five(f, f, 1, 2, g))
