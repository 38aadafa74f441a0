// SPDX-License-Identifier: Apache-2.0
// Programs with an arena that stands where it says. What Linux says of each: linux.txt; what they
// leave in `seen` there: test/data/bpf-arena.txt.
#include "kernel.h"

#ifndef __ulong
#define __ulong(name, val) enum { arena_##name = val } name
#endif
#define __arena __attribute__((address_space(1)))
#define PAGE 4096ULL
#define BASE 0x100000000000ULL
#define PAGES 100
#define SYSCALL(name) SEC("?syscall") int name(void *ctx)
#define TRACE(name) SEC("?raw_tp/sys_enter") int name(void *ctx)

extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, u32 page_cnt,
					   int node_id, u64 flags) __weak __ksym;
extern void bpf_arena_free_pages(void *map, void __arena *ptr, u32 page_cnt) __weak __ksym;
extern int bpf_arena_reserve_pages(void *map, void __arena *ptr, u32 page_cnt) __weak __ksym;

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
	__uint(map_flags, 1 << 10); /* BPF_F_MMAPABLE */
	__uint(max_entries, PAGES);
	__ulong(map_extra, BASE);
} arena SEC(".maps");

u64 seen[32];

static __always_inline char __arena *as_pointer(u64 addr)
{
	asm volatile("" : "+r"(addr)); /* clang cannot make code of constants */
	return (char __arena *)addr;
}
#define AT(page) as_pointer(BASE + (page) * PAGE)

#define ALLOC(addr, count) bpf_arena_alloc_pages(&arena, addr, count, -1, 0)
/* As a number: address 0 of another space would be dropped. */
#define NUMBER(p) ((u64)(p))

/* Loads and stores of all sizes, and what addresses look like. */
SYSCALL(sizes)
{
	char __arena *p = ALLOC(0, 2);

	seen[0] = NUMBER(p);
	if (!p)
		return 1;
	*(volatile u64 __arena *)p = 0x8182838485868788ULL;
	seen[1] = *(volatile u8 __arena *)p;
	seen[2] = *(volatile u16 __arena *)p;
	seen[3] = *(volatile u32 __arena *)p;
	seen[4] = *(volatile u64 __arena *)p;
	seen[5] = *(volatile signed char __arena *)p;
	seen[6] = *(volatile short __arena *)p;
	seen[7] = *(volatile int __arena *)p;
	*(volatile u8 __arena *)p = 0x11;
	*(volatile u16 __arena *)(p + 2) = 0x2222;
	*(volatile u32 __arena *)(p + 4) = 0x33333333;
	seen[8] = *(volatile u64 __arena *)p;
	/* Over the end of a page into the next, aligned to nothing. */
	*(volatile u64 __arena *)(p + PAGE - 3) = 0x1122334455667788ULL;
	seen[9] = *(volatile u64 __arena *)(p + PAGE - 3);
	seen[10] = *(volatile u64 __arena *)(p + PAGE);
	seen[11] = *(volatile u32 __arena *)(p + PAGE - 1);
	return 0;
}

/* Which addresses are given out: the smallest hole that is large enough, the newest of equal ones. */
SYSCALL(places)
{
	char __arena *p[6];

	seen[0] = NUMBER(ALLOC(0, 10));
	seen[1] = NUMBER(ALLOC(0, 1));
	seen[2] = NUMBER(ALLOC(0, 3));
	seen[3] = NUMBER(ALLOC(0, 1));
	seen[4] = NUMBER(ALLOC(AT(50), 4));
	bpf_arena_free_pages(&arena, AT(2), 3);
	bpf_arena_free_pages(&arena, AT(11), 3);
	seen[5] = NUMBER(ALLOC(0, 3));
	seen[6] = NUMBER(ALLOC(0, 2));
	seen[7] = NUMBER(ALLOC(0, 2));
	seen[8] = NUMBER(ALLOC(0, 1));
	bpf_arena_free_pages(&arena, AT(0), 100);
	seen[9] = NUMBER(ALLOC(0, 100));
	seen[10] = NUMBER(ALLOC(0, 1));
	bpf_arena_free_pages(&arena, AT(30), 1);
	bpf_arena_free_pages(&arena, AT(60), 1);
	bpf_arena_free_pages(&arena, AT(40), 1);
	seen[11] = NUMBER(ALLOC(0, 1));
	seen[12] = NUMBER(ALLOC(0, 1));
	seen[13] = NUMBER(ALLOC(0, 1));
	/* What is not whole, or goes beyond the end, is cut. */
	bpf_arena_free_pages(&arena, AT(97) + 5, 100);
	seen[14] = NUMBER(ALLOC(0, 3));
	seen[15] = NUMBER(ALLOC(0, 1));
	return 0;
}

/* What is refused. */
SYSCALL(refusals)
{
	seen[0] = NUMBER(ALLOC(0, 0));
	seen[1] = NUMBER(ALLOC(0, 101));
	seen[2] = NUMBER(bpf_arena_alloc_pages(&arena, 0, 1, 1, 0));
	seen[3] = NUMBER(bpf_arena_alloc_pages(&arena, 0, 1, -2, 0));
	seen[4] = NUMBER(bpf_arena_alloc_pages(&arena, 0, 1, 0, 0));
	seen[5] = NUMBER(bpf_arena_alloc_pages(&arena, 0, 1, -1, 1));
	seen[6] = NUMBER(ALLOC(AT(5) + 1, 1));
	seen[7] = NUMBER(ALLOC(AT(99), 2));
	seen[8] = NUMBER(ALLOC(AT(100), 1));
	seen[9] = NUMBER(ALLOC(AT(0), 1));
	seen[10] = NUMBER(ALLOC(AT(1), 1));
	seen[11] = NUMBER(ALLOC(as_pointer(7 * PAGE), 1));
	seen[12] = (s64)bpf_arena_reserve_pages(&arena, AT(20), 0);
	seen[13] = (s64)bpf_arena_reserve_pages(&arena, AT(20), 2);
	seen[14] = (s64)bpf_arena_reserve_pages(&arena, AT(21), 2);
	seen[15] = (s64)bpf_arena_reserve_pages(&arena, AT(20) + 1, 2);
	seen[16] = (s64)bpf_arena_reserve_pages(&arena, AT(99), 2);
	seen[17] = NUMBER(ALLOC(AT(20), 1));
	seen[18] = NUMBER(ALLOC(AT(22), 78));
	bpf_arena_free_pages(&arena, AT(20), 1);
	seen[19] = NUMBER(ALLOC(AT(20), 1));
	return 0;
}

struct node {
	struct node __arena *next;
	u64 value;
};

/* A list whose links are addresses that user space could follow. */
SYSCALL(list)
{
	struct node __arena *nodes = (void __arena *)ALLOC(0, 1);
	struct node __arena *head = 0, *n;
	int i;

	if (!nodes)
		return 1;
	for (i = 0; i < 10; i++) {
		n = &nodes[i];
		n->value = i * i;
		n->next = head;
		head = n;
	}
	seen[1] = NUMBER(head);
	bpf_for(i, 0, 20) {
		if (!head)
			break;
		seen[0] += head->value;
		seen[2]++;
		seen[3] = NUMBER(head->next);
		head = head->next;
	}
	return 0;
}

/* What is not there reads as zero, and takes nothing. */
SYSCALL(faults)
{
	char __arena *p = ALLOC(AT(3), 1);
	char __arena *none = AT(10);

	seen[0] = *(volatile u32 __arena *)(none + 8);
	*(volatile u64 __arena *)(none + 16) = 7;
	seen[1] = *(volatile u64 __arena *)(none + 16);
	/* Half of it is there. */
	*(volatile u64 __arena *)(p + PAGE - 4) = ~0ULL;
	seen[2] = *(volatile u32 __arena *)(p + PAGE - 4);
	seen[3] = *(volatile u64 __arena *)(p + PAGE - 4);
	/* In front of the arena's first page, and of address 0 of the space. */
	seen[4] = *(volatile u64 __arena *)(AT(0) - 8);
	seen[5] = *(volatile u64 __arena *)as_pointer(8);
	bpf_arena_free_pages(&arena, p, 1);
	*(volatile u64 __arena *)p = 1;
	seen[6] = *(volatile u64 __arena *)p;
	return 0;
}

/* The same of atomics. */
SYSCALL(atomic_faults)
{
	u64 __arena *none = (u64 __arena *)AT(10);
	u64 old = 5;

	bpf_arena_free_pages(&arena, none, 1);
	__atomic_fetch_add(none, 1, __ATOMIC_RELAXED);
	seen[0] = __sync_fetch_and_add(none + 1, 2);
	seen[1] = __sync_lock_test_and_set(none + 2, 3);
	seen[2] = __sync_val_compare_and_swap(none + 3, old, 4);
	seen[3] = __sync_val_compare_and_swap(none + 4, 0, 4) + 1;
	return 0;
}

SYSCALL(atomics)
{
	u64 __arena *p = (u64 __arena *)ALLOC(0, 1);
	u32 __arena *w = (u32 __arena *)(p + 8);

	if (!p)
		return 1;
	p[0] = 10;
	__sync_fetch_and_add(p, 5);
	seen[0] = __sync_fetch_and_add(p, 1);
	seen[1] = __sync_lock_test_and_set(p, 100);
	seen[2] = __sync_val_compare_and_swap(p, 100, 200);
	seen[3] = __sync_val_compare_and_swap(p, 100, 300);
	seen[4] = *p;
	__atomic_fetch_or(p, 0xff, __ATOMIC_RELAXED);
	__atomic_fetch_and(p, 0xf0, __ATOMIC_RELAXED);
	__atomic_fetch_xor(p, 0x1f, __ATOMIC_RELAXED);
	seen[5] = *p;
	w[0] = 0xffffffff;
	w[1] = 1;
	seen[6] = __sync_fetch_and_add(w, 2);
	seen[7] = *(u64 __arena *)w;
	seen[8] = __sync_val_compare_and_swap(w, 1, 9);
	seen[9] = *(u64 __arena *)w;
	return 0;
}

/* Arithmetic on addresses: whatever stands in the upper half, the lower one counts. */
SYSCALL(arithmetic)
{
	u64 __arena *p = (u64 __arena *)ALLOC(0, 1);
	u64 index = 3;

	if (!p)
		return 1;
	asm volatile("" : "+r"(index));
	p[3] = 33;
	p[4] = 44;
	seen[0] = *(volatile u64 __arena *)(p + index);
	seen[1] = NUMBER(p + index) - NUMBER(p);
	seen[2] = *(volatile u64 __arena *)((NUMBER(p) & 0xffffffff) + 32);
	seen[3] = *(volatile u64 __arena *)(NUMBER(p) + (5ULL << 32) + 24);
	return 0;
}

/* Where it may not sleep, pages are freed by a work. */
TRACE(no_sleep)
{
	u64 __arena *p = (u64 __arena *)ALLOC(0, 1);

	seen[0] = NUMBER(p);
	if (!p)
		return 1;
	*(volatile u64 __arena *)p = 5;
	seen[1] = *(volatile u64 __arena *)p;
	bpf_arena_free_pages(&arena, p, 1);
	seen[2] = NUMBER(ALLOC(0, 1));
	return 0;
}

static __noinline u64 sum(u64 __arena *p)
{
	return p[0] + p[1];
}

/* Arguments of functions of the program. */
SYSCALL(argument)
{
	u64 __arena *p = (u64 __arena *)ALLOC(0, 1);

	if (!p)
		return 1;
	p[0] = 1;
	p[1] = 2;
	seen[0] = sum(p);
	seen[1] = sum((u64 __arena *)AT(60));
	return 0;
}

/* Refused: x86 makes loops of these. */
SYSCALL(fetch_or)
{
	u64 __arena *p = (u64 __arena *)ALLOC(0, 1);

	if (!p)
		return 1;
	seen[0] = __sync_fetch_and_or(p, 1);
	return 0;
}

SYSCALL(fetch_xor)
{
	u32 __arena *p = (u32 __arena *)ALLOC(0, 1);

	if (!p)
		return 1;
	seen[0] = __sync_fetch_and_xor(p, 1);
	return 0;
}

/* Refused: no helper takes such memory. */
SYSCALL(helper)
{
	char __arena *p = ALLOC(0, 1);
	u64 key = 0;

	if (!p)
		return 1;
	seen[0] = bpf_probe_read_kernel((void *)(u64)p, 8, &key);
	return 0;
}

/* Refused: there is no value to be looked up. */
SYSCALL(look_up)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&arena, &key) ? 1 : 0;
}
