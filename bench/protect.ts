import { settingsOf } from '../bpf/protect/settings.ts';
import type { BpfOptions } from '../bpf/install.ts';
import { BpfSandbox } from '../scenarios/bpf-object.ts';
import held from '../scenarios/protection/held.bpf.o';
import type { Bench } from './harness.ts';

/** What it costs to keep a record of what programs hold: in compiled code, with and without. */

type Name = 'acquire_and_release' | 'acquire_nothing';

const RECORD: BpfOptions = {
  engine: 'jit',
  policy: { all: settingsOf('record-kill'), byProgram: new Map() },
};
const PLAIN: BpfOptions = { engine: 'jit' };
/** Of one run: less than any budget allows. */
const ROUNDS_MAX = 1_000_000;
const WARM_ROUNDS = 200_000;
const WARM_TURNS = 10;

/** Has a program go round so often. */
function runner(name: Name, bpf: BpfOptions): (rounds: number) => void {
  const sandbox = new BpfSandbox({ bpf });
  const object = sandbox.openBytes(held, 'held.bpf.o');
  object.object.program(name).isWanted = true;
  object.load();
  const program = object.programs[name]!;
  return (rounds) => {
    for (let left = rounds; left > 0; left -= ROUNDS_MAX) {
      const ctxIn = new Uint8Array(8);
      new DataView(ctxIn.buffer).setUint32(0, Math.min(left, ROUNDS_MAX), true);
      program.run({ ctxIn });
    }
  };
}

/** Both sides in turns, until neither gets faster: compilers have done their work by then. */
function warm(...sides: readonly ((rounds: number) => void)[]): void {
  for (let turn = 0; turn < WARM_TURNS; turn++) for (const side of sides) side(WARM_ROUNDS);
}

function bench(name: Name, title: string): Bench {
  let made: Record<'recorded' | 'plain', (rounds: number) => void> | undefined;
  const sides = () => {
    if (made) return made;
    made = { recorded: runner(name, RECORD), plain: runner(name, PLAIN) };
    warm(made.recorded, made.plain);
    return made;
  };
  return {
    name: `record-kill, ${title}`,
    unit: 'round',
    baseline: 'without a policy',
    run: (n) => sides().recorded(n),
    runBaseline: (n) => sides().plain(n),
  };
}

export const protectBenches: readonly Bench[] = [
  bench('acquire_and_release', 'an acquire and a release'),
  bench('acquire_nothing', 'nothing acquired'),
];
