// SPDX-License-Identifier: Apache-2.0
// A program that does to an arena what it is told: what user space sees of that, test/bpf/maps.
#include "kernel.h"

#define __arena __attribute__((address_space(1)))
#define PAGES 16

extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, u32 page_cnt,
					   int node_id, u64 flags) __weak __ksym;
extern void bpf_arena_free_pages(void *map, void __arena *ptr, u32 page_cnt) __weak __ksym;
extern int bpf_arena_reserve_pages(void *map, void __arena *ptr, u32 page_cnt) __weak __ksym;

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
	__uint(map_flags, 1 << 10); /* BPF_F_MMAPABLE */
	__uint(max_entries, PAGES);
} arena SEC(".maps");

enum { ALLOC, FREE, RESERVE, READ, WRITE, ADD };

struct args {
	u64 op;
	u64 addr;
	u64 value; /* pages, or what is written; then the answer */
};

static __always_inline u64 answer(u64 op, u64 addr, u64 value)
{
	u64 __arena *at = (u64 __arena *)addr;

	switch (op) {
	case ALLOC:
		return (u64)bpf_arena_alloc_pages(&arena, at, value, -1, 0);
	case FREE:
		bpf_arena_free_pages(&arena, at, value);
		return 0;
	case RESERVE:
		return (s64)bpf_arena_reserve_pages(&arena, at, value);
	case READ:
		return *(volatile u64 __arena *)at;
	case WRITE:
		*(volatile u64 __arena *)at = value;
		return 0;
	case ADD:
		return __sync_fetch_and_add(at, value);
	}
	return -1;
}

SEC("?syscall") int op(struct args *args)
{
	args->value = answer(args->op, args->addr, args->value);
	return 0;
}

/* Where it may not sleep. */
SEC("?raw_tp/sys_enter") int op_atomic(u64 *ctx)
{
	answer(ctx[0], ctx[1], ctx[2]);
	return 0;
}
