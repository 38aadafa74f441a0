/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of this folder use of the kernel: enough for CO-RE to find the rest. */
#pragma once
/* Results that nothing reads are what some programs are about. */
#pragma clang diagnostic ignored "-Wunused-variable"
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang diagnostic ignored "-Wunused-but-set-variable"
#pragma clang diagnostic ignored "-Wuninitialized-const-pointer"

typedef unsigned char u8, __u8;
typedef unsigned short u16, __u16, __be16;
typedef unsigned int u32, __u32, __be32, __wsum;
typedef unsigned long long u64, __u64, __be64;
typedef int s32, __s32;
typedef long long s64, __s64;
typedef _Bool bool;
typedef u16 __sum16;
#define NULL ((void *)0)

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_USER_RINGBUF = 31,
};

struct __sk_buff {
	u32 len;
};
struct xdp_md {
	u32 data;
};

struct bpf_spin_lock {
	u32 val;
};
struct bpf_res_spin_lock {
	u32 val;
};
struct bpf_timer {
	u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_wq {
	u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_task_work {
	u64 __opaque;
} __attribute__((aligned(8)));
struct bpf_dynptr {
	u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_head {
	u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_node {
	u64 __opaque[3];
} __attribute__((aligned(8)));
struct bpf_rb_root {
	u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_rb_node {
	u64 __opaque[4];
} __attribute__((aligned(8)));
struct bpf_refcount {
	u32 __opaque[1];
} __attribute__((aligned(4)));
struct bpf_iter_num {
	u64 __opaque[1];
} __attribute__((aligned(8)));
struct bpf_iter_bits {
	u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_iter_task {
	u64 __opaque[3];
} __attribute__((aligned(8)));
struct bpf_iter_task_vma {
	u64 __opaque[1];
} __attribute__((aligned(8)));
struct bpf_iter_css {
	u64 __opaque[3];
} __attribute__((aligned(8)));
struct bpf_iter_css_task {
	u64 __opaque[1];
} __attribute__((aligned(8)));

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct cgroup_subsys_state {
	int id;
};
struct cgroup {
	struct cgroup_subsys_state self;
	int level;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
struct vm_area_struct {
	unsigned long vm_start, vm_end;
};
struct mm_struct {
	unsigned long start_code;
};
struct task_struct {
	int pid;
	struct mm_struct *mm;
	struct task_struct *real_parent, *parent, *group_leader, *last_wakee;
	struct css_set *cgroups;
};
struct bpf_map;
typedef int (*bpf_task_work_callback_t)(struct bpf_map *map, void *key, void *value);
struct bpf_map {
	u32 id, max_entries;
};

struct cpumask {
};
struct bpf_cpumask {
	struct cpumask cpumask;
};

struct file {
	unsigned int f_flags;
};
struct sk_buff {
	unsigned int len;
};
struct pt_regs {
	unsigned long di;
};
struct bpf_raw_tracepoint_args {
	u64 args[0];
};
#pragma clang attribute pop

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

/* What older headers of libbpf lack. */
#ifndef __kptr_untrusted
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#endif
#undef __kptr
#define __kptr __attribute__((btf_type_tag("kptr")))
#ifndef bpf_for
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;
#define bpf_for_each(kind, at, ...)                                                            \
	for (struct bpf_iter_##kind ___it __attribute__((aligned(8),                           \
		     cleanup(bpf_iter_##kind##_destroy))),                                     \
	     *___new __attribute__((unused)) = (bpf_iter_##kind##_new(&___it, ##__VA_ARGS__),  \
						(void)bpf_iter_##kind##_destroy, (void *)0);   \
	     (((at) = bpf_iter_##kind##_next(&___it)));)
#define bpf_for(i, start, end)                                                                 \
	for (struct bpf_iter_num ___it __attribute__((aligned(8),                              \
		     cleanup(bpf_iter_num_destroy))),                                          \
	     *___new __attribute__((unused)) = (bpf_iter_num_new(&___it, (start), (end)),      \
						(void)bpf_iter_num_destroy, (void *)0);        \
	     ({                                                                                \
		     int *___at = bpf_iter_num_next(&___it);                                   \
		     (i) = ___at ? *___at : 0;                                                 \
		     ___at;                                                                    \
	     });)
#endif

#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define NEW(T) ((T *)bpf_obj_new_impl(bpf_core_type_id_local(T), 0))
#define DROP(p) bpf_obj_drop_impl(p, 0)
#define owner_of(ptr, type, member) ((type *)((void *)(ptr)-__builtin_offsetof(type, member)))
#define TRACED SEC("raw_tp/sys_enter")

char _license[] SEC("license") = "GPL";
