/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two programs that keep each other out, as Dekker's algorithm begins: each raises its flag, then
 * looks at the other's. With plain stores, or with exchanges, which are full barriers.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} entered SEC(".maps");

const volatile bool fenced = false;

static volatile u64 flag_a, flag_b;

static __always_inline void enter(volatile u64 *own, volatile u64 *other, u32 key)
{
	u64 *value;

	if (fenced)
		__sync_lock_test_and_set(own, 1);
	else
		*own = 1;
	if (*other)
		return;
	value = bpf_map_lookup_elem(&entered, &key);
	if (value)
		*value = 1;
}

SEC("tp/syscalls/sys_enter_getpid")
int on_getpid(void *ctx)
{
	enter(&flag_a, &flag_b, 0);
	return 0;
}

SEC("tp/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{
	enter(&flag_b, &flag_a, 1);
	return 0;
}
