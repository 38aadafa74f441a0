import { E2BIG, EFAULT } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import type { Sim } from '../../sim/request.ts';

/** sizeof(union bpf_attr). include/uapi/linux/bpf.h, as of Linux 7.2 */
export const ATTR_BYTES = 168;

/** The attributes of one bpf(2) call, zero behind what the caller gave. */
export class BpfAttr {
  readonly bytes: Uint8Array;
  /** User address of the attributes: results are stored there. */
  readonly addr: number;
  /** Bytes that the caller gave. */
  readonly sizeBytes: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, addr: number, sizeBytes: number) {
    this.bytes = bytes;
    this.addr = addr;
    this.sizeBytes = sizeBytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  s32(offset: number): number {
    return this.#view.getInt32(offset, true);
  }

  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }

  /** A user pointer: what is none is beyond user space, and faults there. */
  ptr(offset: number): number {
    const value = this.u64(offset);
    return value < 1n << 52n ? Number(value) : Number.MAX_SAFE_INTEGER;
  }

  /** Whether anything behind the last field of a command is set. CHECK_ATTR() */
  hasBeyond(endBytes: number): boolean {
    return this.bytes.subarray(endBytes).some((byte) => byte !== 0);
  }

  /**
   * A name of letters, digits, `_` and `.` that ends within 16 bytes, or undefined.
   * kernel/bpf/syscall.c: bpf_obj_name_cpy()
   */
  name(offset: number): string | undefined {
    let text = '';
    for (let i = 0; i < 16; i++) {
      const byte = this.bytes[offset + i]!;
      if (byte === 0) return text;
      text += String.fromCharCode(byte);
    }
    return undefined;
  }
}

export function isObjectName(name: string): boolean {
  return /^[\w.]*$/.test(name);
}

/**
 * The attributes at a user address, or -errno: more than a page, or bytes set that this kernel does
 * not know, is -E2BIG. bpf_check_uarg_tail_zero(), __sys_bpf()
 */
export function* readAttr(kernel: Kernel, addr: number, size: number): Sim<BpfAttr | number> {
  if (size > PAGE_SIZE) return -E2BIG;
  const given = yield* kernel.mm.copy_from_user(addr, size);
  if (!given) return -EFAULT;
  if (given.subarray(ATTR_BYTES).some((byte) => byte !== 0)) return -E2BIG;
  const bytes = new Uint8Array(ATTR_BYTES);
  bytes.set(given.subarray(0, ATTR_BYTES));
  return new BpfAttr(bytes, addr, size);
}
