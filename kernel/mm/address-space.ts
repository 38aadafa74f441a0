import { alignUp } from '../../base/layout.ts';
import { access, FULL, kernelText, RMW, type Request, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EEXIST, EINVAL, ENOMEM } from '../errno.ts';
import type { Kasan } from '../kasan.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../memory.ts';
import type { KmemCache } from '../slab.ts';
import { UserPages } from './pages.ts';
import { Vmas } from './vma.ts';
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
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_SHARED,
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
  /** Its mapping, and VM_* of that. */
  readonly vma: number;
  readonly flags: number;
}

/**
 * User address spaces: mm_struct, the mappings, and the pages they show. The mmap lock is not
 * modelled: each change of the mappings is one atomic step. mm/mmap.c, kernel/fork.c
 */
export class AddressSpaces {
  protected readonly machine: Machine;
  readonly pages: UserPages;
  /** For checkers: this range of an address space is unmapped, or mapped anew. */
  onUnmap: (mm: number, start: number, end: number) => void = () => {};
  readonly vmas: Vmas;
  readonly #kasan: Kasan;
  readonly #mmCache: KmemCache;

  constructor(machine: Machine, kasan: Kasan) {
    this.machine = machine;
    this.#kasan = kasan;
    this.pages = new UserPages(machine);
    this.#mmCache = machine.slab.cache('mm_struct', mm_struct.sizeBytes);
    this.vmas = new Vmas(machine, kasan, this.pages);
  }

  /** A new address space with one user and its arena mapped, or 0. mm_alloc() */
  create(): number {
    return this.machine.memory.unwatched(() => {
      const mm = this.#mm_init();
      if (mm === 0) return 0;
      const arena = this.#map(mm, ARENA_BYTES, { resident: true });
      if (arena < 0) {
        this.#kasan.free(mm);
        return 0;
      }
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

  /** A copy for a child, or 0. Blocking pages stay blocking. kernel/fork.c: dup_mm(), dup_mmap() */
  *dup_mm(old: number): Sim<number> {
    const { memory } = this.machine;
    const mm = memory.unwatched(() => this.#mm_init());
    if (mm === 0) return 0;
    const isWhole = memory.unwatched(() => {
      const from = mm_struct.at(memory, old);
      const to = mm_struct.at(memory, mm);
      to.mmap_base = from.mmap_base;
      to.arena = from.arena;
      to.flags = from.flags;
      to.exe_file = from.exe_file; // dup_mm_exe_file()
      if (to.exe_file !== 0) this.vmas.files.get(to.exe_file);
      for (const vma of this.vmas.of(old)) if (!this.vmas.copyTo(mm, vma)) return false;
      return true;
    });
    if (isWhole) return mm;
    const gone = memory.unwatched(() => this.#exit_mmap(mm));
    yield* this.vmas.finish(gone);
    yield* this.#putExeFile(mm);
    this.#kasan.free(mm);
    return 0;
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
    if (users === 0) yield* this.__mmput(mm);
  }

  *__mmput(mm: number): Sim<void> {
    const gone = this.machine.memory.unwatched(() => this.#exit_mmap(mm));
    yield* this.vmas.finish(gone);
    yield* this.#putExeFile(mm);
    this.machine.remark(() => 'last user: the address space is torn down');
    yield* this.mmdrop(mm);
  }

  /** set_mm_exe_file() */
  *#putExeFile(mm: number): Sim<void> {
    const { memory } = this.machine;
    const slot = mm + mm_struct.off.exe_file;
    const file = memory.unwatched(() => memory.ptr(slot));
    if (file === 0) return;
    memory.unwatched(() => memory.setPtr(slot, 0));
    yield* this.vmas.files.fput(file);
  }

  /** The same for whoever must not sleep: a worker tears the address space down. */
  *mmput_async(mm: number, later: (work: () => Sim<void>) => void): Sim<void> {
    const users = yield* this.#add(MMPUT, mm + mm_struct.off.mm_users, -1);
    if (users === 0) later(() => this.__mmput(mm));
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

  /** Unmaps whatever of [addr, addr + sizeBytes) is mapped: 0 or -errno. do_munmap() */
  *munmap(mm: number, addr: number, sizeBytes: number): Sim<number> {
    const gone: number[] = [];
    const result = this.unmapRange(mm, addr, sizeBytes, gone);
    yield* this.vmas.finish(gone);
    return result;
  }

  /** The same at once; what is to be told to files is left to whoever gets `gone`. */
  protected unmapRange(mm: number, addr: number, sizeBytes: number, gone: number[]): number {
    const end = addr + alignUp(sizeBytes, PAGE_SIZE);
    if (addr % PAGE_SIZE !== 0 || sizeBytes <= 0 || !access_ok(addr, end - addr)) return -EINVAL;
    this.onUnmap(mm, addr, end);
    return this.machine.memory.unwatched(() => {
      const next = (): number => this.vmas.overlapping(mm, addr, end);
      for (let vma = next(); vma !== 0; vma = next()) {
        const failed = this.vmas.carve(vma, addr, end, gone, -ENOMEM);
        if (failed < 0) return failed;
      }
      return 0;
    });
  }

  /**
   * Takes what is mapped of a range out of the page tables, where the mapping stays: its pages
   * come back by faults. zap_page_range_single()
   */
  zap(mm: number, addr: number, sizeBytes: number): void {
    this.machine.memory.unwatched(() => {
      for (let at = addr; at < addr + sizeBytes; at += PAGE_SIZE) {
        const vma = this.vmas.overlapping(mm, at, at + 1);
        if (vma !== 0) this.vmas.zap(vma, (at - this.vmas.at(vma).vm_start) / PAGE_SIZE, 1);
      }
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
      const vma = this.vmas.overlapping(mm, addr, addr + 1);
      if (vma === 0) return undefined;
      const { vm_start, vm_flags, vm_ptes } = vm_area_struct.at(memory, vma);
      const pte = vm_ptes + Math.floor((addr - vm_start) / PAGE_SIZE) * PTE_BYTES;
      return { addr: pte, value: memory.u32(pte), vma, flags: vm_flags };
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
    if (this.vmas.overlapping(mm, start, start + length) !== 0) return -EEXIST;
    const may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
    const sharing = shared ? VM_SHARED | VM_MAYSHARE : 0;
    const vma = this.vmas.alloc(mm, start, start + length, prot | may | sharing);
    if (vma === 0) return -ENOMEM;
    const { vm_ptes } = vm_area_struct.at(memory, vma);
    for (let i = 0; i < length / PAGE_SIZE; i++) {
      const pte = vm_ptes + i * PTE_BYTES;
      if (blocking) memory.setU32(pte, PTE_BLOCKING);
      if (!resident && !shared) continue;
      const page = this.pages.alloc();
      if (page === 0) {
        this.vmas.discard(vma);
        return -ENOMEM;
      }
      memory.setU32(pte, page | PTE_PRESENT | (prot & PROT_WRITE ? PTE_WRITE : 0));
    }
    if (options.addr === undefined) s.mmap_base = start - PAGE_SIZE;
    this.vmas.link(vma);
    return start;
  }

  #exit_mmap(mm: number): readonly number[] {
    const s = mm_struct.at(this.machine.memory, mm);
    const gone: number[] = [];
    while (s.mmap !== 0) this.vmas.remove(s.mmap, gone);
    return gone;
  }
}

/** Whether the range lies in user space. arch/x86/include/asm/uaccess_64.h */
export function access_ok(addr: number, sizeBytes: number): boolean {
  return Number.isSafeInteger(addr) && addr >= 0 && addr + sizeBytes <= TASK_SIZE;
}

kernelText(AddressSpaces);
