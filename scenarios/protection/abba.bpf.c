/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that take two resilient locks: one in each order, one the same twice. Each moves one from
 * an account to another, or tells why not. They are run by BPF_PROG_TEST_RUN.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_res_spin_lock(struct bpf_res_spin_lock *lock) __ksym;
extern void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock) __ksym;
extern int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *lock,
				     unsigned long *flags__irq_flag) __ksym;
extern void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *lock,
					   unsigned long *flags__irq_flag) __ksym;

struct account {
	struct bpf_res_spin_lock lock;
	s64 amount;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct account);
} accounts SEC(".maps");

static __always_inline int move(u32 source, u32 target)
{
	struct account *from = bpf_map_lookup_elem(&accounts, &source);
	struct account *to = bpf_map_lookup_elem(&accounts, &target);
	int result;

	if (!from || !to)
		return 1;
	result = bpf_res_spin_lock(&from->lock);
	if (result)
		return result;
	result = bpf_res_spin_lock(&to->lock);
	if (!result) {
		from->amount--;
		to->amount++;
		bpf_res_spin_unlock(&to->lock);
	}
	bpf_res_spin_unlock(&from->lock);
	return result;
}

SEC("?syscall")
int move_forth(void *ctx)
{
	return move(0, 1);
}

SEC("?syscall")
int move_back(void *ctx)
{
	return move(1, 0);
}

/* The same lock twice. */
SEC("?syscall")
int move_nowhere(void *ctx)
{
	return move(0, 0);
}

/* The same, with interrupts off. */
SEC("?syscall")
int move_nowhere_irqsave(void *ctx)
{
	struct account *from, *to;
	unsigned long flags, more;
	u32 key = 1;
	int result;

	from = bpf_map_lookup_elem(&accounts, &key);
	to = bpf_map_lookup_elem(&accounts, &key);
	if (!from || !to)
		return 1;
	result = bpf_res_spin_lock_irqsave(&from->lock, &flags);
	if (result)
		return result;
	result = bpf_res_spin_lock_irqsave(&to->lock, &more);
	if (!result)
		bpf_res_spin_unlock_irqrestore(&to->lock, &more);
	bpf_res_spin_unlock_irqrestore(&from->lock, &flags);
	return result;
}

/* Refused: it goes on as if it had the lock. */
SEC("?syscall")
int ignores_result(void *ctx)
{
	struct account *account;
	u32 key = 0;

	account = bpf_map_lookup_elem(&accounts, &key);
	if (!account)
		return 1;
	bpf_res_spin_lock(&account->lock);
	account->amount++;
	bpf_res_spin_unlock(&account->lock);
	return 0;
}
