// SPDX-License-Identifier: Apache-2.0
// Two programs that the verifier refuses, and one that it accepts:
//   bohrbug bpf verify docs/examples/refused.bpf.o
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

/* A look-up may find nothing. */
SEC("raw_tp/sched_switch")
int unchecked(void *ctx)
{
	__u32 key = 1;
	__u64 *count = bpf_map_lookup_elem(&runs, &key);

	*count += 1;
	return 0;
}

char names[8][16];
__u32 next;

/* Nothing says that `next` is below 8. */
SEC("raw_tp/sched_switch")
int unbounded(void *ctx)
{
	bpf_get_current_comm(names[next], 16);
	return 0;
}

SEC("raw_tp/sched_switch")
int accepted(void *ctx)
{
	__u32 key = 1;
	__u64 *count = bpf_map_lookup_elem(&runs, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
	bpf_get_current_comm(names[next & 7], 16);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
