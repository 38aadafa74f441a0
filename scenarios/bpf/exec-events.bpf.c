/* SPDX-License-Identifier: Apache-2.0 */
/* Tells user space of every exec, through a ring buffer. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "exec-events.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/* Execs that found no room in the buffer. */
unsigned long lost = 0;

SEC("tp/sched/sched_process_exec")
int on_exec(struct trace_event_raw_sched_process_exec *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	unsigned int at = ctx->__data_loc_filename & 0xffff;
	struct exec_event *event;
	long copied;

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	event->uid = (unsigned int)bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	copied = bpf_probe_read_kernel_str(event->path, sizeof(event->path), (void *)ctx + at);
	event->path_bytes = copied > 0 ? copied : 0;
	bpf_ringbuf_submit(event, 0);
	return 0;
}
