import { ptr, struct, u32 } from '../../base/layout.ts';
import { E2BIG, EINVAL, ERANGE } from '../../kernel/errno.ts';
import type { Memory } from '../../kernel/memory.ts';

/** What a program's struct bpf_dynptr holds. include/linux/bpf.h */
export const bpf_dynptr_kern = struct('bpf_dynptr_kern', {
  data: ptr('void'), // NULL: of nothing
  size: u32, // with the kind in bits 28 to 30, and RDONLY in bit 31
  offset: u32, // of its first byte in the data
});

/** include/linux/bpf.h: enum bpf_dynptr_type */
export const DYNPTR_LOCAL = 1;
export const DYNPTR_RINGBUF = 2;

const SIZE_MAX = (1n << 24n) - 1n;
const SIZE_MASK = 0xff_ffff;
const TYPE_SHIFT = 28;
const RDONLY = 2 ** 31;

/**
 * A piece of memory with its bounds, which a program hands around. One of a packet or a file is
 * none that a program can get here. kernel/bpf/helpers.c
 */
export class Dynptr {
  readonly addr: number;
  readonly #memory: Memory;

  constructor(memory: Memory, addr: number) {
    this.#memory = memory;
    this.addr = addr;
  }

  get #s(): ReturnType<typeof bpf_dynptr_kern.at> {
    return bpf_dynptr_kern.at(this.#memory, this.addr);
  }

  get data(): number {
    return this.#s.data;
  }

  get isNull(): boolean {
    return this.data === 0;
  }

  get isRdonly(): boolean {
    return !this.isNull && this.#s.size >= RDONLY;
  }

  /** Its address in the data. */
  get start(): number {
    const { data, offset } = this.#s;
    return data + offset;
  }

  get size(): number {
    return this.#s.size & SIZE_MASK;
  }

  /** bpf_dynptr_init() */
  set(data: number, type: number, size: number): void {
    Object.assign(this.#s, { data, offset: 0, size: size | (type << TYPE_SHIFT) });
  }

  setNull(): void {
    Object.assign(this.#s, { data: 0, size: 0, offset: 0 });
  }

  copyFrom(other: Dynptr): void {
    this.#memory.copy(this.addr, other.addr, bpf_dynptr_kern.sizeBytes);
  }

  /** bpf_dynptr_check_off_len() */
  check(offset: bigint, len: bigint): number {
    const size = BigInt(this.size);
    return len > size || offset > size - len ? -E2BIG : 0;
  }

  /** Where a piece of it stands, or 0. bpf_dynptr_slice() */
  slice(offset: bigint, len: bigint): number {
    if (this.isNull || this.check(offset, len) < 0) return 0;
    return this.start + Number(offset);
  }

  /** bpf_dynptr_slice_rdwr() */
  sliceRdwr(offset: bigint, len: bigint): number {
    return this.isRdonly ? 0 : this.slice(offset, len);
  }

  adjust(start: bigint, end: bigint): number {
    if (this.isNull || start > end) return -EINVAL;
    const size = BigInt(this.size);
    if (start > size || end > size) return -ERANGE;
    const s = this.#s;
    s.offset += Number(start);
    s.size = ((s.size & ~SIZE_MASK) | Number(end - start)) >>> 0;
    return 0;
  }
}

/** bpf_dynptr_check_size() */
export function checkDynptrSize(size: bigint): number {
  return size > SIZE_MAX ? -E2BIG : 0;
}
