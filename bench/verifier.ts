import { makeBtf } from '../bpf/btf/btf.ts';
import { FUNC_PROTOS } from '../bpf/helpers/protos.ts';
import { assemble } from '../bpf/isa/asm.ts';
import { decodeProgram } from '../bpf/isa/decode.ts';
import { encodeProgram } from '../bpf/isa/encode.ts';
import type { Insns } from '../bpf/isa/insn.ts';
import type { BpfMap } from '../bpf/maps/map.ts';
import { progType } from '../bpf/prog/types.ts';
import { MAP_TYPE, PROG_TYPE } from '../bpf/uapi.ts';
import { VerifierLog } from '../bpf/verifier/log.ts';
import type { LoadedProgram } from '../bpf/verifier/program.ts';
import { verify } from '../bpf/verifier/verify.ts';
import type { KernelWorld } from '../bpf/verifier/world.ts';
import type { Bench } from './harness.ts';

/** Instructions that the verifier looks at, on all paths, against as many that are decoded. */

const VALUE_BYTES = 64;
const VALUE = 1 << 16;

const WORLD: KernelWorld = {
  kernelBtf: makeBtf([undefined]),
  helper: (id) => FUNC_PROTOS.get(id),
  kfunc: () => undefined,
  kernelVariable: () => undefined,
  isRdonlyMap: () => false,
  readFrozen: () => undefined,
  insnArrayTargets: () => [],
  cpuCount: 2,
  framesMax: 16,
  isOldKernel: false,
};

const MAP = {
  type: MAP_TYPE.ARRAY,
  name: 'm',
  keySize: 4,
  valueSize: VALUE_BYTES,
  maxEntries: 1,
  flags: 0,
  addr: VALUE,
  record: undefined,
  map_direct_value_addr: (at: number) => VALUE + at,
} as unknown as BpfMap;

function loaded(text: string): LoadedProgram {
  const value = { kind: 'ld_imm64', from: 'map_value', dst: 9, imm: 0, next: 0 } as const;
  const insns: Insns = [value, null, ...assemble(text)];
  return {
    name: 'bench',
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
    maps: new Map([[0, { map: MAP, off: 0 }]]),
  };
}

/** Known numbers only: no state equals another. */
const COUNTING = loaded(`
  r0 = 0
  r1 = 1
loop:
  r0 += r1
  r2 = r0
  r2 &= 0xff
  if r0 < 500 goto loop
  exit
`);

/** Unknown numbers in registers, on the stack and as indices, and branches on them. */
const MIXED = loaded(`
  r6 = 0
loop:
  r1 = *(u32 *)(r9 + 0)
  r2 = *(u8 *)(r9 + 8)
  r1 += r2
  w3 = w1
  w3 &= 0x1f
  r4 = r9
  r4 += r3
  r5 = *(u8 *)(r4 + 0)
  *(u64 *)(r10 - 8) = r5
  r5 <<= 3
  r2 = *(u64 *)(r10 - 8)
  r2 |= 1
  if r1 > 100 goto skip
  r1 *= 3
  *(u8 *)(r4 + 1) = r1
skip:
  if r5 s< r2 goto over
  r5 -= r2
over:
  r6 += 1
  if r6 < 40 goto loop
  r0 = 0
  exit
`);

function benchOf(name: string, program: LoadedProgram): Bench {
  const count = program.insns.length;
  /** Looked at beyond what was asked for: programs are verified whole. */
  let ahead = 0;
  return {
    name,
    unit: 'insn',
    baseline: 'decoding as many',
    run(n) {
      for (ahead -= n; ahead < 0;)
        ahead += verify(program, WORLD, new VerifierLog(0)).env.insnProcessed;
    },
    runBaseline(n) {
      for (let left = n; left > 0; left -= count) decodeProgram(program.code);
    },
  };
}

export const verifierBenches: readonly Bench[] = [
  benchOf('verifier: known numbers', COUNTING),
  benchOf('verifier: unknown numbers', MIXED),
];
