/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that hold things, each for one hazard of what ends overrunning programs. They are run by
 * BPF_PROG_TEST_RUN; each could be ended at any of its calls.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *cpumask) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern struct roster_lock *roster_lock(void) __ksym;
extern void roster_unlock(struct roster_lock *lock) __ksym;
extern struct roster_entry *roster_add(u32 number) __ksym;
extern void roster_put(struct roster_entry *entry) __ksym;
extern struct roster_file *roster_open(void) __ksym;
extern void roster_close(struct roster_file *file) __ksym;

struct stash {
	struct bpf_cpumask __kptr *mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct stash);
} stashes SEC(".maps");

/* H2, H6: a reference on a task. */
SEC("?syscall")
int hold_task(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 1;
	bpf_task_release(task);
	return 0;
}

/* H3: released once, and gone with that. */
SEC("?syscall")
int hold_open(void *ctx)
{
	struct roster_file *file = roster_open();

	if (file)
		roster_close(file);
	return 0;
}

/* H4: two references on one object. */
SEC("?syscall")
int hold_twice(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1), *again;

	if (!task)
		return 1;
	again = bpf_task_acquire(task);
	if (again)
		bpf_task_release(again);
	bpf_task_release(task);
	return 0;
}

/* H5: what was held is the map's from the exchange on. */
SEC("?syscall")
int put_away(void *ctx)
{
	struct bpf_cpumask *mask;
	struct stash *stash;
	u32 key = 0;

	stash = bpf_map_lookup_elem(&stashes, &key);
	if (!stash)
		return 1;
	mask = bpf_cpumask_create();
	if (!mask)
		return 1;
	mask = bpf_kptr_xchg(&stash->mask, mask);
	if (mask)
		bpf_cpumask_release(mask);
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("?syscall")
int take_out(void *ctx)
{
	struct bpf_cpumask *mask;
	struct stash *stash;
	u32 key = 0;

	stash = bpf_map_lookup_elem(&stashes, &key);
	if (!stash)
		return 1;
	mask = bpf_kptr_xchg(&stash->mask, NULL);
	if (!mask)
		return 1;
	bpf_cpumask_release(mask);
	return 0;
}

/* H6: comes in between, as an interrupt. */
SEC("?raw_tp")
int interrupting(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (task)
		bpf_task_release(task);
	return 0;
}

/* H7: the entry is on the list that the lock guards until its last put. */
SEC("?syscall")
int hold_entry(void *ctx)
{
	struct roster_lock *lock = roster_lock();
	struct roster_entry *entry = roster_add(7);

	if (entry)
		roster_put(entry);
	roster_unlock(lock);
	return 0;
}

/* H8: the last put of the file sleeps, which the section does not allow. */
SEC("?syscall")
int hold_file(void *ctx)
{
	struct roster_file *file;

	bpf_rcu_read_lock();
	file = roster_open();
	bpf_rcu_read_unlock();
	if (file)
		roster_close(file);
	return 0;
}

struct count {
	u64 rounds;
};

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

/* What keeping a record costs: as many pairs as it is told. */
SEC("?syscall")
int acquire_and_release(struct count *ctx)
{
	struct task_struct *task, *again;
	struct bpf_iter_num it;

	task = bpf_task_from_pid(1);
	if (!task)
		return 1;
	bpf_iter_num_new(&it, 0, (int)ctx->rounds);
	while (bpf_iter_num_next(&it)) {
		again = bpf_task_acquire(task);
		if (again)
			bpf_task_release(again);
	}
	bpf_iter_num_destroy(&it);
	bpf_task_release(task);
	return 0;
}

static int work(u32 index, void *ctx)
{
	u64 *sum = ctx;

	*sum = *sum * 31 + index;
	*sum ^= *sum >> 7;
	*sum += bpf_get_prandom_u32();
	return 0;
}

/* The same without anything held: work, and calls that acquire nothing. */
SEC("?syscall")
int acquire_nothing(struct count *ctx)
{
	u64 sum = 0;

	bpf_loop(ctx->rounds, work, &sum, 0);
	ctx->rounds = sum;
	return 0;
}
