import type { ProfileFacts } from '../../kernel/profile.ts';
import { idOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import { FUNC_PROTOS } from '../helpers/protos.ts';
import { OLD_KFUNCS } from '../kfuncs/declared-old.ts';
import { DECLARED_KFUNCS } from '../kfuncs/declared.ts';
import type { KfuncProto } from '../kfuncs/proto.ts';
import { RDONLY_PROG } from '../maps/flags.ts';
import { bpf_map, type BpfMap } from '../maps/map.ts';
import type { KernelWorld } from '../verifier/world.ts';
import { MAX_CALL_FRAMES } from '../vm/frame.ts';
import type { BpfContext } from './context.ts';

/** MAX_CALL_FRAMES of v6.1. */
const OLD_CALL_FRAMES = 8;
/**
 * Where the kernel's variables would be that programs name: nothing of the simulated memory is
 * there, so that a load through such a pointer reads zero.
 */
const VARIABLES = 0xffff_ffff_8200_0000n;
const VARIABLE_BYTES = 64n;

const kfuncsOf = new WeakMap<Btf, ReadonlyMap<number, KfuncProto>>();

/** Every kfunc by the id of its function. */
function kfuncsIn(btf: Btf): ReadonlyMap<number, KfuncProto> {
  let found = kfuncsOf.get(btf);
  if (!found) {
    const rows = [...DECLARED_KFUNCS.values(), ...OLD_KFUNCS].map((row): [number, KfuncProto] => {
      const btfId = idOf(btf, row.name, 'func');
      return [btfId, { ...row, btfId }];
    });
    kfuncsOf.set(btf, (found = new Map(rows.filter(([id]) => id !== 0))));
  }
  return found;
}

/** What the verifier asks of one simulated kernel. */
export class VerifierWorld implements KernelWorld {
  readonly #bpf: BpfContext;

  constructor(bpf: BpfContext) {
    this.#bpf = bpf;
  }

  get kernelBtf(): Btf {
    return this.#bpf.vmlinux().btf;
  }

  get cpuCount(): number {
    return this.#bpf.kernel.cpus.all.length;
  }

  get framesMax(): number {
    return this.facts.deepBpfCalls ? MAX_CALL_FRAMES : OLD_CALL_FRAMES;
  }

  get facts(): ProfileFacts {
    return this.#bpf.kernel.machine.facts;
  }

  helper(id: number): ReturnType<KernelWorld['helper']> {
    return FUNC_PROTOS.get(id);
  }

  kfunc(btfId: number): KfuncProto | undefined {
    return kfuncsIn(this.kernelBtf).get(btfId);
  }

  kernelVariable(name: string): bigint | undefined {
    const id = idOf(this.kernelBtf, name, 'var');
    return id === 0 ? undefined : VARIABLES + VARIABLE_BYTES * BigInt(id);
  }

  isRdonlyMap(map: BpfMap): boolean {
    if (map.addr === 0 || (map.flags & RDONLY_PROG) === 0) return false;
    const { memory } = this.#bpf.kernel.machine;
    return memory.unwatched(() => bpf_map.at(memory, map.addr).frozen !== 0);
  }

  readFrozen(map: BpfMap, off: number, size: number): bigint | undefined {
    if (!map.map_direct_value_addr || off < 0 || off + size > map.valueSize) return undefined;
    const addr = map.map_direct_value_addr(0) + off;
    return this.#bpf.kernel.machine.memory.rawLoad(addr, size as 1 | 2 | 4 | 8);
  }

  insnArrayTargets(map: BpfMap, first: number, last: number): readonly number[] {
    return map.insnArrayTargets?.(first, last) ?? [];
  }

  mapId({ addr }: BpfMap): number {
    const { memory } = this.#bpf.kernel.machine;
    return memory.unwatched(() => bpf_map.at(memory, addr).id);
  }
}
