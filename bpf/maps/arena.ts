import { alignUp, embed, ptr, struct, u32, u64 } from '../../base/layout.ts';
import { E2BIG, EBUSY, EFAULT, EINVAL, EOPNOTSUPP, ERANGE } from '../../kernel/errno.ts';
import { file as fileStruct } from '../../kernel/fs/structs.ts';
import type { WantedArea } from '../../kernel/hooks.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { PAGE_SHIFT, PAGE_SIZE } from '../../kernel/memory.ts';
import { VM_DONTCOPY } from '../../kernel/mm/structs.ts';
import type { VmOps } from '../../kernel/mm/vm-ops.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Registry } from '../registry.ts';
import type { ArenaSpace } from '../vm/arena.ts';
import { ArenaTables } from './arena-tables.ts';
import { ArenaVmas, arena_vmas } from './arena-vmas.ts';
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
const FAULT_LOCK = site('arena_vm_fault', 'lock');
const FAULT_UNLOCK = site('arena_vm_fault', 'unlock');

const ARENA_BYTES_MAX = 2 ** 32;
const NUMA_NO_NODE = -1;

/** kernel/bpf/arena.c, behind the struct bpf_map */
const bpf_arena = struct('bpf_arena', {
  user_vm_start: u64, // whole pages, so that a number has it exactly
  user_vm_end: u64,
  kern_vm: ptr('struct vm_struct'), // its page tables: vm/arena.ts
  rt: embed(range_tree), // what is free, in pages from the start
  spinlock: u32, // rqspinlock_t: protects rt and the page tables
  vmas: embed(arena_vmas),
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
  readonly #vmas: ArenaVmas;
  readonly #tables: ArenaTables;
  readonly #kernVm: number;

  constructor(world: MapWorld, addr: number, attr: MapAttr, kernVm: number) {
    super(world, addr, attr);
    const arena = behindMap(addr);
    this.#free = new RangeTree(world.kernel, arena + bpf_arena.off.rt);
    this.#vmas = new ArenaVmas(world.kernel, arena + bpf_arena.off.vmas, addr);
    this.#tables = new ArenaTables(world.kernel, kernVm);
    this.#kernVm = kernVm;
  }

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const { machine, kasan } = world.kernel;
    const kernVm = ArenaTables.alloc(world.kernel);
    const addr = kernVm === 0 ? 0 : allocMap(world, bpf_arena, attr);
    const map = new ArenaMap(world, addr, attr, kernVm);
    const isMade = addr !== 0 && machine.memory.unwatched(() => map.#init(attr));
    if (isMade) return map;
    for (const part of [addr, kernVm]) if (part !== 0) kasan.free(part);
    return undefined;
  }

  #init({ extra, maxEntries }: MapAttr): boolean {
    const start = Number(extra);
    this.#s.kern_vm = this.#kernVm;
    this.#setRange(start, start === 0 ? 0 : start + maxEntries * PAGE_SIZE);
    return this.#free.range_tree_set(0, maxEntries) === 0;
  }

  #setRange(start: number, end: number): void {
    this.memory.unwatched(() => {
      this.#s.user_vm_start = BigInt(start);
      this.#s.user_vm_end = BigInt.asUintN(64, BigInt(end));
    });
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
      start: Number(this.#s.user_vm_start),
      end: Number(this.#s.user_vm_end),
    }));
  }

  /** bpf_arena_get_kern_vm_start(), bpf_arena_get_user_vm_start() */
  arenaSpace(): ArenaSpace | undefined {
    const { start } = this.userRange;
    if (start === 0) return undefined;
    return { tables: this.#kernVm, userHigh: upperHalf(start) };
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
    if (!(yield* this.#lock(ALLOC_LOCK))) return 0n;
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
      if (!this.#tables.set((low + i * PAGE_SIZE) >>> 0, page)) {
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
    if (!sleepable || !(yield* this.#lock(FREE_LOCK))) {
      yield* this.#defer(low >>> 0, count);
      return;
    }
    this.#free.range_tree_set(this.#pgoff(BigInt(low >>> 0)), count);
    const pages = this.#tables.clear(low >>> 0, count);
    yield* this.#unlock(FREE_UNLOCK);
    yield* step(FREE_FLUSH); // flush_tlb_kernel_range()
    const { pages: counts } = this.kernel.mm;
    if (count > 1) yield* this.#vmas.zap_pages(full, count);
    for (const page of pages) {
      if (count === 1 && counts.count(page) > 1) yield* this.#vmas.zap_pages(full, 1);
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
    const { mm, kasan, workqueues } = this.kernel;
    if (!(yield* this.#lock(WORKER_LOCK))) {
      workqueues.schedule_work('arena_free_worker', () => this.arena_free_worker());
      return;
    }
    const spans = this.#takeSpans();
    const pages: number[] = [];
    for (const { low, count } of spans) {
      pages.push(...this.#tables.clear(low, count));
      this.#free.range_tree_set(this.#pgoff(BigInt(low)), count);
    }
    yield* this.#unlock(WORKER_UNLOCK);
    for (const { addr, low, count } of spans) {
      yield* step(WORKER_FLUSH);
      yield* this.#vmas.zap_pages(Number(this.#userAddress(low)), count);
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
      for (let addr = this.#s.free_spans; addr !== 0;) {
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
    if (!(yield* this.#lock(RESERVE_LOCK))) return -EBUSY;
    const isFree = this.#free.is_range_tree_set(pgoff, pageCnt) === 0;
    const result = isFree ? this.#free.range_tree_clear(pgoff, pageCnt) : -EBUSY;
    yield* this.#unlock(RESERVE_UNLOCK);
    return result;
  }

  // User space

  /** Where a mapping may be, none over a border of 4 GiB. arena_get_unmapped_area() */
  map_get_unmapped_area({ addr, sizeBytes, pgoff, find }: WantedArea): number {
    const { start, end } = this.userRange;
    if (pgoff !== 0) return -EINVAL;
    if (sizeBytes > ARENA_BYTES_MAX) return -E2BIG;
    if (start !== 0 && sizeBytes > end - start) return -E2BIG;
    if (start !== 0 && (sizeBytes !== end - start || addr !== start)) return -EINVAL;
    const found = find(sizeBytes * 2);
    if (found < 0) return found;
    const isWithin = upperHalf(found) === upperHalf(found + sizeBytes - 1);
    return isWithin ? found : alignUp(found, 2 ** 32);
  }

  /** The first mapping says where the arena stands, and all others stand there. */
  *map_mmap(vma: number): Sim<number> {
    const { mm, mmap } = this.kernel;
    const { memory } = this;
    const vml = yield* this.#vmas.remember_vma(vma, () => {
      const { start, end } = this.userRange;
      const s = mm.vmas.at(vma);
      const [vm_start, vm_end] = memory.unwatched(() => [s.vm_start, s.vm_end] as const);
      if (start !== 0 && start !== vm_start) return -EBUSY;
      if (end !== 0 && end !== vm_end) return -EBUSY;
      this.#setRange(vm_start, vm_end);
      return 0;
    });
    if (vml < 0) return vml;
    memory.unwatched(() => (mm.vmas.at(vma).vm_flags |= VM_DONTCOPY));
    mmap.setOps(vma, this.world.arenaVmOps!, vml);
    return 0;
  }

  get vmas(): ArenaVmas {
    return this.#vmas;
  }

  /** A touch of what the mapping does not show yet: the page, or -EFAULT. */
  *arena_vm_fault(addr: number): Sim<number> {
    const { mm } = this.kernel;
    if (!(yield* this.#lock(FAULT_LOCK))) return -EFAULT;
    const low = addr % 2 ** 32;
    const page = this.#tables.at(low) || this.#faultIn(low);
    if (page !== 0) mm.pages.get(page);
    yield* this.#unlock(FAULT_UNLOCK);
    return page === 0 ? -EFAULT : page;
  }

  /** A page where no program has allocated one, or 0. */
  #faultIn(low: number): number {
    if ((this.flags & flag.SEGV_ON_FAULT) !== 0) return 0;
    const pgoff = this.#pgoff(BigInt(low));
    if (this.#free.range_tree_clear(pgoff, 1) < 0) return 0;
    if (this.#mapNew(low, 1) === 1) return this.#tables.at(low);
    this.#free.range_tree_set(pgoff, 1);
    return 0;
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

  /** False: it would be a deadlock, or has taken too long. raw_res_spin_lock_irqsave() */
  *#lock(at: number): Sim<boolean> {
    return (yield* this.kernel.rqspinlocks.raw_res_spin_lock(this.#lockAddr, at)) === 0;
  }

  *#unlock(at: number): Sim<void> {
    yield* this.kernel.rqspinlocks.raw_res_spin_unlock(this.#lockAddr, at);
  }

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
    this.#tables.free();
    this.#free.range_tree_destroy();
    this.kernel.kasan.free(this.addr);
  }
}

function upperHalf(addr: number): number {
  return Math.floor(addr / 2 ** 32);
}

function isAligned(uaddr: bigint): boolean {
  return uaddr % BigInt(PAGE_SIZE) === 0n;
}

kernelText(ArenaMap);

/** Registers what arenas do for their mappings. */
export function arenaVmOps({ mm, machine }: Kernel, maps: Registry<BpfMap>): VmOps {
  const { memory } = machine;
  const mapOf = (vma: number): ArenaMap =>
    memory.unwatched(() => {
      const { private_data } = fileStruct.at(memory, mm.vmas.at(vma).vm_file);
      return maps.get(private_data) as ArenaMap;
    });
  const ops: VmOps = {
    name: 'arena_vm_ops',
    open: (vma) => mapOf(vma).vmas.open(vma),
    close: (vma) => mapOf(vma).vmas.close(vma),
    may_split: () => -EINVAL,
    fault: (vma, addr) => mapOf(vma).arena_vm_fault(addr),
  };
  mm.vmas.ops.register(ops);
  return ops;
}
