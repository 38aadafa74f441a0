import { EFAULT, EOPNOTSUPP } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { TASK_SIZE } from '../../kernel/mm/structs.ts';
import type { Sim } from '../../sim/request.ts';
import { BPF_UPTR } from '../btf/field-types.ts';
import { btfRecordHasField, type BtfField, type BtfRecord } from '../btf/record.ts';
import { objectType } from './object-type.ts';

/**
 * Fields of task storage that point to user memory: bpf(2) gives an address, the kernel pins its
 * page and keeps where that stands, and programs store there. kernel/bpf/syscall.c. Spec 05 R31
 */
export function hasUptrs(record: BtfRecord | undefined): record is BtfRecord {
  return btfRecordHasField(record, BPF_UPTR);
}

/** Those of a value. */
export function uptrsOf(record: BtfRecord | undefined): readonly BtfField[] {
  return hasUptrs(record) ? record.fields.filter(({ type }) => type === BPF_UPTR) : [];
}

/**
 * Pins what the fields of a value from user space name, pages of the caller's, and puts there
 * where they stand: 0 or -errno, and then nothing is pinned.
 */
export function* bpf_obj_pin_uptrs(
  kernel: Kernel,
  record: BtfRecord | undefined,
  value: number,
): Sim<number> {
  const done: BtfField[] = [];
  for (const field of uptrsOf(record)) {
    const failed = yield* pinUptr(kernel, field, value + field.offset);
    if (failed < 0) {
      for (const { offset } of done) unpinUptr(kernel, value + offset);
      return failed;
    }
    done.push(field);
  }
  return 0;
}

function* pinUptr(kernel: Kernel, { kptr }: BtfField, at: number): Sim<number> {
  const { memory } = kernel.machine;
  const start = memory.u64(at);
  if (start === 0n) return 0;
  const last = start + BigInt(objectType(kptr!.btf, kptr!.btfId).sizeBytes) - 1n;
  if (last >= 1n << 64n) return -EFAULT;
  const pageOf = (addr: bigint): bigint => addr / BigInt(PAGE_SIZE);
  if (pageOf(start) !== pageOf(last)) return -EOPNOTSUPP;
  if (start >= BigInt(TASK_SIZE)) return -EFAULT;
  const page = yield* kernel.mm.pin_user_pages_fast(Number(start));
  if (page < 0) return page;
  memory.setPtr(at, page + (Number(start) % PAGE_SIZE));
  return 0;
}

/** bpf_obj_unpin_uptrs() */
export function bpf_obj_unpin_uptrs(
  kernel: Kernel,
  record: BtfRecord | undefined,
  value: number,
): void {
  for (const { offset } of uptrsOf(record)) unpinUptr(kernel, value + offset);
}

/** bpf_obj_swap_uptrs(): what `from` has pinned is the new value's. */
export function bpf_obj_swap_uptrs(
  kernel: Kernel,
  record: BtfRecord | undefined,
  value: number,
  from: number,
): void {
  const { memory } = kernel.machine;
  for (const { offset } of uptrsOf(record)) {
    const mine = memory.ptr(value + offset);
    memory.setPtr(value + offset, memory.ptr(from + offset));
    memory.setPtr(from + offset, mine);
  }
}

/** unpin_uptr_kaddr() */
export function unpinUptr(kernel: Kernel, at: number): void {
  const { memory } = kernel.machine;
  memory.unwatched(() => {
    const addr = memory.ptr(at);
    if (addr !== 0) kernel.mm.pages.unpin((addr & -PAGE_SIZE) >>> 0);
    memory.setPtr(at, 0);
  });
}
