/* SPDX-License-Identifier: Apache-2.0 */
/* Design mmap-array: one array for all, in which each process has the place that a hash says. */
#include "publish.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} slot_of SEC(".maps");

static __always_inline long publish_for(__u32 pid, __u64 sequence)
{
	__u32 *index = bpf_map_lookup_elem(&slot_of, &pid), key;
	__u64 *slot;

	if (!index)
		return -ENOENT;
	key = *index;
	slot = bpf_map_lookup_elem(&slots, &key);
	if (!slot)
		return -ENOENT;
	*slot = sequence;
	return 0;
}

static __always_inline long publish(__u64 sequence)
{
	return publish_for(bpf_get_current_pid_tgid() >> 32, sequence);
}
