/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of which the kernel says something in their error stream, with the call trace. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_stream_print_stack(int stream_id) __ksym;
extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args,
			      u32 len__sz) __ksym;

#define STDOUT 1
#define STDERR 2

/* Of a callback, in a subprogram. */
static __noinline int deeper(int round)
{
	bpf_stream_print_stack(STDERR);
	return round == 0;
}

static int callback(int round, void *ctx)
{
	return deeper(round);
}

SEC("syscall")
int prints(void *ctx)
{
	return bpf_loop(1, callback, NULL, 0);
}

static const char again[] = "again";

/*
 * Loops until it is told to stop: `may_goto over`, for compilers that do not know it. What it prints
 * takes time.
 */
SEC("syscall")
int loops(void *ctx)
{
	u64 none = 0;

	for (;;) {
		bpf_stream_vprintk(STDOUT, again, &none, 0);
		asm volatile goto("1: .byte 0xe5;				\
				  .byte 0;					\
				  .long ((%l[over] - 1b - 8) / 8) & 0xffff;	\
				  .short 0"
				  :::: over);
	}
over:
	return 0;
}
