/* SPDX-License-Identifier: Apache-2.0 */
/* Programs on hooks of the LSM, which give one process their answer, and on perf events, which
 * count and keep what they see. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int process;
const volatile int answer;

long calls;
long seen[8];

static __always_inline int for_process(void)
{
	if (bpf_get_current_pid_tgid() >> 32 != process)
		return 0;
	__sync_fetch_and_add(&calls, 1);
	return answer;
}

#define HOOK(name)                                                             \
	SEC("?lsm/" #name) int on_##name(void *ctx)                            \
	{                                                                      \
		return for_process();                                          \
	}

HOOK(file_open)
HOOK(file_permission)
HOOK(file_ioctl)
HOOK(file_fcntl)
HOOK(task_alloc)
HOOK(task_kill)
HOOK(task_prctl)
HOOK(bprm_creds_for_exec)
HOOK(bprm_check_security)
HOOK(bprm_committing_creds)
HOOK(bprm_committed_creds)
HOOK(task_free)
HOOK(bpf)
HOOK(bpf_map)
HOOK(bpf_prog)
HOOK(file_receive)
HOOK(mmap_file)
HOOK(perf_event_open)

/* The same as on_file_open, to be attached beside it. */
SEC("?lsm/file_open") int second(void *ctx)
{
	return bpf_get_current_pid_tgid() >> 32 == process ? -11 : 0;
}

SEC("?fmod_ret/security_file_open") int modify(void *ctx)
{
	return bpf_get_current_pid_tgid() >> 32 == process ? -5 : 0;
}

SEC("?fexit/security_task_prctl")
int BPF_PROG(left, int option, long arg2, long arg3, long arg4, long arg5, int ret)
{
	seen[0] = option;
	seen[1] = arg2;
	seen[2] = arg5;
	seen[3] = ret;
	return 0;
}

/* A hook that sleeps: what it copies may have to come first. */
SEC("?lsm.s/task_prctl")
int BPF_PROG(sleeper, int option, unsigned long arg2)
{
	char name[8] = {};

	if (option != 15)
		return 0;
	if (bpf_copy_from_user(name, sizeof(name) - 1, (void *)arg2))
		return -14;
	return name[0] == 'x' ? -1 : 0;
}

SEC("?lsm/file_open")
int BPF_PROG(look, struct file *file)
{
	if (bpf_get_current_pid_tgid() >> 32 != process)
		return 0;
	seen[0]++;
	seen[1] = file->f_flags;
	return 0;
}

SEC("?lsm/bpf")
int BPF_PROG(look_bpf, int cmd, union bpf_attr *attr, unsigned int size)
{
	if (bpf_get_current_pid_tgid() >> 32 != process)
		return 0;
	seen[0] = cmd;
	seen[1] = attr->map_type;
	seen[2] = size;
	return cmd == 0 && attr->map_type == 1 ? -13 : 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, int);
	__type(value, long);
} table SEC(".maps");

SEC("?perf_event") int sample(struct bpf_perf_event_data *ctx)
{
	int key = 1;
	long one = 1;

	__sync_fetch_and_add(&calls, 1);
	seen[0] = ctx->sample_period;
	seen[1] = ctx->addr;
	seen[2] = bpf_get_current_pid_tgid() >> 32;
	seen[3] = bpf_get_smp_processor_id();
	seen[4] = bpf_map_update_elem(&table, &key, &one, 0);
	seen[5] = ctx->regs.cs;
	return 0;
}

/* What its own event has counted. */
SEC("?perf_event") int reads(struct bpf_perf_event_data *ctx)
{
	struct bpf_perf_event_value value;

	__sync_fetch_and_add(&calls, 1);
	seen[3] = bpf_perf_prog_read_value(ctx, &value, 16);
	seen[4] = bpf_perf_prog_read_value(ctx, &value, sizeof(value));
	seen[0] = value.counter;
	seen[1] = value.enabled;
	seen[2] = value.running;
	return 0;
}

SEC("?perf_event") int kills(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != process)
		return 0;
	seen[calls & 7] = bpf_send_signal(9);
	calls++;
	return 0;
}

static int turn(u32 i, void *ctx)
{
	seen[6] = i;
	return 0;
}

/* Longer than a millisecond. */
SEC("?perf_event") int lingers(struct bpf_perf_event_data *ctx)
{
	__sync_fetch_and_add(&calls, 1);
	bpf_loop(1000000, turn, NULL, 0);
	seen[7]++;
	return 0;
}

/* Interrupted by samples, which update the same element. */
SEC("?tp_btf/task_rename") int outer(void *ctx)
{
	int key = 1;
	long one = 1;

	bpf_map_update_elem(&table, &key, &one, 0);
	bpf_map_update_elem(&table, &key, &one, 0);
	return 0;
}
