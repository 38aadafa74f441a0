// SPDX-License-Identifier: Apache-2.0
// Lists, trees and objects that programs make.
// What Linux says of each: linux.txt.
#include "kernel.h"

#define PACKET(name) SEC("?tc") int name(struct __sk_buff *ctx)
#define NEW2(T) ((T *)bpf_obj_new(bpf_core_type_id_local(T)))
extern int bpf_list_add(struct bpf_list_head *head, struct bpf_list_node *new,
			struct bpf_list_node *prev__nonown_allowed) __weak __ksym;
extern struct bpf_list_node *bpf_list_back(struct bpf_list_head *head) __weak __ksym;
extern struct bpf_list_node *
bpf_list_del(struct bpf_list_head *head,
	     struct bpf_list_node *node__nonown_allowed) __weak __ksym;
extern bool bpf_list_empty(struct bpf_list_head *head) __weak __ksym;
extern struct bpf_list_node *bpf_list_front(struct bpf_list_head *head) __weak __ksym;
extern bool bpf_list_is_first(struct bpf_list_head *head,
			      struct bpf_list_node *node__nonown_allowed) __weak __ksym;
extern bool bpf_list_is_last(struct bpf_list_head *head,
			     struct bpf_list_node *node__nonown_allowed) __weak __ksym;
extern struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *head) __weak __ksym;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) __weak __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node,
				   void *meta__ign, u64 off) __weak __ksym;
extern int bpf_list_push_front(struct bpf_list_head *head,
			       struct bpf_list_node *node) __weak __ksym;
extern int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node,
				    void *meta__ign, u64 off) __weak __ksym;
extern void bpf_obj_drop(void *p__alloc) __weak __ksym;
extern void *bpf_obj_new(u64 local_type_id__k) __weak __ksym;
extern void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) __weak __ksym;
extern void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign) __weak __ksym;
extern int bpf_rbtree_add(struct bpf_rb_root *root, struct bpf_rb_node *node,
			  bool (*less)(struct bpf_rb_node *,
				       const struct bpf_rb_node *)) __weak __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
			       bool (*less)(struct bpf_rb_node *, const struct bpf_rb_node *),
			       void *meta__ign, u64 off) __weak __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root) __weak __ksym;
extern struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *root,
					   struct bpf_rb_node *node) __weak __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root,
					     struct bpf_rb_node *node) __weak __ksym;
extern struct bpf_rb_node *bpf_rbtree_right(struct bpf_rb_root *root,
					    struct bpf_rb_node *node) __weak __ksym;
extern struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *root) __weak __ksym;
extern void *bpf_refcount_acquire_impl(void *p__refcounted_kptr, void *meta__ign) __weak __ksym;

struct n {
	struct bpf_list_node l;
	int d;
	struct bpf_list_node l2;
};
struct r {
	int d;
	struct bpf_refcount ref;
	struct bpf_list_node l;
	struct bpf_rb_node rb;
};
struct lv {
	struct bpf_spin_lock lk;
	int x;
	struct bpf_list_head h __contains(n, l);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, struct lv);
	__uint(max_entries, 1);
} am SEC(".maps");
private(A) struct bpf_spin_lock gl;
private(A) struct bpf_list_head gh __contains(n, l);
private(A) struct bpf_list_head gh2 __contains(n, l2);
private(B) struct bpf_spin_lock rl;
private(B) struct bpf_rb_root rr __contains(r, rb);
private(B) struct bpf_list_head rh __contains(r, l);
static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	struct r *x = owner_of(a, struct r, rb), *y = owner_of(b, struct r, rb);
	return x->d < y->d;
}

PACKET(push_ok)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	bpf_list_push_front_impl(&gh, &p->l, 0, 0);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(push_ok2)
{
	struct n *p = NEW2(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	bpf_list_push_front(&gh, &p->l);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(push_nolock)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_list_push_front_impl(&gh, &p->l, 0, 0);
	return 0;
}

PACKET(push_wronglock)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_list_push_front_impl(&gh, &p->l, 0, 0);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(push_wrongnode)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	bpf_list_push_front_impl(&gh, &p->l2, 0, 0);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(push_wrongtype)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_list_push_front_impl(&rh, &p->l, 0, 0);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(push_nonull)
{
	struct n *p = NEW(struct n);
	bpf_spin_lock(&gl);
	bpf_list_push_front_impl(&gh, &p->l, 0, 0);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(push_off)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	bpf_list_push_front_impl(&gh, (void *)&p->l + 8, 0, 0);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(push_twice)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	bpf_list_push_front_impl(&gh, &p->l, 0, 0);
	bpf_list_push_front_impl(&gh, &p->l, 0, 0);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(push_headoff)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	bpf_list_push_front_impl((void *)&gh + 8, &p->l, 0, 0);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(push_headvar)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	bpf_list_push_front_impl((void *)&gh + (ctx->len & 8), &p->l, 0, 0);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(use_after_push)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	bpf_list_push_front_impl(&gh, &p->l, 0, 0);
	p->d = 5;
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(use_after_unlock)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	bpf_list_push_front_impl(&gh, &p->l, 0, 0);
	bpf_spin_unlock(&gl);
	return p->d;
}

PACKET(pop_ok)
{
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_pop_front(&gh);
	bpf_spin_unlock(&gl);
	if (!l)
		return 0;
	struct n *p = owner_of(l, struct n, l);
	int d = p->d;
	DROP(p);
	return d;
}

PACKET(pop_l2)
{
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_pop_back(&gh2);
	bpf_spin_unlock(&gl);
	if (!l)
		return 0;
	struct n *p = owner_of(l, struct n, l2);
	int d = p->d;
	DROP(p);
	return d;
}

PACKET(pop_leak)
{
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_pop_front(&gh);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(pop_nonull)
{
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_pop_front(&gh2);
	bpf_spin_unlock(&gl);
	struct n *p = owner_of(l, struct n, l2);
	DROP(p);
	return 0;
}

PACKET(drop_off)
{
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_pop_front(&gh2);
	bpf_spin_unlock(&gl);
	if (!l)
		return 0;
	DROP(l);
	return 0;
}

PACKET(front_back)
{
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_front(&gh);
	if (l) {
		struct n *p = owner_of(l, struct n, l);
		p->d++;
	}
	l = bpf_list_back(&gh);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(front_after)
{
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_front(&gh);
	bpf_spin_unlock(&gl);
	if (l)
		return owner_of(l, struct n, l)->d;
	return 0;
}

PACKET(del_ok)
{
	bpf_spin_lock(&rl);
	struct bpf_list_node *l = bpf_list_front(&rh);
	if (l)
		l = bpf_list_del(&rh, l);
	bpf_spin_unlock(&rl);
	if (l)
		DROP(owner_of(l, struct r, l));
	return 0;
}

PACKET(del_nonown_n)
{
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_front(&gh);
	if (l)
		l = bpf_list_del(&gh, l);
	bpf_spin_unlock(&gl);
	if (l)
		DROP(owner_of(l, struct n, l));
	return 0;
}

PACKET(add_ok)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_front(&gh);
	if (!l) {
		bpf_spin_unlock(&gl);
		DROP(p);
		return 0;
	}
	bpf_list_add(&gh, &p->l, l);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(isfirst)
{
	bpf_spin_lock(&gl);
	struct bpf_list_node *l = bpf_list_front(&gh);
	int a = 0;
	if (l)
		a = bpf_list_is_first(&gh, l) + bpf_list_is_last(&gh, l) + bpf_list_empty(&gh);
	bpf_spin_unlock(&gl);
	return a;
}

PACKET(empty_nolock)
{
	return bpf_list_empty(&gh);
}

PACKET(new_leak)
{
	struct n *p = NEW(struct n);
	return !p;
}

PACKET(new_badid)
{
	void *p = bpf_obj_new_impl(99999, 0);
	return 0;
}

PACKET(new_int)
{
	void *p = bpf_obj_new_impl(bpf_core_type_id_local(int), 0);
	return 0;
}

PACKET(new_size0)
{
	struct e {};
	void *p = bpf_obj_new_impl(bpf_core_type_id_local(struct e), 0);
	return 0;
}

PACKET(new_nonconst)
{
	void *p = bpf_obj_new_impl(ctx->len, 0);
	return 0;
}

struct big {
	char b[5000];
};
PACKET(new_big)
{
	struct big *p = NEW(struct big);
	if (p)
		DROP(p);
	return 0;
}

struct hasptr {
	void *p;
	int x;
};
PACKET(new_hasptr)
{
	struct hasptr *p = NEW(struct hasptr);
	if (p) {
		p->x = 3;
		DROP(p);
	}
	return 0;
}

PACKET(new_write_node)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	*(u64 *)&p->l = 0;
	DROP(p);
	return 0;
}

PACKET(new_read_node)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	int x = *(u64 *)&p->l;
	DROP(p);
	return x;
}

PACKET(new_oob)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	*(int *)((void *)p + sizeof(*p)) = 0;
	DROP(p);
	return 0;
}

PACKET(new_var)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	*(int *)((void *)p + (ctx->len & 7)) = 0;
	DROP(p);
	return 0;
}

PACKET(drop_null)
{
	struct n *p = NEW(struct n);
	DROP(p);
	return 0;
}

PACKET(drop_mod)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	void *q = &p->d;
	asm volatile("" : "+r"(q));
	DROP(q);
	return 0;
}

PACKET(drop_var)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	void *q = (void *)p + (ctx->len & 7);
	DROP(q);
	return 0;
}

PACKET(drop_twice)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	DROP(p);
	DROP(p);
	return 0;
}

PACKET(drop_under_lock)
{
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&gl);
	DROP(p);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(new_under_lock)
{
	bpf_spin_lock(&gl);
	struct n *p = NEW(struct n);
	bpf_spin_unlock(&gl);
	if (p)
		DROP(p);
	return 0;
}

PACKET(helper_under_lock)
{
	bpf_spin_lock(&gl);
	bpf_get_prandom_u32();
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(ktime_under_lock)
{
	bpf_spin_lock(&gl);
	u64 t = bpf_ktime_get_ns();
	bpf_spin_unlock(&gl);
	return t;
}

PACKET(lock_twice)
{
	bpf_spin_lock(&gl);
	bpf_spin_lock(&rl);
	bpf_spin_unlock(&rl);
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(lock_leak)
{
	bpf_spin_lock(&gl);
	return 0;
}

PACKET(unlock_only)
{
	bpf_spin_unlock(&gl);
	return 0;
}

PACKET(unlock_other)
{
	bpf_spin_lock(&gl);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(lock_map)
{
	int k = 0;
	struct lv *v = bpf_map_lookup_elem(&am, &k);
	if (!v)
		return 0;
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&v->lk);
	bpf_list_push_back_impl(&v->h, &p->l, 0, 0);
	bpf_spin_unlock(&v->lk);
	return 0;
}

PACKET(lock_map_two)
{
	int k = 0;
	struct lv *v = bpf_map_lookup_elem(&am, &k), *w = bpf_map_lookup_elem(&am, &k);
	if (!v || !w)
		return 0;
	struct n *p = NEW(struct n);
	if (!p)
		return 0;
	bpf_spin_lock(&v->lk);
	bpf_list_push_back_impl(&w->h, &p->l, 0, 0);
	bpf_spin_unlock(&v->lk);
	return 0;
}

PACKET(lock_off)
{
	int k = 0;
	struct lv *v = bpf_map_lookup_elem(&am, &k);
	if (!v)
		return 0;
	bpf_spin_lock((void *)&v->x);
	return 0;
}

PACKET(lock_var)
{
	int k = 0;
	struct lv *v = bpf_map_lookup_elem(&am, &k);
	if (!v)
		return 0;
	bpf_spin_lock((void *)v + (ctx->len & 4));
	return 0;
}

PACKET(lock_stack)
{
	struct bpf_spin_lock l = {};
	bpf_spin_lock(&l);
	return 0;
}

PACKET(write_head)
{
	int k = 0;
	struct lv *v = bpf_map_lookup_elem(&am, &k);
	if (!v)
		return 0;
	*(u64 *)&v->h = 0;
	return 0;
}

PACKET(read_head)
{
	int k = 0;
	struct lv *v = bpf_map_lookup_elem(&am, &k);
	if (!v)
		return 0;
	return *(u64 *)&v->h;
}

PACKET(write_lock)
{
	int k = 0;
	struct lv *v = bpf_map_lookup_elem(&am, &k);
	if (!v)
		return 0;
	*(u32 *)&v->lk = 0;
	return 0;
}

PACKET(rb_ok)
{
	struct r *p = NEW(struct r);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_rbtree_add_impl(&rr, &p->rb, less, 0, 0);
	struct bpf_rb_node *n = bpf_rbtree_first(&rr);
	if (n)
		n = bpf_rbtree_remove(&rr, n);
	bpf_spin_unlock(&rl);
	if (n)
		DROP(owner_of(n, struct r, rb));
	return 0;
}

PACKET(rb_ok2)
{
	struct r *p = NEW2(struct r);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_rbtree_add(&rr, &p->rb, less);
	struct bpf_rb_node *n = bpf_rbtree_first(&rr);
	if (n)
		n = bpf_rbtree_remove(&rr, n);
	bpf_spin_unlock(&rl);
	if (n)
		bpf_obj_drop(owner_of(n, struct r, rb));
	return 0;
}

PACKET(rb_nolock)
{
	struct bpf_rb_node *n = bpf_rbtree_first(&rr);
	return 0;
}

PACKET(rb_rm_nonnull)
{
	bpf_spin_lock(&rl);
	struct bpf_rb_node *n = bpf_rbtree_first(&rr);
	n = bpf_rbtree_remove(&rr, n);
	bpf_spin_unlock(&rl);
	if (n)
		DROP(owner_of(n, struct r, rb));
	return 0;
}

PACKET(rb_rm_owned)
{
	struct r *p = NEW(struct r);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	struct bpf_rb_node *n = bpf_rbtree_remove(&rr, &p->rb);
	bpf_spin_unlock(&rl);
	if (n)
		DROP(owner_of(n, struct r, rb));
	return 0;
}

PACKET(rb_traverse)
{
	bpf_spin_lock(&rl);
	struct bpf_rb_node *n = bpf_rbtree_root(&rr);
	int s = 0;
	if (n) {
		n = bpf_rbtree_left(&rr, n);
		if (n) {
			n = bpf_rbtree_right(&rr, n);
			if (n)
				s = owner_of(n, struct r, rb)->d;
		}
	}
	bpf_spin_unlock(&rl);
	return s;
}

PACKET(rb_rm_twice)
{
	bpf_spin_lock(&rl);
	struct bpf_rb_node *n = bpf_rbtree_first(&rr), *m = 0, *q;
	if (!n)
		goto out;
	q = n;
	m = bpf_rbtree_remove(&rr, n);
	n = bpf_rbtree_remove(&rr, q);
	bpf_spin_unlock(&rl);
	if (n)
		DROP(owner_of(n, struct r, rb));
	if (m)
		DROP(owner_of(m, struct r, rb));
	return 0;
out:
	bpf_spin_unlock(&rl);
	return 0;
}

static bool less_bad(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_spin_lock(&gl);
	bpf_spin_unlock(&gl);
	return 0;
}

static bool less_first(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_rbtree_first(&rr);
	return 0;
}

static bool less_add(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_rbtree_remove(&rr, a);
	return 0;
}

static bool less_ret(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	u32 x = bpf_ktime_get_ns();
	return *(bool *)&x;
}

static int less_two(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return 5;
}

static bool less_store(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	owner_of(a, struct r, rb)->d = 1;
	return 1;
}

PACKET(rb_cb_lock)
{
	struct r *p = NEW(struct r);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_rbtree_add_impl(&rr, &p->rb, less_bad, 0, 0);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(rb_cb_first)
{
	struct r *p = NEW(struct r);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_rbtree_add_impl(&rr, &p->rb, less_first, 0, 0);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(rb_cb_rm)
{
	struct r *p = NEW(struct r);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_rbtree_add_impl(&rr, &p->rb, less_add, 0, 0);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(rb_cb_ret)
{
	struct r *p = NEW(struct r);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_rbtree_add_impl(&rr, &p->rb, (void *)less_ret, 0, 0);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(rb_cb_two)
{
	struct r *p = NEW(struct r);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_rbtree_add_impl(&rr, &p->rb, (void *)less_two, 0, 0);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(rb_cb_store)
{
	struct r *p = NEW(struct r);
	if (!p)
		return 0;
	bpf_spin_lock(&rl);
	bpf_rbtree_add_impl(&rr, &p->rb, less_store, 0, 0);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(refc)
{
	struct r *p = NEW(struct r), *q;
	if (!p)
		return 0;
	q = bpf_refcount_acquire_impl(p, 0);
	bpf_spin_lock(&rl);
	bpf_rbtree_add_impl(&rr, &p->rb, less, 0, 0);
	bpf_list_push_back_impl(&rh, &q->l, 0, 0);
	bpf_spin_unlock(&rl);
	return 0;
}

PACKET(refc_leak)
{
	struct r *p = NEW(struct r), *q;
	if (!p)
		return 0;
	q = bpf_refcount_acquire_impl(p, 0);
	DROP(p);
	return 0;
}

PACKET(refc_n)
{
	struct n *p = NEW(struct n), *q;
	if (!p)
		return 0;
	q = bpf_refcount_acquire_impl(p, 0);
	DROP(p);
	DROP(q);
	return 0;
}

PACKET(refc_nonown)
{
	struct r *q = 0;
	bpf_spin_lock(&rl);
	struct bpf_rb_node *n = bpf_rbtree_first(&rr);
	if (n)
		q = bpf_refcount_acquire_impl(owner_of(n, struct r, rb), 0);
	bpf_spin_unlock(&rl);
	if (q)
		DROP(q);
	return 0;
}

PACKET(refc_nonown_nonull)
{
	struct r *q = 0;
	bpf_spin_lock(&rl);
	struct bpf_rb_node *n = bpf_rbtree_first(&rr);
	if (!n) {
		bpf_spin_unlock(&rl);
		return 0;
	}
	q = bpf_refcount_acquire_impl(owner_of(n, struct r, rb), 0);
	bpf_spin_unlock(&rl);
	DROP(q);
	return 0;
}

PACKET(refc_off)
{
	struct r *p = NEW(struct r), *q;
	if (!p)
		return 0;
	q = bpf_refcount_acquire_impl(&p->ref, 0);
	DROP(p);
	if (q)
		DROP(q);
	return 0;
}

struct e0 {
	int x;
};
PACKET(refc_e0)
{
	struct e0 *p = NEW(struct e0), *q;
	if (!p)
		return 0;
	q = bpf_refcount_acquire_impl(p, 0);
	DROP(p);
	if (q)
		DROP(q);
	return 0;
}
