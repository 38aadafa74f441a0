import type { Sim } from '../../sim/request.ts';
import { ENOMEM } from '../errno.ts';
import type { Kasan } from '../kasan.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SHIFT, PAGE_SIZE } from '../memory.ts';
import type { KmemCache } from '../slab.ts';
import type { UserPages } from './pages.ts';
import {
  mm_struct,
  PTE_BYTES,
  PTE_PRESENT,
  PTE_SWAP,
  VM_DONTCOPY,
  VM_SHARED,
  VM_WRITE,
  PTE_WRITE,
  vm_area_struct,
} from './structs.ts';
import { VmOpsTable } from './vm-ops.ts';

/** Files that mappings are of: a mapping holds a reference. Set once, at boot. */
export interface MappedFiles {
  /** One more. No step: whoever changes mappings has the mmap lock. */
  get(file: number): void;
  fput(file: number): Sim<void>;
}

type Vma = ReturnType<typeof vm_area_struct.at>;

/**
 * The mappings of address spaces, in lists by address. What is taken out of a list is collected
 * in `gone`: finish() tells the object behind it, and drops its file. mm/vma.c
 */
export class Vmas {
  readonly ops: VmOpsTable;
  files: MappedFiles = { get: () => {}, *fput() {} };
  readonly #machine: Machine;
  readonly #kasan: Kasan;
  readonly #pages: UserPages;
  readonly #cache: KmemCache;

  constructor(machine: Machine, kasan: Kasan, pages: UserPages) {
    this.#machine = machine;
    this.#kasan = kasan;
    this.#pages = pages;
    this.ops = new VmOpsTable(machine);
    this.#cache = machine.slab.cache('vm_area_struct', vm_area_struct.sizeBytes);
  }

  at(vma: number): Vma {
    return vm_area_struct.at(this.#machine.memory, vma);
  }

  /** Those of an address space, by address. */
  *of(mm: number): Generator<number> {
    const { memory } = this.#machine;
    for (let vma = mm_struct.at(memory, mm).mmap; vma !== 0; vma = this.at(vma).vm_next) yield vma;
  }

  /** In no list yet, all entries 0; or 0. */
  alloc(mm: number, start: number, end: number, flags: number): number {
    const { slab } = this.#machine;
    const vma = this.#machine.mayAlloc('vm_area_struct') ? slab.zalloc(this.#cache) : 0;
    const ptes = vma === 0 ? 0 : slab.kzalloc(((end - start) / PAGE_SIZE) * PTE_BYTES);
    if (ptes === 0) {
      this.#kasan.free(vma);
      return 0;
    }
    const s = this.at(vma);
    s.vm_start = start;
    s.vm_end = end;
    s.vm_mm = mm;
    s.vm_flags = flags;
    s.vm_ptes = ptes;
    return vma;
  }

  link(vma: number): void {
    const { memory } = this.#machine;
    const s = this.at(vma);
    const slot = this.#linkTo(s.vm_mm, (at) => at.vm_start > s.vm_start);
    s.vm_next = memory.ptr(slot);
    memory.setPtr(slot, vma);
    mm_struct.at(memory, s.vm_mm).total_vm += pageCount(s);
  }

  /** Where its first page stands, or 0 where that is not there. */
  firstPage(vma: number): number {
    const value = this.#machine.memory.u32(this.at(vma).vm_ptes);
    return value & PTE_PRESENT ? pageOf(value) : 0;
  }

  /** One that was never linked. */
  discard(vma: number): void {
    this.zap(vma);
    this.#kasan.free(this.at(vma).vm_ptes);
    this.#kasan.free(vma);
  }

  /** The first mapping that shares a byte with [start, end), or 0. */
  overlapping(mm: number, start: number, end: number): number {
    const slot = this.#linkTo(mm, (at) => at.vm_end > start && at.vm_start < end);
    return this.#machine.memory.ptr(slot);
  }

  /** Takes so many pages out of the page tables, from the mapping's `first` on. */
  zap(vma: number, first = 0, count = pageCount(this.at(vma))): void {
    const { memory } = this.#machine;
    const { vm_ptes } = this.at(vma);
    for (let i = first; i < first + count; i++) {
      const value = memory.u32(vm_ptes + i * PTE_BYTES);
      if (value === 0) continue; // a mapping may be large, and mostly empty
      if (value & (PTE_PRESENT | PTE_SWAP)) this.#pages.put(pageOf(value));
      memory.setU32(vm_ptes + i * PTE_BYTES, 0);
    }
  }

  /** Takes a mapping out of the list, with the pages that it still shows. */
  remove(vma: number, gone: number[]): void {
    const { memory } = this.#machine;
    const s = this.at(vma);
    this.zap(vma);
    memory.setPtr(
      this.#linkTo(s.vm_mm, (at) => at.addr === vma),
      s.vm_next,
    );
    mm_struct.at(memory, s.vm_mm).total_vm -= pageCount(s);
    this.#kasan.free(s.vm_ptes);
    s.vm_ptes = 0;
    if (s.vm_file === 0) this.#kasan.free(vma);
    else gone.push(vma);
  }

  /** remove_vma() */
  *finish(gone: readonly number[]): Sim<void> {
    const { memory } = this.#machine;
    for (const vma of gone) {
      const { vm_ops, vm_file } = memory.unwatched(() => {
        const { vm_ops, vm_file } = this.at(vma);
        return { vm_ops, vm_file };
      });
      const ops = memory.unwatched(() => this.ops.at(vm_ops));
      if (ops?.close) yield* ops.close(vma);
      yield* this.files.fput(vm_file);
      this.#kasan.free(vma);
    }
  }

  /**
   * Cuts [from, to) out of a mapping: what is left of it on either side becomes one of its own. 0
   * or -errno; -ENOMEM is given as `noMemory`.
   */
  carve(vma: number, from: number, to: number, gone: number[], noMemory: number): number {
    const { memory } = this.#machine;
    const { vm_start, vm_end, vm_ptes } = this.at(vma);
    const cuts = [from, to].filter((at) => at > vm_start && at < vm_end);
    for (const at of cuts) {
      const refused = this.ops.at(this.at(vma).vm_ops)?.may_split?.(vma, at) ?? 0;
      if (refused < 0) return refused;
    }
    const before = vm_start < from ? this.#piece(vma, vm_start, from) : -1;
    const after = to < vm_end ? this.#piece(vma, to, vm_end) : -1;
    const pieces = [before, after].filter((piece) => piece > 0);
    if (before === 0 || after === 0) {
      for (const piece of pieces) this.discard(piece);
      return noMemory;
    }
    for (const piece of pieces) {
      const s = this.at(piece);
      const ptes = vm_ptes + ((s.vm_start - vm_start) / PAGE_SIZE) * PTE_BYTES;
      memory.copy(s.vm_ptes, ptes, pageCount(s) * PTE_BYTES);
      memory.fill(ptes, pageCount(s) * PTE_BYTES, 0);
      this.#opened(piece);
    }
    this.remove(vma, gone);
    for (const piece of pieces) this.link(piece);
    return 0;
  }

  /** Cuts a mapping in two: the second begins at `addr`. 0 or -errno. mm/vma.c: split_vma() */
  split(vma: number, addr: number): number {
    const { memory } = this.#machine;
    const s = this.at(vma);
    const refused = this.ops.at(s.vm_ops)?.may_split?.(vma, addr) ?? 0;
    if (refused < 0) return refused;
    const piece = this.#piece(vma, addr, s.vm_end);
    if (piece === 0) return -ENOMEM;
    const count = pageCount(this.at(piece));
    const ptes = s.vm_ptes + ((addr - s.vm_start) / PAGE_SIZE) * PTE_BYTES;
    memory.copy(this.at(piece).vm_ptes, ptes, count * PTE_BYTES);
    s.vm_end = addr;
    mm_struct.at(memory, s.vm_mm).total_vm -= count;
    this.link(piece);
    this.#opened(piece);
    return 0;
  }

  /**
   * A child's copy: true, or false where memory is exhausted. Private pages that can be written
   * become read-only in both and are copied at the next write; those that are pinned at once, for
   * the child, since whoever has pinned them goes on writing for the parent. copy_page_range()
   */
  copyTo(mm: number, vma: number): boolean {
    const s = this.at(vma);
    if (s.vm_flags & VM_DONTCOPY) return true;
    const copy = this.#piece(vma, s.vm_start, s.vm_end, mm);
    if (copy === 0) return false;
    this.link(copy);
    const { vm_ptes } = this.at(copy);
    const isWhole = this.#copy_page_range(vm_ptes, s.vm_ptes, pageCount(s), s.vm_flags);
    this.#opened(copy);
    return isWhole;
  }

  #copy_page_range(to: number, from: number, count: number, flags: number): boolean {
    const { memory } = this.#machine;
    const copyOnWrite = (flags & (VM_SHARED | VM_WRITE)) === VM_WRITE;
    for (let i = 0; i < count; i++) {
      let value = memory.u32(from + i * PTE_BYTES);
      if (value & PTE_PRESENT && copyOnWrite && this.#pages.isPinned(pageOf(value))) {
        const page = this.#pages.copyOf(pageOf(value)); // copy_present_page()
        if (page === 0) return false;
        value = page | PTE_PRESENT | PTE_WRITE;
      } else if (value & (PTE_PRESENT | PTE_SWAP)) {
        this.#pages.get(pageOf(value));
        if (copyOnWrite) value &= ~PTE_WRITE;
        memory.setU32(from + i * PTE_BYTES, value);
      }
      memory.setU32(to + i * PTE_BYTES, value);
    }
    return true;
  }

  /** Of the same file, not linked and without pages; or 0. */
  #piece(vma: number, start: number, end: number, mm = this.at(vma).vm_mm): number {
    const s = this.at(vma);
    const piece = this.alloc(mm, start, end, s.vm_flags);
    if (piece === 0) return 0;
    const made = this.at(piece);
    made.vm_ops = s.vm_ops;
    made.vm_file = s.vm_file;
    made.vm_private_data = s.vm_private_data;
    made.vm_pgoff = s.vm_pgoff + (start - s.vm_start) / PAGE_SIZE;
    return piece;
  }

  #opened(vma: number): void {
    const { vm_file, vm_ops } = this.at(vma);
    if (vm_file === 0) return;
    this.files.get(vm_file);
    this.ops.at(vm_ops)?.open?.(vma);
  }

  /** Where the link stands that leads to the first mapping of which `holds`, else the last link. */
  #linkTo(mm: number, holds: (vma: Vma) => boolean): number {
    const { memory } = this.#machine;
    let slot = mm + mm_struct.off.mmap;
    for (let vma = memory.ptr(slot); vma !== 0; vma = memory.ptr(slot)) {
      if (holds(this.at(vma))) break;
      slot = vma + vm_area_struct.off.vm_next;
    }
    return slot;
  }
}

function pageCount({ vm_start, vm_end }: Pick<Vma, 'vm_start' | 'vm_end'>): number {
  return (vm_end - vm_start) >> PAGE_SHIFT;
}

/** Where the page of a present entry stands. */
export function pageOf(pte: number): number {
  return (pte & -PAGE_SIZE) >>> 0;
}
