/** What `bohrbug/fast-check` exports: arbitraries, and a property over a scenario. */
import fc from 'fast-check';
import type { Schedule } from '../../sim/schedule.ts';
import { Replay } from '../../sim/strategies/replay.ts';
import type { Scenario } from '../../scenarios/dsl.ts';
import { World, type WorldOptions } from '../../scenarios/world.ts';

export { bpfPrograms, type BpfProgram } from '../../scenarios/fuzz/bpf-programs.ts';
export { encodeProgram } from '../../bpf/isa/encode.ts';
export { smallPrograms as programs } from '../../scenarios/fuzz/arbitraries.ts';
export { programRef, type Op, type Program } from '../../scenarios/fuzz/program.ts';
export { programScenario } from '../../scenarios/fuzz/worlds.ts';

export interface SchedulesOptions {
  /** Choices among which deviations come; default 200. */
  readonly length?: number;
  /** Deviations at most; default 6. */
  readonly deviationsMax?: number;
}

/**
 * Schedules, as deviations from going on with who runs already. They shrink to fewer and earlier
 * deviations. One that has no place in a run is passed over.
 */
export function schedules(options: SchedulesOptions = {}): fc.Arbitrary<Schedule> {
  const { length = 200, deviationsMax = 6 } = options;
  const deviation = fc.record({ at: fc.nat(length - 1), skip: fc.integer({ min: 1, max: 3 }) });
  return fc
    .uniqueArray(deviation, { selector: ({ at }) => at, maxLength: deviationsMax })
    .map((deviations) => {
      const inOrder = deviations.toSorted((a, b) => a.at - b.at);
      return { at: inOrder.map(({ at }) => at), skip: inOrder.map(({ skip }) => skip) };
    });
}

/**
 * Along any schedule the scenario is clean, and a second run of it goes the same way. For
 * `fc.assert`; what it throws has the kernel's report in it.
 */
export function scenarioProperty(
  scenario: Scenario,
  options: WorldOptions & SchedulesOptions = {},
): fc.IProperty<[Schedule]> {
  const world = new World(scenario, options);
  const run = (schedule: Schedule) => {
    const replay = new Replay(schedule);
    replay.begin(0);
    return world.run(replay);
  };
  return fc.property(schedules(options), (schedule) => {
    const result = run(schedule);
    const [failure] = result.failures;
    if (failure) throw new Error(failure.text);
    const again = run(result.schedule);
    if (again.traceHash !== result.traceHash) {
      throw new Error(`two runs of one schedule differ: ${result.traceHash}, ${again.traceHash}`);
    }
  });
}
