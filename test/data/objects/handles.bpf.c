/* SPDX-License-Identifier: Apache-2.0 */
/* What programs hold by a handle: kptrs in maps of every type, dynptrs, iterators, masks of CPUs.
 * Each program says what it sees. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define __kptr __attribute__((btf_type_tag("kptr")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))

char LICENSE[] SEC("license") = "GPL";

long out[512];
long said;

#define say(value)                                                             \
	do {                                                                   \
		out[said & 511] = (value);                                     \
		said++;                                                        \
	} while (0)

struct object {
	long number;
};

struct value {
	long before;
	struct object __kptr *object;
	struct task_struct __kptr *task;
	long after;
};

#define MAP(name, kind, count, bits)                                           \
	struct {                                                               \
		__uint(type, kind);                                            \
		__uint(max_entries, count);                                    \
		__uint(map_flags, bits);                                       \
		__type(key, int);                                              \
		__type(value, struct value);                                   \
	} name SEC(".maps")

MAP(array, BPF_MAP_TYPE_ARRAY, 2, 0);
MAP(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, 2, 0);
MAP(hash, BPF_MAP_TYPE_HASH, 2, 0);
MAP(late_hash, BPF_MAP_TYPE_HASH, 2, 1 /* BPF_F_NO_PREALLOC */);
MAP(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, 2, 0);
MAP(late_percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, 2, 1);
MAP(lru_hash, BPF_MAP_TYPE_LRU_HASH, 8, 0);
MAP(storage, BPF_MAP_TYPE_TASK_STORAGE, 0, 1);

static int exchange(struct value *v, int number)
{
	struct object *object = NULL, *old;
	int result = -1;

	if (number) {
		object = bpf_obj_new_impl(bpf_core_type_id_local(struct object), NULL);
		if (!object)
			return -2;
		object->number = number;
	}
	old = bpf_kptr_xchg(&v->object, object);
	if (old) {
		result = old->number;
		bpf_obj_drop_impl(old, NULL);
	}
	return result;
}

static int keep_task(struct value *v, int pid)
{
	struct task_struct *task = NULL;
	int result = -1;

	if (pid) {
		task = bpf_task_from_pid(pid);
		if (!task)
			return -2;
	}
	task = bpf_kptr_xchg(&v->task, task);
	if (task) {
		result = task->pid;
		bpf_task_release(task);
	}
	return result;
}

/* What there is of an element, seen by a plain load. */
static void look(struct value *v)
{
	struct object *object;

	say(v->before);
	say(v->after);
	bpf_rcu_read_lock();
	object = v->object;
	say(object ? object->number : -1);
	bpf_rcu_read_unlock();
}

#define TRY(map, first, second)                                                \
	do {                                                                   \
		struct value fresh = {}, *v;                                   \
		int key = first, other = second;                               \
                                                                               \
		fresh.before = 10;                                             \
		fresh.after = 11;                                              \
		say(bpf_map_update_elem(&map, &key, &fresh, 0));               \
		v = bpf_map_lookup_elem(&map, &key);                           \
		if (!v)                                                        \
			return 1;                                              \
		say(exchange(v, 7));                                           \
		say(exchange(v, 8));                                           \
		say(keep_task(v, 1));                                          \
		look(v);                                                       \
		fresh.before = 20;                                             \
		say(bpf_map_update_elem(&map, &key, &fresh, 0));               \
		v = bpf_map_lookup_elem(&map, &key);                           \
		if (!v)                                                        \
			return 2;                                              \
		look(v);                                                       \
		say(bpf_map_delete_elem(&map, &key));                          \
		say(bpf_map_update_elem(&map, &other, &fresh, 0));             \
		v = bpf_map_lookup_elem(&map, &other);                         \
		if (!v)                                                        \
			return 3;                                              \
		look(v);                                                       \
		say(exchange(v, 9));                                           \
		say(keep_task(v, 0));                                          \
	} while (0)

SEC("syscall")
int in_array(void *ctx)
{
	TRY(array, 0, 1);
	return 0;
}

SEC("syscall")
int in_percpu_array(void *ctx)
{
	TRY(percpu_array, 0, 1);
	return 0;
}

SEC("syscall")
int in_hash(void *ctx)
{
	TRY(hash, 1, 2);
	TRY(hash, 2, 3);
	return 0;
}

SEC("syscall")
int in_late_hash(void *ctx)
{
	struct value fresh = {}, *v;
	int key = 1;

	fresh.before = 10;
	say(bpf_map_update_elem(&late_hash, &key, &fresh, 0));
	v = bpf_map_lookup_elem(&late_hash, &key);
	if (!v)
		return 1;
	say(exchange(v, 7));
	say(keep_task(v, 1));
	look(v);
	say(bpf_map_delete_elem(&late_hash, &key));
	return 0;
}

SEC("syscall")
int in_percpu_hash(void *ctx)
{
	TRY(percpu_hash, 1, 2);
	return 0;
}

SEC("syscall")
int in_late_percpu_hash(void *ctx)
{
	struct value fresh = {}, *v;
	int key = 1;

	say(bpf_map_update_elem(&late_percpu_hash, &key, &fresh, 0));
	v = bpf_map_lookup_elem(&late_percpu_hash, &key);
	if (!v)
		return 1;
	say(exchange(v, 7));
	look(v);
	return 0;
}

SEC("syscall")
int in_lru_hash(void *ctx)
{
	struct value fresh = {}, *v;
	int key = 1;

	fresh.before = 10;
	say(bpf_map_update_elem(&lru_hash, &key, &fresh, 0));
	v = bpf_map_lookup_elem(&lru_hash, &key);
	if (!v)
		return 1;
	say(exchange(v, 7));
	say(keep_task(v, 1));
	look(v);
	say(bpf_map_update_elem(&lru_hash, &key, &fresh, 0));
	v = bpf_map_lookup_elem(&lru_hash, &key);
	if (!v)
		return 2;
	look(v);
	return 0;
}

SEC("syscall")
int in_storage(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct value *v;

	v = bpf_task_storage_get(&storage, task, 0, 1 /* BPF_LOCAL_STORAGE_GET_F_CREATE */);
	if (!v)
		return 1;
	say(exchange(v, 7));
	say(keep_task(v, 1));
	look(v);
	say(bpf_task_storage_delete(&storage, task));
	v = bpf_task_storage_get(&storage, task, 0, 1);
	if (!v)
		return 2;
	look(v);
	say(exchange(v, 8));
	say(keep_task(v, 1));
	return 0;
}

/* One object for each CPU. */
struct count {
	long hits;
};

struct counted {
	struct count __percpu_kptr *counts;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct counted);
} counted SEC(".maps");

SEC("syscall")
int each_cpu(void *ctx)
{
	struct count *counts, *own, *old;
	struct counted *v;
	int key = 0;

	v = bpf_map_lookup_elem(&counted, &key);
	if (!v)
		return 1;
	counts = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct count), NULL);
	if (!counts)
		return 2;
	old = bpf_kptr_xchg(&v->counts, counts);
	say(!!old);
	if (old)
		bpf_percpu_obj_drop_impl(old, NULL);
	bpf_rcu_read_lock();
	counts = v->counts;
	if (counts) {
		own = bpf_this_cpu_ptr(counts);
		own->hits += 5;
		own = bpf_per_cpu_ptr(counts, bpf_get_smp_processor_id());
		say(own ? own->hits : -1);
		own = bpf_per_cpu_ptr(counts, 100000);
		say(!!own);
	}
	bpf_rcu_read_unlock();
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

char bytes[32] = "0123456789abcdefghijklmnopqrstu";

static void use_dynptr(struct bpf_dynptr *p)
{
	char text[8] = {};
	char *slice;

	say(bpf_dynptr_size(p));
	say(bpf_dynptr_is_null(p));
	say(bpf_dynptr_is_rdonly(p));
	say(bpf_dynptr_write(p, 4, "abcd", 4, 0));
	say(bpf_dynptr_write(p, 4, "abcd", 4, 1));
	say(bpf_dynptr_read(text, 4, p, 4, 0));
	say(text[0]);
	say(text[3]);
	say(bpf_dynptr_read(text, 8, p, 30, 0));
	say(bpf_dynptr_read(text, 8, p, -1, 0));
	say(bpf_dynptr_read(text, 4, p, 0, 1));
	say(bpf_dynptr_memset(p, 8, 4, 'x'));
	say(bpf_dynptr_memset(p, 30, 4, 'x'));
	slice = bpf_dynptr_slice(p, 7, NULL, 4);
	say(slice ? slice[0] * 256 + slice[1] : -1);
	slice = bpf_dynptr_data(p, 1, 2);
	if (slice)
		slice[1] = 'y';
	slice = bpf_dynptr_data(p, 2, 2);
	say(slice ? slice[0] : -1);
	slice = bpf_dynptr_data(p, 31, 2);
	say(!!slice);
	slice = bpf_dynptr_slice(p, 1000, NULL, 1);
	say(!!slice);
}

static void adjust_dynptr(struct bpf_dynptr *p)
{
	struct bpf_dynptr clone;
	char text[4] = {};

	say(bpf_dynptr_clone(p, &clone));
	say(bpf_dynptr_adjust(&clone, 8, 20));
	say(bpf_dynptr_size(&clone));
	say(bpf_dynptr_size(p));
	say(bpf_dynptr_read(text, 2, &clone, 0, 0));
	say(text[0]);
	say(bpf_dynptr_read(text, 2, &clone, 11, 0));
	say(bpf_dynptr_adjust(&clone, 3, 2));
	say(bpf_dynptr_adjust(&clone, 3, 13));
	say(bpf_dynptr_adjust(&clone, 12, 12));
	say(bpf_dynptr_size(&clone));
	say(bpf_dynptr_copy(p, 0, &clone, 0, 4));
	say(bpf_dynptr_copy(&clone, 0, p, 0, 4));
	say(bpf_dynptr_copy(p, 16, p, 4, 8));
	say(bpf_dynptr_copy(p, 40, p, 4, 8));
	say(bpf_dynptr_read(text, 2, p, 16, 0));
	say(text[0]);
}

SEC("syscall")
int dynptr_of_memory(void *ctx)
{
	struct bpf_dynptr p;

	say(bpf_dynptr_from_mem(bytes, sizeof(bytes), 1, &p));
	say(bpf_dynptr_is_null(&p));
	say(bpf_dynptr_size(&p));
	say(bpf_dynptr_from_mem(bytes, sizeof(bytes), 0, &p));
	use_dynptr(&p);
	adjust_dynptr(&p);
	return 0;
}

SEC("syscall")
int dynptr_of_record(void *ctx)
{
	struct bpf_dynptr p;

	say(bpf_ringbuf_reserve_dynptr(&ring, 32, 0, &p));
	use_dynptr(&p);
	bpf_ringbuf_submit_dynptr(&p, 0);
	say(bpf_ringbuf_reserve_dynptr(&ring, 8000, 0, &p));
	say(bpf_dynptr_is_null(&p));
	bpf_ringbuf_discard_dynptr(&p, 0);
	say(bpf_ringbuf_reserve_dynptr(&ring, 16, 1, &p));
	bpf_ringbuf_submit_dynptr(&p, 0);
	say(bpf_ringbuf_reserve_dynptr(&ring, 0x2000000, 0, &p));
	bpf_ringbuf_submit_dynptr(&p, 0);
	say(bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &p));
	bpf_ringbuf_discard_dynptr(&p, 0);
	say(bpf_ringbuf_query(&ring, 0 /* BPF_RB_AVAIL_DATA */));
	return 0;
}

__u64 words[4] = { 0x8000000000000011, 0, 0x100, 0x4000000000000000 };

static void bits(const __u64 *from, unsigned count)
{
	struct bpf_iter_bits it;
	int *bit;

	say(bpf_iter_bits_new(&it, from, count));
	while ((bit = bpf_iter_bits_next(&it)))
		say(*bit);
	say(!!bpf_iter_bits_next(&it));
	bpf_iter_bits_destroy(&it);
}

SEC("syscall")
int all_bits(void *ctx)
{
	bits(words, 1);
	bits(words, 4);
	bits(words, 0);
	bits(words, 512);
	bits(NULL, 1);
	bits((void *)0xffff900000000000, 1);
	bits((void *)0xffff900000000000, 2);
	return 0;
}

/* Tasks differ from kernel to kernel, but not the first, nor those of one process. */
SEC("syscall")
int all_tasks(void *ctx)
{
	struct task_struct *task, *self = bpf_get_current_task_btf();
	struct bpf_iter_task it;
	int count = 0, seen = 0;

	bpf_rcu_read_lock();
	say(bpf_iter_task_new(&it, NULL, 2));
	say(!!bpf_iter_task_next(&it));
	bpf_iter_task_destroy(&it);
	say(bpf_iter_task_new(&it, NULL, 3));
	bpf_iter_task_destroy(&it);
	say(bpf_iter_task_new(&it, NULL, 0));
	while ((task = bpf_iter_task_next(&it))) {
		if (count++ < 2)
			say(task->pid);
		if (task->pid == self->pid)
			seen++;
	}
	bpf_iter_task_destroy(&it);
	say(seen);
	seen = 0;
	say(bpf_iter_task_new(&it, NULL, 1));
	while ((task = bpf_iter_task_next(&it)))
		if (task->pid == self->pid)
			seen++;
	bpf_iter_task_destroy(&it);
	say(seen);
	say(bpf_iter_task_new(&it, self, 2));
	count = 0;
	while ((task = bpf_iter_task_next(&it)))
		count += task->tgid == self->tgid;
	bpf_iter_task_destroy(&it);
	say(count);
	bpf_rcu_read_unlock();
	return 0;
}

#define plain(mask) ((const struct cpumask *)(mask))

SEC("syscall")
int masks(void *ctx)
{
	struct bpf_cpumask *a, *b;
	__u64 from[2] = { 1, 0 };

	a = bpf_cpumask_create();
	if (!a)
		return 1;
	b = bpf_cpumask_create();
	if (!b) {
		bpf_cpumask_release(a);
		return 2;
	}
	say(bpf_cpumask_empty(plain(a)));
	bpf_cpumask_set_cpu(0, a);
	bpf_cpumask_set_cpu(100000, a);
	say(bpf_cpumask_test_cpu(0, plain(a)));
	say(bpf_cpumask_test_cpu(100000, plain(a)));
	say(bpf_cpumask_first(plain(a)));
	say(bpf_cpumask_weight(plain(a)));
	say(bpf_cpumask_test_and_set_cpu(0, a));
	say(bpf_cpumask_test_and_clear_cpu(0, a));
	say(bpf_cpumask_test_and_clear_cpu(0, a));
	bpf_cpumask_setall(b);
	say(bpf_cpumask_full(plain(b)));
	say(bpf_cpumask_first(plain(b)));
	say(bpf_cpumask_first_zero(plain(a)));
	say(bpf_cpumask_and(a, plain(a), plain(b)));
	say(bpf_cpumask_intersects(plain(a), plain(b)));
	say(bpf_cpumask_subset(plain(a), plain(b)));
	say(bpf_cpumask_subset(plain(b), plain(a)));
	say(bpf_cpumask_equal(plain(a), plain(b)));
	bpf_cpumask_or(a, plain(a), plain(b));
	say(bpf_cpumask_equal(plain(a), plain(b)));
	bpf_cpumask_xor(a, plain(a), plain(b));
	say(bpf_cpumask_empty(plain(a)));
	bpf_cpumask_copy(a, plain(b));
	bpf_cpumask_clear_cpu(0, a);
	say(bpf_cpumask_test_cpu(0, plain(a)));
	bpf_cpumask_clear(a);
	say(bpf_cpumask_weight(plain(a)));
	say(bpf_cpumask_populate(a, from, 4));
	say(bpf_cpumask_populate(a, from, sizeof(from)));
	say(bpf_cpumask_weight(plain(a)));
	bpf_cpumask_release(bpf_cpumask_acquire(b));
	bpf_cpumask_release(b);
	bpf_cpumask_release(a);
	return 0;
}
