import { makeBtf } from '../bpf/btf/btf.ts';
import { FUNC_PROTOS } from '../bpf/helpers/protos.ts';
import { encodeProgram } from '../bpf/isa/encode.ts';
import type { Insns } from '../bpf/isa/insn.ts';
import type { BpfMap } from '../bpf/maps/map.ts';
import { progType } from '../bpf/prog/types.ts';
import { MAP_TYPE, PROG_TYPE } from '../bpf/uapi.ts';
import type { LoadedProgram } from '../bpf/verifier/program.ts';
import type { KernelWorld } from '../bpf/verifier/world.ts';
import { PROFILE_FACTS } from '../kernel/profile.ts';

/** What the verifier is told where there is no kernel: the helpers, and no types. */
export const NO_KERNEL: KernelWorld = {
  kernelBtf: makeBtf([undefined]),
  helper: (id) => FUNC_PROTOS.get(id),
  kfunc: () => undefined,
  kernelVariable: () => undefined,
  isRdonlyMap: () => false,
  readFrozen: () => undefined,
  insnArrayTargets: () => [],
  mapId: () => 1,
  cpuCount: 2,
  framesMax: 16,
  facts: PROFILE_FACTS['v7.2'],
};

/** An array of one value, which stands at `addr`. */
export function arrayOfOne(addr: number, valueSize: number): BpfMap {
  return {
    type: MAP_TYPE.ARRAY,
    name: 'm',
    keySize: 4,
    valueSize,
    maxEntries: 1,
    flags: 0,
    addr,
    record: undefined,
    map_direct_value_addr: (at: number) => addr + at,
  } as unknown as BpfMap;
}

/** Of a privileged user; `map` is what the constant in its first slot names. */
export function rawTracepoint(insns: Insns, map: BpfMap): LoadedProgram {
  return {
    name: 'alone',
    type: progType(PROG_TYPE.RAW_TRACEPOINT)!,
    expectedAttachType: 0,
    flags: 0,
    isSleepable: false,
    isGplCompatible: true,
    code: encodeProgram(insns),
    insns,
    btf: undefined,
    funcInfo: [],
    lineInfo: [],
    attach: undefined,
    caps: { bpf: true, perfmon: true },
    maps: new Map([[0, { map, off: 0 }]]),
  };
}
