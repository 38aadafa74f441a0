/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that programs own, and what they are moved to: kptrs, lists, trees. Each program does what
 * the bytes of its context say, one a step, and says what it sees. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define __kptr __attribute__((btf_type_tag("kptr")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __contains(type, node) __attribute__((btf_decl_tag("contains:" #type ":" #node)))
#define hidden __attribute__((visibility("hidden")))
#define private(name) SEC(".bss." #name) hidden __attribute__((aligned(8)))

char LICENSE[] SEC("license") = "GPL";

#define new(type) ((type *)bpf_obj_new_impl(bpf_core_type_id_local(type), NULL))
#define drop(p) bpf_obj_drop_impl(p, NULL)

/* Of what BPF_PROG_TEST_RUN gives: what to do, and room for nothing else. */
#define OPS 48
struct ops {
	__u8 at[OPS];
};

long out[2048];
long said;

#define say(value)                                                             \
	do {                                                                   \
		out[said & 2047] = (value);                                     \
		said++;                                                        \
	} while (0)

struct inner {
	long value;
	struct bpf_list_node link;
};

struct item {
	long key;
	struct bpf_rb_node node;
	struct bpf_list_node link;
	struct bpf_refcount ref;
	struct inner __kptr *kept;
};

struct box {
	long key;
	struct bpf_list_node link;
};

private(A) struct bpf_spin_lock lock;
private(A) struct bpf_rb_root tree __contains(item, node);
private(A) struct bpf_list_head list __contains(item, link);
private(B) struct bpf_spin_lock box_lock;
private(B) struct bpf_list_head boxes __contains(box, link);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct item, node)->key < container_of(b, struct item, node)->key;
}

/* 0: pushes to the front, 1: to the back, 2: pops the first, 3: the last. */
static int box_op(int op, int key)
{
	struct bpf_list_node *found;
	struct box *box;

	if (op < 2) {
		box = new(struct box);
		if (!box)
			return -1;
		box->key = key;
		bpf_spin_lock(&box_lock);
		if (op == 0)
			bpf_list_push_front_impl(&boxes, &box->link, NULL, 0);
		else
			bpf_list_push_back_impl(&boxes, &box->link, NULL, 0);
		bpf_spin_unlock(&box_lock);
		return 0;
	}
	bpf_spin_lock(&box_lock);
	if (op == 2)
		found = bpf_list_pop_front(&boxes);
	else
		found = bpf_list_pop_back(&boxes);
	bpf_spin_unlock(&box_lock);
	if (!found)
		return -2;
	box = container_of(found, struct box, link);
	key = box->key;
	drop(box);
	return key;
}

SEC("syscall")
int box_ops(struct ops *ctx)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, OPS);
	while ((i = bpf_iter_num_next(&it))) {
		int at = *i, op;

		if (at < 0 || at >= OPS)
			break;
		op = ctx->at[at];
		if (op == 0xff)
			break;
		say(box_op(op & 3, op >> 2));
	}
	bpf_iter_num_destroy(&it);
	return 0;
}

/* Adds one that is in the tree and in the list, under two references. */
static int item_add(int key)
{
	struct item *item, *again;
	struct inner *inner;

	item = new(struct item);
	if (!item)
		return -1;
	item->key = key;
	inner = new(struct inner);
	if (inner) {
		inner->value = 1000 + key;
		inner = bpf_kptr_xchg(&item->kept, inner);
		if (inner)
			drop(inner);
	}
	again = bpf_refcount_acquire_impl(item, NULL);
	if (!again) {
		drop(item);
		return -4;
	}
	bpf_spin_lock(&lock);
	bpf_rbtree_add_impl(&tree, &item->node, less, NULL, 0);
	bpf_list_push_back_impl(&list, &again->link, NULL, 0);
	bpf_spin_unlock(&lock);
	return 0;
}

/* Takes out the first of the tree; it may stay in the list. */
static int tree_pop(void)
{
	struct bpf_rb_node *node;
	struct inner *inner;
	struct item *item;
	int key;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_first(&tree);
	if (!node) {
		bpf_spin_unlock(&lock);
		return -2;
	}
	node = bpf_rbtree_remove(&tree, node);
	bpf_spin_unlock(&lock);
	if (!node)
		return -3;
	item = container_of(node, struct item, node);
	key = item->key;
	inner = bpf_kptr_xchg(&item->kept, NULL);
	if (inner) {
		key += 10 * inner->value;
		drop(inner);
	}
	drop(item);
	return key;
}

/* Takes out the first of the list; it may stay in the tree. */
static int list_pop(void)
{
	struct bpf_list_node *link;
	struct item *item;
	int key;

	bpf_spin_lock(&lock);
	link = bpf_list_pop_front(&list);
	bpf_spin_unlock(&lock);
	if (!link)
		return -2;
	item = container_of(link, struct item, link);
	key = item->key;
	drop(item);
	return key;
}

/* From the root down, left or right by the bits of `path`: six keys at most. */
static int tree_walk(int path)
{
	struct bpf_rb_node *node;
	struct bpf_iter_num it;
	int keys = 0, depth = 0;
	int *i;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_root(&tree);
	bpf_iter_num_new(&it, 0, 6);
	while ((i = bpf_iter_num_next(&it))) {
		if (!node)
			break;
		keys = keys * 31 + container_of(node, struct item, node)->key + 1;
		if (path & (1 << (depth++ & 7)))
			node = bpf_rbtree_left(&tree, node);
		else
			node = bpf_rbtree_right(&tree, node);
	}
	bpf_iter_num_destroy(&it);
	bpf_spin_unlock(&lock);
	return keys;
}

/* Takes out the one that a walk comes to at its end. */
static int tree_take(int path)
{
	struct bpf_rb_node *node, *next;
	struct bpf_iter_num it;
	struct item *item;
	int depth = 0, key;
	int *i;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_root(&tree);
	if (!node) {
		bpf_spin_unlock(&lock);
		return -2;
	}
	bpf_iter_num_new(&it, 0, 3);
	while ((i = bpf_iter_num_next(&it))) {
		if (path & (1 << (depth++ & 7)))
			next = bpf_rbtree_left(&tree, node);
		else
			next = bpf_rbtree_right(&tree, node);
		if (!next)
			break;
		node = next;
	}
	bpf_iter_num_destroy(&it);
	node = bpf_rbtree_remove(&tree, node);
	bpf_spin_unlock(&lock);
	if (!node)
		return -3;
	item = container_of(node, struct item, node);
	key = item->key;
	drop(item);
	return key;
}

/* What of the list stands at its ends. */
static int list_ends(void)
{
	struct bpf_list_node *first, *last;
	int keys = -2;

	bpf_spin_lock(&lock);
	first = bpf_list_front(&list);
	last = bpf_list_back(&list);
	if (first && last)
		keys = container_of(first, struct item, link)->key * 64 +
		       container_of(last, struct item, link)->key;
	bpf_spin_unlock(&lock);
	return keys;
}

/* An item that is in the tree goes into the list again: it is refused, and dropped. */
static int add_twice(void)
{
	struct bpf_rb_node *node;
	struct item *item;
	int result = -2;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_first(&tree);
	if (node) {
		item = bpf_refcount_acquire_impl(container_of(node, struct item, node), NULL);
		if (item)
			result = bpf_list_push_front_impl(&list, &item->link, NULL, 0);
	}
	bpf_spin_unlock(&lock);
	return result;
}

/* The low three bits: what; the others: a key or path. */
SEC("syscall")
int item_ops(struct ops *ctx)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, OPS);
	while ((i = bpf_iter_num_next(&it))) {
		int at = *i, op, arg;

		if (at < 0 || at >= OPS)
			break;
		op = ctx->at[at];
		if (op == 0xff)
			break;
		arg = op >> 3;
		switch (op & 7) {
		case 0:
		case 1:
			say(item_add(arg));
			break;
		case 2:
			say(tree_pop());
			break;
		case 3:
			say(list_pop());
			break;
		case 4:
			say(tree_take(arg));
			break;
		case 5:
			say(tree_walk(arg));
			break;
		case 6:
			say(list_ends());
			break;
		default:
			say(add_twice());
		}
	}
	bpf_iter_num_destroy(&it);
	return 0;
}
