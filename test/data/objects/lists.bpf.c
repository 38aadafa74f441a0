/* SPDX-License-Identifier: Apache-2.0 */
/* Lists as Linux 7.2 has them: by names whose last arguments the verifier adds, and in the middle. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define __contains(type, node) __attribute__((btf_decl_tag("contains:" #type ":" #node)))
#define hidden __attribute__((visibility("hidden")))
#define private(name) SEC(".bss." #name) hidden __attribute__((aligned(8)))

char LICENSE[] SEC("license") = "GPL";

#define OPS 48
struct ops {
	__u8 at[OPS];
};

long out[2048];
long said;

#define say(value)                                                             \
	do {                                                                   \
		out[said & 2047] = (value);                                    \
		said++;                                                        \
	} while (0)

struct item {
	long key;
	struct bpf_list_node link;
	struct bpf_refcount ref;
	struct bpf_rb_node node;
};

private(A) struct bpf_spin_lock lock;
private(A) struct bpf_list_head list __contains(item, link);
private(A) struct bpf_list_head other __contains(item, link);
private(A) struct bpf_rb_root tree __contains(item, node);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct item, node)->key < container_of(b, struct item, node)->key;
}

static struct item *make(int key)
{
	struct item *item = bpf_obj_new(bpf_core_type_id_local(struct item));

	if (item)
		item->key = key;
	return item;
}

static int push(int key, bool back)
{
	struct item *item = make(key);
	int result;

	if (!item)
		return -1;
	bpf_spin_lock(&lock);
	if (back)
		result = bpf_list_push_back(&list, &item->link);
	else
		result = bpf_list_push_front(&list, &item->link);
	bpf_spin_unlock(&lock);
	return result;
}

/* Into the middle: behind the first, or behind the last. */
static int insert(int key, bool back)
{
	struct item *item = make(key);
	struct bpf_list_node *prev;
	int result = -2;

	if (!item)
		return -1;
	bpf_spin_lock(&lock);
	prev = back ? bpf_list_back(&list) : bpf_list_front(&list);
	if (!prev) {
		bpf_spin_unlock(&lock);
		bpf_obj_drop(item);
		return -2;
	}
	result = bpf_list_add(&list, &item->link, prev);
	bpf_spin_unlock(&lock);
	return result;
}

/* Takes out one that is at an end, as a node of this list or of another. */
static int take(bool back, bool wrong)
{
	struct bpf_list_node *node;
	struct item *item;
	int key;

	bpf_spin_lock(&lock);
	node = back ? bpf_list_back(&list) : bpf_list_front(&list);
	if (!node) {
		bpf_spin_unlock(&lock);
		return -2;
	}
	if (wrong)
		node = bpf_list_del(&other, node);
	else
		node = bpf_list_del(&list, node);
	bpf_spin_unlock(&lock);
	if (!node)
		return -3;
	item = container_of(node, struct item, link);
	key = item->key;
	bpf_obj_drop(item);
	return key;
}

static int ends(void)
{
	struct bpf_list_node *front, *back;
	int seen;

	bpf_spin_lock(&lock);
	seen = bpf_list_empty(&list) + 2 * bpf_list_empty(&other);
	front = bpf_list_front(&list);
	back = bpf_list_back(&list);
	if (front)
		seen += 4 * bpf_list_is_first(&list, front) + 8 * bpf_list_is_last(&list, front) +
			64 * bpf_list_is_first(&other, front);
	if (back)
		seen += 16 * bpf_list_is_first(&list, back) + 32 * bpf_list_is_last(&list, back);
	bpf_spin_unlock(&lock);
	return seen;
}

/* The first goes into the tree too, or out of it; it is one item for both. */
static int both(void)
{
	struct bpf_list_node *front;
	struct bpf_rb_node *node;
	struct item *item;
	int result = -2;

	bpf_spin_lock(&lock);
	front = bpf_list_front(&list);
	if (front) {
		item = bpf_refcount_acquire(container_of(front, struct item, link));
		if (item)
			result = bpf_rbtree_add(&tree, &item->node, less);
	}
	node = bpf_rbtree_first(&tree);
	if (!node || result == 0) {
		bpf_spin_unlock(&lock);
		return result;
	}
	node = bpf_rbtree_remove(&tree, node);
	bpf_spin_unlock(&lock);
	if (!node)
		return -4;
	item = container_of(node, struct item, node);
	result = 100 + item->key;
	bpf_obj_drop(item);
	return result;
}

SEC("syscall")
int list_ops(struct ops *ctx)
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
			say(push(arg, op & 1));
			break;
		case 2:
		case 3:
			say(insert(arg, op & 1));
			break;
		case 4:
		case 5:
			say(take(op & 1, arg == 7));
			break;
		case 6:
			say(ends());
			break;
		default:
			say(both());
		}
	}
	bpf_iter_num_destroy(&it);
	return 0;
}
