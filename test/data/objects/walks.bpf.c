/* SPDX-License-Identifier: Apache-2.0 */
/* Iterators that hold a task, its memory and its files, and the file that a task executes. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

long out[512];
long said;

#define say(value)                                                             \
	do {                                                                   \
		out[said & 511] = (value);                                     \
		said++;                                                        \
	} while (0)

/* Mappings in order, from the first or from behind it; what a task without memory says. */
SEC("syscall")
int mappings(void *ctx)
{
	struct task_struct *self = bpf_get_current_task_btf(), *kthread;
	unsigned long last = 0, first_end = 0;
	struct bpf_iter_task_vma it;
	struct vm_area_struct *vma;
	int count = 0, ordered = 1, own = 1;

	say(bpf_iter_task_vma_new(&it, self, 0));
	while ((vma = bpf_iter_task_vma_next(&it))) {
		if (vma->vm_start < last || vma->vm_end <= vma->vm_start)
			ordered = 0;
		if (vma->vm_mm != self->mm)
			own = 0;
		if (!count++)
			first_end = vma->vm_end;
		last = vma->vm_end;
	}
	bpf_iter_task_vma_destroy(&it);
	say(count > 0);
	say(ordered);
	say(own);
	say(bpf_iter_task_vma_new(&it, self, first_end));
	vma = bpf_iter_task_vma_next(&it);
	say(!vma || vma->vm_start >= first_end);
	bpf_iter_task_vma_destroy(&it);
	say(bpf_iter_task_vma_new(&it, self, -1UL));
	vma = bpf_iter_task_vma_next(&it);
	say(!!vma);
	bpf_iter_task_vma_destroy(&it);
	kthread = bpf_task_from_pid(2);
	if (!kthread)
		return 1;
	say(bpf_iter_task_vma_new(&it, kthread, 0));
	vma = bpf_iter_task_vma_next(&it);
	say(!!vma);
	bpf_iter_task_vma_destroy(&it);
	bpf_task_release(kthread);
	return 0;
}

/* Keyrings of the kernel's. */
SEC("syscall")
int keys(void *ctx)
{
	struct bpf_key *key;

	key = bpf_lookup_system_key(0);
	say(!!key);
	if (key)
		bpf_key_put(key);
	key = bpf_lookup_system_key(2);
	say(!!key);
	if (key)
		bpf_key_put(key);
	key = bpf_lookup_system_key(3);
	say(!!key);
	if (key)
		bpf_key_put(key);
	return 0;
}
