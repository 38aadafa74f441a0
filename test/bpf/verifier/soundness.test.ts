import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { disasmProgram } from '../../../bpf/isa/disasm.ts';
import type { Insns } from '../../../bpf/isa/insn.ts';
import { jit } from '../../../bpf/jit/jit.ts';
import { EXIT } from '../../../bpf/vm/frame.ts';
import { interp } from '../../../bpf/vm/interp.ts';
import { soundPrograms, VALUE_BYTES } from '../../kit/sound-programs.ts';
import { VerifiedWorld } from '../../kit/verified-world.ts';

/** How many programs must be accepted, and so run. */
const ACCEPTED = Number(process.env['BOHRBUG_SOUND_PROGRAMS'] ?? 2_000);
const SEED = process.env['BOHRBUG_SOUND_SEED'] === 'random' ? Date.now() & 0x7fff_ffff : 19_720_411;
const INPUTS = 2;
vi.setConfig({ testTimeout: 120_000 + 100 * ACCEPTED });

const world = new VerifiedWorld();
const input = fc.oneof(
  fc.uint8Array({ minLength: VALUE_BYTES, maxLength: VALUE_BYTES }),
  // Numbers at the edges of ranges, which random bytes never are.
  fc
    .array(fc.constantFrom(0n, 1n, -1n, 7n, 8n, 0x7fff_ffffn, 0x8000_0000n, 1n << 63n, 63n), {
      minLength: VALUE_BYTES / 8,
      maxLength: VALUE_BYTES / 8,
    })
    .map((words) => new Uint8Array(BigInt64Array.from(words).buffer)),
);
const inputs = fc.array(input, { minLength: INPUTS, maxLength: INPUTS });

/** What is wrong with running an accepted program; undefined: nothing. */
function wrongWith(insns: Insns, values: readonly Uint8Array[]): string | undefined {
  const verified = world.verify(insns, 0);
  const program = world.executable(verified);
  const claims = world.claims(insns);
  for (const value of values) {
    const expected = world.run(program, interp, value);
    if (expected.status !== EXIT) return `interp ends with status ${expected.status}`;
    const found = world.run(program, jit, value);
    if (found.status !== EXIT) return `jit ends with status ${found.status}`;
    if (found.r0 !== expected.r0 || found.value !== expected.value) return 'the engines differ';
    const unclaimed = world.runChecked(program, interp, value, claims);
    if (unclaimed !== undefined) return unclaimed;
  }
  return undefined;
}

test(`${ACCEPTED} accepted programs do what the verifier says, in both engines`, () => {
  let accepted = 0;
  let drawn = 0;
  for (let seed = SEED; accepted < ACCEPTED; seed++) {
    fc.assert(
      fc.property(soundPrograms, inputs, (insns, values) => {
        drawn++;
        if (world.verify(insns, 0).errno !== 0) return;
        accepted++;
        const wrong = wrongWith(insns, values);
        if (wrong !== undefined) {
          const { log } = world.verify(insns, 2);
          expect.fail(`${wrong}\n${disasmProgram(insns).join('\n')}\n${log}`);
        }
      }),
      { numRuns: 500, seed },
    );
    // The property is empty if hardly anything is accepted.
    expect(accepted).toBeGreaterThan(drawn / 10);
  }
});
