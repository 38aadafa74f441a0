// SPDX-License-Identifier: Apache-2.0
// Programs with variables in an arena that stands wherever user space has mapped it. What Linux says
// of each: linux.txt; what they leave in `seen` there: test/data/bpf-arena.txt.
#include "kernel.h"

#define __arena __attribute__((address_space(1)))
#define PAGE 4096ULL
#define PAGES 100
#define SYSCALL(name) SEC("?syscall") int name(void *ctx)

extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, u32 page_cnt,
					   int node_id, u64 flags) __weak __ksym;
extern void bpf_arena_free_pages(void *map, void __arena *ptr, u32 page_cnt) __weak __ksym;

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
	__uint(map_flags, 1 << 10); /* BPF_F_MMAPABLE */
	__uint(max_entries, PAGES);
} arena SEC(".maps");

u64 seen[32];

#define ALLOC(addr, count) bpf_arena_alloc_pages(&arena, addr, count, -1, 0)
#define NUMBER(p) ((u64)(p))

struct node {
	struct node __arena *next;
	u64 value;
};

int __arena counter = 7;
u64 __arena table[600];
struct node __arena *__arena head;

/* They begin with what the object says, and stand in the last pages. */
SYSCALL(globals)
{
	char __arena *first = ALLOC(0, 1);

	seen[0] = counter;
	counter += 5;
	seen[1] = counter;
	table[599] = 33;
	seen[2] = table[599] + table[0];
	seen[3] = NUMBER(head);
	seen[4] = (NUMBER(&table[0]) - NUMBER(first)) / PAGE;
	seen[5] = NUMBER(first) % PAGE;
	seen[6] = NUMBER(&counter) >> 32 == NUMBER(first) >> 32;
	/* What is left of it. */
	seen[7] = (NUMBER(ALLOC(0, 97)) - NUMBER(first)) / PAGE;
	seen[8] = NUMBER(ALLOC(0, 1));
	return 0;
}

/* A list of which a variable is the head. */
SYSCALL(list)
{
	struct node __arena *nodes = (void __arena *)ALLOC(0, 1), *n;
	int i;

	if (!nodes)
		return 1;
	for (i = 0; i < 5; i++) {
		nodes[i].value = i + 1;
		nodes[i].next = head;
		head = &nodes[i];
	}
	n = head;
	bpf_for(i, 0, 10) {
		if (!n)
			break;
		seen[0] = seen[0] * 10 + n->value;
		n = n->next;
	}
	seen[1] = (NUMBER(head) - NUMBER(nodes)) / sizeof(*nodes);
	return 0;
}

/* What freed variables read as. */
SYSCALL(freed)
{
	u32 __arena *at = (u32 __arena *)&counter;

	seen[0] = *(volatile u32 __arena *)at;
	bpf_arena_free_pages(&arena, at, 1);
	seen[1] = *(volatile u32 __arena *)at;
	return 0;
}
