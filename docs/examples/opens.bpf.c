/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the files that each process opens. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* Processes of this user are not counted. */
const volatile unsigned int ignored_uid = 65534;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, unsigned int);
	__type(value, unsigned long);
} opens SEC(".maps");

SEC("tp/syscalls/sys_enter_openat")
int on_openat(void *ctx)
{
	unsigned int tgid = bpf_get_current_pid_tgid() >> 32;
	unsigned long one = 1, *count;

	if ((unsigned int)bpf_get_current_uid_gid() == ignored_uid)
		return 0;
	count = bpf_map_lookup_elem(&opens, &tgid);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&opens, &tgid, &one, BPF_NOEXIST);
	return 0;
}
