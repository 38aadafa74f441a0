import { EACCES, E2BIG, EEXIST, EINVAL } from '../../kernel/errno.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { allocArray, ArrayMap } from './array.ts';
import { BPF_NOEXIST, type AllocCheck, type MapAttr, type MapWorld } from './base.ts';
import { RDONLY_PROG } from './flags.ts';
import type { BpfMap } from './map.ts';

/** struct bpf_insn_array_value: where it was, where it is now, and in machine code. */
const VALUE_BYTES = 16;
const ORIG_OFF = 0;
const XLATED_OFF = 8;
const JITED_OFF = 4;
/** To programs it is a table of addresses. */
const ENTRY_BYTES = 8;

/** insn_array_alloc_check() */
export const insnArrayCheck: AllocCheck = ({ keySize, valueSize, maxEntries, flags }) => {
  const isFit = maxEntries > 0 && keySize === 4 && valueSize === VALUE_BYTES;
  return isFit && flags === 0 ? 0 : -EINVAL;
};

/** BPF_MAP_TYPE_INSN_ARRAY: instructions that indirect jumps go to. kernel/bpf/bpf_insn_array.c */
export class InsnArrayMap extends ArrayMap {
  static override create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const made = { ...attr, flags: attr.flags | RDONLY_PROG };
    const at = allocArray(world, made, VALUE_BYTES, VALUE_BYTES * attr.maxEntries);
    return at && new InsnArrayMap(world, at.addr, made, at.values);
  }

  /** The instructions that some entries name, by their slots as loaded. copy_insn_array_uniq() */
  insnArrayTargets(first: number, last: number): readonly number[] {
    const { memory } = this;
    const all = memory.unwatched(() =>
      Array.from({ length: last - first + 1 }, (_, i) =>
        memory.u32(this.valueAt(first + i) + ORIG_OFF),
      ),
    );
    return [...new Set(all)].sort((a, b) => a - b);
  }

  override *bpf_map_update_value(key: number, value: number, flags: number): Sim<number> {
    const index = this.indexAt(key);
    if (index < 0) return -E2BIG;
    if (flags & BPF_NOEXIST) return -EEXIST;
    const { memory } = this;
    const isOurs = memory.u32(value + XLATED_OFF) !== 0 || memory.u32(value + JITED_OFF) !== 0;
    if (isOurs) return -EINVAL;
    memory.setU32(this.valueAt(index) + ORIG_OFF, memory.u32(value + ORIG_OFF));
    return 0;
  }

  /** insn_array_map_direct_value_addr() */
  override map_direct_value_addr(off: number): number {
    if (off % ENTRY_BYTES !== 0 || off / ENTRY_BYTES >= this.maxEntries) return -EACCES;
    return this.values + off;
  }
}

kernelText(InsnArrayMap);
