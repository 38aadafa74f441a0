import { alignUp } from '../../base/layout.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { EACCES, EINVAL, ENOMEM } from '../errno.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../memory.ts';
import type { Sched } from '../sched.ts';
import {
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  PTE_BYTES,
  PTE_PRESENT,
  PTE_WRITE,
  VM_SHARED,
  VM_WRITE,
} from './structs.ts';
import type { UserMm } from './user-mm.ts';
import { pageOf } from './vma.ts';

const VM_ACCESS_FLAGS = PROT_READ | PROT_WRITE | PROT_EXEC;
/** From VM_MAY* down to VM_*. */
const MAY_SHIFT = 4;
const PROT_SEM = 0x8;
const PROT_GROWSDOWN = 0x0100_0000;
const PROT_GROWSUP = 0x0200_0000;

export interface MprotectParts {
  readonly sched: Pick<Sched, 'current'>;
  readonly mm: UserMm;
}

/**
 * mprotect(2). Mappings that it makes equal again are not merged: nobody sees that but whoever
 * counts them. No mapping here grows. mm/mprotect.c
 */
export class Mprotect {
  readonly #machine: Machine;
  readonly #parts: MprotectParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, parts: MprotectParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.rows = [
      {
        nr: 10,
        name: 'mprotect',
        args: ['start', 'len', 'prot'],
        run: (start, len, prot) => this.do_mprotect_pkey(start!, len!, prot!),
      },
    ];
  }

  /** The mmap lock is held all the while: one step. */
  *do_mprotect_pkey(start: number, len: number, asked: number): Sim<number> {
    const grows = asked & (PROT_GROWSDOWN | PROT_GROWSUP);
    const prot = asked & ~grows;
    if (grows === (PROT_GROWSDOWN | PROT_GROWSUP) || start % PAGE_SIZE !== 0) return -EINVAL;
    if (len === 0) return 0;
    const end = start + alignUp(len, PAGE_SIZE);
    if (end <= start || end > Number.MAX_SAFE_INTEGER) return -ENOMEM;
    if (prot & ~(VM_ACCESS_FLAGS | PROT_SEM)) return -EINVAL;
    return this.#machine.memory.unwatched(() => this.#range(start, end, prot, grows !== 0));
  }

  #range(start: number, end: number, prot: number, grows: boolean): number {
    const { vmas } = this.#parts.mm;
    const space = this.#parts.sched.current.s.mm;
    for (let at = start; at < end;) {
      const vma = vmas.overlapping(space, at, at + 1);
      if (vma === 0) return -ENOMEM;
      if (grows && at === start) return -EINVAL;
      const { vm_flags, vm_end } = vmas.at(vma);
      const flags = (vm_flags & ~VM_ACCESS_FLAGS) | (prot & VM_ACCESS_FLAGS);
      if (flags & ~(flags >> MAY_SHIFT) & VM_ACCESS_FLAGS) return -EACCES;
      const to = Math.min(vm_end, end);
      if (flags !== vm_flags) {
        const failed = this.#fixup(vma, at, to, flags);
        if (failed < 0) return failed;
      }
      at = to;
    }
    return 0;
  }

  /** Makes [start, end) a mapping of its own, and gives it the flags. mprotect_fixup() */
  #fixup(whole: number, start: number, end: number, flags: number): number {
    const { vmas } = this.#parts.mm;
    const { vm_start, vm_end, vm_mm } = vmas.at(whole);
    let result = start > vm_start ? vmas.split(whole, start) : 0;
    const vma = vmas.overlapping(vm_mm, start, start + 1);
    if (result === 0 && end < vm_end) result = vmas.split(vma, end);
    if (result < 0) return result;
    vmas.at(vma).vm_flags = flags;
    this.#change_protection(vma);
    return 0;
  }

  /**
   * What may be written to no more is read-only from now on; what may be, and is nobody else's, can
   * be at once, the rest is copied first. can_change_pte_writable()
   */
  #change_protection(vma: number): void {
    const { memory } = this.#machine;
    const { pages, vmas } = this.#parts.mm;
    const { vm_start, vm_end, vm_flags, vm_ptes } = vmas.at(vma);
    for (let i = 0; i < (vm_end - vm_start) / PAGE_SIZE; i++) {
      const value = memory.u32(vm_ptes + i * PTE_BYTES);
      if ((value & PTE_PRESENT) === 0) continue;
      const isOwn = (vm_flags & VM_SHARED) !== 0 || pages.count(pageOf(value)) === 1;
      const writable = vm_flags & VM_WRITE && isOwn ? PTE_WRITE : 0;
      memory.setU32(vm_ptes + i * PTE_BYTES, (value & ~PTE_WRITE) | writable);
    }
  }
}

kernelText(Mprotect);
