import type { Sim } from '../../sim/request.ts';
import { EFAULT, ERANGE } from '../../kernel/errno.ts';
import { DIRECT_MAP_HIGH, type Memory } from '../../kernel/memory.ts';
import { args } from './args.ts';
import { helper, type Call } from './prototype.ts';
import { row } from './row.ts';

/** Where user space ends: arch/x86/include/asm/page_64_types.h, TASK_SIZE_MAX */
const TASK_SIZE_MAX = (1n << 47n) - 4096n;
const KERNEL_SPACE = 0xffff_8000_0000_0000n;
const DIRECT_MAP = BigInt(DIRECT_MAP_HIGH);

/**
 * Bytes at a kernel address, whatever they belong to: freed memory reads as it is. -ERANGE for
 * what is no kernel address at all. mm/maccess.c: copy_from_kernel_nofault()
 */
export function copy_from_kernel_nofault(
  memory: Memory,
  address: bigint,
  sizeBytes: number,
): Uint8Array | number {
  if (address < KERNEL_SPACE) return -ERANGE;
  const at = Number(address & 0xffff_ffffn);
  const isMapped = address >> 32n === DIRECT_MAP && at + sizeBytes <= memory.sizeBytes;
  return isMapped ? memory.rawCopyOut(at, sizeBytes) : -EFAULT;
}

/** One byte of it, or -errno. */
export function kernelByteAt(memory: Memory, address: bigint): number {
  if (address < KERNEL_SPACE) return -ERANGE;
  const at = Number(address & 0xffff_ffffn);
  const isMapped = address >> 32n === DIRECT_MAP && at < memory.sizeBytes;
  return isMapped ? Number(memory.rawLoad(at, 1)) : -EFAULT;
}

function copy_from_user_nofault(call: Call, address: bigint, size: number): Uint8Array | number {
  if (address + BigInt(size) > TASK_SIZE_MAX) return -EFAULT;
  return call.kernel.mm.copy_from_user_nofault(Number(address), size) ?? -EFAULT;
}

/** A string of less than `max` bytes, its NUL left out; or -errno. */
export function stringAt(
  call: Call,
  address: bigint,
  max: number,
  isUser: boolean,
): Uint8Array | number {
  const bytes: number[] = [];
  // Byte by byte, so that what stands behind the NUL need not be there.
  while (bytes.length < max - 1) {
    const at = address + BigInt(bytes.length);
    const found = isUser
      ? copy_from_user_nofault(call, at, 1)
      : copy_from_kernel_nofault(call.memory, at, 1);
    if (typeof found === 'number') return found;
    if (found[0] === 0) break;
    bytes.push(found[0]!);
  }
  return Uint8Array.from(bytes);
}

/** Puts `bytes` to `dst`; an error fills it with zeroes instead. 0 or that error. */
function deliver(call: Call, dst: number, size: number, bytes: Uint8Array | number): number {
  if (typeof bytes === 'number') {
    if (size > 0) call.memory.fill(dst, size, 0);
    return bytes;
  }
  call.memory.copyIn(dst, bytes);
  return 0;
}

function probeRead(call: Call, dst: number, size: number, from: bigint): number {
  return deliver(call, dst, size, copy_from_kernel_nofault(call.memory, from, size));
}

function probeReadUser(call: Call, dst: number, size: number, from: bigint): number {
  return deliver(call, dst, size, copy_from_user_nofault(call, from, size));
}

/** Its length with the NUL, or -errno. kernel/trace/bpf_trace.c: bpf_probe_read_*_str_common() */
function probeReadStr(call: Call, dst: number, size: number, from: bigint, user: boolean): number {
  if (size === 0) return 0;
  const found = stringAt(call, from, size, user);
  if (typeof found === 'number') return deliver(call, dst, size, found);
  const withNul = new Uint8Array(found.length + 1);
  withNul.set(found);
  call.memory.copyIn(dst, withNul);
  return withNul.length;
}

const isUserAddress = (address: bigint): boolean => address < TASK_SIZE_MAX;
const prototype = {
  args: [args.uninitMem, args.constSizeOrZero, args.anything],
} as const;

export const bpf_probe_read_user = helper({
  ...prototype,
  ...row('probe_read_user'),
  run: probeReadUser,
});

export const bpf_probe_read_kernel = helper({
  ...prototype,
  ...row('probe_read_kernel'),
  run: probeRead,
});

export const bpf_probe_read_user_str = helper({
  ...prototype,
  ...row('probe_read_user_str'),
  run: (call, dst, size, from) => probeReadStr(call, dst, size, from, true),
});

export const bpf_probe_read_kernel_str = helper({
  ...prototype,
  ...row('probe_read_kernel_str'),
  run: (call, dst, size, from) => probeReadStr(call, dst, size, from, false),
});

/** The old ones go by the address. bpf_probe_read_compat() */
export const bpf_probe_read = helper({
  ...prototype,
  ...row('probe_read'),
  run: (call, dst, size, from) =>
    (isUserAddress(from) ? probeReadUser : probeRead)(call, dst, size, from),
});

export const bpf_probe_read_str = helper({
  ...prototype,
  ...row('probe_read_str'),
  run: (call, dst, size, from) => probeReadStr(call, dst, size, from, isUserAddress(from)),
});

/** May sleep until the page is there. kernel/bpf/helpers.c */
export const bpf_copy_from_user = helper({
  ...row('copy_from_user'),
  args: [args.uninitMem, args.constSizeOrZero, args.anything],
  *run(call, dst, size, from): Sim<number> {
    if (size === 0) return 0;
    const isUser = from + BigInt(size) <= TASK_SIZE_MAX;
    const bytes = isUser ? yield* call.kernel.mm.copy_from_user(Number(from), size) : null;
    return deliver(call, dst, size, bytes ?? -EFAULT);
  },
});
