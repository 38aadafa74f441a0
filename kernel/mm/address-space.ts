import { alignUp } from '../../base/layout.ts';
import { access, FULL, kernelText, RMW, type Request, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EEXIST, EINVAL, ENOMEM } from '../errno.ts';
import type { Kasan } from '../kasan.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SHIFT, PAGE_SIZE } from '../memory.ts';
import type { KmemCache } from '../slab.ts';
import { UserPages } from './pages.ts';
import {
  mm_struct,
  MMAP_TOP,
  PROT_READ,
  PROT_WRITE,
  PTE_BLOCKING,
  PTE_BYTES,
  PTE_PRESENT,
  PTE_WRITE,
  TASK_SIZE,
  VM_SHARED,
  VM_WRITE,
  vm_area_struct,
} from './structs.ts';

const MMGET = site('mmget', 'inc');
const MMGRAB = site('mmgrab', 'inc');
const MMPUT = site('mmput', 'dec');
const MMDROP = site('mmdrop', 'dec');

/** Bytes of the scratch area of each address space. */
const ARENA_BYTES = 4 * PAGE_SIZE;

export interface MapOptions {
  /** The address wanted, a multiple of the page size; free, or the result is -EEXIST. */
  readonly addr?: number;
  /** PROT_*; default: read and write. */
  readonly prot?: number;
  /** Whether all pages are there at once; else each comes with the first touch. */
  readonly resident?: boolean;
  /** Whether the first touch of each page sleeps until 'user-fault' fires for it. */
  readonly blocking?: boolean;
  /** MAP_SHARED: a child sees the same pages. They are all there at once. */
  readonly shared?: boolean;
}

/** A page table entry, and whose it is. */
export interface Pte {
  /** Where the entry stands in memory. */
  readonly addr: number;
  readonly value: number;
  /** VM_* of its mapping. */
  readonly flags: number;
}

/**
 * User address spaces: mm_struct, the mappings, and the pages they show. The mmap lock is not
 * modelled: each change of the mappings is one atomic step. mm/mmap.c, kernel/fork.c
 */
export class AddressSpaces {
  protected readonly machine: Machine;
  readonly pages: UserPages;
  readonly #kasan: Kasan;
  readonly #mmCache: KmemCache;
  readonly #vmaCache: KmemCache;

  constructor(machine: Machine, kasan: Kasan) {
    this.machine = machine;
    this.#kasan = kasan;
    this.pages = new UserPages(machine);
    this.#mmCache = machine.slab.cache('mm_struct', mm_struct.sizeBytes);
    this.#vmaCache = machine.slab.cache('vm_area_struct', vm_area_struct.sizeBytes);
  }

  /** A new address space with one user and its arena mapped, or 0. mm_alloc() */
  create(): number {
    return this.machine.memory.unwatched(() => {
      const mm = this.#mm_init();
      if (mm === 0) return 0;
      const arena = this.#map(mm, ARENA_BYTES, { resident: true });
      if (arena < 0) return this.#abandon(mm);
      mm_struct.at(this.machine.memory, mm).arena = arena;
      return mm;
    });
  }

  /** Scratch memory for arguments of system calls: mapped, private and there. */
  mmArena(mm: number): { readonly addr: number; readonly sizeBytes: number } {
    const { memory } = this.machine;
    return memory.unwatched(() => ({
      addr: mm_struct.at(memory, mm).arena,
      sizeBytes: ARENA_BYTES,
    }));
  }

  /**
   * A copy for a child, or 0. Private pages that can be written become read-only in both and are
   * copied at the next write. Blocking pages stay blocking. kernel/fork.c: dup_mm(), dup_mmap()
   */
  dup_mm(old: number): number {
    const { memory } = this.machine;
    return memory.unwatched(() => {
      const mm = this.#mm_init();
      if (mm === 0) return 0;
      const from = mm_struct.at(memory, old);
      const to = mm_struct.at(memory, mm);
      to.mmap_base = from.mmap_base;
      to.arena = from.arena;
      to.flags = from.flags;
      for (let vma = from.mmap; vma !== 0; vma = vm_area_struct.at(memory, vma).vm_next) {
        const { vm_start, vm_end, vm_flags, vm_ptes } = vm_area_struct.at(memory, vma);
        const copy = this.#vma(mm, vm_start, vm_end, vm_flags);
        if (copy === 0) return this.#abandon(mm);
        const count = (vm_end - vm_start) >> PAGE_SHIFT;
        this.#copy_page_range(vm_area_struct.at(memory, copy).vm_ptes, vm_ptes, count, vm_flags);
      }
      return mm;
    });
  }

  /** One more user. include/linux/sched/mm.h */
  mmget(mm: number): Request<number> {
    return this.#add(MMGET, mm + mm_struct.off.mm_users, 1);
  }

  /** One more reference to the struct alone: a kernel thread that borrows it. */
  mmgrab(mm: number): Request<number> {
    return this.#add(MMGRAB, mm + mm_struct.off.mm_count, 1);
  }

  /** One user less; with the last, all mappings go. kernel/fork.c */
  *mmput(mm: number): Sim<void> {
    const users = yield* this.#add(MMPUT, mm + mm_struct.off.mm_users, -1);
    if (users !== 0) return;
    this.machine.memory.unwatched(() => this.#exit_mmap(mm));
    this.machine.remark(() => 'last user: the address space is torn down');
    yield* this.mmdrop(mm);
  }

  /** One reference less; with the last, the struct goes. kernel/fork.c: __mmdrop() */
  *mmdrop(mm: number): Sim<void> {
    const left = yield* this.#add(MMDROP, mm + mm_struct.off.mm_count, -1);
    if (left === 0) this.#kasan.free(mm);
  }

  /** The user address of a new mapping, or -ENOMEM, -EEXIST, -EINVAL. mm/mmap.c: do_mmap() */
  mmap(mm: number, sizeBytes: number, options: MapOptions = {}): number {
    return this.machine.memory.unwatched(() => this.#map(mm, sizeBytes, options));
  }

  /** Unmaps whatever of [addr, addr + sizeBytes) is mapped: 0, -EINVAL or -ENOMEM. do_munmap() */
  munmap(mm: number, addr: number, sizeBytes: number): number {
    const end = addr + alignUp(sizeBytes, PAGE_SIZE);
    if (addr % PAGE_SIZE !== 0 || sizeBytes <= 0 || !access_ok(addr, end - addr)) return -EINVAL;
    return this.machine.memory.unwatched(() => {
      for (
        let vma = this.#overlapping(mm, addr, end);
        vma !== 0;
        vma = this.#overlapping(mm, addr, end)
      ) {
        if (!this.#carve(mm, vma, addr, end)) return -ENOMEM;
      }
      return 0;
    });
  }

  /**
   * Makes whoever writes to one of these pages sleep until 'user-fault' fires for it; those that
   * are not there yet are left alone. fs/userfaultfd.c: UFFDIO_WRITEPROTECT
   */
  writeProtect(mm: number, addr: number, sizeBytes: number): void {
    for (let at = addr; at < addr + sizeBytes; at += PAGE_SIZE - (at % PAGE_SIZE)) {
      const pte = this.pteOf(mm, at);
      if (!pte || (pte.value & PTE_PRESENT) === 0) continue;
      this.setPte(pte, (pte.value & ~PTE_WRITE) | PTE_BLOCKING);
    }
  }

  /** The entry for the page of a user address, or undefined where nothing is mapped there. */
  protected pteOf(mm: number, addr: number): Pte | undefined {
    const { memory } = this.machine;
    if (mm === 0 || !access_ok(addr, 1)) return undefined;
    return memory.unwatched(() => {
      const vma = this.#overlapping(mm, addr, addr + 1);
      if (vma === 0) return undefined;
      const { vm_start, vm_flags, vm_ptes } = vm_area_struct.at(memory, vma);
      const pte = vm_ptes + Math.floor((addr - vm_start) / PAGE_SIZE) * PTE_BYTES;
      return { addr: pte, value: memory.u32(pte), flags: vm_flags };
    });
  }

  protected setPte(pte: Pte, value: number): void {
    const { memory } = this.machine;
    memory.unwatched(() => memory.setU32(pte.addr, value));
  }

  #add(at: number, addr: number, delta: number): Request<number> {
    const { memory } = this.machine;
    const request = access(at, addr, 4, RMW, () => {
      const value = memory.s32(addr) + delta;
      memory.setS32(addr, value);
      return value;
    });
    request.order = FULL;
    return request;
  }

  #mm_init(): number {
    const { slab, memory } = this.machine;
    const mm = this.machine.mayAlloc('mm_struct') ? slab.zalloc(this.#mmCache) : 0;
    if (mm === 0) return 0;
    const s = mm_struct.at(memory, mm);
    s.mm_users = 1;
    s.mm_count = 1;
    s.mmap_base = MMAP_TOP;
    return mm;
  }

  /** Undoes a half-made address space that nobody has seen. Gives 0. */
  #abandon(mm: number): number {
    this.#exit_mmap(mm);
    this.#kasan.free(mm);
    return 0;
  }

  #map(mm: number, sizeBytes: number, options: MapOptions): number {
    const { memory } = this.machine;
    const { prot = PROT_READ | PROT_WRITE, resident = false, shared = false } = options;
    const blocking = options.blocking ?? false;
    const length = alignUp(sizeBytes, PAGE_SIZE);
    const s = mm_struct.at(memory, mm);
    // A page is left free between two mappings, so that running over the end is seen.
    const start = options.addr ?? s.mmap_base - length;
    if (sizeBytes <= 0 || start % PAGE_SIZE !== 0 || (blocking && (resident || shared))) {
      return -EINVAL;
    }
    if (start < PAGE_SIZE || !access_ok(start, length)) return -ENOMEM;
    if (this.#overlapping(mm, start, start + length) !== 0) return -EEXIST;
    const vma = this.#vma(mm, start, start + length, prot | (shared ? VM_SHARED : 0));
    if (vma === 0) return -ENOMEM;
    if (options.addr === undefined) s.mmap_base = start - PAGE_SIZE;
    const { vm_ptes } = vm_area_struct.at(memory, vma);
    for (let i = 0; i < length / PAGE_SIZE; i++) {
      const pte = vm_ptes + i * PTE_BYTES;
      if (blocking) memory.setU32(pte, PTE_BLOCKING);
      if (!resident && !shared) continue;
      const page = this.pages.alloc();
      if (page === 0) {
        this.#remove(mm, vma);
        return -ENOMEM;
      }
      memory.setU32(pte, page | PTE_PRESENT | (prot & PROT_WRITE ? PTE_WRITE : 0));
    }
    return start;
  }

  /** A mapping in the list, all entries 0; or 0. */
  #vma(mm: number, start: number, end: number, flags: number): number {
    const { memory, slab } = this.machine;
    const vma = this.machine.mayAlloc('vm_area_struct') ? slab.zalloc(this.#vmaCache) : 0;
    const ptes = vma === 0 ? 0 : slab.kzalloc(((end - start) / PAGE_SIZE) * PTE_BYTES);
    if (ptes === 0) {
      this.#kasan.free(vma);
      return 0;
    }
    const s = vm_area_struct.at(memory, vma);
    s.vm_start = start;
    s.vm_end = end;
    s.vm_mm = mm;
    s.vm_flags = flags;
    s.vm_ptes = ptes;
    const slot = this.#linkTo(mm, (at) => at.vm_start > start);
    s.vm_next = memory.ptr(slot);
    memory.setPtr(slot, vma);
    mm_struct.at(memory, mm).total_vm += (end - start) / PAGE_SIZE;
    return vma;
  }

  /** Takes a mapping out of the list and frees it, with the pages that it still shows. */
  #remove(mm: number, vma: number): void {
    const { memory } = this.machine;
    const s = vm_area_struct.at(memory, vma);
    const pageCount = (s.vm_end - s.vm_start) / PAGE_SIZE;
    for (let i = 0; i < pageCount; i++) {
      const value = memory.u32(s.vm_ptes + i * PTE_BYTES);
      if (value & PTE_PRESENT) this.pages.put(pageOf(value));
    }
    memory.setPtr(
      this.#linkTo(mm, (at) => at.addr === vma),
      s.vm_next,
    );
    mm_struct.at(memory, mm).total_vm -= pageCount;
    this.#kasan.free(s.vm_ptes);
    this.#kasan.free(vma);
  }

  /** Cuts [from, to) out of a mapping: what is left of it on either side becomes one of its own. */
  #carve(mm: number, vma: number, from: number, to: number): boolean {
    const { memory } = this.machine;
    const { vm_start, vm_end, vm_flags, vm_ptes } = vm_area_struct.at(memory, vma);
    const before = vm_start < from ? this.#vma(mm, vm_start, from, vm_flags) : -1;
    const after = to < vm_end ? this.#vma(mm, to, vm_end, vm_flags) : -1;
    if (before === 0 || after === 0) {
      for (const piece of [before, after]) if (piece > 0) this.#remove(mm, piece);
      return false;
    }
    for (const piece of [before, after]) {
      if (piece < 0) continue;
      const s = vm_area_struct.at(memory, piece);
      const ptes = vm_ptes + ((s.vm_start - vm_start) / PAGE_SIZE) * PTE_BYTES;
      const size = ((s.vm_end - s.vm_start) / PAGE_SIZE) * PTE_BYTES;
      memory.copy(s.vm_ptes, ptes, size);
      memory.fill(ptes, size, 0);
    }
    this.#remove(mm, vma);
    return true;
  }

  #exit_mmap(mm: number): void {
    const s = mm_struct.at(this.machine.memory, mm);
    while (s.mmap !== 0) this.#remove(mm, s.mmap);
  }

  #copy_page_range(to: number, from: number, count: number, flags: number): void {
    const { memory } = this.machine;
    const copyOnWrite = (flags & (VM_SHARED | VM_WRITE)) === VM_WRITE;
    for (let i = 0; i < count; i++) {
      let value = memory.u32(from + i * PTE_BYTES);
      if (value & PTE_PRESENT) {
        this.pages.get(pageOf(value));
        if (copyOnWrite) value &= ~PTE_WRITE;
        memory.setU32(from + i * PTE_BYTES, value);
      }
      memory.setU32(to + i * PTE_BYTES, value);
    }
  }

  /** The first mapping that shares a byte with [start, end), or 0. */
  #overlapping(mm: number, start: number, end: number): number {
    const { memory } = this.machine;
    const slot = this.#linkTo(mm, (at) => at.vm_end > start && at.vm_start < end);
    return memory.ptr(slot);
  }

  /** Where the link stands that leads to the first mapping of which `holds`, else the last link. */
  #linkTo(mm: number, holds: (vma: ReturnType<typeof vm_area_struct.at>) => boolean): number {
    const { memory } = this.machine;
    let slot = mm + mm_struct.off.mmap;
    for (let vma = memory.ptr(slot); vma !== 0; vma = memory.ptr(slot)) {
      if (holds(vm_area_struct.at(memory, vma))) break;
      slot = vma + vm_area_struct.off.vm_next;
    }
    return slot;
  }
}

/** Where the page of a present entry stands. */
export function pageOf(pte: number): number {
  return (pte & -PAGE_SIZE) >>> 0;
}

/** Whether the range lies in user space. arch/x86/include/asm/uaccess_64.h */
export function access_ok(addr: number, sizeBytes: number): boolean {
  return Number.isSafeInteger(addr) && addr >= 0 && addr + sizeBytes <= TASK_SIZE;
}

kernelText(AddressSpaces);
