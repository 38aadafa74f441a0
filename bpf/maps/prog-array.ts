import { EINVAL } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { allocArray } from './array.ts';
import type { MapAttr, MapWorld } from './base.ts';
import type { BpfMap } from './map.ts';
import { FdArray } from './of-maps.ts';

const READ_SLOT = site('bpf_tail_call', 'slot');
const POINTER_BYTES = 8;

/** BPF_MAP_TYPE_PROG_ARRAY: programs for tail calls, all of one type. kernel/bpf/arraymap.c */
export class ProgArray extends FdArray {
  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const made = allocArray(world, attr, POINTER_BYTES, POINTER_BYTES * attr.maxEntries);
    return made && new ProgArray(world, made.addr, attr, made.values);
  }

  /** The struct bpf_prog in a slot, or 0. */
  tail_call_target(index: number): Sim<number> {
    return this.kernel.atomics.readPtr(READ_SLOT, this.slot(index)) as unknown as Sim<number>;
  }

  /** Only programs that could be called from those here already. bpf_prog_map_compatible() */
  protected override *get(fd: number): Sim<number> {
    const { ports } = this.world;
    const prog = yield* ports.progFromFd(fd);
    if (typeof prog === 'number') return prog;
    for (let index = 0; index < this.maxEntries; index++) {
      const other = this.memory.unwatched(() => this.memory.ptr(this.slot(index)));
      if (other === 0) continue;
      const { type, expectedAttachType, sleepable } = ports.progAt(other);
      const fits =
        type === prog.type &&
        expectedAttachType === prog.expectedAttachType &&
        sleepable === prog.sleepable;
      if (fits) break;
      yield* ports.bpf_prog_put(prog.addr);
      return -EINVAL;
    }
    return prog.addr;
  }

  protected override put(object: number): Sim<void> {
    return this.world.ports.bpf_prog_put(object);
  }

  protected override idOf(object: number): number {
    return this.world.ports.progIdOf(this.world.ports.progAt(object));
  }

  /**
   * With the last descriptor the slots are emptied, since programs in them may hold the map and it
   * them. prog_array_map_clear()
   */
  *map_release_uref(): Sim<void> {
    yield* this.clear();
  }
}
