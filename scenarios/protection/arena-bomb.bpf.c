/* SPDX-License-Identifier: Apache-2.0 */
/* The bomb with a load, in each round, from a page of an arena that nobody has allocated. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define ROUNDS 100000
#define __arena __attribute__((address_space(1)))
/* Where user space would see it. */
#define BASE 0x100000000000ULL

#ifndef __ulong
#define __ulong(name, val) enum { arena_##name = val } name
#endif

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

#define for_each_number(i, it, n)							\
	for (bpf_iter_num_new(&it, 0, n); (i = bpf_iter_num_next(&it)) ||		\
	     (bpf_iter_num_destroy(&it), 0);)

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, BASE);
} arena SEC(".maps");

/* Who sets it off, where that is not every task: its pid. */
volatile u32 armed = 0;

SEC("?raw_tp/sched_switch")
int arena_plain(void *ctx)
{
	volatile int __arena *nowhere;
	u64 address = BASE;
	struct bpf_iter_num outer, inner;
	int *i, *j, sum = 0;

	/* The program has the arena because it names it; clang makes no code of constant places. */
	asm volatile("" : "+r"(address) : "r"(&arena));
	nowhere = (int __arena *)address;
	for_each_number(i, outer, ROUNDS) {
		for_each_number(j, inner, ROUNDS)
			sum += *nowhere;
	}
	return sum;
}
