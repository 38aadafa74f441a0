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
  exe_file: ptr('struct file'), // with a reference; NULL until somebody asks: kernel/fs/exe-file.ts
  unsimulated: unsimulated(888),
});

/** One mapping. Its page table entries hang here, one u32 a page: see PTE_*. */
export const vm_area_struct = struct('vm_area_struct', {
  vm_start: long,
  vm_end: long, // the first byte behind it
  vm_mm: ptr('struct mm_struct'),
  vm_next: ptr('struct vm_area_struct'),
  vm_flags: u32, // VM_*
  vm_ptes: ptr('pte_t'),
  vm_pgoff: long, // of a file: where in it the mapping begins, in pages
  vm_file: ptr('struct file'), // with a reference; 0 where it is of none
  vm_private_data: ptr('void'), // the file's, for its vm_ops
  vm_ops: ptr('const struct vm_operations_struct'),
  unsimulated: unsimulated(80),
});

/** include/linux/mm.h */
export const VM_READ = 0x1;
export const VM_WRITE = 0x2;
export const VM_EXEC = 0x4;
export const VM_SHARED = 0x8;
/** What mprotect(2) may make of it. */
export const VM_MAYREAD = 0x10;
export const VM_MAYWRITE = 0x20;
export const VM_MAYEXEC = 0x40;
export const VM_MAYSHARE = 0x80;
/** A child has no copy of it. */
export const VM_DONTCOPY = 0x2_0000;

/** include/uapi/asm-generic/mman-common.h: the same bits as VM_* */
export const PROT_READ = VM_READ;
export const PROT_WRITE = VM_WRITE;
export const PROT_EXEC = VM_EXEC;
export const MADV_NORMAL = 0;
export const MADV_RANDOM = 1;
export const MADV_SEQUENTIAL = 2;
export const MADV_WILLNEED = 3;
export const MADV_DONTNEED = 4;
export const MADV_DONTFORK = 10;
export const MADV_DOFORK = 11;
export const MADV_COLD = 20;
export const MADV_PAGEOUT = 21;
export const MADV_POPULATE_READ = 22;
export const MADV_POPULATE_WRITE = 23;
export const MAP_SHARED = 0x1;
export const MAP_PRIVATE = 0x2;
export const MAP_SHARED_VALIDATE = 0x3;
export const MAP_TYPE = 0xf;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_POPULATE = 0x8000;
export const MAP_FIXED_NOREPLACE = 0x10_0000;

/** A page table entry: the offset of the page, and these bits below it. 0: nothing there yet. */
export const PTE_PRESENT = 0x1;
export const PTE_WRITE = 0x2;
/** Not there, and not to be made there by the kernel: whoever touches it sleeps. */
export const PTE_BLOCKING = 0x4;
/** Not there, but put away with what is in it: a touch brings it back. A swap entry. */
export const PTE_SWAP = 0x8;
export const PTE_BYTES = 4;

/** The end of user space with four-level page tables. arch/x86/include/asm/page_64_types.h */
export const TASK_SIZE = 2 ** 47 - PAGE_SIZE;
/** Where the first mapping ends, as without address space randomisation. */
export const MMAP_TOP = 0x7fff_f7ff_f000;
