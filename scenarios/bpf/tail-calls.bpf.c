/* SPDX-License-Identifier: Apache-2.0 */
/* A program that calls itself by a tail call, over and over, until the kernel has had enough. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, sizeof(u32));
	__array(values, int(void *));
} chain SEC(".maps");

u64 entered = 0; /* how often `first` was */
u64 links = 0; /* how often `link` was */
u64 refused = 0; /* tail calls that the kernel did not do */
u64 empty = 0; /* tail calls into a slot where nothing is */

SEC("raw_tp/sys_enter")
int first(struct bpf_raw_tracepoint_args *ctx)
{
	__sync_fetch_and_add(&entered, 1);
	bpf_tail_call(ctx, &chain, 2);
	__sync_fetch_and_add(&empty, 1);
	bpf_tail_call(ctx, &chain, 1);
	__sync_fetch_and_add(&refused, 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int link(struct bpf_raw_tracepoint_args *ctx)
{
	__sync_fetch_and_add(&links, 1);
	bpf_tail_call(ctx, &chain, 1);
	__sync_fetch_and_add(&refused, 1);
	return 0;
}
