import { embed, long, ptr, struct, u32 } from '../../base/layout.ts';
import { E2BIG, EBUSY, EINVAL, EOPNOTSUPP, ERANGE } from '../../kernel/errno.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';
import { PAGE_SHIFT, PAGE_SIZE } from '../../kernel/memory.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { ARENA_ENTRIES, ARENA_TABLE_SHIFT, arenaEntry, type ArenaSpace } from '../vm/arena.ts';
import {
  allocMap,
  behindMap,
  MapBase,
  type AllocCheck,
  type MapAttr,
  type MapWorld,
} from './base.ts';
import * as flag from './flags.ts';
import { bpf_map, type BpfMap } from './map.ts';
import { RangeTree, range_tree } from './range-tree.ts';

const ALLOC_LOCK = site('arena_alloc_pages', 'lock');
const ALLOC_UNLOCK = site('arena_alloc_pages', 'unlock');
const FREE_LOCK = site('arena_free_pages', 'lock');
const FREE_UNLOCK = site('arena_free_pages', 'unlock');
const FREE_FLUSH = site('arena_free_pages', 'flush');
const RESERVE_LOCK = site('arena_reserve_pages', 'lock');
const RESERVE_UNLOCK = site('arena_reserve_pages', 'unlock');
const WORKER_LOCK = site('arena_free_worker', 'lock');
const WORKER_UNLOCK = site('arena_free_worker', 'unlock');
const WORKER_FLUSH = site('arena_free_worker', 'flush');
const WORK_INC = site('arena_free_pages', 'inc');

const spinlock = lockClass('&arena->spinlock', 'spin');

const ARENA_BYTES_MAX = 2 ** 32;
const NUMA_NO_NODE = -1;

/** kernel/bpf/arena.c, behind the struct bpf_map */
const bpf_arena = struct('bpf_arena', {
  user_vm_start: long,
  user_vm_end: long,
  kern_vm: ptr('struct vm_struct'), // its page tables: vm/arena.ts
  rt: embed(range_tree), // what is free, in pages from the start
  spinlock: u32, // protects rt and the page tables
  free_spans: ptr('struct arena_free_span'),
});

/** What is to be freed by a work. */
const arena_free_span = struct('arena_free_span', {
  node: ptr('struct arena_free_span'),
  uaddr: u32,
  page_cnt: u32,
});

/** arena_map_alloc() */
export const arenaCheck: AllocCheck = ({ keySize, valueSize, maxEntries, flags, extra }) => {
  const only = flag.SEGV_ON_FAULT | flag.MMAPABLE | flag.NO_USER_CONV;
  if (keySize !== 0 || valueSize !== 0 || maxEntries === 0) return -EINVAL;
  if ((flags & flag.MMAPABLE) === 0 || (flags & ~only) !== 0) return -EINVAL;
  if (extra % BigInt(PAGE_SIZE) !== 0n) return -EINVAL;
  const size = maxEntries * PAGE_SIZE;
  if (size > ARENA_BYTES_MAX) return -E2BIG;
  return extra >> 32n === (extra + BigInt(size) - 1n) >> 32n ? 0 : -ERANGE;
};

/**
 * BPF_MAP_TYPE_ARENA: memory that programs and user space share, of which pages come and go. Only
 * what is there takes memory. kernel/bpf/arena.c
 *
 * Linux has a scratch page for kernel code that strays into an arena: here only programs have its
 * addresses.
 */
export class ArenaMap extends MapBase {
  readonly #free: RangeTree;

  constructor(world: MapWorld, addr: number, attr: MapAttr) {
    super(world, addr, attr);
    this.#free = new RangeTree(world.kernel, behindMap(addr) + bpf_arena.off.rt);
  }

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const { machine, kasan } = world.kernel;
    const { slab, memory } = machine;
    const addr = allocMap(world, bpf_arena, attr);
    if (addr === 0) return undefined;
    const tables = machine.mayAlloc('vm_struct') ? slab.kzalloc(ARENA_ENTRIES * 4) : 0;
    const map = new ArenaMap(world, addr, attr);
    const start = Number(attr.extra);
    const isMade = memory.unwatched(() => {
      if (tables === 0) return false;
      map.#s.kern_vm = tables;
      map.#s.user_vm_start = start;
      map.#s.user_vm_end = start === 0 ? 0 : start + attr.maxEntries * PAGE_SIZE;
      return map.#free.range_tree_set(0, attr.maxEntries) === 0;
    });
    if (isMade) return map;
    if (tables !== 0) kasan.free(tables);
    kasan.free(addr);
    return undefined;
  }

  get #s(): ReturnType<typeof bpf_arena.at> {
    return bpf_arena.at(this.memory, behindMap(this.addr));
  }

  get #lockAddr(): number {
    return behindMap(this.addr) + bpf_arena.off.spinlock;
  }

  /** Where user space has it: from there on, and up to there. 0 before anybody has said. */
  get userRange(): { readonly start: number; readonly end: number } {
    return this.memory.unwatched(() => ({
      start: this.#s.user_vm_start,
      end: this.#s.user_vm_end,
    }));
  }

  /** bpf_arena_get_kern_vm_start(), bpf_arena_get_user_vm_start() */
  arenaSpace(): ArenaSpace | undefined {
    const { start } = this.userRange;
    if (start === 0) return undefined;
    const tables = this.memory.unwatched(() => this.#s.kern_vm);
    return { tables, userHigh: Math.floor(start / 2 ** 32) };
  }

  /** A place in user space. arena_map_direct_value_addr() */
  map_direct_value_addr(off: number): number {
    const { start, end } = this.userRange;
    return off >= end - start ? -ERANGE : start + off;
  }

  // Pages, as kfuncs ask for them. `uaddr` is whatever a program gives.

  /** The user address of so many pages, at `uaddr` if it is not 0; or 0. */
  *arena_alloc_pages(
    uaddr: bigint,
    pageCnt: number,
    nodeId: number,
    sleepable: boolean,
  ): Sim<bigint> {
    const { machine } = this.kernel;
    if (nodeId !== NUMA_NO_NODE && nodeId !== 0) return 0n;
    const { start, end } = this.userRange;
    const pageCntMax = (end - start) / PAGE_SIZE;
    if (pageCnt > pageCntMax) return 0n;
    if (uaddr !== 0n) {
      if (!isAligned(uaddr) || this.#pgoff(uaddr) > pageCntMax - pageCnt) return 0n;
    }
    if (!machine.mayAlloc('arena pages')) return 0n;
    yield* this.#lock(ALLOC_LOCK);
    const pgoff = this.#take(uaddr === 0n ? -1 : this.#pgoff(uaddr), pageCnt);
    const low = pgoff < 0 ? 0 : this.#lowOf(pgoff);
    const mapped = pgoff < 0 ? 0 : this.#mapNew(low, pageCnt);
    const isWhole = mapped === pageCnt;
    if (pgoff >= 0 && !isWhole) this.#free.range_tree_set(pgoff + mapped, pageCnt - mapped);
    yield* this.#unlock(ALLOC_UNLOCK);
    if (pgoff >= 0 && isWhole) return this.#userAddress(low);
    if (mapped > 0) yield* this.arena_free_pages(BigInt(low), mapped, sleepable);
    return 0n;
  }

  /** Takes pages from the free ones: where they begin, or -errno. `pgoff` below 0: wherever. */
  #take(pgoff: number, pageCnt: number): number {
    const unset = pgoff < 0 ? 0 : this.#free.is_range_tree_set(pgoff, pageCnt);
    if (unset < 0) return unset;
    const found = pgoff < 0 ? this.#free.range_tree_find(pageCnt) : pgoff;
    if (found < 0) return found;
    const failed = this.#free.range_tree_clear(found, pageCnt);
    return failed < 0 ? failed : found;
  }

  /** Puts new pages there: how many there was memory for. */
  #mapNew(low: number, pageCnt: number): number {
    const { machine, mm } = this.kernel;
    for (let i = 0; i < pageCnt; i++) {
      const page = machine.mayAlloc('arena page') ? mm.pages.alloc() : 0;
      if (page === 0) return i;
      if (!this.#setPage((low + i * PAGE_SIZE) >>> 0, page)) {
        mm.pages.put(page);
        return i;
      }
    }
    return pageCnt;
  }

  /** Pages become free, and what is there of them goes: at once where one may sleep, else soon. */
  *arena_free_pages(uaddr: bigint, pageCnt: number, sleepable: boolean): Sim<void> {
    const low = Number(BigInt.asUintN(32, uaddr)) & -PAGE_SIZE;
    const { start, end } = this.userRange;
    const full = Number(this.#userAddress(low >>> 0));
    const last = Math.min(end, full + pageCnt * PAGE_SIZE);
    if (full < start || full >= last) return;
    const count = (last - full) / PAGE_SIZE;
    if (!sleepable) {
      yield* this.#defer(low >>> 0, count);
      return;
    }
    yield* this.#lock(FREE_LOCK);
    this.#free.range_tree_set(this.#pgoff(BigInt(low >>> 0)), count);
    const pages = this.#clear(low >>> 0, count);
    yield* this.#unlock(FREE_UNLOCK);
    yield* step(FREE_FLUSH); // flush_tlb_kernel_range()
    const { pages: counts } = this.kernel.mm;
    if (count > 1) yield* this.#zap(full, count);
    for (const page of pages) {
      if (count === 1 && counts.count(page) > 1) yield* this.#zap(full, 1);
      counts.put(page);
    }
  }

  /** For a work, which holds a reference: Linux waits for it where the map is freed. */
  *#defer(low: number, count: number): Sim<void> {
    const { machine, atomics, workqueues } = this.kernel;
    const { memory, slab } = machine;
    const isThere = machine.mayAlloc('arena_free_span');
    const span = isThere ? slab.kzalloc(arena_free_span.sizeBytes) : 0;
    if (span === 0) return; // lost until the arena goes
    const isFirst = memory.unwatched(() => {
      const s = arena_free_span.at(memory, span);
      s.uaddr = low;
      s.page_cnt = count;
      s.node = this.#s.free_spans;
      this.#s.free_spans = span;
      return s.node === 0;
    });
    if (!isFirst) return;
    yield* atomics.add64(WORK_INC, this.addr + bpf_map.off.refcnt, 1n);
    workqueues.schedule_work('arena_free_worker', () => this.arena_free_worker());
  }

  *arena_free_worker(): Sim<void> {
    const { mm, kasan } = this.kernel;
    yield* this.#lock(WORKER_LOCK);
    const spans = this.#takeSpans();
    const pages: number[] = [];
    for (const { low, count } of spans) {
      pages.push(...this.#clear(low, count));
      this.#free.range_tree_set(this.#pgoff(BigInt(low)), count);
    }
    yield* this.#unlock(WORKER_UNLOCK);
    for (const { addr, low, count } of spans) {
      yield* step(WORKER_FLUSH);
      yield* this.#zap(Number(this.#userAddress(low)), count);
      kasan.free(addr);
    }
    for (const page of pages) mm.pages.put(page);
    yield* this.world.ports.bpf_map_put(this);
  }

  /** llist_del_all(): the newest first. */
  #takeSpans(): readonly { addr: number; low: number; count: number }[] {
    const { memory } = this;
    return memory.unwatched(() => {
      const spans = [];
      for (let addr = this.#s.free_spans; addr !== 0; ) {
        const { uaddr, page_cnt, node } = arena_free_span.at(memory, addr);
        spans.push({ addr, low: uaddr, count: page_cnt });
        addr = node;
      }
      this.#s.free_spans = 0;
      return spans;
    });
  }

  /** Nothing is given out there any more unless it is asked for. 0 or -errno. */
  *arena_reserve_pages(uaddr: bigint, pageCnt: number): Sim<number> {
    const { start, end } = this.userRange;
    if (!isAligned(uaddr)) return 0;
    const pgoff = this.#pgoff(uaddr);
    if (pgoff + pageCnt > (end - start) / PAGE_SIZE) return -EINVAL;
    yield* this.#lock(RESERVE_LOCK);
    const isFree = this.#free.is_range_tree_set(pgoff, pageCnt) === 0;
    const result = isFree ? this.#free.range_tree_clear(pgoff, pageCnt) : -EBUSY;
    yield* this.#unlock(RESERVE_UNLOCK);
    return result;
  }

  // Page tables

  /** False: no memory for a table. */
  #setPage(low: number, page: number): boolean {
    const { memory, slab } = this.kernel.machine;
    const tables = this.#s.kern_vm;
    const first = tables + (low >>> ARENA_TABLE_SHIFT) * 4;
    if (memory.u32(first) === 0) {
      const table = slab.kzalloc(ARENA_ENTRIES * 4);
      if (table === 0) return false;
      memory.setU32(first, table);
    }
    memory.setU32(arenaEntry(memory, tables, low), page);
    return true;
  }

  /** Takes pages out of the tables. apply_range_clear_cb() */
  #clear(low: number, count: number): number[] {
    const { memory } = this;
    const tables = this.#s.kern_vm;
    const pages: number[] = [];
    for (let i = 0; i < count; i++) {
      const page = this.#pageAt((low + i * PAGE_SIZE) >>> 0);
      if (page === 0) continue;
      memory.setU32(arenaEntry(memory, tables, (low + i * PAGE_SIZE) >>> 0), 0);
      pages.push(page);
    }
    return pages;
  }

  /** The page at an address, or 0. */
  #pageAt(low: number): number {
    const { memory } = this;
    const tables = this.#s.kern_vm;
    if (memory.u32(tables + (low >>> ARENA_TABLE_SHIFT) * 4) === 0) return 0;
    return memory.u32(arenaEntry(memory, tables, low));
  }

  /** compute_pgoff() */
  #pgoff(uaddr: bigint): number {
    const { start } = this.userRange;
    const low = Number(BigInt.asUintN(32, uaddr - BigInt(start)));
    return low >>> PAGE_SHIFT;
  }

  /** The low half of the user address of a page. */
  #lowOf(pgoff: number): number {
    return (this.userRange.start + pgoff * PAGE_SIZE) % 2 ** 32;
  }

  #userAddress(low: number): bigint {
    const { start } = this.userRange;
    return BigInt(start - (start % 2 ** 32) + low);
  }

  *#lock(at: number): Sim<void> {
    yield* this.kernel.spinlocks.spin_lock_irq(spinlock, this.#lockAddr, at);
  }

  *#unlock(at: number): Sim<void> {
    yield* this.kernel.spinlocks.spin_unlock_irq(spinlock, this.#lockAddr, at);
  }

  /** What user space has mapped of it goes. zap_pages() */
  *#zap(_uaddr: number, _count: number): Sim<void> {}

  // What bpf(2) may do with it: nothing.

  map_lookup_elem(): number {
    return 0;
  }

  map_update_elem(): number {
    return -EOPNOTSUPP;
  }

  map_delete_elem(): number {
    return -EOPNOTSUPP;
  }

  *map_get_next_key(): Sim<number> {
    return -EOPNOTSUPP;
  }

  *bpf_map_copy_value(): Sim<number> {
    return -EINVAL;
  }

  /** arena_map_free() */
  *map_free(): Sim<void> {
    const { memory, kernel } = this;
    const { mm, kasan } = kernel;
    const tables = this.#s.kern_vm;
    for (let i = 0; i < ARENA_ENTRIES; i++) {
      const table = memory.u32(tables + i * 4);
      if (table === 0) continue;
      for (let at = table; at < table + ARENA_ENTRIES * 4; at += 4) {
        if (memory.u32(at) !== 0) mm.pages.put(memory.u32(at));
      }
      kasan.free(table);
    }
    this.#free.range_tree_destroy();
    kasan.free(tables);
    kasan.free(this.addr);
  }
}

function isAligned(uaddr: bigint): boolean {
  return uaddr % BigInt(PAGE_SIZE) === 0n;
}

kernelText(ArenaMap);
