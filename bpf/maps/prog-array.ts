import { EINVAL } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { FUNC } from '../helpers/func-ids.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { allocArray } from './array.ts';
import type { MapAttr, MapWorld } from './base.ts';
import type { BpfMap } from './map.ts';
import { FdArray } from './of-maps.ts';

const READ_SLOT = site('bpf_tail_call', 'slot');
const POINTER_BYTES = 8;

type Owner = Pick<ExecProgram, 'type' | 'expectedAttachType' | 'sleepable' | 'attachTo'>;

/** BPF_MAP_TYPE_PROG_ARRAY: programs for tail calls, all of one type. kernel/bpf/arraymap.c */
export class ProgArray extends FdArray {
  /** The first program that used it, or was put into it: all others are like that one. */
  #owner: Owner | undefined;

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const made = allocArray(world, attr, POINTER_BYTES, POINTER_BYTES * attr.maxEntries);
    return made && new ProgArray(world, made.addr, attr, made.values);
  }

  /** The struct bpf_prog in a slot, or 0. */
  tail_call_target(index: number): Sim<number> {
    return this.kernel.atomics.readPtr(READ_SLOT, this.slot(index)) as unknown as Sim<number>;
  }

  /** Whether a program could call those here, and be called. bpf_prog_map_compatible() */
  isFor({ type, expectedAttachType, sleepable, attachTo, calls }: ExecProgram): boolean {
    // What changes a function's return value may not end elsewhere.
    if ([...calls.values()].some(({ id }) => id === FUNC.override_return)) return false;
    const owner = (this.#owner ??= { type, expectedAttachType, sleepable, attachTo });
    return (
      owner.type === type &&
      owner.expectedAttachType === expectedAttachType &&
      owner.sleepable === sleepable &&
      owner.attachTo === attachTo
    );
  }

  protected override *get(fd: number): Sim<number> {
    const { ports } = this.world;
    const prog = yield* ports.progFromFd(fd);
    if (typeof prog === 'number') return prog;
    if (this.isFor(prog)) return prog.addr;
    yield* ports.bpf_prog_put(prog.addr);
    return -EINVAL;
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
