import { TICK_NS } from '../kernel/timer.ts';
import type { Engine } from '../sim/engine.ts';
import { step, type Sim } from '../sim/request.ts';
import { site } from '../sim/site.ts';

const COMPUTE = site('user', 'compute');

/** User code that works for a time. In simulated time a tick may take its CPU in between. */
export function* compute(engine: Engine, ns: number): Sim<void> {
  const chunkNs = engine.mode === 'timed' ? TICK_NS : ns;
  for (let left = ns; left > 0;) {
    yield* step(COMPUTE);
    const { clock, cpu } = engine;
    const now = Math.min(left, chunkNs, clock.untilExactNs(cpu.nowNs));
    cpu.nowNs += now;
    left -= now;
  }
}
