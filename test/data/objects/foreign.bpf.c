/* SPDX-License-Identifier: Apache-2.0 */
/* Reads fields wherever the running kernel has them, and one that only some kernels have. */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct task_struct {
	int pid;
	int tgid;
	long unmodelled;
	char comm[16];
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

int pid, parent, has_unmodelled, pid_offset, task_bytes;
long unmodelled = 1;
char comm[16];

SEC("tp_btf/sched_process_exec")
int on_exec(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	pid = task->pid;
	parent = task->real_parent->tgid;
	bpf_probe_read_kernel_str(comm, sizeof(comm), task->comm);
	pid_offset = bpf_core_field_offset(task->pid);
	task_bytes = bpf_core_type_size(struct task_struct);
	has_unmodelled = bpf_core_field_exists(task->unmodelled);
	if (has_unmodelled)
		unmodelled = task->unmodelled;
	return 0;
}
