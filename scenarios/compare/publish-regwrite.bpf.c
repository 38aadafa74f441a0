/* SPDX-License-Identifier: Apache-2.0 */
/* Design regwrite: the process has registered the memory; the program knows where it is. */
#include "publish.h"

static long (*bpf_probe_write_user_registered)(void *dst, const void *src, __u32 len, __u32 tag) =
	(void *)212;

#define TAG 0xf23c39ab

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} where SEC(".maps");

static __always_inline long publish(__u64 sequence)
{
	__u32 zero = 0;
	__u64 *addr = bpf_map_lookup_elem(&where, &zero);

	if (!addr)
		return -ENOENT;
	return bpf_probe_write_user_registered((void *)*addr, &sequence, sizeof(sequence), TAG);
}

/* No helper writes to the memory of another process. */
static __always_inline long publish_for(__u32 pid, __u64 sequence)
{
	return publish(sequence);
}
