import type { ProfileFacts } from '../../kernel/profile.ts';
import type { Btf } from '../btf/types.ts';
import type { KfuncProto } from '../kfuncs/proto.ts';
import type { FuncProto } from '../helpers/proto.ts';
import type { BpfMap } from '../maps/map.ts';

/** What the verifier asks of the kernel that a program is loaded into. */
export interface KernelWorld {
  readonly kernelBtf: Btf;
  /** Any helper of that number, whoever may call it. */
  helper(id: number): FuncProto | undefined;
  /** A kfunc by the id of its function in the kernel's BTF, whoever may call it. */
  kfunc(btfId: number): KfuncProto | undefined;
  /** Address of a kernel variable (.ksyms), or undefined. */
  kernelVariable(name: string): bigint | undefined;
  /** Programs may not write to it, and it is frozen. bpf_map_is_rdonly() */
  isRdonlyMap(map: BpfMap): boolean;
  /** What stands in the value of a frozen read-only map. bpf_map_direct_read() */
  readFrozen(map: BpfMap, off: number, size: number): bigint | undefined;
  /** The slots that entries of an instruction array name: each once, ascending. */
  insnArrayTargets(map: BpfMap, first: number, last: number): readonly number[];
  /** What a map is known by. */
  mapId(map: BpfMap): number;
  /** nr_cpu_ids */
  readonly cpuCount: number;
  /** How deep calls may nest: MAX_CALL_FRAMES. */
  readonly framesMax: number;
  /** What its version does, or does not. */
  readonly facts: ProfileFacts;
}
