import { Engine } from '../sim/engine.ts';
import { type Host } from '../sim/host.ts';
import { Fiber } from '../sim/fiber.ts';
import { access, RMW, step, type Sim } from '../sim/request.ts';
import { kernelSymbol, site } from '../sim/site.ts';
import { Random } from '../sim/strategies/random.ts';
import { Stay } from '../sim/strategies/stay.ts';
import type { Strategy } from '../sim/strategy.ts';
import type { Bench } from './harness.ts';

/** What a step costs: a fiber yields, the strategy chooses, a fiber goes on, all accounted. */

const POINT = site('bench', 'point');
const ADD = site('bench', 'add');
const main = kernelSymbol('bench');

const host: Host = {
  blocked: (cpu) => (cpu.fiber = null),
  finished: (cpu) => (cpu.fiber = null),
  preempt: () => {},
  returnedInto: () => {},
  idle: () => false,
  objectName: () => '',
  overrun: () => undefined,
};

function* points(): Sim<void> {
  for (;;) yield* step(POINT);
}

/** Atomic additions to one word, as kernel code makes them. */
function* additions(words: Int32Array): Sim<void> {
  for (;;) yield* access(ADD, 64, 4, RMW, () => ++words[0]!);
}

function* counter(count: number): Generator<number, void, void> {
  for (let i = 0; i < count; i++) yield i;
}

function runSteps(strategy: Strategy, body: () => Sim<void>): (n: number) => void {
  return (n) => {
    const engine = new Engine(2);
    engine.host = host;
    engine.reset();
    engine.stepsMax = n;
    engine.fairSteps = 0;
    for (const cpu of engine.cpus) {
      cpu.fiber = new Fiber(`T${cpu.id}`, cpu.id, null, body(), main);
    }
    strategy.begin(0);
    engine.run(strategy);
  };
}

const stepBench = (name: string, strategy: Strategy, body: () => Sim<void>): Bench => ({
  name: `engine ${name}`,
  unit: 'step',
  baseline: 'a bare generator in a loop',
  run: runSteps(strategy, body),
  runBaseline: (n) => {
    const steps = counter(n);
    while (steps.next().done !== true);
  },
});

const words = new Int32Array(1);

export const engineBenches: readonly Bench[] = [
  stepBench('points, random', new Random(1), points),
  stepBench('atomics, random', new Random(1), () => additions(words)),
  stepBench('atomics, stay', new Stay(), () => additions(words)),
];
