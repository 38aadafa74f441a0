/* SPDX-License-Identifier: Apache-2.0 */
/* What programs print into their streams, throw, and loop with may_goto. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define __exception_cb(name) __attribute__((btf_decl_tag("exception_callback:" #name)))

char LICENSE[] SEC("license") = "GPL";

extern void bpf_throw(u64 cookie) __ksym;
extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args,
			      u32 len__sz) __ksym;

u64 reached;
int results[4];
static const char format[] = "%d and %llx\n";
static const char line[] = "0123456789012345678901234567890123456789012345678\n";

#define may_go_on()									\
	({										\
		__label__ over, next;							\
		bool goes_on = true;							\
		/* may_goto, which old compilers have no word for */			\
		asm volatile goto("1: .byte 0xe5, 0;"					\
				  ".long ((%l[over] - 1b - 8) / 8) & 0xffff; .short 0"	\
				  :::: over);						\
		goto next;								\
	over:										\
		goes_on = false;							\
	next:										\
		goes_on;								\
	})

SEC("syscall")
int prints(void *ctx)
{
	u64 args[] = { -7, 0xabc };

	results[0] = bpf_stream_vprintk(1, format, args, sizeof(args));
	results[1] = bpf_stream_vprintk(2, format, args, sizeof(args));
	results[2] = bpf_stream_vprintk(3, format, args, sizeof(args));
	results[3] = bpf_stream_vprintk(1, format, args, 12);
	return 0;
}

SEC("syscall")
int fills(void *ctx)
{
	u64 nothing = 0;
	int i;

	for (i = 0; i < 3000; i++) {
		results[0] = bpf_stream_vprintk(1, line, &nothing, 0);
		if (results[0])
			break;
		results[1] = i + 1;
	}
	return 0;
}

static __noinline int thrower(u64 cookie)
{
	reached |= 1;
	if (cookie)
		bpf_throw(cookie);
	reached |= 2;
	return 0;
}

SEC("syscall")
int throws(void *ctx)
{
	thrower(0);
	thrower(0x1234);
	reached |= 4;
	return 1;
}

__noinline int catching(u64 cookie)
{
	reached |= 8;
	return cookie + 1;
}

SEC("syscall")
__exception_cb(catching)
int throws_to_callback(void *ctx)
{
	thrower(41);
	reached |= 4;
	return 1;
}

/* Two loops of one frame, and one of another. */
static __noinline u64 loops(void)
{
	u64 rounds = 0;

	while (may_go_on())
		rounds++;
	return rounds;
}

u64 first, second, third;

SEC("syscall")
int loops_in_frames(void *ctx)
{
	while (may_go_on())
		first++;
	while (may_go_on())
		second++;
	third = loops();
	return 0;
}
