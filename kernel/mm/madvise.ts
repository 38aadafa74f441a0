import { alignUp } from '../../base/layout.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { EAGAIN, EFAULT, EINVAL, ENOMEM } from '../errno.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../memory.ts';
import type { Sched } from '../sched.ts';
import * as mm from './structs.ts';
import type { UserMm } from './user-mm.ts';
import { pageOf } from './vma.ts';

export interface MadviseParts {
  readonly sched: Pick<Sched, 'current'>;
  readonly mm: UserMm;
}

/** What is done to the part of one mapping: 0 or -errno. */
type Advice = (vma: number, start: number, end: number) => number;

/**
 * madvise(2): what decides whether pages are there. Other advice that Linux knows is -EINVAL here,
 * as in a kernel that is built without it. mm/madvise.c
 */
export class Madvise {
  readonly #machine: Machine;
  readonly #parts: MadviseParts;
  /** What goes mapping by mapping. */
  readonly #advice: ReadonlyMap<number, Advice> = new Map<number, Advice>([
    [mm.MADV_NORMAL, () => 0],
    [mm.MADV_RANDOM, () => 0],
    [mm.MADV_SEQUENTIAL, () => 0],
    [mm.MADV_WILLNEED, () => 0], // into the swap cache: entries stay as they are
    [mm.MADV_COLD, () => 0],
    [mm.MADV_DONTNEED, (vma, start, end) => this.#zap(vma, start, end)],
    [mm.MADV_PAGEOUT, (vma, start, end) => this.#pageout(vma, start, end)],
    [mm.MADV_DONTFORK, (vma, start, end) => this.#dontCopy(vma, start, end, true)],
    [mm.MADV_DOFORK, (vma, start, end) => this.#dontCopy(vma, start, end, false)],
  ]);
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, parts: MadviseParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.rows = [
      {
        nr: 28,
        name: 'madvise',
        args: ['start', 'len_in', 'behavior'],
        run: (start, len, behavior) => this.do_madvise(start!, len!, behavior! | 0),
      },
    ];
  }

  *do_madvise(start: number, len: number, behavior: number): Sim<number> {
    const advice = this.#advice.get(behavior);
    const write = behavior === mm.MADV_POPULATE_WRITE;
    const populates = write || behavior === mm.MADV_POPULATE_READ;
    if (!advice && !populates) return -EINVAL;
    const end = start + alignUp(len, PAGE_SIZE);
    if (start % PAGE_SIZE !== 0 || end < start || end > 2 ** 64 - 1) return -EINVAL;
    if (len === 0) return 0;
    if (!advice) return yield* this.madvise_populate(start, end, write);
    return this.#machine.memory.unwatched(() => this.#walk(start, end, advice));
  }

  /** Faults pages in, until one cannot be. */
  *madvise_populate(start: number, end: number, write: boolean): Sim<number> {
    const { mm: user, sched } = this.#parts;
    for (let at = start; at < end; at += PAGE_SIZE) {
      const flags = this.#machine.memory.unwatched(() => {
        const vma = user.vmas.overlapping(sched.current.s.mm, at, at + 1);
        return vma === 0 ? -1 : user.vmas.at(vma).vm_flags;
      });
      if (flags < 0) return -ENOMEM;
      if ((flags & (write ? mm.VM_WRITE : mm.VM_READ)) === 0) return -EINVAL;
      if ((yield* user.prefault(at, write)) < 0) return -EFAULT;
    }
    return 0;
  }

  /** A hole does not end it, but is told. madvise_walk_vmas() */
  #walk(start: number, end: number, advice: Advice): number {
    const { vmas } = this.#parts.mm;
    const space = this.#parts.sched.current.s.mm;
    let result = 0;
    for (let at = start; at < end;) {
      const vma = vmas.overlapping(space, at, end);
      if (vma === 0) return -ENOMEM;
      const { vm_start, vm_end } = vmas.at(vma);
      if (at < vm_start) result = -ENOMEM;
      const failed = advice(vma, Math.max(at, vm_start), Math.min(end, vm_end));
      if (failed < 0) return failed;
      at = vm_end;
    }
    return result;
  }

  /** Private pages are zeroes again; what is shared comes back as it is, so it may as well stay. */
  #zap(vma: number, start: number, end: number): number {
    const { vmas } = this.#parts.mm;
    const { vm_start, vm_flags, vm_file } = vmas.at(vma);
    if (vm_file === 0 && vm_flags & mm.VM_SHARED) return 0;
    vmas.zap(vma, (start - vm_start) / PAGE_SIZE, (end - start) / PAGE_SIZE);
    return 0;
  }

  /**
   * Anonymous pages that nobody else maps, and nobody has pinned, are put away: kernels have swap.
   * madvise_cold_or_pageout_pte_range()
   */
  #pageout(vma: number, start: number, end: number): number {
    const { memory } = this.#machine;
    const { pages, vmas } = this.#parts.mm;
    const { vm_start, vm_ptes, vm_file } = vmas.at(vma);
    if (vm_file !== 0) return 0;
    for (let at = start; at < end; at += PAGE_SIZE) {
      const pte = vm_ptes + ((at - vm_start) / PAGE_SIZE) * mm.PTE_BYTES;
      const value = memory.u32(pte);
      const page = pageOf(value);
      if ((value & mm.PTE_PRESENT) === 0) continue;
      if (pages.count(page) !== 1 || pages.isPinned(page)) continue;
      memory.setU32(pte, page | mm.PTE_SWAP | (value & mm.PTE_BLOCKING));
    }
    return 0;
  }

  /** Of the range alone. Where that takes a mapping more, it may fail: -EAGAIN */
  #dontCopy(whole: number, start: number, end: number, isOn: boolean): number {
    const { vmas } = this.#parts.mm;
    const { vm_start, vm_end, vm_mm, vm_flags } = vmas.at(whole);
    const flags = isOn ? vm_flags | mm.VM_DONTCOPY : vm_flags & ~mm.VM_DONTCOPY;
    if (flags === vm_flags) return 0;
    let result = start > vm_start ? vmas.split(whole, start) : 0;
    const vma = vmas.overlapping(vm_mm, start, start + 1);
    if (result === 0 && end < vm_end) result = vmas.split(vma, end);
    if (result < 0) return result === -ENOMEM ? -EAGAIN : result;
    vmas.at(vma).vm_flags = flags;
    return 0;
  }
}

kernelText(Madvise);
