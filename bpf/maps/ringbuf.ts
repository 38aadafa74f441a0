import { ptr, struct, u32, u64 } from '../../base/layout.ts';
import { EAGAIN, EINVAL, ENOTSUPP } from '../../kernel/errno.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { ACQUIRE, kernelText, RELEASE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import {
  allocArea,
  allocMap,
  behindMap,
  MapBase,
  type AllocCheck,
  type MapAttr,
  type MapWorld,
} from './base.ts';
import * as flag from './flags.ts';
import type { BpfMap } from './map.ts';
import { lockMap, unlockMap } from './raw-lock.ts';

const CONS = site('__bpf_ringbuf_reserve', 'consumer_pos');
const LOCK = site('__bpf_ringbuf_reserve', 'lock');
const PROD = site('__bpf_ringbuf_reserve', 'producer_pos');
const UNLOCK = site('__bpf_ringbuf_reserve', 'unlock');
const COMMIT = site('bpf_ringbuf_commit', 'xchg');
const COMMIT_CONS = site('bpf_ringbuf_commit', 'consumer_pos');
const USER_CONS = site('ringbuf_process_ring', 'consumer_pos');
const USER_PROD = site('ringbuf_process_ring', 'producer_pos');
const USER_OVER = site('ringbuf_process_ring', 'overwrite_pos');
const USER_LEN = site('ringbuf_process_ring', 'len');

const ringbufLock = lockClass('&rb->spinlock', 'spin');

/** include/uapi/linux/bpf.h */
const BPF_RINGBUF_BUSY_BIT = 2 ** 31;
const BPF_RINGBUF_DISCARD_BIT = 2 ** 30;
const HDR_BYTES = 8;
export const BPF_RB_NO_WAKEUP = 1;
export const BPF_RB_FORCE_WAKEUP = 2;
const BPF_RB_AVAIL_DATA = 0;
const BPF_RB_RING_SIZE = 1;
const BPF_RB_CONS_POS = 2;
const BPF_RB_PROD_POS = 3;
const BPF_RB_OVERWRITE_POS = 4;
/** kernel/bpf/ringbuf.c: RINGBUF_MAX_RECORD_SZ */
const MAX_RECORD = 0x3fff_ffff;

/** kernel/bpf/ringbuf.c, behind the struct bpf_map */
const bpf_ringbuf_map = struct('bpf_ringbuf_map', { rb: ptr('struct bpf_ringbuf') });

/**
 * Positions only grow; where they stand in the data is position & mask. The pages with the
 * positions are mapped by user space: those of producers to be read, the consumer's to be written.
 */
const bpf_ringbuf = struct('bpf_ringbuf', {
  mask: u32,
  spinlock: u32,
  wakeups: u32, // irq_work that woke whoever polls
  pad: u32,
  consumer_pos: u64,
  producer_pos: u64,
  pending_pos: u64, // the oldest record that is not committed yet
  overwrite_pos: u64, // BPF_F_RB_OVERWRITE: the oldest record that is whole
  data: ptr('char'), // twice the size, since Linux maps it twice: no record wraps
});

/** ringbuf_map_alloc() */
export const ringbufCheck: AllocCheck = ({ keySize, valueSize, maxEntries, flags }) => {
  if ((flags & ~(flag.NUMA_NODE | flag.RB_OVERWRITE)) !== 0) return -EINVAL;
  if (keySize !== 0 || valueSize !== 0) return -EINVAL;
  const isPowerOf2 = maxEntries > 0 && (maxEntries & (maxEntries - 1)) === 0;
  return isPowerOf2 && maxEntries % PAGE_SIZE === 0 ? 0 : -EINVAL;
};

/** BPF_MAP_TYPE_RINGBUF: records of any length from all CPUs to one reader. kernel/bpf/ringbuf.c */
export class Ringbuf extends MapBase {
  readonly #rb: number;
  readonly #data: number;
  readonly #mask: number;

  constructor(world: MapWorld, addr: number, attr: MapAttr, rb: number) {
    super(world, addr, attr);
    this.#rb = rb;
    this.#mask = attr.maxEntries - 1;
    this.#data = this.memory.unwatched(() => this.#s.data);
  }

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const { machine, kasan } = world.kernel;
    const { memory, slab } = machine;
    const addr = allocMap(world, bpf_ringbuf_map, attr);
    if (addr === 0) return undefined;
    const rb = slab.kzalloc(bpf_ringbuf.sizeBytes);
    const data = rb === 0 ? 0 : allocArea(world, 'bpf_ringbuf', 2 * attr.maxEntries);
    if (data === 0) {
      if (rb !== 0) kasan.free(rb);
      kasan.free(addr);
      return undefined;
    }
    memory.unwatched(() => {
      Object.assign(bpf_ringbuf.at(memory, rb), { mask: attr.maxEntries - 1, data });
      bpf_ringbuf_map.at(memory, behindMap(addr)).rb = rb;
    });
    return new Ringbuf(world, addr, attr, rb);
  }

  get #s(): ReturnType<typeof bpf_ringbuf.at> {
    return bpf_ringbuf.at(this.memory, this.#rb);
  }

  #off(field: 'consumer_pos' | 'producer_pos' | 'overwrite_pos' | 'spinlock'): number {
    return this.#rb + bpf_ringbuf.off[field];
  }

  #record(pos: bigint): number {
    return this.#data + (Number(pos & 0xffff_ffffn) & this.#mask);
  }

  /** Whether the record that begins at an address is one of this buffer. */
  owns(sample: number): boolean {
    return sample >= this.#data && sample < this.#data + 2 * (this.#mask + 1);
  }

  /** The address for the record's bytes, or 0: no room, or a reader that is too slow. */
  *__bpf_ringbuf_reserve(size: number): Sim<number> {
    const { atomics } = this.kernel;
    if (size > MAX_RECORD) return 0;
    const len = BigInt(Math.ceil((size + HDR_BYTES) / 8) * 8);
    if (len > BigInt(this.#mask + 1)) return 0;
    const cons = yield* atomics.read64(CONS, this.#off('consumer_pos'), ACQUIRE);
    if ((yield* lockMap(this.kernel, ringbufLock, this.#off('spinlock'), LOCK)) !== 0) return 0;
    const prod = this.#s.producer_pos;
    const pending = this.#advancePending(prod);
    const end = prod + len;
    let sample = 0;
    if (this.#hasSpace(end, cons, pending)) {
      if (this.#overwrites) this.#advanceOverwritten(end);
      const hdr = this.#record(prod);
      this.memory.setU32(hdr, (size | BPF_RINGBUF_BUSY_BIT) >>> 0);
      this.memory.setU32(hdr + 4, (hdr - this.#data) >>> 12); // pg_off
      yield* atomics.write64(PROD, this.#off('producer_pos'), end, RELEASE);
      sample = hdr + HDR_BYTES;
    }
    yield* unlockMap(this.kernel, ringbufLock, this.#off('spinlock'), UNLOCK);
    return sample;
  }

  /** bpf_ringbuf_has_space() */
  #hasSpace(end: bigint, cons: bigint, pending: bigint): boolean {
    const room = BigInt(this.#mask);
    return end - pending <= room && (this.#overwrites || end - cons <= room);
  }

  get #overwrites(): boolean {
    return (this.flags & flag.RB_OVERWRITE) !== 0;
  }

  /** Gives up whole records, the oldest first, until the new one fits. All are committed. */
  #advanceOverwritten(end: bigint): void {
    const { memory } = this;
    memory.unwatched(() => {
      const s = this.#s;
      let pos = s.overwrite_pos;
      while (end - pos > BigInt(this.#mask)) {
        pos += BigInt(recordBytes(memory.u32(this.#record(pos))));
      }
      s.overwrite_pos = pos;
    });
  }

  /** Past what has been committed since. */
  #advancePending(prod: bigint): bigint {
    const { memory } = this;
    let pending = this.#s.pending_pos;
    while (pending < prod) {
      const len = memory.unwatched(() => memory.u32(this.#record(pending)));
      if (len >= BPF_RINGBUF_BUSY_BIT) break;
      pending += BigInt(recordBytes(len));
    }
    this.#s.pending_pos = pending;
    return pending;
  }

  *bpf_ringbuf_reserve(size: number, flags: number): Sim<number> {
    return flags === 0 ? yield* this.__bpf_ringbuf_reserve(size) : 0;
  }

  /** Makes the record the reader's. One that is next for the reader wakes it. */
  *bpf_ringbuf_commit(sample: number, flags: number, discard: boolean): Sim<number> {
    const { atomics } = this.kernel;
    const hdr = sample - HDR_BYTES;
    const busy = this.memory.unwatched(() => this.memory.u32(hdr));
    const len = (busy & ~BPF_RINGBUF_BUSY_BIT) | (discard ? BPF_RINGBUF_DISCARD_BIT : 0);
    yield* atomics.xchg32(COMMIT, hdr, len);
    const cons = yield* atomics.read64(COMMIT_CONS, this.#off('consumer_pos'), ACQUIRE);
    const isNext = this.#record(cons) === hdr;
    if (flags & BPF_RB_FORCE_WAKEUP || (isNext && !(flags & BPF_RB_NO_WAKEUP))) {
      this.memory.unwatched(() => this.#s.wakeups++);
    }
    return 0;
  }

  *bpf_ringbuf_output(from: number, size: number, flags: number): Sim<number> {
    if (flags & ~(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP)) return -EINVAL;
    const sample = yield* this.__bpf_ringbuf_reserve(size);
    if (sample === 0) return -EAGAIN;
    this.memory.copy(sample, from, size);
    return yield* this.bpf_ringbuf_commit(sample, flags, false);
  }

  /** A snapshot, which may be old by now. bpf_ringbuf_query() */
  bpf_ringbuf_query(what: number): bigint {
    const { consumer_pos, producer_pos, overwrite_pos } = this.memory.unwatched(() => {
      const { consumer_pos: cons, producer_pos: prod, overwrite_pos: over } = this.#s;
      return { consumer_pos: cons, producer_pos: prod, overwrite_pos: over };
    });
    switch (what) {
      case BPF_RB_AVAIL_DATA:
        return producer_pos - (overwrite_pos > consumer_pos ? overwrite_pos : consumer_pos);
      case BPF_RB_RING_SIZE:
        return BigInt(this.#mask + 1);
      case BPF_RB_CONS_POS:
        return consumer_pos;
      case BPF_RB_PROD_POS:
        return producer_pos;
      case BPF_RB_OVERWRITE_POS:
        return overwrite_pos;
      default:
        return 0n;
    }
  }

  /** How often a commit has woken whoever polls. */
  get wakeups(): number {
    return this.memory.unwatched(() => this.#s.wakeups);
  }

  /**
   * What user space does through its mapping: the records up to the first that is busy, in order,
   * without the discarded ones. Of a buffer that overwrites, without those that were overwritten
   * while it read them. tools/lib/bpf/ringbuf.c: ringbuf_process_ring()
   */
  *consume(): Sim<Uint8Array[]> {
    const { atomics } = this.kernel;
    const records: Uint8Array[] = [];
    let cons = yield* atomics.read64(USER_CONS, this.#off('consumer_pos'), ACQUIRE);
    for (;;) {
      const prod = yield* atomics.read64(USER_PROD, this.#off('producer_pos'), ACQUIRE);
      if (cons >= prod) return records;
      while (cons < prod) {
        if (this.#overwrites) cons = yield* this.#firstWhole(cons);
        const hdr = this.#record(cons);
        const len = yield* atomics.read32(USER_LEN, hdr, ACQUIRE);
        if (len >= BPF_RINGBUF_BUSY_BIT) return records;
        const isWanted = (len & BPF_RINGBUF_DISCARD_BIT) === 0;
        const bytes = isWanted ? this.memory.copyOut(hdr + HDR_BYTES, len) : undefined;
        if (this.#overwrites && (yield* this.#firstWhole(cons)) !== cons) continue;
        if (bytes) records.push(bytes);
        cons += BigInt(recordBytes(len));
        yield* atomics.write64(USER_CONS, this.#off('consumer_pos'), cons, RELEASE);
      }
    }
  }

  *#firstWhole(cons: bigint): Sim<bigint> {
    const over = yield* this.kernel.atomics.read64(USER_OVER, this.#off('overwrite_pos'), ACQUIRE);
    return over > cons ? over : cons;
  }

  override map_lookup_elem(): number {
    return 0;
  }

  override map_update_elem(): number {
    return -ENOTSUPP;
  }

  override map_delete_elem(): number {
    return -ENOTSUPP;
  }

  override *map_get_next_key(): Sim<number> {
    return -ENOTSUPP;
  }

  override *bpf_map_copy_value(): Sim<number> {
    return -ENOTSUPP;
  }

  override *map_free(): Sim<void> {
    for (const addr of [this.#data, this.#rb, this.addr]) this.kernel.kasan.free(addr);
  }
}

kernelText(Ringbuf);

/** With its header, in whole words. */
function recordBytes(len: number): number {
  const size = len & ~BPF_RINGBUF_DISCARD_BIT;
  return Math.ceil((size + HDR_BYTES) / 8) * 8;
}
