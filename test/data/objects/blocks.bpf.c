/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What random programs that hold things are made of: maps to hold them in, and types. The program
 * here is only what has the types written out.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define __kptr __attribute__((btf_type_tag("kptr")))
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))

char LICENSE[] SEC("license") = "GPL";

struct node {
	long number;
	struct bpf_list_node link;
};

struct stash {
	struct bpf_cpumask __kptr *mask;
};

struct list {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(node, link);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct stash);
} stashes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct list);
} lists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

extern void *bpf_obj_new_impl(u64 local_type_id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym;

SEC("syscall")
int body(void *ctx)
{
	struct node *node = bpf_obj_new_impl(bpf_core_type_id_local(struct node), NULL);
	int key = 0;

	if (node)
		bpf_obj_drop_impl(node, NULL);
	if (!bpf_map_lookup_elem(&stashes, &key) || !bpf_map_lookup_elem(&lists, &key))
		return 1;
	return bpf_ringbuf_query(&ring, 0) != 0;
}

/* A callback of bpf_loop(). */
static int again(u32 index, void *ctx)
{
	return 0;
}

SEC("syscall")
int looping(void *ctx)
{
	return bpf_loop(2, again, NULL, 0);
}
