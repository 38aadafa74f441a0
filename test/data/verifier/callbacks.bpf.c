// SPDX-License-Identifier: Apache-2.0
// Functions that helpers and kfuncs call: loops, timers, work.
// What Linux says of each: linux.txt.
#include "kernel.h"

#define PACKET(name) SEC("?tc") int name(struct __sk_buff *ctx)
extern int bpf_fentry_test1(int a) __weak __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __weak __ksym;
extern void bpf_task_release(struct task_struct *p) __weak __ksym;
extern int bpf_task_work_schedule_resume(struct task_struct *task, struct bpf_task_work *tw,
					 void *map__map,
					 bpf_task_work_callback_t callback) __weak __ksym;
extern int bpf_task_work_schedule_signal(struct task_struct *task, struct bpf_task_work *tw,
					 void *map__map,
					 bpf_task_work_callback_t callback) __weak __ksym;
extern void bpf_throw(u64 cookie) __weak __ksym;
extern int bpf_timer_cancel_async(struct bpf_timer *timer) __weak __ksym;
extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __weak __ksym;
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*callback_fn)(void *, int *, void *),
			       unsigned int flags) __weak __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __weak __ksym;

struct el {
	struct bpf_timer t;
	struct bpf_wq w;
	struct bpf_task_work tw;
	int x;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, struct el);
	__uint(max_entries, 2);
} am SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int);
	__type(value, struct el);
	__uint(max_entries, 2);
} hm SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, u64);
	__type(value, u64);
	__uint(max_entries, 2);
} pm SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__type(key, u64);
	__type(value, u64);
	__uint(max_entries, 2);
} pcm SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} rb SEC(".maps");
int g;
u64 arr[8];
static struct el *get(void)
{
	int k = 0;
	return bpf_map_lookup_elem(&am, &k);
}

static int tcb(void *map, int *key, struct el *v)
{
	v->x = *key;
	bpf_timer_start(&v->t, 1, 0);
	return 0;
}

static int tcb1(void *map, int *key, struct el *v)
{
	return 1;
}

static int tcb_key(void *map, int *key, struct el *v)
{
	*key = 1;
	return 0;
}

static int tcb_oob(void *map, int *key, struct el *v)
{
	return key[1] ? 0 : 0;
}

static int tcb_del(struct bpf_map *map, int *key, struct el *v)
{
	bpf_map_delete_elem(map, key);
	return 0;
}
#define T(name, ...)                                                                           \
	PACKET(name)                                                                           \
	{                                                                                      \
		struct el *v = get();                                                          \
		if (!v)                                                                        \
			return 0;                                                              \
		__VA_ARGS__;                                                                   \
		return 0;                                                                      \
	}
#define TS(name, ...)                                                                          \
	SEC("?syscall") int name(void *ctx)                                                    \
	{                                                                                      \
		struct el *v = get();                                                          \
		if (!v)                                                                        \
			return 0;                                                              \
		__VA_ARGS__;                                                                   \
		return 0;                                                                      \
	}
T(t_ok, bpf_timer_init(&v->t, &am, 0); bpf_timer_set_callback(&v->t, tcb);
  bpf_timer_start(&v->t, 1, 0); bpf_timer_cancel(&v->t))
T(t_wrongmap, bpf_timer_init(&v->t, &hm, 0))
T(t_off, bpf_timer_init((void *)&v->w, &am, 0))
T(t_ret, bpf_timer_set_callback(&v->t, tcb1))
T(t_keyx, bpf_timer_set_callback(&v->t, tcb_key))
T(t_oob, bpf_timer_set_callback(&v->t, tcb_oob))
T(t_del, bpf_timer_set_callback(&v->t, (void *)tcb_del))
T(t_casync, bpf_timer_cancel_async(&v->t))
T(t_write, *(u64 *)&v->t = 0)
T(t_read, g = *(u64 *)&v->w)
T(t_lock, bpf_timer_set_callback(&v->t, 0))
PACKET(t_stack)
{
	struct bpf_timer t = {};
	bpf_timer_init(&t, &am, 0);
	return 0;
}

PACKET(t_var)
{
	struct el *v = get();
	if (!v)
		return 0;
	bpf_timer_init((void *)v + (ctx->len & 8), &am, 0);
	return 0;
}

SEC("?raw_tp/x") int t_rawtp(void *ctx)
{
	struct el *v = get();
	if (!v)
		return 0;
	bpf_timer_init(&v->t, &am, 0);
	bpf_timer_set_callback(&v->t, tcb);
	return 0;
}

SEC("?kprobe/x") int t_kprobe(void *ctx)
{
	struct el *v = get();
	if (!v)
		return 0;
	bpf_timer_init(&v->t, &am, 0);
	return 0;
}

SEC("?fentry.s/bpf_fentry_test1") int t_fs(void *ctx)
{
	struct el *v = get();
	if (!v)
		return 0;
	bpf_timer_init(&v->t, &am, 0);
	bpf_timer_set_callback(&v->t, tcb);
	return 0;
}

static int wcb(void *map, int *key, void *value)
{
	struct el *v = value;
	v->x = 1;
	return 0;
}

static int wcb_sl(void *map, int *key, void *value)
{
	char b[4];
	bpf_copy_from_user(b, 4, 0);
	return 0;
}

static int wcb_ret(void *map, int *key, void *value)
{
	return 7;
}

TS(w_ok, bpf_wq_init(&v->w, &am, 0); bpf_wq_set_callback(&v->w, wcb, 0); bpf_wq_start(&v->w, 0))
T(w_tc, bpf_wq_init(&v->w, &am, 0); bpf_wq_set_callback(&v->w, wcb_sl, 0);
  bpf_wq_start(&v->w, 0))
T(w_ret, bpf_wq_set_callback(&v->w, wcb_ret, 0))
T(w_map, bpf_wq_init(&v->w, &hm, 0))
T(w_off, bpf_wq_init((void *)&v->t, &am, 0))
T(w_off1, bpf_wq_init((void *)&v->w + 1, &am, 0))
T(w_stack, struct bpf_wq w; bpf_wq_init(&w, &am, 0))
T(w_mapv, bpf_wq_init(&v->w, v, 0))
T(w_nullcb, bpf_wq_set_callback(&v->w, 0, 0))
T(w_flags, bpf_wq_init(&v->w, &am, g))
static int twcb(struct bpf_map *map, void *key, void *value)
{
	struct el *v = value;
	v->x = *(int *)key;
	char b[4];
	bpf_copy_from_user(b, 4, 0);
	return 0;
}

static int twcb_w(struct bpf_map *map, void *key, void *value)
{
	*(int *)key = 1;
	return 0;
}

T(tw_ok, bpf_task_work_schedule_signal(bpf_get_current_task_btf(), &v->tw, &am, twcb))
T(tw_ok2, bpf_task_work_schedule_resume(bpf_get_current_task_btf(), &v->tw, &am, twcb))
T(tw_map, bpf_task_work_schedule_resume(bpf_get_current_task_btf(), &v->tw, &hm, twcb))
T(tw_key, bpf_task_work_schedule_resume(bpf_get_current_task_btf(), &v->tw, &am, twcb_w))
T(tw_null, bpf_task_work_schedule_resume(0, &v->tw, &am, twcb))
T(tw_off, bpf_task_work_schedule_resume(bpf_get_current_task_btf(), (void *)&v->x, &am, twcb))
T(tw_nocb, bpf_task_work_schedule_resume(bpf_get_current_task_btf(), &v->tw, &am, 0))
SEC("?perf_event") int tw_pe(void *ctx)
{
	struct el *v = get();
	if (!v)
		return 0;
	bpf_task_work_schedule_resume(bpf_get_current_task_btf(), &v->tw, &am, twcb);
	return 0;
}

SEC("?raw_tp/x") int tw_rt(void *ctx)
{
	struct el *v = get();
	if (!v)
		return 0;
	bpf_task_work_schedule_signal(bpf_get_current_task_btf(), &v->tw, &am, twcb);
	return 0;
}

struct lc {
	int a;
	u64 *p;
};
static int l_ok(u32 i, void *c)
{
	g += i;
	return 0;
}

static int l_two(u32 i, void *c)
{
	return 2;
}

static int l_arr(u32 i, struct lc *c)
{
	if (i >= 8)
		return 1;
	arr[i] = i;
	c->a++;
	return 0;
}

static int l_oob(u32 i, struct lc *c)
{
	arr[i] = i;
	return 0;
}

static int l_ptr(u32 i, struct lc *c)
{
	*c->p = 1;
	return 0;
}

static int l_nest(u32 i, void *c)
{
	bpf_loop(3, l_ok, 0, 0);
	return 0;
}

static int l_rec(u32 i, void *c)
{
	bpf_loop(3, l_rec, 0, 0);
	return 0;
}

static int l_glob(u32 i, void *c)
{
	bpf_map_delete_elem(&pm, c);
	return 0;
}

static int l_ret(u32 i, void *c)
{
	return g;
}
#define R(name, ...)                                                                           \
	TRACED int name(void *ctx)                                                             \
	{                                                                                      \
		__VA_ARGS__;                                                                   \
		return 0;                                                                      \
	}
R(lp_ok, bpf_loop(10, l_ok, 0, 0))
R(lp_null, bpf_loop(10, 0, 0, 0))
R(lp_two, bpf_loop(10, l_two, 0, 0))
R(lp_ret, bpf_loop(10, l_ret, 0, 0))
R(lp_arr, struct lc c = {}; bpf_loop(10, l_arr, &c, 0); g = c.a)
R(lp_oob, struct lc c = {}; bpf_loop(10, l_oob, &c, 0); g = c.a)
R(lp_ptr, u64 x; struct lc c = {.p = &x}; bpf_loop(10, l_ptr, &c, 0); g = c.a)
R(lp_nest, bpf_loop(10, l_nest, 0, 0))
R(lp_rec, bpf_loop(10, l_rec, 0, 0))
R(lp_flags, bpf_loop(10, l_ok, 0, 1))
R(lp_var, bpf_loop(g, l_ok, 0, g))
R(lp_ctx, u64 k = 0; bpf_loop(10, l_glob, &k, 0))
R(lp_badctx, bpf_loop(10, l_glob, 0, 0))
R(lp_notfn, bpf_loop(10, (void *)&g, 0, 0))
static long fe(struct bpf_map *m, u64 *k, u64 *v, void *c)
{
	*v = *k;
	return 0;
}

static long fe_k(struct bpf_map *m, u64 *k, u64 *v, void *c)
{
	*k = 1;
	return 0;
}

static long fe_2(struct bpf_map *m, u64 *k, u64 *v, void *c)
{
	return 2;
}

static long fe_m(struct bpf_map *m, u64 *k, u64 *v, u64 *c)
{
	u64 *p = bpf_map_lookup_elem(m, k);
	if (p)
		*c += *p;
	bpf_map_delete_elem(m, k);
	bpf_map_update_elem(m, k, v, 0);
	return 0;
}

static long fe_id(struct bpf_map *m, u64 *k, u64 *v, u64 *c)
{
	*c += m->id + m->max_entries;
	return 0;
}

R(fe_ok, bpf_for_each_map_elem(&pm, fe, 0, 0))
R(fe_pc, bpf_for_each_map_elem(&pcm, fe, 0, 0))
R(fe_key, bpf_for_each_map_elem(&pm, fe_k, 0, 0))
R(fe_ret2, bpf_for_each_map_elem(&pm, fe_2, 0, 0))
R(fe_map, u64 c = 0; bpf_for_each_map_elem(&pm, fe_m, &c, 0))
R(fe_mid, u64 c = 0; bpf_for_each_map_elem(&pm, fe_id, &c, 0))
R(fe_rb, bpf_for_each_map_elem(&rb, fe, 0, 0))
R(fe_flag, bpf_for_each_map_elem(&pm, fe, 0, 1))
static long fv(struct task_struct *t, struct vm_area_struct *v, void *c)
{
	*(u64 *)c += v->vm_start + t->pid;
	return 0;
}

static long fv2(struct task_struct *t, struct vm_area_struct *v, void *c)
{
	v->vm_start = 0;
	return 0;
}

R(fv_ok, u64 x = 0; bpf_find_vma(bpf_get_current_task_btf(), 0, fv, &x, 0))
R(fv_w, u64 x = 0; bpf_find_vma(bpf_get_current_task_btf(), 0, fv2, &x, 0))
R(fv_null, u64 x = 0; bpf_find_vma(0, 0, fv, &x, 0))
static int l_throw(u32 i, void *c)
{
	bpf_throw(i);
	return 0;
}

R(lp_throw, bpf_loop(10, l_throw, 0, 0))
static int l_ref(u32 i, struct task_struct **c)
{
	struct task_struct *t = bpf_task_from_pid(i);
	if (t)
		bpf_task_release(t);
	return 0;
}

static int l_leak(u32 i, struct task_struct **c)
{
	struct task_struct *t = bpf_task_from_pid(i);
	return 0;
}

static int l_store(u32 i, struct task_struct **c)
{
	struct task_struct *t = bpf_task_from_pid(i);
	*c = t;
	return 0;
}

static int l_rel(u32 i, struct task_struct **c)
{
	if (*c)
		bpf_task_release(*c);
	*c = 0;
	return 0;
}

R(lp_ref, bpf_loop(10, l_ref, 0, 0))
R(lp_leak, bpf_loop(10, l_leak, 0, 0))
R(lp_store, struct task_struct *t = 0; bpf_loop(10, l_store, &t, 0); if (t) bpf_task_release(t))
R(lp_rel, struct task_struct *t = bpf_task_from_pid(1); bpf_loop(10, l_rel, &t, 0))
__noinline int gcb(u32 i, void *c)
{
	return 0;
}

R(lp_glob, bpf_loop(10, gcb, 0, 0))
