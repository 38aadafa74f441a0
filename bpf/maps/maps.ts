import { CAP_BPF, hasCap } from '../capabilities.ts';
import { EINVAL, ENOMEM } from '../../kernel/errno.ts';
import type { FileHolder } from '../../kernel/quiesce.ts';
import { task_struct } from '../../kernel/structs.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { BtfObject } from '../btf/objects.ts';
import type { Btf } from '../btf/types.ts';
import { Ids } from '../ids.ts';
import { Registry } from '../registry.ts';
import { arenaVmOps } from './arena.ts';
import type { MapAttr, MapWorld } from './base.ts';
import { NUMA_NODE } from './flags.ts';
import { LocalStorage } from './local-storage.ts';
import { map_check_btf, recordOf } from './map-btf.ts';
import { bpf_map, type BpfMap } from './map.ts';
import { storageMapAt } from './task-storage.ts';
import { PerfEventArray } from './perf-event-array.ts';
import { MAP_TYPES, type MapType } from './table.ts';
import { UnsimulatedMap } from './unsimulated.ts';
import { MAP_TYPE } from '../uapi.ts';

const INC = site('bpf_map_inc', 'inc');
const PUT = site('bpf_map_put', 'dec');
const USER_PUT = site('bpf_map_put_uref', 'dec');
const { off } = bpf_map;

/** BPF_MAP_CREATE, as the caller gives it. */
export interface MapRequest {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly innerMapFd: number;
  readonly numaNode: number;
  readonly name: string;
  readonly btfFd: number;
  readonly btfKeyTypeId: number;
  readonly btfValueTypeId: number;
  readonly btfVmlinuxValueTypeId: number;
  readonly extra: bigint;
}

export interface MapsParts extends Pick<MapWorld, 'kernel' | 'ports'> {
  /** The BTF behind a descriptor, with a reference; or -errno. */
  btfFromFd(fd: number): Sim<BtfObject | number>;
  btf_put(addr: number): Sim<void>;
  readonly isForVerification: boolean;
  kernelBtf(): Btf;
}

/**
 * Maps and who holds them: descriptors and pins hold both counts, programs only the first. Without
 * users a prog array lets go of its programs; without references the map goes. kernel/bpf/syscall.c
 */
export class Maps {
  readonly registry = new Registry<BpfMap>();
  readonly ids: Ids;
  readonly #parts: MapsParts;
  readonly #world: MapWorld;

  constructor(parts: MapsParts) {
    const { kernel, ports } = parts;
    this.#parts = parts;
    const { registry } = this;
    this.#world = { kernel, ports, maps: registry, arenaVmOps: arenaVmOps(kernel, registry) };
    const storage = new LocalStorage(kernel, (smap) => storageMapAt(this.registry, smap));
    kernel.processes.storage.destroy = (task) =>
      storage.destroy(task.addr + task_struct.off.bpf_storage);
    this.ids = new Ids(parts.kernel.machine);
  }

  /** With one reference of a user's; or -errno. map_create() */
  *map_create(request: MapRequest): Sim<BpfMap | number> {
    const { kernel, kernelBtf } = this.#parts;
    const type = MAP_TYPES.get(request.type);
    const wrong = checkRequest(request) || (type ? type.check(request, kernel) : -EINVAL);
    if (!type || wrong < 0) return wrong;
    const btf = hasTypes(request) ? yield* this.#parts.btfFromFd(request.btfFd) : undefined;
    if (typeof btf === 'number') return btf;
    const { facts } = kernel.machine;
    const isBpfCapable = hasCap(kernel, CAP_BPF);
    const judge = { facts, isBpfCapable };
    const isTyped = btf !== undefined && request.btfValueTypeId !== 0;
    const record = isTyped ? recordOf(btf.btf, request, kernelBtf, facts) : undefined;
    const unfit = isTyped ? map_check_btf(btf.btf, request, record, judge) : 0;
    const types = { btf: btf?.btf, record };
    const map = unfit < 0 ? unfit : yield* this.#make(type, request, types);
    if (typeof map !== 'number') this.#publish(map, request, btf);
    else if (btf) yield* this.#parts.btf_put(btf.addr);
    return map;
  }

  *#make(
    type: MapType,
    request: MapRequest,
    types: Pick<MapAttr, 'btf' | 'record'>,
  ): Sim<BpfMap | number> {
    const { ports } = this.#parts;
    let inner: BpfMap | undefined;
    if (type.checkInner) {
      const found = yield* ports.mapFromFd(request.innerMapFd);
      if (typeof found === 'number') return found;
      inner = found;
    }
    const unfit = inner ? type.checkInner!(inner) : 0;
    const spinLockOff = Math.max(types.record?.spinLockOff ?? -1, -1);
    const attr = { ...request, ...types, inner, spinLockOff };
    const map = unfit < 0 ? undefined : this.#create(type, attr);
    // What an inner map is like is known by now: the map itself is not needed.
    if (inner) yield* this.bpf_map_put(inner);
    return map ?? (unfit || -ENOMEM);
  }

  /** Where programs are verified only, a map may be larger than the memory. */
  #create(type: MapType, attr: MapAttr): BpfMap | undefined {
    const map = type.create(this.#world, attr);
    if (map || !this.#parts.isForVerification) return map;
    return UnsimulatedMap.create(this.#world, attr);
  }

  #publish(map: BpfMap, request: MapRequest, btf: BtfObject | undefined): void {
    const { memory } = this.#parts.kernel.machine;
    this.registry.set(map.addr, map);
    memory.unwatched(() => {
      const s = bpf_map.at(memory, map.addr);
      s.refcnt = 1n;
      s.usercnt = 1n;
      s.btf = btf?.addr ?? 0;
      s.btf_key_type_id = btf ? request.btfKeyTypeId : 0;
      s.btf_value_type_id = btf ? request.btfValueTypeId : 0;
      s.id = this.ids.next();
    });
  }

  /** Files that elements of maps hold. */
  heldFiles(): FileHolder[] {
    return [...this.registry.values()].flatMap((map) =>
      map instanceof PerfEventArray
        ? map.heldFiles().map((file) => ({ file, what: `bpf map ${this.idOf(map)}` }))
        : [],
    );
  }

  /** A file of the map is closed. bpf_map_release() */
  *bpf_map_release(map: BpfMap, file: number): Sim<void> {
    if (map.map_release) yield* map.map_release(file);
    yield* this.bpf_map_put_with_uref(map);
  }

  of(addr: number): BpfMap {
    return this.registry.get(addr)!;
  }

  idOf({ addr }: BpfMap): number {
    const { memory } = this.#parts.kernel.machine;
    return memory.unwatched(() => bpf_map.at(memory, addr).id);
  }

  byId(id: number): BpfMap | undefined {
    for (const map of this.registry.values()) if (this.idOf(map) === id) return map;
    return undefined;
  }

  *bpf_map_inc(map: BpfMap): Sim<BpfMap> {
    yield* this.#parts.kernel.atomics.add64(INC, map.addr + off.refcnt, 1n);
    return map;
  }

  *bpf_map_inc_with_uref(map: BpfMap): Sim<BpfMap> {
    const { atomics } = this.#parts.kernel;
    yield* atomics.add64(INC, map.addr + off.refcnt, 1n);
    yield* atomics.add64(INC, map.addr + off.usercnt, 1n);
    return map;
  }

  /** With the last one the id goes at once, and the map itself after the last reader. */
  *bpf_map_put(map: BpfMap): Sim<void> {
    const { kernel } = this.#parts;
    if ((yield* kernel.atomics.add64(PUT, map.addr + off.refcnt, -1n)) !== 0n) return;
    const { memory } = kernel.machine;
    memory.unwatched(() => (bpf_map.at(memory, map.addr).id = 0));
    if (kernel.machine.mutated('bpf_map.free-at-once')) {
      yield* this.bpf_map_free_deferred(map);
      return;
    }
    // Sleepable programs may be looking at it too: free_after_mult_rcu_gp, for whoever was inside.
    kernel.rcuTasksTrace.call_rcu_tasks_trace('bpf_map_free_mult_rcu_gp', () =>
      kernel.rcu.call_rcu('bpf_map_free_rcu_gp', () =>
        kernel.workqueues.schedule_work('bpf_map_free_deferred', () =>
          this.bpf_map_free_deferred(map),
        ),
      ),
    );
  }

  *bpf_map_put_with_uref(map: BpfMap): Sim<void> {
    const { kernel } = this.#parts;
    const left = yield* kernel.atomics.add64(USER_PUT, map.addr + off.usercnt, -1n);
    if (left === 0n && map.map_release_uref) yield* map.map_release_uref();
    yield* this.bpf_map_put(map);
  }

  *bpf_map_free_deferred(map: BpfMap): Sim<void> {
    const { memory } = this.#parts.kernel.machine;
    const btf = memory.unwatched(() => bpf_map.at(memory, map.addr).btf);
    yield* map.map_free();
    this.registry.delete(map.addr); // not before: what it holds may have to find it
    if (btf !== 0) yield* this.#parts.btf_put(btf);
  }
}

kernelText(Maps);

/** What map_create() itself asks, of every type. */
function checkRequest(request: MapRequest): number {
  const { type, flags, numaNode, extra, btfKeyTypeId, btfValueTypeId } = request;
  if (request.btfVmlinuxValueTypeId !== 0) {
    if (type !== MAP_TYPE.STRUCT_OPS || hasTypes(request)) return -EINVAL;
  } else if (btfKeyTypeId !== 0 && btfValueTypeId === 0) return -EINVAL;
  if (extra !== 0n && !WITH_EXTRA.includes(type)) return -EINVAL;
  const isOtherNode = numaNode !== 0 && numaNode !== NUMA_NO_NODE;
  return (flags & NUMA_NODE) !== 0 && isOtherNode ? -EINVAL : 0;
}

function hasTypes({ btfKeyTypeId, btfValueTypeId }: MapRequest): boolean {
  return btfKeyTypeId !== 0 || btfValueTypeId !== 0;
}

const NUMA_NO_NODE = -1;
/** Types of maps to which map_extra means something. */
const WITH_EXTRA: readonly number[] = [MAP_TYPE.BLOOM_FILTER, MAP_TYPE.ARENA, MAP_TYPE.RHASH];
