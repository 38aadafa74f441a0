import { EINVAL, ENOMEM } from '../../kernel/errno.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { resolve } from '../btf/resolve.ts';
import type { BtfObject } from '../btf/objects.ts';
import { Ids } from '../ids.ts';
import { Registry } from '../registry.ts';
import type { MapWorld } from './base.ts';
import { bpf_map, type BpfMap } from './map.ts';
import { MAP_TYPES } from './table.ts';

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

export interface MapsParts extends MapWorld {
  /** The BTF behind a descriptor, with a reference; or -errno. */
  btfFromFd(fd: number): Sim<BtfObject | number>;
  btf_put(addr: number): Sim<void>;
}

/**
 * Maps and who holds them: descriptors and pins hold both counts, programs only the first. Without
 * users a prog array lets go of its programs; without references the map goes. kernel/bpf/syscall.c
 */
export class Maps {
  readonly registry = new Registry<BpfMap>();
  readonly ids: Ids;
  readonly #parts: MapsParts;

  constructor(parts: MapsParts) {
    this.#parts = parts;
    this.ids = new Ids(parts.kernel.machine);
  }

  /** With one reference of a user's; or -errno. map_create() */
  *map_create(request: MapRequest): Sim<BpfMap | number> {
    const { kernel, ports } = this.#parts;
    const type = MAP_TYPES.get(request.type);
    if (!type) return -EINVAL;
    const btf = request.btfFd === 0 ? undefined : yield* this.#parts.btfFromFd(request.btfFd);
    if (typeof btf === 'number') return btf;
    const found = request.innerMapFd === 0 ? undefined : yield* ports.mapFromFd(request.innerMapFd);
    const inner = typeof found === 'number' ? undefined : found;
    const spinLockOff = btf ? spinLockIn(btf, request.btfValueTypeId) : -1;
    const attr = { ...request, inner, spinLockOff };
    let result = typeof found === 'number' ? found : 0;
    if (result === 0) result = type.check(attr, kernel);
    const map = result < 0 ? undefined : type.create(this.#parts, attr);
    // What an inner map is like is known by now: the map itself is not needed.
    if (inner) yield* this.bpf_map_put(inner);
    if (map) {
      this.#publish(map, request, btf);
      return map;
    }
    if (btf) yield* this.#parts.btf_put(btf.addr);
    return result < 0 ? result : -ENOMEM;
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
    this.registry.delete(map.addr);
    yield* map.map_free();
    if (btf !== 0) yield* this.#parts.btf_put(btf);
  }
}

kernelText(Maps);

/** Where a value's struct bpf_spin_lock stands, or -1. btf_find_spin_lock() */
function spinLockIn({ btf }: BtfObject, valueTypeId: number): number {
  const value = resolve(btf, valueTypeId);
  if (value?.kind !== 'struct') return -1;
  for (const { type, bitOffset } of value.members) {
    const member = resolve(btf, type);
    if (member?.kind === 'struct' && member.name === 'bpf_spin_lock') return bitOffset / 8;
  }
  return -1;
}
