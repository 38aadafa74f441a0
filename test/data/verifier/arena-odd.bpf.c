// SPDX-License-Identifier: Apache-2.0
// Programs with an arena whose addresses are 32-bit numbers, and in which no touch by user space
// brings a page. What Linux says of each: linux.txt; what they leave in `seen`: bpf-arena.txt.
#include "kernel.h"

#ifndef __ulong
#define __ulong(name, val) enum { arena_##name = val } name
#endif
#define __arena __attribute__((address_space(1)))
#define BASE 0x200080000000ULL
#define SYSCALL(name) SEC("?syscall") int name(void *ctx)

extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, u32 page_cnt,
					   int node_id, u64 flags) __weak __ksym;

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
	/* BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | BPF_F_NO_USER_CONV */
	__uint(map_flags, 1 << 10 | 1 << 17 | 1 << 18);
	__uint(max_entries, 1 << 19); /* 2 GiB, to the end of the 4 GiB that it is in */
	__ulong(map_extra, BASE);
} arena SEC(".maps");

u64 seen[32];

#define NUMBER(p) ((u64)(p))

struct node {
	struct node __arena *next;
	u64 value;
};

SYSCALL(links)
{
	struct node __arena *nodes = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);

	seen[0] = NUMBER(nodes);
	if (!nodes)
		return 1;
	nodes[0].next = &nodes[1];
	nodes[1].next = 0;
	nodes[1].value = 5;
	seen[1] = NUMBER(nodes[0].next);
	seen[2] = nodes[0].next->value;
	return 0;
}

/* The last page of the space, and what comes behind it. */
SYSCALL(end)
{
	u64 last = BASE + (1ULL << 31) - 4096;
	char __arena *p;

	asm volatile("" : "+r"(last));
	p = bpf_arena_alloc_pages(&arena, (void __arena *)last, 1, -1, 0);
	seen[0] = NUMBER(p);
	if (!p)
		return 1;
	*(volatile u64 __arena *)(p + 4088) = ~0ULL;
	seen[1] = *(volatile u64 __arena *)(p + 4088);
	seen[2] = *(volatile u64 __arena *)(p + 4092);
	seen[3] = *(volatile u32 __arena *)(p + 4092);
	seen[4] = *(volatile u64 __arena *)(p + 4096);
	return 0;
}
