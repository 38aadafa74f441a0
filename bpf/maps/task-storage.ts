import { assert } from '../../base/assert.ts';
import { E2BIG, EINVAL, ENOENT, ENOMEM, ENOTSUPP, EOPNOTSUPP, ESRCH } from '../../kernel/errno.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { vmaPages } from '../../kernel/mm/mmap.ts';
import { VM_DONTCOPY } from '../../kernel/mm/structs.ts';
import { STORAGE_CACHE_SIZE } from '../../kernel/process/storage.ts';
import { task_struct } from '../../kernel/structs.ts';
import type { Task } from '../../kernel/task.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import {
  bpf_obj_pin_uptrs,
  bpf_obj_swap_uptrs,
  bpf_obj_unpin_uptrs,
  hasUptrs,
} from '../objects/uptrs.ts';
import { roundupPow2 } from './array.ts';
import {
  allocArea,
  allocMap,
  behindMap,
  BPF_F_LOCK,
  BPF_NOEXIST,
  MapBase,
  type AllocCheck,
  type MapAttr,
  type MapWorld,
} from './base.ts';
import * as flag from './flags.ts';
import { bpf_local_storage_map, ELEM_BYTES, map_bucket } from './local-storage-structs.ts';
import { LocalStorage, type StorageMap } from './local-storage.ts';
import type { BpfMap } from './map.ts';
import type { Registry } from '../registry.ts';

/** KMALLOC_MAX_SIZE and U16_MAX bound it. BPF_LOCAL_STORAGE_MAX_VALUE_SIZE */
const VALUE_SIZE_MAX = 0xffff - ELEM_BYTES;

/** bpf_local_storage_map_alloc_check() */
export const taskStorageCheck: AllocCheck = (attr, { machine }) => {
  const { flags, maxEntries, keySize, valueSize, btfKeyTypeId, btfValueTypeId } = attr;
  const proposed = machine.mutated('task-storage-mmap') ? flag.MMAPABLE : 0;
  if ((flags & ~(flag.NO_PREALLOC | flag.CLONE | proposed)) !== 0) return -EINVAL;
  if ((flags & flag.NO_PREALLOC) === 0 || maxEntries !== 0) return -EINVAL;
  if (keySize !== 4 || valueSize === 0) return -EINVAL;
  if (btfKeyTypeId === 0 || btfValueTypeId === 0) return -EINVAL;
  return valueSize > VALUE_SIZE_MAX ? -E2BIG : 0;
};

/**
 * BPF_MAP_TYPE_TASK_STORAGE: a value for each task, that dies with the task or with the map. bpf(2)
 * names tasks by pidfds. kernel/bpf/bpf_task_storage.c
 */
export class TaskStorageMap extends MapBase implements StorageMap {
  readonly smap: number;
  readonly cacheIdx: number;
  readonly valuePages: number;
  /** Where processes may map values. */
  readonly map_mmap?: (vma: number) => Sim<number>;
  readonly #storage: LocalStorage;

  constructor(world: MapWorld, addr: number, attr: MapAttr) {
    super(world, addr, attr);
    this.smap = behindMap(addr);
    this.#storage = new LocalStorage(world.kernel, (of) => storageMapAt(world.maps, of));
    const s = bpf_local_storage_map.at(this.memory, this.smap);
    this.cacheIdx = this.memory.unwatched(() => s.cache_idx);
    const isMmapable = (attr.flags & flag.MMAPABLE) !== 0;
    this.valuePages = isMmapable ? Math.ceil(attr.valueSize / PAGE_SIZE) : 0;
    if (isMmapable) this.map_mmap = (vma) => this.storage_map_mmap(vma);
  }

  /** What a fork does to mappings of values. Spec 05 R29 */
  get isClonedByFork(): boolean {
    return this.kernel.machine.mutated('task-storage-mmap.clone');
  }

  /**
   * Shows the calling thread its value, made if it has none. The mapping counts the pages: they
   * outlive the thread. A proposal, in no kernel. Spec 05 R29, R30
   */
  *storage_map_mmap(vma: number): Sim<number> {
    const { mm, mmap, rcu, sched, machine } = this.kernel;
    const { vm_pgoff, count } = this.memory.unwatched(() => {
      const s = mm.vmas.at(vma);
      return { vm_pgoff: s.vm_pgoff, count: vmaPages(s) };
    });
    if (vm_pgoff !== 0 || count > this.valuePages) return -EINVAL;
    rcu.rcu_read_lock();
    const value = yield* this.bpf_task_storage_get(sched.current.addr, 0, true);
    for (let i = 0; value !== 0 && i < count; i++) {
      mmap.vm_insert_page(vma, i, value + i * PAGE_SIZE);
    }
    rcu.rcu_read_unlock();
    if (value === 0) return -ENOMEM;
    const isInherited = this.isClonedByFork || machine.mutated('task-storage-mmap.share');
    if (!isInherited) this.memory.unwatched(() => (mm.vmas.at(vma).vm_flags |= VM_DONTCOPY));
    return 0;
  }

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const { machine, cpus, kasan } = world.kernel;
    const addr = allocMap(world, bpf_local_storage_map, attr);
    if (addr === 0) return undefined;
    const count = Math.max(2, roundupPow2(cpus.all.length));
    const buckets = allocArea(world, 'bpf_local_storage_map', count * map_bucket.sizeBytes);
    if (buckets === 0) {
      kasan.free(addr);
      return undefined;
    }
    machine.memory.unwatched(() => {
      Object.assign(bpf_local_storage_map.at(machine.memory, behindMap(addr)), {
        buckets,
        bucket_log: Math.log2(count),
        elem_size: ELEM_BYTES + attr.valueSize,
        cache_idx: cacheIdxFor(world),
      });
    });
    return new TaskStorageMap(world, addr, attr);
  }

  // For programs: under RCU, and with a task that they may touch.

  /** The address of the task's value, or 0. `value`: what a new one is to be; 0: nothing. */
  *bpf_task_storage_get(task: number, value: number, isWanted: boolean): Sim<number> {
    const owner = task + task_struct.off.bpf_storage;
    const found = yield* this.#storage.lookup(owner, this, true);
    if (found !== 0 || !isWanted) return found;
    const usage = this.memory.unwatched(() => this.memory.s32(task + task_struct.off.usage));
    if (usage === 0) return 0; // on its way out
    return Math.max(0, yield* this.#storage.update(owner, this, value, BPF_NOEXIST));
  }

  *bpf_task_storage_delete(task: number): Sim<number> {
    const owner = task + task_struct.off.bpf_storage;
    const found = yield* this.#storage.lookup(owner, this, false);
    if (found === 0) return -ENOENT;
    return yield* this.#storage.bpf_selem_unlink(found);
  }

  override map_lookup_elem(): number {
    return 0;
  }

  override map_update_elem(): number {
    return -EINVAL;
  }

  override map_delete_elem(): number {
    return -EINVAL;
  }

  // For bpf(2).

  override *bpf_map_copy_value(key: number, value: number, flags: number): Sim<number> {
    const wrong = this.checkCopyFlags(flags);
    if (wrong < 0) return wrong;
    return yield* this.#withTask(key, (task) => this.#copyOf(task, value, flags));
  }

  /** bpf_pid_task_storage_lookup_elem() */
  *#copyOf(task: Task, value: number, flags: number): Sim<number> {
    const owner = task.addr + task_struct.off.bpf_storage;
    const found = yield* this.#storage.lookup(owner, this, true);
    return found === 0 ? -ENOENT : yield* this.copyOut(value, found, flags);
  }

  /** User pages that the value names are pinned first, and the caller's, whoever's it becomes. */
  override *bpf_map_update_value(key: number, value: number, flags: number): Sim<number> {
    const wrong = this.checkFlags(flags);
    if (wrong < 0) return wrong;
    const pinned = yield* bpf_obj_pin_uptrs(this.kernel, this.record, value);
    if (pinned < 0) return pinned;
    const result = yield* this.#update(key, value, flags);
    if (result < 0) bpf_obj_unpin_uptrs(this.kernel, this.record, value);
    return result;
  }

  /** bpf_pid_task_storage_update_elem() */
  *#update(key: number, value: number, flags: number): Sim<number> {
    if (flags & BPF_F_LOCK && hasUptrs(this.record)) return -EOPNOTSUPP;
    return yield* this.#withTask(key, (task) => {
      const owner = task.addr + task_struct.off.bpf_storage;
      return this.#storage.update(owner, this, value, flags, true);
    });
  }

  swapUptrs(value: number, from: number): void {
    bpf_obj_swap_uptrs(this.kernel, this.record, value, from);
  }

  /** bpf_pid_task_storage_delete_elem() */
  override bpf_map_delete_key(key: number): Sim<number> {
    return this.#withTask(key, (task) => this.bpf_task_storage_delete(task.addr));
  }

  /** Under RCU, with the task of a pidfd: 0 or -errno; -ENOENT where it is gone. */
  *#withTask(key: number, use: (task: Task) => Sim<number>): Sim<number> {
    const { ports, kernel } = this.world;
    const task = yield* ports.taskFromPidfd(this.memory.s32(key));
    if (typeof task === 'number') return task === -ESRCH ? -ENOENT : task;
    kernel.rcu.rcu_read_lock();
    const result = yield* use(task);
    kernel.rcu.rcu_read_unlock();
    kernel.tasks.put_task_struct(task);
    return Math.min(0, result);
  }

  override *map_get_next_key(): Sim<number> {
    return -ENOTSUPP;
  }

  override *map_free(): Sim<void> {
    yield* this.#storage.map_free(this.smap);
    this.kernel.kasan.free(this.addr);
  }
}

kernelText(TaskStorageMap);

/** The map whose struct bpf_local_storage_map stands there. */
export function storageMapAt(maps: Registry<BpfMap>, smap: number): TaskStorageMap {
  const map = maps.get(smap - behindMap(0));
  assert(map instanceof TaskStorageMap, 'a value of a map that is gone');
  return map;
}

/** The place in caches that fewest maps use. bpf_local_storage_cache_idx_get() */
function cacheIdxFor({ maps }: MapWorld): number {
  const users = Array.from({ length: STORAGE_CACHE_SIZE }, () => 0);
  for (const map of maps.values()) if (map instanceof TaskStorageMap) users[map.cacheIdx]!++;
  return users.indexOf(Math.min(...users));
}
