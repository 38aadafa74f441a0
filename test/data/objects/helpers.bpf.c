/* SPDX-License-Identifier: Apache-2.0 */
/* What helpers and kfuncs answer, in variables: the same on any kernel that has them. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define MAP(name, kind, entries, k, v) \
	struct { \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, entries); \
		__type(key, k); \
		__type(value, v); \
	} name SEC(".maps")

struct locked {
	struct bpf_spin_lock lock;
	int count;
};

MAP(hash, HASH, 2, __u32, __u64);
MAP(array, ARRAY, 3, __u32, __u64);
MAP(percpu, PERCPU_ARRAY, 2, __u32, __u64);
MAP(lockable, ARRAY, 1, __u32, struct locked);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} storage SEC(".maps");

int tail_again(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} calls SEC(".maps") = {
	.values = { [0] = (void *)&tail_again },
};

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));
struct bpf_iter_num {
	__u64 opaque;
};

extern struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

#define BAD_ADDRESS ((void *)16)

long less, equal, greater, prefix;
long printed, cut, counted;
char text[32], short_text[6];
long str_copied, str_cut, str_fault, fault, user_fault, user_str_fault, from_user_fault, read_ok;
char str[8], str_short[4], faulted[8] = "1234567";

SEC("syscall")
int strings(void *ctx)
{
	static const char hello[8] = "hello", help[8] = "help";
	__u64 args[3], words[2];
	char word[8] = "abcdef", dst[8] = "xxxxxxx";

	args[0] = 42;
	args[1] = (__u64)-7;
	args[2] = (__u64)hello;
	words[0] = (__u64)help;
	words[1] = (__u64)hello;
	equal = bpf_strncmp(word, 8, "abcdef");
	less = bpf_strncmp(word, 8, "abd") < 0;
	greater = bpf_strncmp(word, 8, "abc") > 0;
	prefix = bpf_strncmp(word, 3, "abcxyz");
	printed = bpf_snprintf(text, sizeof(text), "%d %ld <%s>", args, sizeof(args));
	cut = bpf_snprintf(short_text, sizeof(short_text), "%s %s", words, sizeof(words));
	counted = bpf_snprintf(NULL, 0, "%x", args, 8);
	str_copied = bpf_probe_read_kernel_str(str, sizeof(str), hello);
	str_cut = bpf_probe_read_kernel_str(str_short, sizeof(str_short), hello);
	str_fault = bpf_probe_read_kernel_str(dst, sizeof(dst), BAD_ADDRESS);
	fault = bpf_probe_read_kernel(faulted, sizeof(faulted), BAD_ADDRESS);
	user_fault = bpf_probe_read_user(dst, sizeof(dst), BAD_ADDRESS);
	user_str_fault = bpf_probe_read_user_str(dst, sizeof(dst), BAD_ADDRESS);
	from_user_fault = bpf_copy_from_user(dst, sizeof(dst), BAD_ADDRESS);
	read_ok = bpf_probe_read_kernel(dst, sizeof(dst), hello);
	return 0;
}

long absent_exist, fresh, again, unknown_flags, full, deleted, deleted_again, overwritten;
long array_beyond, array_noexist, array_delete, array_set, beyond_is_null, absent_is_null;
long cpu_0_is_there, cpu_9999_is_null, hash_value;

SEC("syscall")
int map_operations(void *ctx)
{
	__u32 key = 1, second = 2, third = 3, beyond = 9;
	__u64 value = 5, other = 6, *found;

	absent_is_null = !bpf_map_lookup_elem(&hash, &key);
	absent_exist = bpf_map_update_elem(&hash, &key, &value, BPF_EXIST);
	fresh = bpf_map_update_elem(&hash, &key, &value, BPF_NOEXIST);
	again = bpf_map_update_elem(&hash, &key, &value, BPF_NOEXIST);
	overwritten = bpf_map_update_elem(&hash, &key, &other, BPF_EXIST);
	unknown_flags = bpf_map_update_elem(&hash, &key, &value, 64);
	found = bpf_map_lookup_elem(&hash, &key);
	hash_value = found ? *found : -1;
	bpf_map_update_elem(&hash, &second, &value, BPF_ANY);
	full = bpf_map_update_elem(&hash, &third, &value, BPF_ANY);
	deleted = bpf_map_delete_elem(&hash, &key);
	deleted_again = bpf_map_delete_elem(&hash, &key);
	bpf_map_delete_elem(&hash, &second);
	array_beyond = bpf_map_update_elem(&array, &beyond, &value, BPF_ANY);
	array_noexist = bpf_map_update_elem(&array, &key, &value, BPF_NOEXIST);
	array_delete = bpf_map_delete_elem(&array, &key);
	array_set = bpf_map_update_elem(&array, &key, &value, BPF_EXIST);
	beyond_is_null = !bpf_map_lookup_elem(&array, &beyond);
	cpu_0_is_there = !!bpf_map_lookup_percpu_elem(&percpu, &key, 0);
	cpu_9999_is_null = !bpf_map_lookup_percpu_elem(&percpu, &key, 9999);
	return 0;
}

static long sum_elem(void *map, __u32 *key, __u64 *value, long *sum)
{
	*sum += *key * 100 + *value;
	return 0;
}

static long stop_elem(void *map, __u32 *key, __u64 *value, long *seen)
{
	++*seen;
	return *key == 1;
}

static long each_until_3(__u32 index, long *sum)
{
	*sum += index;
	return index == 3;
}

static long nothing(__u32 index, void *ctx)
{
	return 0;
}

long walked, walked_sum, stopped, stopped_seen, walk_flags, walked_percpu;
long loops_0, loops_stopped, loops_sum, loops_max, loops_too_many, loops_flags;

SEC("syscall")
int callbacks(void *ctx)
{
	__u32 zero = 0, two = 2;
	__u64 seven = 7, nine = 9;
	long sum = 0, seen = 0;

	bpf_map_update_elem(&array, &zero, &seven, BPF_ANY);
	bpf_map_update_elem(&array, &two, &nine, BPF_ANY);
	walked = bpf_for_each_map_elem(&array, sum_elem, &sum, 0);
	walked_sum = sum;
	stopped = bpf_for_each_map_elem(&array, stop_elem, &seen, 0);
	stopped_seen = seen;
	walk_flags = bpf_for_each_map_elem(&array, stop_elem, &seen, 1);
	walked_percpu = bpf_for_each_map_elem(&percpu, stop_elem, &seen, 0);
	loops_0 = bpf_loop(0, nothing, NULL, 0);
	sum = 0;
	loops_stopped = bpf_loop(100, each_until_3, &sum, 0);
	loops_sum = sum;
	loops_too_many = bpf_loop((1 << 23) + 1, nothing, NULL, 0);
	loops_max = bpf_loop(1 << 12, nothing, NULL, 0);
	loops_flags = bpf_loop(1, nothing, NULL, 1);
	return 0;
}

long ring_size, ring_output, ring_flags, ring_avail, ring_avail_discarded, ring_full, ring_too_big;
long ring_unknown_query, ring_prod;

SEC("syscall")
int ring_buffer(void *ctx)
{
	static char big[4096];
	__u64 record = 1, *reserved;

	ring_size = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);
	ring_output = bpf_ringbuf_output(&ring, &record, sizeof(record), BPF_RB_NO_WAKEUP);
	ring_flags = bpf_ringbuf_output(&ring, &record, sizeof(record), 64);
	ring_avail = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	reserved = bpf_ringbuf_reserve(&ring, 20, 0);
	if (reserved)
		bpf_ringbuf_discard(reserved, BPF_RB_NO_WAKEUP);
	ring_avail_discarded = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	ring_prod = bpf_ringbuf_query(&ring, BPF_RB_PROD_POS);
	ring_full = bpf_ringbuf_output(&ring, big, 4080, 0);
	ring_too_big = bpf_ringbuf_output(&ring, big, sizeof(big), 0);
	ring_unknown_query = bpf_ringbuf_query(&ring, 77);
	reserved = bpf_ringbuf_reserve(&ring, 8, 0);
	if (reserved) {
		*reserved = 2;
		bpf_ringbuf_submit(reserved, BPF_RB_NO_WAKEUP);
	}
	return 0;
}

long tail_runs;

SEC("syscall")
int tail_again(void *ctx)
{
	tail_runs++;
	bpf_tail_call(ctx, &calls, 0);
	return 7;
}

long tail_absent, tail_beyond;

SEC("syscall")
int tail_nowhere(void *ctx)
{
	bpf_tail_call(ctx, &calls, 1);
	tail_absent = 1;
	bpf_tail_call(ctx, &calls, 99);
	tail_beyond = 1;
	return 0;
}

long own_is_found, bad_pid_is_null, zero_pid_is_null, ids_agree, comm_result, comm_ends, same_task;
long signal_bad, close_bad, time_goes_on, boot_is_later, cpu_is_small, uid_gid, locked_count;

SEC("syscall")
int tasks(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf(), *found;
	__u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();
	struct locked *value;
	__u32 zero = 0;
	char comm[16];

	ids_agree = (__u32)id != 0 && id >> 32 != 0;
	found = bpf_task_from_pid((__u32)id);
	own_is_found = !!found;
	if (found) {
		same_task = (long)found == (long)bpf_get_current_task();
		bpf_task_release(found);
	}
	found = bpf_task_acquire(task);
	if (found)
		bpf_task_release(found);
	found = bpf_task_from_pid(-1);
	bad_pid_is_null = !found;
	if (found)
		bpf_task_release(found);
	found = bpf_task_from_pid(0);
	zero_pid_is_null = !found;
	if (found)
		bpf_task_release(found);
	comm_result = bpf_get_current_comm(comm, sizeof(comm));
	comm_ends = comm[15];
	signal_bad = bpf_send_signal(100);
	close_bad = bpf_sys_close(9999);
	uid_gid = bpf_get_current_uid_gid();
	cpu_is_small = bpf_get_smp_processor_id() < 64;
	time_goes_on = bpf_ktime_get_ns() >= now;
	boot_is_later = bpf_ktime_get_boot_ns() >= now;
	value = bpf_map_lookup_elem(&lockable, &zero);
	if (value) {
		bpf_spin_lock(&value->lock);
		value->count += 3;
		bpf_spin_unlock(&value->lock);
		locked_count = value->count;
	}
	return 0;
}

long no_storage, made_storage, kept_storage, bad_storage_flags, gone_storage, gone_again;

SEC("syscall")
int task_storage(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *value, nine = 9;

	bpf_rcu_read_lock();
	no_storage = !bpf_task_storage_get(&storage, task, NULL, 0);
	value = bpf_task_storage_get(&storage, task, &nine, BPF_LOCAL_STORAGE_GET_F_CREATE);
	made_storage = value ? *value : -1;
	if (value)
		*value = 10;
	value = bpf_task_storage_get(&storage, task, NULL, 0);
	kept_storage = value ? *value : -1;
	bad_storage_flags = !bpf_task_storage_get(&storage, task, NULL, 2);
	gone_storage = bpf_task_storage_delete(&storage, task);
	gone_again = bpf_task_storage_delete(&storage, task);
	bpf_rcu_read_unlock();
	return 0;
}

long iter_ok, iter_sum, iter_backwards, iter_none, iter_too_long;

SEC("syscall")
int numbers(void *ctx)
{
	struct bpf_iter_num it;
	int *next;

	iter_ok = bpf_iter_num_new(&it, -2, 5);
	while ((next = bpf_iter_num_next(&it)))
		iter_sum += *next;
	bpf_iter_num_destroy(&it);
	iter_backwards = bpf_iter_num_new(&it, 5, 0);
	iter_none = !bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	iter_too_long = bpf_iter_num_new(&it, 0, (1 << 23) + 1);
	bpf_iter_num_destroy(&it);
	return 0;
}

long printk_result, vprintk_result;

SEC("syscall")
int printing(void *ctx)
{
	static const char format[] = "helper %d %s", four[] = "%d-%d-%d-%d";
	static const char word[4] = "abc";
	__u64 args[4] = { 1, 2, 3, (__u64)-4 };

	printk_result = bpf_trace_printk(format, sizeof(format), 5, word);
	vprintk_result = bpf_trace_vprintk(four, sizeof(four), args, sizeof(args));
	return 0;
}
