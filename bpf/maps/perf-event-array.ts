import { ptr, struct } from '../../base/layout.ts';
import { E2BIG, EINVAL, ENOENT, ENOMEM, ENOTSUPP } from '../../kernel/errno.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { allocArray } from './array.ts';
import type { AllocCheck, MapAttr, MapWorld } from './base.ts';
import * as flag from './flags.ts';
import type { BpfMap } from './map.ts';
import { checkFdArray, FdArray } from './of-maps.ts';

const ENTRY = site('__bpf_perf_event_output', 'entry');
const RELEASE_ENTRY = site('perf_event_fd_array_release', 'entry');

/** include/uapi/linux/bpf.h */
const BPF_F_INDEX_MASK = 0xffff_ffffn;
const BPF_F_CURRENT_CPU = 0xffff_ffff;
const POINTER_BYTES = 8;

/** include/linux/bpf.h: an event, and through which file of the map it came here. */
const bpf_event_entry = struct('bpf_event_entry', {
  perf_file: ptr('struct file'), // holds a reference
  map_file: ptr('struct file'), // does not
});

/** perf_event_array_map_ops: map_alloc_check */
export const perfEventArrayCheck: AllocCheck = (attr) => checkFdArray(attr, flag.PRESERVE_ELEMS);

/**
 * BPF_MAP_TYPE_PERF_EVENT_ARRAY: perf events that programs write records to, one for each CPU as a
 * rule. An event goes when the file of the map through which it came is closed. arraymap.c
 */
export class PerfEventArray extends FdArray {
  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const made = allocArray(world, attr, POINTER_BYTES, POINTER_BYTES * attr.maxEntries);
    return made && new PerfEventArray(world, made.addr, attr, made.values);
  }

  #entry(addr: number): ReturnType<typeof bpf_event_entry.at> {
    return bpf_event_entry.at(this.memory, addr);
  }

  /** perf_event_fd_array_get_ptr() */
  protected override *get(fd: number, mapFile: number): Sim<number> {
    const { ports } = this.world;
    const { machine } = this.kernel;
    const file = yield* ports.perf_event_get(fd);
    if (file < 0) return file;
    const may = machine.mayAlloc('bpf_event_entry');
    const made = may ? machine.slab.kzalloc(bpf_event_entry.sizeBytes) : 0;
    if (made === 0) {
      yield* ports.fput(file);
      return -ENOMEM;
    }
    Object.assign(this.#entry(made), { perf_file: file, map_file: mapFile });
    return made;
  }

  /** bpf_event_entry_free_rcu() */
  protected override *put(entry: number): Sim<void> {
    this.kernel.rcu.call_rcu('__bpf_event_entry_free', () => this.__bpf_event_entry_free(entry));
  }

  *__bpf_event_entry_free(entry: number): Sim<void> {
    yield* this.world.ports.fput(this.#entry(entry).perf_file);
    this.kernel.kasan.free(entry);
  }

  protected override idOf(): number {
    return 0;
  }

  override *bpf_map_copy_value(): Sim<number> {
    return -ENOTSUPP;
  }

  /** A program's record: 0 or -errno. `flags`: which event, or BPF_F_CURRENT_CPU. Under RCU. */
  *bpf_perf_event_output(flags: bigint, from: number, size: number): Sim<number> {
    if ((flags & ~BPF_F_INDEX_MASK) !== 0n) return -EINVAL;
    const given = Number(flags);
    const index = given === BPF_F_CURRENT_CPU ? this.kernel.cpus.this.id : given;
    if (index >= this.maxEntries) return -E2BIG;
    const entry = yield* this.kernel.atomics.readPtr(ENTRY, this.slot(index));
    if (entry === 0) return -ENOENT;
    const { perf_file } = this.#entry(entry);
    return yield* this.world.ports.perf_event_output(perf_file, from, size);
  }

  /** perf_event_fd_array_release() */
  *map_release(mapFile: number): Sim<void> {
    if ((this.flags & flag.PRESERVE_ELEMS) !== 0) return;
    const { atomics, rcu } = this.kernel;
    for (let index = 0; index < this.maxEntries; index++) {
      rcu.rcu_read_lock();
      const entry = yield* atomics.readPtr(RELEASE_ENTRY, this.slot(index));
      if (entry !== 0 && this.#entry(entry).map_file === mapFile) yield* this.remove(index);
      rcu.rcu_read_unlock();
    }
  }

  /** Files that its events hold a reference of. */
  heldFiles(): number[] {
    return this.memory.unwatched(() => {
      const entries = Array.from({ length: this.maxEntries }, (_, i) =>
        this.memory.ptr(this.slot(i)),
      );
      return entries.filter((entry) => entry !== 0).map((entry) => this.#entry(entry).perf_file);
    });
  }
}

kernelText(PerfEventArray);
