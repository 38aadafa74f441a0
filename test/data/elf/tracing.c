/* A program as tools have it: maps, CO-RE, global data, a ring buffer, two programs. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_MAX,
};

struct event {
	int pid;
	int parent;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, int);
	__type(value, __u64);
} counts SEC(".maps");

const volatile int target_pid;
__u64 seen = 1;

static __noinline void count(int pid)
{
	__u64 one = 1;
	__u64 *value = bpf_map_lookup_elem(&counts, &pid);

	if (value)
		__sync_fetch_and_add(value, 1);
	else
		bpf_map_update_elem(&counts, &pid, &one, BPF_NOEXIST);
}

SEC("raw_tp/sched_process_exec") int on_exec(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = BPF_CORE_READ(task, tgid);
	event->parent = BPF_CORE_READ(task, real_parent, tgid);
	if (bpf_core_field_exists(((struct task_struct___old *)task)->state))
		event->parent = bpf_core_type_size(struct task_struct);
	if (bpf_core_enum_value_exists(enum pid_type, PIDTYPE_MAX))
		seen += bpf_core_enum_value(enum pid_type, PIDTYPE_MAX);
	bpf_core_read_str(event->comm, sizeof(event->comm), &task->comm);
	count(event->pid);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_getpid") int on_getpid(void *ctx)
{
	int pid = bpf_get_current_pid_tgid() >> 32;

	if (target_pid && pid != target_pid)
		return 0;
	bpf_printk("getpid of %d", pid);
	count(pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
