import fc from 'fast-check';
import { assemble } from '../bpf/isa/asm.ts';
import type { Insns } from '../bpf/isa/insn.ts';
import type { Engine } from '../bpf/vm/engine.ts';
import { interp } from '../bpf/vm/interp.ts';
import { soundPrograms } from '../test/kit/sound-programs.ts';
import { VerifiedWorld } from '../test/kit/verified-world.ts';
import type { Bench } from './harness.ts';

/** Instructions that the verifier looks at, on all paths, against as many that are run. */

const PROGRAMS = 200;
const SEED = 7;

const world = new VerifiedWorld();

/** A loop whose end is known, so that no state of it equals another. */
const COUNTING = assemble(`
  r0 = 0
  r1 = 1
loop:
  r0 += r1
  r2 = r0
  r2 &= 0xff
  if r0 < 1000 goto loop
  exit
`);

/** What the programs may be of: with packets of numbers, branches and pointers. */
function drawn(): Insns[] {
  return fc
    .sample(soundPrograms, { numRuns: 4 * PROGRAMS, seed: SEED })
    .filter((insns) => world.verify(insns, 0).errno === 0)
    .slice(0, PROGRAMS);
}

function benchOf(name: string, programs: readonly Insns[]): Bench {
  let at = 0;
  /** Looked at beyond what was asked for: programs are verified whole. */
  let ahead = 0;
  let engine: Engine | undefined;
  return {
    name,
    unit: 'insn',
    baseline: 'the interpreter, running',
    run(n) {
      for (ahead -= n; ahead < 0;) {
        ahead += world.verify(programs[at++ % programs.length]!, 0).env.insnProcessed;
      }
    },
    runBaseline(n) {
      engine ??= world.engine(COUNTING, interp);
      for (let left = n; left > 0; left -= world.runSome(engine, left)) {}
    },
  };
}

export const verifierBenches: readonly Bench[] = [
  benchOf('verifier: a loop of 4,000', [COUNTING]),
  benchOf('verifier: random programs', drawn()),
];
