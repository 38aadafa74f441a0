/* SPDX-License-Identifier: Apache-2.0 */
/* Counts calls of getpid(), on whatever CPU: with a plain increment, or with an atomic one. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} count SEC(".maps");

const volatile bool atomic = false;

SEC("tp/syscalls/sys_enter_getpid")
int on_getpid(void *ctx)
{
	u32 key = 0;
	u64 *value = bpf_map_lookup_elem(&count, &key);

	if (!value)
		return 0;
	if (atomic)
		__sync_fetch_and_add(value, 1);
	else
		(*value)++;
	return 0;
}
