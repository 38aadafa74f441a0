/* SPDX-License-Identifier: Apache-2.0 */
/* Most of what an object can have, run on the simulated kernel: results go to variables. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#ifndef __BPF_CPU_VERSION__ /* clang 14 */
#define __BPF_CPU_VERSION__ 3
#endif
#define noinline __attribute__((noinline))

char LICENSE[] SEC("license") = "GPL";

struct task_struct {
	int pid;
	int tgid;
	int no_such_field;
	struct task_struct *real_parent;
	char comm[16];
} __attribute__((preserve_access_index));

struct task_struct___ancient {
	long state_of_old;
} __attribute__((preserve_access_index));

struct no_such_struct {
	int x;
} __attribute__((preserve_access_index));

enum bpf_map_type___here {
	BPF_MAP_TYPE_HASH___here = 77,
	BPF_MAP_TYPE_NEVER___here = 78,
};

struct counter {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} small SEC(".maps"), large SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct counter);
} by_size SEC(".maps") = {
	.values = { [1] = &small, [3] = &large },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u64);
} squares SEC(".maps");

int tail(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} calls SEC(".maps") = {
	.values = { [2] = (void *)&tail },
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned int CONFIG_HZ __kconfig __weak;
extern __u64 CONFIG_NEVER __kconfig __weak;

extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern void no_such_kfunc(void) __ksym __weak;

const volatile int limit = 10;
const volatile _Bool wants_missing = 0;
int seed = 41;
int special SEC(".data.special") = 1000;

__u64 sum, sum_of_small, sum_of_large, after_tail, version, hz, never = 1;
__s64 quotient, rest, extended;
__u32 swapped;
__u64 exchanged, added;
int own_pid, own_parent, has_old, has_struct, hash_type, has_never, from_pid, walked;
__s16 narrow = -3;

static noinline long times(long a, long b)
{
	return a * b;
}

noinline int global_sum(int a, int b)
{
	return times(a, 1) + b;
}

static int each_index(__u32 index, void *ctx)
{
	__u64 square = times(index, index);

	*(__u64 *)ctx += square;
	bpf_map_update_elem(&squares, &index, &square, BPF_ANY);
	return index == (__u32)limit - 1;
}

static long each_square(void *map, __u32 *key, __u64 *value, int *count)
{
	*count += *value == (__u64)*key * *key;
	return 0;
}

static noinline void count_in(__u32 slot, __u64 by)
{
	void *inner = bpf_map_lookup_elem(&by_size, &slot);
	__u32 zero = 0;
	__u64 *value;

	if (!inner)
		return;
	value = bpf_map_lookup_elem(inner, &zero);
	if (value)
		__sync_fetch_and_add(value, by);
}

SEC("syscall")
int arithmetic(void *ctx)
{
	volatile __s64 dividend = -47, divisor = 5;
	volatile __u32 order = 0x11223344;
	__u64 word = 5;

#if __BPF_CPU_VERSION__ >= 4
	quotient = dividend / divisor;
	rest = dividend % divisor;
#else /* signed division is of cpu v4 */
	quotient = -(__s64)((__u64)-dividend / (__u64)divisor);
	rest = -(__s64)((__u64)-dividend % (__u64)divisor);
#endif
	extended = narrow;
	swapped = __builtin_bswap32(order);
	exchanged = __sync_lock_test_and_set(&sum, 7);
	added = __sync_fetch_and_add(&word, 3) + word;
	return global_sum(seed, 1) + special;
}

SEC("syscall")
int maps_and_calls(void *ctx)
{
	__u64 total = 0;
	int matching = 0;

	bpf_loop(100, each_index, &total, 0);
	sum = total;
	bpf_for_each_map_elem(&squares, each_square, &matching, 0);
	walked = matching;
	count_in(1, 3);
	count_in(3, 5);
	count_in(0, 9);
	bpf_tail_call(ctx, &calls, 2);
	return -1;
}

SEC("syscall")
int tail(void *ctx)
{
	after_tail = sum + limit;
	return 5;
}

SEC("syscall")
int kernel(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *found;

	version = LINUX_KERNEL_VERSION;
	hz = CONFIG_HZ;
	never = CONFIG_NEVER;
	own_pid = BPF_CORE_READ(task, pid);
	own_parent = BPF_CORE_READ(task, real_parent, tgid);
	has_old = bpf_core_field_exists(((struct task_struct___ancient *)task)->state_of_old);
	if (has_old)
		own_pid = BPF_CORE_READ((struct task_struct___ancient *)task, state_of_old);
	has_struct = bpf_core_type_exists(struct no_such_struct);
	has_never = bpf_core_enum_value_exists(enum bpf_map_type___here, BPF_MAP_TYPE_NEVER___here);
	hash_type = bpf_core_enum_value(enum bpf_map_type___here, BPF_MAP_TYPE_HASH___here);
	/* What is not there is no matter where it cannot be got to. */
	if (wants_missing)
		own_pid = BPF_CORE_READ(task, no_such_field);
	if (LINUX_KERNEL_VERSION < 0x050000)
		own_pid = bpf_core_enum_value(enum bpf_map_type___here, BPF_MAP_TYPE_NEVER___here);
	if (no_such_kfunc)
		no_such_kfunc();
	found = bpf_task_from_pid(own_pid);
	if (found) {
		from_pid = BPF_CORE_READ(found, tgid);
		bpf_task_release(found);
	}
	return 0;
}

SEC("raw_tp/sys_enter")
int sample(__u64 *ctx)
{
	__u64 number = ctx[1];

	if (number == 39) /* getpid */
		bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &number, sizeof(number));
	return 0;
}

SEC("?raw_tp/sys_enter")
int missing(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, no_such_field);
}

SEC("?fentry/no_such_function")
int nowhere(void *ctx)
{
	return 0;
}
