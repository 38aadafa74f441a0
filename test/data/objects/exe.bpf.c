/* SPDX-License-Identifier: Apache-2.0 */
/* The file that a task executes, held by a program on a hook of security modules. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

long found, same, missing;
struct file *last;

SEC("lsm/file_open")
int BPF_PROG(opened, struct file *file)
{
	struct file *exe = bpf_get_task_exe_file(bpf_get_current_task_btf());

	if (!exe) {
		missing++;
		return 0;
	}
	found++;
	if (exe == last)
		same++;
	last = exe;
	bpf_put_file(exe);
	return 0;
}
