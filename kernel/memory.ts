import { assert } from '../base/assert.ts';
import type { StructMemory } from '../base/layout.ts';

/** Kernel addresses are offsets; seen from programs and reports they stand in the direct map. */
export const DIRECT_MAP_HIGH = 0xffff8880;
const HIGH_SIGNED = DIRECT_MAP_HIGH | 0;
/** What a pointer reads as that points nowhere, and the least low word of an ERR_PTR(). */
const WILD = -(2 ** 31);
const ERR_PTR_LOW = 2 ** 32 - 4095;
export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 1 << PAGE_SHIFT;

/**
 * One shadow byte tells of 8 bytes: 0 all may be touched, 1…7 only that many, and above 0x80 none,
 * for the reason that the number names. mm/kasan/kasan.h
 */
export const KASAN_PAGE_FREE = 0xff;
export const KASAN_PAGE_REDZONE = 0xfe;
/** Around a program's stack. */
export const KASAN_STACK_LEFT = 0xf1;
export const KASAN_SLAB_REDZONE = 0xfc;
export const KASAN_SLAB_FREE = 0xfb;
/** Freed memory of a SLAB_TYPESAFE_BY_RCU cache: only readers under RCU may still look at it. */
export const KASAN_SLAB_TYPESAFE_FREE = 0xf7;

/** What the kernel does on an access that the shadow forbids; returns where it allows it. */
export type AccessFault = (addr: number, size: number, write: boolean, shadow: number) => void;
/** Told of every plain access while a race monitor listens. */
export type AccessWatch = (addr: number, size: number, write: boolean) => void;

/**
 * The simulated physical memory: the only place where kernel objects live, and the only code that
 * touches it. Little-endian, as x86-64. After checkpoint() the first write to a page keeps a copy,
 * and rollback() puts the copies back: resetting costs what a run has written, not what exists.
 */
export class Memory implements StructMemory {
  readonly sizeBytes: number;
  readonly wasm: WebAssembly.Memory;
  /** Where in `wasm` the shadow stands: one byte for 8. */
  readonly shadowBase: number;
  /** Where in `wasm` one byte for each page says that beforeWrite() has nothing to do for it. */
  readonly dirtyBase: number;
  onFault: AccessFault = (addr, size) => assert(false, `unhandled access of ${size} at ${addr}`);
  /** Whether an access passes in spite of this shadow. */
  tolerates: (shadow: number) => boolean = () => false;
  #onAccess: AccessWatch | null = null;
  #onTouch: AccessWatch | null = null;
  /** Whether anybody is to hear of accesses at present. */
  #heard = false;
  /** Told of what stands for a lock that is not modelled: see unwatched(). */
  onUnwatched: (() => void) | null = null;
  /** Told of bytes that become another object's. */
  onUnpoison: ((addr: number, size: number) => void) | null = null;
  readonly #u8: Uint8Array;
  readonly #view: DataView;
  /** For the allocators' own words, which are aligned. */
  readonly #u32: Uint32Array;
  readonly #shadow: Uint8Array;
  readonly #dirty: Uint8Array;
  #dirtyPages: number[] = [];
  #saving = false;
  /** By page: what rollback() puts back, kept from run to run. */
  readonly #saved = new Map<number, { bytes: Uint8Array; shadow: Uint8Array }>();

  /**
   * `sizeBytes` is a multiple of 64 KiB. Behind it in the same wasm memory stand the shadow and the
   * map of dirty pages, where emitted code can see them.
   */
  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.shadowBase = sizeBytes;
    this.dirtyBase = sizeBytes + sizeBytes / 8;
    const pageCount = sizeBytes >> PAGE_SHIFT;
    const wasmPages = Math.ceil((this.dirtyBase + pageCount) / 65_536);
    this.wasm = new WebAssembly.Memory({ initial: wasmPages });
    const buffer = this.wasm.buffer;
    this.#u8 = new Uint8Array(buffer, 0, sizeBytes);
    this.#view = new DataView(buffer, 0, sizeBytes);
    this.#u32 = new Uint32Array(buffer, 0, sizeBytes / 4);
    this.#shadow = new Uint8Array(buffer, this.shadowBase, sizeBytes / 8);
    this.#shadow.fill(KASAN_PAGE_FREE);
    this.#dirty = new Uint8Array(buffer, this.dirtyBase, pageCount);
  }

  /** Hears of every access but the raw and the unwatched: the race monitor. */
  get onAccess(): AccessWatch | null {
    return this.#onAccess;
  }

  set onAccess(watch: AccessWatch | null) {
    this.#onAccess = watch;
    this.#heard = watch !== null || this.#onTouch !== null;
  }

  /** Hears of every access but the raw: a search that goes by what steps touch. */
  set onTouch(watch: AccessWatch | null) {
    this.#onTouch = watch;
    this.#heard = watch !== null || this.#onAccess !== null;
  }

  // Reads. The shadow of an address outside memory is undefined, so one test covers both.

  u8(addr: number): number {
    if (this.#shadow[addr >> 3] !== 0 || this.#heard) this.#check(addr, 1, false);
    return this.#u8[addr]!;
  }

  u16(addr: number): number {
    if (this.#mustCheck(addr, 1)) this.#check(addr, 2, false);
    return this.#view.getUint16(addr, true);
  }

  u32(addr: number): number {
    if (this.#mustCheck(addr, 3)) this.#check(addr, 4, false);
    return this.#view.getUint32(addr, true);
  }

  s32(addr: number): number {
    if (this.#mustCheck(addr, 3)) this.#check(addr, 4, false);
    return this.#view.getInt32(addr, true);
  }

  u64(addr: number): bigint {
    if (this.#mustCheck(addr, 7)) this.#check(addr, 8, false);
    return this.#view.getBigUint64(addr, true);
  }

  /** A signed 64-bit value that is a safe integer. */
  long(addr: number): number {
    if (this.#mustCheck(addr, 7)) this.#check(addr, 8, false);
    return this.#view.getInt32(addr + 4, true) * 2 ** 32 + this.#view.getUint32(addr, true);
  }

  /**
   * The offset that a kernel pointer stands for; 0 for NULL; below zero where it points nowhere,
   * an ERR_PTR() being its error number.
   */
  ptr(addr: number): number {
    if (this.#mustCheck(addr, 7)) this.#check(addr, 8, false);
    return this.#pointer(addr);
  }

  #pointer(addr: number): number {
    const low = this.#view.getUint32(addr, true);
    const high = this.#view.getInt32(addr + 4, true);
    if (high === HIGH_SIGNED) return low;
    if (high === 0 && low < PAGE_SIZE) return low;
    return high === -1 && low >= ERR_PTR_LOW ? low | 0 : WILD;
  }

  // Writes.

  setU8(addr: number, value: number): void {
    if (this.#shadow[addr >> 3] !== 0 || this.#heard) this.#check(addr, 1, true);
    if (this.#dirty[addr >> PAGE_SHIFT] === 0) this.#touch(addr >> PAGE_SHIFT);
    this.#u8[addr] = value;
  }

  setU16(addr: number, value: number): void {
    if (this.#mustCheck(addr, 1)) this.#check(addr, 2, true);
    this.#touchAt(addr, 1);
    this.#view.setUint16(addr, value, true);
  }

  setU32(addr: number, value: number): void {
    if (this.#mustCheck(addr, 3)) this.#check(addr, 4, true);
    this.#touchAt(addr, 3);
    this.#view.setUint32(addr, value, true);
  }

  setS32(addr: number, value: number): void {
    this.setU32(addr, value);
  }

  setU64(addr: number, value: bigint): void {
    if (this.#mustCheck(addr, 7)) this.#check(addr, 8, true);
    this.#touchAt(addr, 7);
    this.#view.setBigUint64(addr, value, true);
  }

  setLong(addr: number, value: number): void {
    if (!Number.isSafeInteger(value)) assert(false, `${value} is not a safe integer`);
    if (this.#mustCheck(addr, 7)) this.#check(addr, 8, true);
    this.#touchAt(addr, 7);
    this.#view.setUint32(addr, value, true);
    this.#view.setInt32(addr + 4, Math.floor(value / 2 ** 32), true);
  }

  setPtr(addr: number, value: number): void {
    if (this.#mustCheck(addr, 7)) this.#check(addr, 8, true);
    this.#touchAt(addr, 7);
    this.#view.setUint32(addr, value, true);
    const high = value >= PAGE_SIZE ? HIGH_SIGNED : value >= 0 ? 0 : -1;
    this.#view.setInt32(addr + 4, high, true);
  }

  /** Whether a plain look at one shadow byte will not do. `mask` is the size less one. */
  #mustCheck(addr: number, mask: number): boolean {
    return this.#shadow[addr >> 3] !== 0 || this.#heard || (addr & mask) !== 0;
  }

  /** Before a write of mask + 1 bytes that may be done. */
  #touchAt(addr: number, mask: number): void {
    if (this.#dirty[addr >> PAGE_SHIFT] === 0) this.#touch(addr >> PAGE_SHIFT);
    if ((addr & mask) !== 0) this.#touchRange(addr, mask + 1);
  }

  // Ranges.

  chars(addr: number, size: number): string {
    this.check(addr, size, false);
    let text = '';
    for (let at = addr; at < addr + size && this.#u8[at] !== 0; at++) {
      text += String.fromCharCode(this.#u8[at]!);
    }
    return text;
  }

  /** Cut to size - 1 bytes, and padded with NULs. */
  setChars(addr: number, size: number, value: string): void {
    this.check(addr, size, true);
    this.#touchRange(addr, size);
    this.#u8.fill(0, addr, addr + size);
    for (let i = 0; i < Math.min(value.length, size - 1); i++) {
      this.#u8[addr + i] = value.charCodeAt(i);
    }
  }

  copyOut(addr: number, size: number): Uint8Array {
    this.check(addr, size, false);
    return this.#u8.slice(addr, addr + size);
  }

  copyIn(addr: number, bytes: Uint8Array): void {
    this.check(addr, bytes.length, true);
    this.#touchRange(addr, bytes.length);
    this.#u8.set(bytes, addr);
  }

  /** memcpy, both ranges checked. */
  copy(to: number, from: number, size: number): void {
    this.check(from, size, false);
    this.check(to, size, true);
    this.#touchRange(to, size);
    this.#u8.copyWithin(to, from, from + size);
  }

  fill(addr: number, size: number, byte: number): void {
    this.check(addr, size, true);
    this.#touchRange(addr, size);
    this.#u8.fill(byte, addr, addr + size);
  }

  /** Faults where any of the bytes must not be touched. */
  check(addr: number, size: number, write: boolean): void {
    for (let at = addr; at < addr + size; at = (at | 7) + 1) {
      const bytes = Math.min((at | 7) + 1, addr + size) - at;
      if (this.#shadow[at >> 3] !== 0 || this.#heard) this.#check(at, bytes, write);
    }
  }

  /** Whether every byte may be touched. Reports nothing, and tells no watcher. */
  allows(addr: number, size: number): boolean {
    if (addr < 0 || addr + size > this.sizeBytes) return false;
    for (let at = addr; at < addr + size; at = (at | 7) + 1) {
      const bytes = Math.min((at | 7) + 1, addr + size) - at;
      const shadow = this.#shadow[at >> 3]!;
      if (!allowedBy(shadow, at, bytes) && !this.tolerates(shadow)) return false;
    }
    return true;
  }

  /** To be called before bytes are written other than by the methods of this class. */
  beforeWrite(addr: number, size: number): void {
    this.#touchRange(addr, size);
  }

  // For the allocators, and for engines that have asked first: no checks.

  rawU32(addr: number): number {
    return this.#u32[addr >> 2]!;
  }

  setRawU32(addr: number, value: number): void {
    if (this.#dirty[addr >> PAGE_SHIFT] === 0) this.#touch(addr >> PAGE_SHIFT);
    this.#u32[addr >> 2] = value;
  }

  /** `size` bytes, unsigned, at any alignment. */
  rawLoad(addr: number, size: 1 | 2 | 4 | 8): bigint {
    if (size === 8) return this.#view.getBigUint64(addr, true);
    if (size === 4) return BigInt(this.#view.getUint32(addr, true));
    return BigInt(size === 2 ? this.#view.getUint16(addr, true) : this.#u8[addr]!);
  }

  /** The low `size` bytes of `value`, at any alignment. */
  rawStore(addr: number, size: 1 | 2 | 4 | 8, value: bigint): void {
    this.#touchRange(addr, size);
    if (size === 8) this.#view.setBigUint64(addr, value, true);
    else {
      const low = Number(BigInt.asUintN(32, value));
      if (size === 4) this.#view.setUint32(addr, low, true);
      else if (size === 2) this.#view.setUint16(addr, low, true);
      else this.#u8[addr] = low;
    }
  }

  /** As ptr() reads it. */
  rawPtr(addr: number): number {
    return this.#pointer(addr);
  }

  rawFill(addr: number, size: number, byte: number): void {
    this.#touchRange(addr, size);
    this.#u8.fill(byte, addr, addr + size);
  }

  rawCopyIn(addr: number, bytes: Uint8Array): void {
    this.#touchRange(addr, bytes.length);
    this.#u8.set(bytes, addr);
  }

  rawCopyOut(addr: number, size: number): Uint8Array {
    return this.#u8.slice(addr, addr + size);
  }

  rawCopy(to: number, from: number, size: number): void {
    this.#touchRange(to, size);
    this.#u8.copyWithin(to, from, from + size);
  }

  /**
   * Does `act` without telling the race monitor: for what the processor itself reads, and for what
   * a lock orders that is not modelled. The shadow is checked as ever.
   */
  unwatched<T>(act: () => T): T {
    const watch = this.onAccess;
    this.onUnwatched?.();
    this.onAccess = null;
    try {
      return act();
    } finally {
      this.onAccess = watch;
    }
  }

  /**
   * Does `act` as marked accesses, READ_ONCE() and WRITE_ONCE(), that are part of the present step:
   * no races, and they order nothing.
   */
  marked<T>(act: () => T): T {
    const watch = this.onAccess;
    this.onAccess = null;
    try {
      return act();
    } finally {
      this.onAccess = watch;
    }
  }

  shadowAt(addr: number): number {
    return this.#shadow[addr >> 3] ?? KASAN_PAGE_FREE;
  }

  /** Marks [addr, addr + size) as forbidden for the reason given; addr is a multiple of 8. */
  poison(addr: number, size: number, reason: number): void {
    this.#touchRange(addr, size);
    this.#shadow.fill(reason, addr >> 3, (addr + size + 7) >> 3);
  }

  /** Allows the first `size` bytes from addr on, to the byte. */
  unpoison(addr: number, size: number): void {
    this.#touchRange(addr, size);
    this.#shadow.fill(0, addr >> 3, (addr + size) >> 3);
    if (size & 7) this.#shadow[(addr + size) >> 3] = size & 7;
    this.onUnpoison?.(addr, size);
  }

  // Reset.

  /** From here on writes are remembered. May be called again: then from there on. */
  checkpoint(): void {
    this.#dirty.fill(0);
    this.#dirtyPages = [];
    this.#saved.clear();
    this.#saving = true;
  }

  /** Memory and shadow as they were at checkpoint(). */
  rollback(): void {
    for (const page of this.#dirtyPages) {
      const saved = this.#saved.get(page)!;
      this.#u8.set(saved.bytes, page << PAGE_SHIFT);
      this.#shadow.set(saved.shadow, (page << PAGE_SHIFT) >> 3);
      this.#dirty[page] = 0;
    }
    this.#dirtyPages.length = 0;
  }

  get dirtyPageCount(): number {
    return this.#dirtyPages.length;
  }

  #touch(page: number): void {
    this.#dirty[page] = 1;
    if (!this.#saving) return;
    this.#dirtyPages.push(page);
    if (!this.#saved.has(page)) {
      const from = page << PAGE_SHIFT;
      this.#saved.set(page, {
        bytes: this.#u8.slice(from, from + PAGE_SIZE),
        shadow: this.#shadow.slice(from >> 3, (from + PAGE_SIZE) >> 3),
      });
    }
  }

  #touchRange(addr: number, size: number): void {
    for (let page = addr >> PAGE_SHIFT; page <= (addr + size - 1) >> PAGE_SHIFT; page++) {
      if (this.#dirty[page] === 0) this.#touch(page);
    }
  }

  /** The rest of the check: partly allowed granules, unaligned accesses, watchers, faults. */
  #check(addr: number, size: number, write: boolean): void {
    const here = 8 - (addr & 7);
    if (size > here) {
      this.#check(addr, here, write);
      this.#check(addr + here, size - here, write);
      return;
    }
    const shadow = this.#shadow[addr >> 3] ?? KASAN_PAGE_FREE;
    if (!allowedBy(shadow, addr, size) && !this.tolerates(shadow)) {
      this.onFault(addr, size, write, shadow);
    }
    if (addr < 0 || addr + size > this.sizeBytes) assert(false, `fault at ${addr} was ignored`);
    this.#onAccess?.(addr, size, write);
    this.#onTouch?.(addr, size, write);
  }
}

/** Of bytes that do not leave the 8 which the shadow byte tells of. */
function allowedBy(shadow: number, addr: number, size: number): boolean {
  return shadow === 0 || (shadow < 8 && (addr & 7) + size <= shadow);
}
