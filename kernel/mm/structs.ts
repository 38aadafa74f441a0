import { long, ptr, s32, struct, u32, unsimulated } from '../../base/layout.ts';
import { PAGE_SIZE } from '../memory.ts';

/** The structs of user address spaces: include/linux/mm_types.h. Offsets are ours. */

export const mm_struct = struct('mm_struct', {
  mm_users: s32, // atomic_t: tasks, and others, that use the address space
  mm_count: s32, // atomic_t: references to this struct; all users together hold one
  mmap: ptr('struct vm_area_struct'), // by address
  mmap_base: long, // the next mapping ends here: addresses are given out downwards
  total_vm: long, // pages mapped
  arena: long, // user address of the scratch area, 0 where there is none
  flags: u32, // MMF_*: here only whether the process may be dumped
  unsimulated: unsimulated(896),
});

/** One mapping. Its page table entries hang here, one u32 a page: see PTE_*. */
export const vm_area_struct = struct('vm_area_struct', {
  vm_start: long,
  vm_end: long, // the first byte behind it
  vm_mm: ptr('struct mm_struct'),
  vm_next: ptr('struct vm_area_struct'),
  vm_flags: u32, // VM_*
  vm_ptes: ptr('pte_t'),
  unsimulated: unsimulated(112),
});

/** include/linux/mm.h */
export const VM_READ = 0x1;
export const VM_WRITE = 0x2;
export const VM_SHARED = 0x8;

/** include/uapi/asm-generic/mman-common.h: the same bits as VM_* */
export const PROT_READ = VM_READ;
export const PROT_WRITE = VM_WRITE;

/** A page table entry: the offset of the page, and these bits below it. 0: nothing there yet. */
export const PTE_PRESENT = 0x1;
export const PTE_WRITE = 0x2;
/** Not there, and not to be made there by the kernel: whoever touches it sleeps. */
export const PTE_BLOCKING = 0x4;
export const PTE_BYTES = 4;

/** The end of user space with four-level page tables. arch/x86/include/asm/page_64_types.h */
export const TASK_SIZE = 2 ** 47 - PAGE_SIZE;
/** Where the first mapping ends, as without address space randomisation. */
export const MMAP_TOP = 0x7fff_f7ff_f000;
