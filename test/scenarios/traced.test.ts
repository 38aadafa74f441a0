/** Looking on changes nothing but the time it takes: probes on every event, over every scenario. */
import { describe, expect, test } from 'vitest';
import { SCENARIOS } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { sched_switch, TRACE_EVENTS } from '../../kernel/trace-events.ts';
import type { Task } from '../../kernel/task.ts';
import type { EventArgs } from '../../kernel/tracepoint.ts';
import { explore } from '../../sim/explore.ts';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';

const PROBE = site('traced_test', 'probe');
const RUNS = 25;

const clean = SCENARIOS.flatMap((scenario) =>
  Object.entries(scenario.variants)
    .filter(([, variant]) => variant.expect.length === 0)
    .map(([variant]) => [`${scenario.name} ${variant}`, scenario, variant] as const),
);

/** A world in which each event has a probe that lets others run. */
class TracedWorld {
  readonly world: World;
  readonly broken: string[] = [];
  eventCount = 0;

  constructor(...made: ConstructorParameters<typeof World>) {
    this.world = new World(...made);
    const { kernel } = this.world;
    kernel.rollback();
    for (const event of TRACE_EVENTS) {
      const run = (args: EventArgs): Sim<void> => this.#see(event === sched_switch, args);
      kernel.machine.tracepoints.register(event, { name: event.name, run });
    }
    kernel.checkpoint();
  }

  *#see(isSwitch: boolean, [, prev, next]: EventArgs): Sim<void> {
    const { cpus } = this.world.kernel;
    const cpu = cpus.this;
    this.eventCount++;
    if (isSwitch) {
      const chosen: Task | null = (cpu.switching?.next ?? cpu.idle)!;
      this.#expect(cpus.current.addr === prev, 'the previous task is current');
      this.#expect(chosen.addr === next, 'the next task is that which comes');
    }
    const { current } = cpu;
    yield* step(PROBE);
    this.#expect(cpus.this === cpu && cpu.current === current, 'nobody comes in between');
    yield* step(PROBE);
  }

  #expect(holds: boolean, what: string): void {
    if (!holds && !this.broken.includes(what)) this.broken.push(what);
  }
}

const SEARCHES = [
  {
    mode: 'explore',
    strategies: ['twice:random', 'twice:pct:3:100', 'round-robin'],
    runsMax: RUNS,
  },
  { mode: 'timed', strategies: ['twice:random'], runsMax: 2 },
] as const;

describe.each(SEARCHES)('$mode', ({ mode, strategies, runsMax }) => {
  const there = clean.filter(([, scenario]) => mode === 'timed' || !scenario.timed);
  test.each(there)('%s is as clean as without, and has one hash a schedule', (...row) => {
    const [, scenario, variant] = row;
    const traced = new TracedWorld(scenario, { variant, mode });
    for (const strategy of strategies) {
      const outcome = explore(traced.world, {
        strategy: strategyByName(strategy, { seed: 5 }),
        runsMax,
        isFound: ({ failures }) => failures.length > 0,
      });
      expect(outcome.found?.result.failures.map(({ text }) => text)).toBeUndefined();
    }
    expect(traced.broken).toEqual([]);
    expect(traced.eventCount).toBeGreaterThan(runsMax);
  });
});
