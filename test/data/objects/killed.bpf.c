/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that run for too long, each where another rule of what ends them shows. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct file *bpf_get_task_exe_file(struct task_struct *task) __ksym;
extern void bpf_put_file(struct file *file) __ksym;

u64 rounds;
u64 inner_rounds;

static __always_inline void forever(void)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 8000000);
	while (bpf_iter_num_next(&it)) {
		rounds++;
		bpf_ktime_get_ns();
	}
	bpf_iter_num_destroy(&it);
}

/* Run by BPF_PROG_TEST_RUN: the caller is told. */
SEC("?syscall")
int test_run(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 1;
	forever();
	bpf_task_release(task);
	return 0;
}

/* A reference may be held for a second; what runs otherwise may take ten. */
SEC("?syscall")
int held_too_long(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 1;
	forever();
	bpf_task_release(task);
	return 0;
}

/* Frames of the same program, and what the innermost of them holds. */
static __noinline int deeper(int i)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 1;
	forever();
	bpf_task_release(task);
	return i;
}

static int callback(u32 index, void *ctx)
{
	deeper(index);
	return 0;
}

SEC("?syscall")
int in_callback(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 1;
	bpf_loop(4, callback, NULL, 0);
	bpf_task_release(task);
	return 0;
}

/* Another program's run beneath: it goes on. */
SEC("?fentry/close_fd")
int BPF_PROG(beneath)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 8000000);
	while (bpf_iter_num_next(&it))
		inner_rounds++;
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("?syscall")
int above(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	bpf_sys_close(999);
	if (task)
		bpf_task_release(task);
	return 7;
}

/* The last put of a file may sleep, as far as anybody has promised: not here. */
SEC("?lsm/file_open")
int BPF_PROG(deferred, struct file *opened)
{
	struct file *file = bpf_get_task_exe_file(bpf_get_current_task_btf());

	if (!file)
		return 0;
	forever();
	bpf_put_file(file);
	return 0;
}

/* Tracing: what it gives is of no account. */
SEC("?tp_btf/sys_enter")
int BPF_PROG(traced, struct pt_regs *regs, long id)
{
	forever();
	return 0;
}

/* One of the hooks that can refuse. */
SEC("?lsm/file_open")
int BPF_PROG(guarding, struct file *file)
{
	forever();
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} next SEC(".maps");

SEC("?syscall")
int tail_caller(void *ctx)
{
	bpf_tail_call(ctx, &next, 0);
	return 1;
}

SEC("?syscall")
int tail_called(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 1;
	forever();
	bpf_task_release(task);
	return 0;
}

/* Some 20 ms of virtual time. */
SEC("?syscall")
int short_run(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 400000);
	while (bpf_iter_num_next(&it)) {
		rounds++;
		bpf_ktime_get_ns();
	}
	bpf_iter_num_destroy(&it);
	return 0;
}

struct where {
	u64 page;
};

/* Waits for a page of its caller. */
SEC("?syscall")
int sleeps(struct where *ctx)
{
	u64 word = 0;

	bpf_copy_from_user(&word, sizeof(word), (void *)ctx->page);
	forever();
	return 0;
}
