import { done } from '../../bpf/maps/base.ts';
import type { BpfMap } from '../../bpf/maps/map.ts';
import type { MapRequest, Maps } from '../../bpf/maps/maps.ts';
import { KASAN_SLAB_FREE } from '../../kernel/memory.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Proc } from '../../scenarios/proc.ts';
import type { Sim } from '../../sim/request.ts';

export type MapShape = Partial<MapRequest> & Pick<MapRequest, 'type'>;

/** A hash or array of u32 to u64, four of them, unless it says otherwise. */
export function requestOf(shape: MapShape): MapRequest {
  return {
    keySize: 4,
    valueSize: 8,
    maxEntries: 4,
    flags: 0,
    innerMapFd: 0,
    numaNode: 0,
    name: 'm',
    btfFd: 0,
    btfKeyTypeId: 0,
    btfValueTypeId: 0,
    btfVmlinuxValueTypeId: 0,
    extra: 0n,
    ...shape,
  };
}

export function* makeMap(maps: Maps, shape: MapShape): Sim<BpfMap> {
  const map = yield* maps.map_create(requestOf(shape));
  if (typeof map === 'number') throw new Error(`map_create: ${map}`);
  return map;
}

/**
 * A map with u32 keys as its users have it. The kernel's side, as programs call it, and the side of
 * bpf(2), each with buffers of its own in kernel memory. Values are 8-byte numbers.
 */
export class MapUser {
  readonly map: BpfMap;
  readonly #kernel: Kernel;
  readonly #key: number;
  readonly #value: number;

  constructor(kernel: Kernel, map: BpfMap) {
    this.map = map;
    this.#kernel = kernel;
    this.#key = kernel.machine.slab.kzalloc(16);
    this.#value = kernel.machine.slab.kzalloc(Math.max(8, map.userValueSize));
  }

  /** Gives its buffers back. */
  done(): void {
    this.#kernel.kasan.free(this.#key);
    this.#kernel.kasan.free(this.#value);
  }

  #setKey(key: number): number {
    const { memory } = this.#kernel.machine;
    memory.unwatched(() => memory.setU32(this.#key, key));
    return this.#key;
  }

  #setValues(values: readonly bigint[]): number {
    const { memory } = this.#kernel.machine;
    memory.unwatched(() => values.forEach((v, i) => memory.setU64(this.#value + 8 * i, v)));
    return this.#value;
  }

  // As programs do.

  /** The address of the value, or 0. */
  *find(key: number): Sim<number> {
    const { rcu } = this.#kernel;
    rcu.rcu_read_lock();
    const found = yield* done(this.map.map_lookup_elem(this.#setKey(key)));
    rcu.rcu_read_unlock();
    return found;
  }

  *read(key: number): Sim<bigint | undefined> {
    const { rcu } = this.#kernel;
    rcu.rcu_read_lock();
    const found = yield* done(this.map.map_lookup_elem(this.#setKey(key)));
    const value = found === 0 ? undefined : this.at(found);
    rcu.rcu_read_unlock();
    return value;
  }

  *update(key: number, value: bigint, flags = 0): Sim<number> {
    const { rcu } = this.#kernel;
    rcu.rcu_read_lock();
    const from = this.#setValues([value]);
    const result = yield* done(this.map.map_update_elem(this.#setKey(key), from, flags));
    rcu.rcu_read_unlock();
    return result;
  }

  *delete(key: number): Sim<number> {
    const { rcu } = this.#kernel;
    rcu.rcu_read_lock();
    const result = yield* done(this.map.map_delete_elem(this.#setKey(key)));
    rcu.rcu_read_unlock();
    return result;
  }

  // As bpf(2) does.

  /** One value, or one for each CPU; or -errno. */
  *copy(key: number, flags = 0): Sim<readonly bigint[] | number> {
    const result = yield* this.map.bpf_map_copy_value(this.#setKey(key), this.#value, flags);
    return result < 0 ? result : this.#values();
  }

  *set(key: number, values: readonly bigint[], flags = 0): Sim<number> {
    const from = this.#setValues(values);
    return yield* this.map.bpf_map_update_value(this.#setKey(key), from, flags, 0);
  }

  *remove(key: number): Sim<number> {
    return yield* this.map.bpf_map_delete_key(this.#setKey(key));
  }

  *pop(key: number): Sim<readonly bigint[] | number> {
    const pop = this.map.map_lookup_and_delete_elem!;
    const result = yield* pop.call(this.map, this.#setKey(key), this.#value, 0);
    return result < 0 ? result : this.#values();
  }

  /** Every key, in the map's order. */
  *keys(): Sim<number[]> {
    const { memory } = this.#kernel.machine;
    const found: number[] = [];
    let key = 0;
    while ((yield* this.map.map_get_next_key(key, this.#value)) === 0) {
      found.push(memory.u32(this.#value));
      key = this.#setKey(found.at(-1)!);
    }
    return found;
  }

  at(addr: number): bigint {
    return this.#kernel.machine.memory.u64(addr);
  }

  #values(): bigint[] {
    const count = Math.max(1, this.map.userValueSize / 8);
    return Array.from({ length: count }, (_, i) => this.at(this.#value + 8 * i));
  }
}

/** Long enough that grace periods end and works are done. */
export function* rest(p: Proc): Sim<void> {
  for (let i = 0; i < 10; i++) yield* p.nanosleep(20_000_000);
}

/** Whether memory has been freed. */
export function isFreed(kernel: Kernel, addr: number): boolean {
  return kernel.machine.memory.shadowAt(addr) === KASAN_SLAB_FREE;
}
