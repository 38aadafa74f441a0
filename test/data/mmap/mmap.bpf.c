/* SPDX-License-Identifier: Apache-2.0 */
/* Maps that processes have in their memory, and memory of processes that a map has. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define __uptr __attribute__((btf_type_tag("uptr")))

char LICENSE[] SEC("license") = "GPL";

struct counter {
	unsigned long count;
	unsigned long word;
};

struct value {
	struct counter __uptr *at;
	unsigned long plain;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct value);
} storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 3);
	__type(key, int);
	__type(value, unsigned long);
} array SEC(".maps");

struct with_lock {
	struct bpf_spin_lock lock;
	int x;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct with_lock);
} locked SEC(".maps");

/* 0: no element; 1: nothing pinned; 2: it has counted. */
SEC("syscall")
int hit(void *ctx)
{
	struct value *value;

	value = bpf_task_storage_get(&storage, bpf_get_current_task_btf(), 0, 0);
	if (!value)
		return 0;
	if (!value->at)
		return 1;
	value->at->count++;
	return 2;
}

/* What was there, which becomes one more. */
SEC("syscall")
int bump(void *ctx)
{
	int key = 1;
	unsigned long *value = bpf_map_lookup_elem(&array, &key);

	return value ? (*value)++ : -1;
}
