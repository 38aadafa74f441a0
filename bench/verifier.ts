import { assemble } from '../bpf/isa/asm.ts';
import { decodeProgram } from '../bpf/isa/decode.ts';
import type { LoadedProgram } from '../bpf/verifier/program.ts';
import { VerifierLog } from '../bpf/verifier/report/log.ts';
import { verify } from '../bpf/verifier/verify.ts';
import type { Bench } from './harness.ts';
import { NO_KERNEL, arrayOfOne, rawTracepoint } from './no-kernel.ts';

/** Instructions that the verifier looks at, on all paths, against as many that are decoded. */

const WARM_UP = 400;
const MAP = arrayOfOne(1 << 16, 64);

function loaded(text: string): LoadedProgram {
  const value = { kind: 'ld_imm64', from: 'map_value', dst: 9, imm: 0, next: 0 } as const;
  return rawTracepoint([value, null, ...assemble(text)], MAP);
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

/** One operation is one program: its name says how many instructions are looked at. */
function benchOf(name: string, program: LoadedProgram): Bench {
  const { env } = verify(program, NO_KERNEL, new VerifierLog(0));
  const slots = program.insns.length;
  let isWarm = false;
  return {
    name: `verifier: ${name}, ${env.insnProcessed} insns`,
    unit: 'program',
    baseline: 'decoding as many',
    run(n) {
      // As in a verification of a large program, or of many: the code is compiled by then.
      const count = isWarm ? n : n + WARM_UP;
      isWarm = true;
      for (let i = 0; i < count; i++) verify(program, NO_KERNEL, new VerifierLog(0));
    },
    runBaseline(n) {
      for (let left = n * env.insnProcessed; left > 0; left -= slots) decodeProgram(program.code);
    },
  };
}

export const verifierBenches: readonly Bench[] = [
  benchOf('known numbers', COUNTING),
  benchOf('unknown numbers', MIXED),
];
