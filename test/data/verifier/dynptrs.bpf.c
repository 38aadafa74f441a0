// SPDX-License-Identifier: Apache-2.0
// Dynptrs: where they come from, slices, clones, and when they are gone.
// What Linux says of each: linux.txt.
#include "kernel.h"

#define PACKET(name) SEC("?tc") int name(struct __sk_buff *ctx)
extern int bpf_copy_from_user_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size,
				     const void *unsafe_ptr__ign) __weak __ksym;
extern int bpf_copy_from_user_str_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size,
					 const void *unsafe_ptr__ign) __weak __ksym;
extern int bpf_copy_from_user_task_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size,
					  const void *unsafe_ptr__ign,
					  struct task_struct *tsk) __weak __ksym;
extern int bpf_dynptr_adjust(struct bpf_dynptr *p, u64 start, u64 end) __weak __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p,
			    struct bpf_dynptr *clone__uninit) __weak __ksym;
extern int bpf_dynptr_copy(const struct bpf_dynptr *dst_ptr, u64 dst_off,
			   const struct bpf_dynptr *src_ptr, u64 src_off,
			   u64 size) __weak __ksym;
extern int bpf_dynptr_file_discard(struct bpf_dynptr *dynptr) __weak __ksym;
extern int bpf_dynptr_from_file(struct file *file, u32 flags,
				struct bpf_dynptr *ptr__uninit) __weak __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags,
			       struct bpf_dynptr *ptr__uninit) __weak __ksym;
extern int bpf_dynptr_from_skb_meta(struct __sk_buff *skb_, u64 flags,
				    struct bpf_dynptr *ptr__uninit) __weak __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags,
			       struct bpf_dynptr *ptr__uninit) __weak __ksym;
extern bool bpf_dynptr_is_null(const struct bpf_dynptr *p) __weak __ksym;
extern bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) __weak __ksym;
extern int bpf_dynptr_memset(const struct bpf_dynptr *p, u64 offset, u64 size,
			     u8 val) __weak __ksym;
extern u64 bpf_dynptr_size(const struct bpf_dynptr *p) __weak __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, u64 offset, void *buffer__nullable,
			      u64 buffer__szk) __weak __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u64 offset,
				   void *buffer__nullable, u64 buffer__szk) __weak __ksym;
extern int bpf_fentry_test1(int a) __weak __ksym;
extern int bpf_probe_read_kernel_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size,
					const void *unsafe_ptr__ign) __weak __ksym;
extern int bpf_probe_read_kernel_str_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size,
					    const void *unsafe_ptr__ign) __weak __ksym;
extern int bpf_probe_read_user_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size,
				      const void *unsafe_ptr__ign) __weak __ksym;
extern int bpf_probe_read_user_str_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size,
					  const void *unsafe_ptr__ign) __weak __ksym;

struct av {
	struct bpf_dynptr p;
};
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} rb SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, u64[8]);
	__uint(max_entries, 1);
} am SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, struct bpf_dynptr);
	__uint(max_entries, 1);
} dm SEC(".maps");
int g;
char buf[64];
static int err;
TRACED int rb_ok(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int rb_leak(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	return 0;
}

TRACED int rb_leak_cond(void *ctx)
{
	struct bpf_dynptr d;
	if (bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d))
		return 0;
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

TRACED int rb_twice(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

TRACED int rb_reinit(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int rb_overwrite(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	*(volatile u64 *)&d = 5;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int rb_overwrite_part(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	*(volatile u8 *)((void *)&d + 11) = 5;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int rb_sub_off(void *ctx)
{
	struct bpf_dynptr d[2] = {};
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, d);
	bpf_ringbuf_submit_dynptr((void *)d + 8, 0);
	return 0;
}

TRACED int rb_sub_unal(void *ctx)
{
	char d[32];
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, (void *)d + 4);
	bpf_ringbuf_submit_dynptr((void *)d + 4, 0);
	return 0;
}

TRACED int rb_sub_var(void *ctx)
{
	struct bpf_dynptr d[2];
	int i = bpf_get_prandom_u32() & 8;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, (void *)d + i);
	return 0;
}

TRACED int rb_uninit(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int rb_zero(void *ctx)
{
	struct bpf_dynptr d = {};
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int mem_ok(void *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	bpf_dynptr_read(b, sizeof(b), &d, 0, 0);
	bpf_dynptr_write(&d, 0, b, sizeof(b), 0);
	return 0;
}

TRACED int mem_stack(void *ctx)
{
	struct bpf_dynptr d;
	char b[8] = {};
	bpf_dynptr_from_mem(b, sizeof(b), 0, &d);
	return 0;
}

TRACED int mem_toolong(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf) + 1, 0, &d);
	return 0;
}

TRACED int mem_map(void *ctx)
{
	struct bpf_dynptr d;
	int k = 0;
	void *v = bpf_map_lookup_elem(&am, &k);
	if (!v)
		return 0;
	bpf_dynptr_from_mem(v, 64, 0, &d);
	void *p = bpf_dynptr_data(&d, 0, 8);
	if (p)
		*(u64 *)p = 3;
	return 0;
}

TRACED int mem_map_nonull(void *ctx)
{
	struct bpf_dynptr d;
	int k = 0;
	void *v = bpf_map_lookup_elem(&am, &k);
	bpf_dynptr_from_mem(v, 64, 0, &d);
	return 0;
}

TRACED int mem_submit(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int data_nonull(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_data(&d, 0, 8);
	return *p;
}

TRACED int data_oob(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_data(&d, 0, 8);
	if (!p)
		return 0;
	return p[1];
}

TRACED int data_var(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_data(&d, 0, g);
	if (!p)
		return 0;
	return p[0];
}

TRACED int data_zero(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u8 *p = bpf_dynptr_data(&d, 0, 0);
	if (!p)
		return 0;
	return p[0];
}

TRACED int data_after_sub(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	u64 *p = bpf_dynptr_data(&d, 0, 8);
	if (!p)
		goto out;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return *p;
out:
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

TRACED int data_release(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	u64 *p = bpf_dynptr_data(&d, 0, 8);
	if (p)
		bpf_ringbuf_submit(p, 0);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

TRACED int data_overwrite(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_data(&d, 0, 8);
	if (!p)
		return 0;
	*(volatile u64 *)&d = 1;
	return *p;
}

TRACED int data_reinit(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_data(&d, 0, 8);
	if (!p)
		return 0;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	return *p;
}

TRACED int read_into_dynptr(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	bpf_dynptr_read(&d, 8, &d, 0, 0);
	return 0;
}

TRACED int read_into_rb(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_dynptr_read(&d, 8, &d, 0, 0);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int load_dynptr(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	return *(volatile u64 *)&d;
}

TRACED int write_ro(void *ctx)
{
	return 0;
}

TRACED int map_store(void *ctx)
{
	struct bpf_dynptr d;
	int k = 0;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	bpf_map_update_elem(&dm, &k, &d, 0);
	return 0;
}

TRACED int map_dyn(void *ctx)
{
	int k = 0;
	struct bpf_dynptr *d = bpf_map_lookup_elem(&dm, &k);
	if (!d)
		return 0;
	char b[8];
	bpf_dynptr_read(b, 8, d, 0, 0);
	return 0;
}

TRACED int map_dyn_res(void *ctx)
{
	int k = 0;
	struct bpf_dynptr *d = bpf_map_lookup_elem(&dm, &k);
	if (!d)
		return 0;
	bpf_ringbuf_reserve_dynptr(&rb, 8, 0, d);
	return 0;
}

TRACED int global_dyn(void *ctx)
{
	static struct bpf_dynptr gd;
	bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &gd);
	return 0;
}

TRACED int clone_ok(void *ctx)
{
	struct bpf_dynptr d, c;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_dynptr_clone(&d, &c);
	bpf_ringbuf_submit_dynptr(&c, 0);
	return 0;
}

TRACED int clone_inv(void *ctx)
{
	struct bpf_dynptr d, c;
	char b[8];
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_dynptr_clone(&d, &c);
	bpf_ringbuf_submit_dynptr(&d, 0);
	bpf_dynptr_read(b, 8, &c, 0, 0);
	return 0;
}

TRACED int clone_inv2(void *ctx)
{
	struct bpf_dynptr d, c;
	char b[8];
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_dynptr_clone(&d, &c);
	bpf_ringbuf_submit_dynptr(&c, 0);
	bpf_dynptr_read(b, 8, &d, 0, 0);
	return 0;
}

TRACED int clone_data(void *ctx)
{
	struct bpf_dynptr d, c;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_dynptr_clone(&d, &c);
	u64 *p = bpf_dynptr_data(&c, 0, 8);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return p ? *p : 0;
}

TRACED int clone_uninit(void *ctx)
{
	struct bpf_dynptr d, c;
	bpf_dynptr_clone(&d, &c);
	return 0;
}

TRACED int clone_overw(void *ctx)
{
	struct bpf_dynptr d, c;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_dynptr_clone(&d, &c);
	*(volatile u64 *)&d = 1;
	bpf_ringbuf_submit_dynptr(&c, 0);
	return 0;
}

TRACED int clone_overw_both(void *ctx)
{
	struct bpf_dynptr d, c;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_dynptr_clone(&d, &c);
	*(volatile u64 *)&d = 1;
	*(volatile u64 *)&c = 1;
	return 0;
}

TRACED int clone_self(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_dynptr_clone(&d, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int kf_misc(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	bpf_dynptr_adjust(&d, 2, 4);
	return bpf_dynptr_size(&d) + bpf_dynptr_is_null(&d) + bpf_dynptr_is_rdonly(&d);
}

TRACED int kf_copy(void *ctx)
{
	struct bpf_dynptr d, e;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &e);
	bpf_dynptr_copy(&e, 0, &d, 0, 8);
	bpf_dynptr_memset(&e, 0, 4, 7);
	bpf_ringbuf_submit_dynptr(&e, 0);
	return 0;
}

TRACED int slice_ok(void *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, 8);
	return p ? *p : 0;
}

TRACED int slice_null(void *ctx)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, 0, 8);
	return p ? *p : 0;
}

TRACED int slice_write(void *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, 8);
	if (p)
		*p = 1;
	return 0;
}

TRACED int slice_rdwr(void *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8);
	if (p)
		*p = 1;
	return 0;
}

TRACED int slice_small(void *ctx)
{
	struct bpf_dynptr d;
	char b[4];
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, 8);
	return p ? *p : 0;
}

TRACED int slice_varlen(void *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, g & 7);
	return p ? *p : 0;
}

TRACED int slice_zero(void *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, 0);
	return p ? *p : 0;
}

TRACED int slice_oob(void *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, 8);
	return p ? p[1] : 0;
}

PACKET(skb_ok)
{
	struct bpf_dynptr d;
	char b[8];
	if (bpf_dynptr_from_skb(ctx, 0, &d))
		return 0;
	u64 *p = bpf_dynptr_slice(&d, 0, b, 8);
	return p ? *p : 0;
}

PACKET(skb_data)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_skb(ctx, 0, &d);
	void *p = bpf_dynptr_data(&d, 0, 8);
	return !p;
}

PACKET(skb_slice_inval)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_skb(ctx, 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, 8);
	if (!p)
		return 0;
	bpf_skb_pull_data(ctx, 8);
	return *p;
}

PACKET(skb_slice_write_inval)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_skb(ctx, 0, &d);
	u64 *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8);
	if (!p)
		return 0;
	bpf_dynptr_write(&d, 0, b, 8, 0);
	return *p;
}

PACKET(skb_flag)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_skb(ctx, 1, &d);
	return 0;
}

PACKET(skb_slice_const)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_skb(ctx, 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, 8);
	if (!p)
		return 0;
	*p = 1;
	return 0;
}

PACKET(skb_meta)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_skb_meta(ctx, 0, &d);
	u64 *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8);
	if (p)
		*p = 1;
	return 0;
}

PACKET(skb_meta_inval)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_skb_meta(ctx, 0, &d);
	u64 *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8);
	bpf_skb_pull_data(ctx, 0);
	if (p)
		*p = 1;
	return 0;
}

SEC("xdp") int xdp_ok(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_xdp(ctx, 0, &d);
	u64 *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8);
	if (p)
		*p = 1;
	return 2;
}

SEC("xdp") int xdp_inval(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_xdp(ctx, 0, &d);
	u64 *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8);
	bpf_xdp_adjust_head(ctx, 4);
	if (p)
		*p = 1;
	return 2;
}

SEC("cgroup_skb/egress") int cg_ro(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_skb(ctx, 0, &d);
	u64 *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8);
	if (p)
		*p = 1;
	return 1;
}

SEC("cgroup_skb/egress") int cg_ro2(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_skb(ctx, 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, 8);
	return 1;
}

SEC("tp_btf/kfree_skb") int BPF_PROG(tp_skb, struct sk_buff *skb)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_skb((void *)skb, 0, &d);
	u64 *p = bpf_dynptr_slice(&d, 0, b, 8);
	return 0;
}

SEC("tp_btf/kfree_skb") int BPF_PROG(tp_skb_rw, struct sk_buff *skb)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_skb((void *)skb, 0, &d);
	u64 *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8);
	if (p)
		*p = 1;
	return 0;
}

SEC("tp_btf/kfree_skb") int BPF_PROG(tp_skb_w, struct sk_buff *skb)
{
	struct bpf_dynptr d;
	char b[8] = {};
	bpf_dynptr_from_skb((void *)skb, 0, &d);
	bpf_dynptr_write(&d, 0, b, 8, 0);
	return 0;
}

static long ucb(struct bpf_dynptr *d, void *c)
{
	char b[8];
	bpf_dynptr_read(b, 8, d, 0, 0);
	u64 *p = bpf_dynptr_data(d, 0, 8);
	if (p)
		g = *p;
	return 0;
}

static long ucb_w(struct bpf_dynptr *d, void *c)
{
	u64 *p = bpf_dynptr_data(d, 0, 8);
	if (p)
		*p = 1;
	return 0;
}

static long ucb_wr(struct bpf_dynptr *d, void *c)
{
	char b[8] = {};
	bpf_dynptr_write(d, 0, b, 8, 0);
	return 0;
}

static long ucb_ret(struct bpf_dynptr *d, void *c)
{
	return 2;
}

static long ucb_sub(struct bpf_dynptr *d, void *c)
{
	bpf_ringbuf_submit_dynptr(d, 0);
	return 0;
}

static long ucb_off(struct bpf_dynptr *d, void *c)
{
	return *(u32 *)d;
}

static long ucb_st(struct bpf_dynptr *d, void *c)
{
	*(u32 *)d = 1;
	return 0;
}

static long ucb_add(struct bpf_dynptr *d, void *c)
{
	d++;
	asm volatile("" : "+r"(d));
	char b[8];
	bpf_dynptr_read(b, 8, d, 0, 0);
	return 0;
}

static long ucb_res(struct bpf_dynptr *d, void *c)
{
	bpf_ringbuf_reserve_dynptr(&rb, 8, 0, d);
	return 0;
}

static long ucb_mem(struct bpf_dynptr *d, void *c)
{
	bpf_dynptr_from_mem(buf, 8, 0, d);
	return 0;
}

static long ucb_clone(struct bpf_dynptr *d, void *c)
{
	struct bpf_dynptr e;
	bpf_dynptr_clone(d, &e);
	return 0;
}

static long ucb_adj(struct bpf_dynptr *d, void *c)
{
	bpf_dynptr_adjust(d, 0, 1);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} ur SEC(".maps");
#define U(n)                                                                                   \
	TRACED int n##_p(void *ctx)                                                            \
	{                                                                                      \
		bpf_user_ringbuf_drain(&ur, n, 0, 0);                                          \
		return 0;                                                                      \
	}
U(ucb)
U(ucb_w) U(ucb_wr) U(ucb_ret) U(ucb_sub) U(ucb_off) U(ucb_st) U(ucb_add) U(ucb_res) U(ucb_mem)
    U(ucb_clone) U(ucb_adj) TRACED int u_wrongmap(void *ctx)
{
	bpf_user_ringbuf_drain(&rb, ucb, 0, 0);
	return 0;
}

TRACED int u_reserve(void *ctx)
{
	void *p = bpf_ringbuf_reserve(&ur, 8, 0);
	if (p)
		bpf_ringbuf_discard(p, 0);
	return 0;
}

static __noinline int sp(struct bpf_dynptr *d)
{
	char b[8];
	return bpf_dynptr_read(b, 8, d, 0, 0);
}

static __noinline int spsub(struct bpf_dynptr *d)
{
	bpf_ringbuf_submit_dynptr(d, 0);
	return 0;
}

TRACED int sub_ok(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	int x = sp(&d);
	spsub(&d);
	return x;
}

TRACED int sub_twice(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	spsub(&d);
	spsub(&d);
	return 0;
}

__noinline int gsp(const struct bpf_dynptr *d)
{
	char b[8];
	return bpf_dynptr_read(b, 8, d, 0, 0);
}

__noinline int gsp_w(const struct bpf_dynptr *d)
{
	char b[8] = {};
	return bpf_dynptr_write(d, 0, b, 8, 0);
}

__noinline int gsp_nc(struct bpf_dynptr *d)
{
	char b[8];
	return bpf_dynptr_read(b, 8, d, 0, 0);
}

TRACED int gsub_ok(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	int x = gsp(&d);
	x += gsp_w(&d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return x;
}

TRACED int gsub_nc(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	int x = gsp_nc(&d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return x;
}

TRACED int gsub_un(void *ctx)
{
	struct bpf_dynptr d;
	return gsp(&d);
}

static int lcb(u32 i, void *c)
{
	bpf_ringbuf_submit_dynptr(c, 0);
	return 0;
}

TRACED int loop_sub(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_loop(10, lcb, &d, 0);
	return 0;
}

SEC("fentry.s/bpf_fentry_test1") int BPF_PROG(usr)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	bpf_copy_from_user_dynptr(&d, 0, 8, 0);
	bpf_probe_read_user_dynptr(&d, 0, 8, 0);
	bpf_copy_from_user_str_dynptr(&d, 0, 8, 0);
	bpf_copy_from_user_task_dynptr(&d, 0, 8, 0, bpf_get_current_task_btf());
	return 0;
}

SEC("fentry/bpf_fentry_test1") int BPF_PROG(usr_nosleep)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	bpf_copy_from_user_dynptr(&d, 0, 8, 0);
	return 0;
}

SEC("fentry/bpf_fentry_test1") int BPF_PROG(prk)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_mem(buf, sizeof(buf), 0, &d);
	bpf_probe_read_kernel_dynptr(&d, 0, 8, 0);
	bpf_probe_read_kernel_str_dynptr(&d, 0, 8, 0);
	bpf_probe_read_user_str_dynptr(&d, 0, 8, 0);
	return 0;
}

SEC("lsm.s/file_open") int BPF_PROG(file_dyn, struct file *f)
{
	struct bpf_dynptr d;
	char b[8];
	if (!bpf_dynptr_from_file(f, 0, &d))
		bpf_dynptr_read(b, 8, &d, 0, 0);
	bpf_dynptr_file_discard(&d);
	return 0;
}

SEC("lsm.s/file_open") int BPF_PROG(file_dyn_leak, struct file *f)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_file(f, 0, &d);
	return 0;
}

SEC("lsm/file_open") int BPF_PROG(file_dyn_w, struct file *f)
{
	struct bpf_dynptr d;
	char b[8] = {};
	bpf_dynptr_from_file(f, 0, &d);
	bpf_dynptr_write(&d, 0, b, 8, 0);
	bpf_dynptr_file_discard(&d);
	return 0;
}

SEC("lsm/file_open") int BPF_PROG(file_dyn_data, struct file *f)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_file(f, 0, &d);
	void *p = bpf_dynptr_data(&d, 0, 4);
	bpf_dynptr_file_discard(&d);
	return 0;
}

SEC("lsm/file_open") int BPF_PROG(file_dyn_rw, struct file *f)
{
	struct bpf_dynptr d;
	char b[8];
	bpf_dynptr_from_file(f, 0, &d);
	void *p = bpf_dynptr_slice_rdwr(&d, 0, b, 4);
	bpf_dynptr_file_discard(&d);
	return 0;
}

SEC("lsm/file_open") int BPF_PROG(file_dyn_clone, struct file *f)
{
	struct bpf_dynptr d, e;
	bpf_dynptr_from_file(f, 0, &d);
	bpf_dynptr_clone(&d, &e);
	bpf_dynptr_file_discard(&e);
	return bpf_dynptr_size(&d);
}

SEC("lsm/file_open") int BPF_PROG(file_dyn_sub, struct file *f)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_file(f, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

TRACED int rb_filedisc(void *ctx)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
	bpf_dynptr_file_discard(&d);
	return 0;
}
