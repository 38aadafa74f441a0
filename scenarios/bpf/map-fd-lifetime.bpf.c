/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers who called getpid(): in an inner map, which user space replaces meanwhile. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} first_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { &first_map },
};

u64 runs = 0;

SEC("tp/syscalls/sys_enter_getpid")
int on_getpid(void *ctx)
{
	u32 key = 0;
	u64 *value;
	void *map;

	__sync_fetch_and_add(&runs, 1);
	map = bpf_map_lookup_elem(&outer, &key);
	if (!map)
		return 0;
	value = bpf_map_lookup_elem(map, &key);
	if (value)
		__sync_fetch_and_add(value, bpf_get_current_pid_tgid() >> 32);
	return 0;
}
