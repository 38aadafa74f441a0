import { array, embed, ptr, struct, u16, u32, u8 } from '../../base/layout.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { List, list_head } from './list.ts';
import { lockMap, unlockMap } from './raw-lock.ts';

const LOCK = site('bpf_lru_list', 'lock');
const UNLOCK = site('bpf_lru_list', 'unlock');
const LOCAL_LOCK = site('bpf_lru_locallist', 'lock');
const LOCAL_UNLOCK = site('bpf_lru_locallist', 'unlock');

const listLock = lockClass('&l->lock', 'spin');
const localLock = lockClass('&loc_l->lock', 'spin');

/** kernel/bpf/bpf_lru_list.c */
const LOCAL_FREE_TARGET = 128;
const PERCPU_FREE_TARGET = 4;

/** enum bpf_lru_list_type. The first three are lists of a bpf_lru_list, in this order. */
const ACTIVE = 0;
const INACTIVE = 1;
const FREE = 2;
const LOCAL_FREE = 3;
const LOCAL_PENDING = 4;

/** kernel/bpf/bpf_lru_list.h */
export const bpf_lru_node = struct('bpf_lru_node', {
  list: embed(list_head),
  cpu: u16,
  type: u8, // enum bpf_lru_list_type
  ref: u8, // somebody has looked it up since it was last considered
  pending_free: u8, // it is free, but its list could not be locked: whoever comes by sees to it
});

/** Guarded by its lock. */
const bpf_lru_list = struct('bpf_lru_list', {
  active: embed(list_head),
  inactive: embed(list_head),
  free: embed(list_head),
  counts: array(u32, 2), // of the active and the inactive list
  next_inactive_rotation: ptr('struct list_head'),
  lock: u32,
  pad: u32,
});

/** What one CPU has taken from the list that all share. Guarded by its lock. */
const bpf_lru_locallist = struct('bpf_lru_locallist', {
  free: embed(list_head),
  pending: embed(list_head),
  next_steal: u16,
  pad: u16,
  lock: u32,
});

type ListView = ReturnType<typeof bpf_lru_list.at>;
type NodeView = ReturnType<typeof bpf_lru_node.at>;

export interface LruParts {
  readonly kernel: Kernel;
  /** BPF_F_NO_COMMON_LRU: each CPU evicts elements of its own only. */
  readonly isPercpu: boolean;
  readonly elemCount: number;
  /** Takes a node's element out of its bucket: false where it is in none. */
  readonly del_from_htab: (node: number) => Sim<boolean>;
  /** Puts a key's hash into a node's element. */
  readonly setHash: (node: number, hash: number) => void;
}

/**
 * Which elements an LRU hash map gives up when it is full: those of the inactive list that nobody
 * has looked up. Nodes are known by the address of their bpf_lru_node. kernel/bpf/bpf_lru_list.c
 */
export class BpfLru {
  readonly #parts: LruParts;
  readonly #addr: number;
  readonly #scans: number;
  readonly #target: number;
  readonly #list: List;

  /** `addr`: bytesFor() zeroed bytes. */
  constructor(addr: number, parts: LruParts) {
    const { kernel, isPercpu, elemCount } = parts;
    this.#parts = parts;
    this.#addr = addr;
    this.#list = new List(kernel.machine.memory);
    const share = Math.floor(elemCount / kernel.cpus.all.length / 2);
    this.#target = Math.min(LOCAL_FREE_TARGET, Math.max(1, share));
    this.#scans = isPercpu ? PERCPU_FREE_TARGET : LOCAL_FREE_TARGET;
  }

  static bytesFor(isPercpu: boolean, cpuCount: number): number {
    if (isPercpu) return bpf_lru_list.sizeBytes * cpuCount;
    return bpf_lru_list.sizeBytes + bpf_lru_locallist.sizeBytes * cpuCount;
  }

  get #cpuCount(): number {
    return this.#parts.kernel.cpus.all.length;
  }

  get #memory() {
    return this.#parts.kernel.machine.memory;
  }

  /** The list that all share, or that of a CPU. */
  #lru(cpu = 0): ListView {
    return bpf_lru_list.at(this.#memory, this.#addr + bpf_lru_list.sizeBytes * cpu);
  }

  #local(cpu: number): ReturnType<typeof bpf_lru_locallist.at> {
    const addr = this.#addr + bpf_lru_list.sizeBytes + bpf_lru_locallist.sizeBytes * cpu;
    return bpf_lru_locallist.at(this.#memory, addr);
  }

  #node(addr: number): NodeView {
    return bpf_lru_node.at(this.#memory, addr);
  }

  /** bpf_lru_init() */
  init(): void {
    const count = this.#cpuCount;
    for (let cpu = 0; cpu < (this.#parts.isPercpu ? count : 1); cpu++) {
      const l = this.#lru(cpu);
      for (const head of [l.active, l.inactive, l.free]) this.#list.init(head);
      l.next_inactive_rotation = l.inactive;
    }
    for (let cpu = 0; cpu < (this.#parts.isPercpu ? 0 : count); cpu++) {
      const local = this.#local(cpu);
      for (const head of [local.free, local.pending]) this.#list.init(head);
      local.next_steal = cpu;
    }
  }

  /** All nodes are free at first. bpf_lru_populate() */
  populate(nodes: readonly number[]): void {
    const share = Math.floor(this.#parts.elemCount / this.#cpuCount);
    for (const [index, addr] of nodes.entries()) {
      const cpu = this.#parts.isPercpu ? Math.floor(index / share) : 0;
      const node = this.#node(addr);
      node.cpu = cpu;
      node.type = FREE;
      this.#list.add(addr, this.#lru(cpu).free);
    }
  }

  /** bpf_lru_node_set_ref(): marked, and no step of its own. */
  set_ref(addr: number): void {
    this.#memory.unwatched(() => {
      const node = this.#node(addr);
      if (node.ref === 0) node.ref = 1;
    });
  }

  /** A node for a new element, evicting others where none is free; 0 where none can go. */
  bpf_lru_pop_free(hash: number): Sim<number> {
    const { isPercpu } = this.#parts;
    return isPercpu ? this.bpf_percpu_lru_pop_free(hash) : this.bpf_common_lru_pop_free(hash);
  }

  *bpf_percpu_lru_pop_free(hash: number): Sim<number> {
    const l = this.#lru(this.#parts.kernel.cpus.this.id);
    if ((yield* this.#lock(l)) !== 0) return 0;
    yield* this.#rotate(l);
    if (this.#list.isEmpty(l.free)) {
      yield* this.#shrink(l, PERCPU_FREE_TARGET, l.free, FREE);
    }
    const addr = this.#list.first(l.free);
    if (addr !== 0) {
      this.#parts.setHash(addr, hash);
      this.#move(l, addr, INACTIVE);
    }
    yield* this.#unlock(l);
    return addr;
  }

  *bpf_common_lru_pop_free(hash: number): Sim<number> {
    const { id } = this.#parts.kernel.cpus.this;
    const local = this.#local(id);
    if ((yield* this.#lockLocal(id)) !== 0) return 0;
    let addr = this.#popLocalFree(id);
    if (addr === 0) {
      yield* this.bpf_lru_list_pop_free_to_local(id);
      addr = this.#popLocalFree(id);
    }
    if (addr !== 0) this.#addPending(id, addr, hash);
    yield* this.#unlockLocal(id);
    if (addr !== 0) return addr;
    // From what CPUs have taken, this one's too, beginning where the last theft ended.
    const first = local.next_steal;
    let steal = first;
    do {
      if ((yield* this.#lockLocal(steal)) === 0) {
        addr = this.#popLocalFree(steal) || (yield* this.#popLocalPending(steal));
        yield* this.#unlockLocal(steal);
      }
      steal = (steal + 1) % this.#cpuCount;
    } while (addr === 0 && steal !== first);
    local.next_steal = steal;
    if (addr === 0) return 0;
    if ((yield* this.#lockLocal(id)) !== 0) {
      this.#keepFree(id, addr);
      return 0;
    }
    this.#addPending(id, addr, hash);
    yield* this.#unlockLocal(id);
    return addr;
  }

  /** Of a node whose element is in no bucket, or not yet. */
  *bpf_lru_push_free(addr: number): Sim<void> {
    const { memory } = this.#parts.kernel.machine;
    const { type, cpu } = memory.unwatched(() => {
      const node = this.#node(addr);
      return { type: node.type, cpu: node.cpu };
    });
    if (type === LOCAL_PENDING && (yield* this.#pushPending(addr, cpu))) return;
    const l = this.#lru(this.#parts.isPercpu ? cpu : 0);
    if ((yield* this.#lock(l)) !== 0) {
      this.#setPendingFree(addr, 1);
      return;
    }
    this.#move(l, addr, FREE);
    yield* this.#unlock(l);
  }

  /** False where it has been moved to the shared list meanwhile. */
  *#pushPending(addr: number, cpu: number): Sim<boolean> {
    if ((yield* this.#lockLocal(cpu)) !== 0) {
      this.#setPendingFree(addr, 1);
      return true;
    }
    const node = this.#node(addr);
    const isPending = node.type === LOCAL_PENDING;
    if (isPending) {
      node.type = LOCAL_FREE;
      node.ref = 0;
      this.#list.move(addr, this.#local(cpu).free);
    }
    yield* this.#unlockLocal(cpu);
    return isPending;
  }

  // What a CPU has taken.

  /** Flushes, rotates, takes free nodes, and evicts as many as are still wanted. */
  *bpf_lru_list_pop_free_to_local(cpu: number): Sim<void> {
    const l = this.#lru();
    const local = this.#local(cpu);
    if ((yield* this.#lock(l)) !== 0) return;
    this.#flush(l, local.pending);
    yield* this.#rotate(l);
    let count = 0;
    for (; count < this.#target && !this.#list.isEmpty(l.free); count++) {
      this.#moveToFree(l, this.#list.first(l.free), local.free, LOCAL_FREE);
    }
    if (count < this.#target) {
      yield* this.#shrink(l, this.#target - count, local.free, LOCAL_FREE);
    }
    yield* this.#unlock(l);
  }

  /** __local_list_flush() */
  #flush(l: ListView, pending: number): void {
    for (const addr of this.#list.reversed(pending)) {
      const node = this.#node(addr);
      const type = this.#isPendingFree(addr) ? FREE : node.ref === 0 ? INACTIVE : ACTIVE;
      this.#count(l, type, 1);
      node.type = type;
      node.ref = 0;
      if (type === FREE) this.#setPendingFree(addr, 0);
      this.#list.move(addr, this.#head(l, type));
    }
  }

  #addPending(cpu: number, addr: number, hash: number): void {
    this.#parts.setHash(addr, hash);
    const node = this.#node(addr);
    node.cpu = cpu;
    node.type = LOCAL_PENDING;
    node.ref = 0;
    this.#setPendingFree(addr, 0);
    this.#list.add(addr, this.#local(cpu).pending);
  }

  #popLocalFree(cpu: number): number {
    const addr = this.#list.first(this.#local(cpu).free);
    if (addr !== 0) this.#list.del(addr);
    return addr;
  }

  /** The oldest first; those looked up only where there are no others. */
  *#popLocalPending(cpu: number): Sim<number> {
    const { pending } = this.#local(cpu);
    for (const force of [false, true]) {
      for (const addr of this.#list.reversed(pending)) {
        if (this.#node(addr).ref !== 0 && !force) continue;
        if (!(yield* this.#mayGo(addr))) continue;
        this.#list.del(addr);
        return addr;
      }
    }
    return 0;
  }

  // The lists, under their lock.

  /** __bpf_lru_list_rotate() */
  *#rotate(l: ListView): Sim<void> {
    if (this.#counted(l, INACTIVE) < this.#counted(l, ACTIVE)) this.#rotateActive(l);
    this.#rotateInactive(l);
  }

  /** From the tail: who was looked up gets another round, the others become inactive. */
  #rotateActive(l: ListView): void {
    const first = this.#list.first(l.active);
    let scans = 0;
    for (const addr of this.#list.reversed(l.active)) {
      this.#move(l, addr, this.#node(addr).ref === 0 ? INACTIVE : ACTIVE);
      if (++scans === this.#scans || addr === first) return;
    }
  }

  /** From where the last rotation ended: who was looked up becomes active. */
  #rotateInactive(l: ListView): void {
    const { inactive } = l;
    if (this.#list.isEmpty(inactive)) return;
    let last = this.#list.next(l.next_inactive_rotation);
    if (last === inactive) last = this.#list.next(last);
    let at = l.next_inactive_rotation;
    let next = at;
    for (let scans = 0; scans < this.#scans;) {
      if (at === inactive) {
        at = this.#list.prev(at);
        continue;
      }
      next = this.#list.prev(at);
      if (this.#node(at).ref !== 0) this.#move(l, at, ACTIVE);
      if (at === last) break;
      at = next;
      scans++;
    }
    l.next_inactive_rotation = next;
  }

  /** Evicts up to `wanted`; at least one, looked up or not, where any can go. */
  *#shrink(l: ListView, wanted: number, free: number, type: number): Sim<void> {
    if ((yield* this.#shrinkInactive(l, wanted, free, type)) > 0) return;
    const head = this.#list.isEmpty(l.inactive) ? l.active : l.inactive;
    for (const addr of this.#list.reversed(head)) {
      if (!(yield* this.#mayGo(addr))) continue;
      this.#moveToFree(l, addr, free, type);
      return;
    }
  }

  /** From the tail: who was looked up becomes active instead. How many have gone. */
  *#shrinkInactive(l: ListView, wanted: number, free: number, type: number): Sim<number> {
    let gone = 0;
    let scans = 0;
    for (const addr of this.#list.reversed(l.inactive)) {
      if (this.#node(addr).ref !== 0 && !this.#isPendingFree(addr)) this.#move(l, addr, ACTIVE);
      else if (yield* this.#mayGo(addr)) {
        this.#moveToFree(l, addr, free, type);
        if (++gone === wanted) break;
      }
      if (++scans === this.#scans) break;
    }
    return gone;
  }

  #move(l: ListView, addr: number, type: number): void {
    const node = this.#node(addr);
    if (node.type !== type) {
      this.#count(l, node.type, -1);
      this.#count(l, type, 1);
      node.type = type;
    }
    node.ref = 0;
    if (type === FREE) this.#setPendingFree(addr, 0);
    this.#keepRotation(l, addr);
    this.#list.move(addr, this.#head(l, type));
  }

  #moveToFree(l: ListView, addr: number, free: number, type: number): void {
    const node = this.#node(addr);
    this.#keepRotation(l, addr);
    this.#count(l, node.type, -1);
    node.type = type;
    this.#setPendingFree(addr, 0);
    this.#list.move(addr, free);
  }

  /** Rotation goes on from the one before a node that leaves. */
  #keepRotation(l: ListView, addr: number): void {
    if (l.next_inactive_rotation === addr) l.next_inactive_rotation = this.#list.prev(addr);
  }

  #head(l: ListView, type: number): number {
    return type === ACTIVE ? l.active : type === INACTIVE ? l.inactive : l.free;
  }

  #counted(l: ListView, type: typeof ACTIVE | typeof INACTIVE): number {
    return this.#memory.u32(l.counts + 4 * type);
  }

  #count(l: ListView, type: number, by: 1 | -1): void {
    if (type > INACTIVE) return;
    const at = l.counts + 4 * type;
    this.#memory.setU32(at, this.#memory.u32(at) + by);
  }

  /** Whether a node can be used again: its element is in no bucket any more. */
  *#mayGo(addr: number): Sim<boolean> {
    return this.#isPendingFree(addr) || (yield* this.#parts.del_from_htab(addr));
  }

  /** A marked access, and no step of its own, as set_ref(). */
  #isPendingFree(addr: number): boolean {
    return this.#memory.marked(() => this.#node(addr).pending_free !== 0);
  }

  #setPendingFree(addr: number, to: 0 | 1): void {
    this.#memory.marked(() => {
      this.#node(addr).pending_free = to;
    });
  }

  /** What was stolen, where it cannot become the CPU's own: the next who looks here finds it. */
  #keepFree(cpu: number, addr: number): void {
    this.#memory.marked(() => {
      const node = this.#node(addr);
      Object.assign(node, { type: LOCAL_FREE, ref: 0, pending_free: 0 });
      this.#list.add(addr, this.#local(cpu).free);
    });
  }

  #lock({ addr }: ListView): Sim<number> {
    return lockMap(this.#parts.kernel, listLock, addr + bpf_lru_list.off.lock, LOCK);
  }

  #unlock({ addr }: ListView): Sim<void> {
    return unlockMap(this.#parts.kernel, listLock, addr + bpf_lru_list.off.lock, UNLOCK);
  }

  #lockLocal(cpu: number): Sim<number> {
    const { addr } = this.#local(cpu);
    const { kernel } = this.#parts;
    return lockMap(kernel, localLock, addr + bpf_lru_locallist.off.lock, LOCAL_LOCK);
  }

  #unlockLocal(cpu: number): Sim<void> {
    const { addr } = this.#local(cpu);
    const { kernel } = this.#parts;
    return unlockMap(kernel, localLock, addr + bpf_lru_locallist.off.lock, LOCAL_UNLOCK);
  }
}

kernelText(BpfLru);
