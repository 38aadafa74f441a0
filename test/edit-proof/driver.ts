/**
 * Runs in a copy of the sources that somebody has edited: `record FILE COUNT` finds failures and
 * writes down their tokens, `replay FILE` runs each of them again and says how it was found.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expected, isFound } from '../../scenarios/judge.ts';
import { findScenario, SCENARIOS } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { align } from '../../sim/align.ts';
import { explore, sameFailureAs } from '../../sim/explore.ts';
import type { Schedule } from '../../sim/schedule.ts';
import { shrink } from '../../sim/shrink.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';
import { NamingReplay } from '../../sim/strategies/named-replay.ts';
import { decodeToken, encodeToken } from '../../sim/token.ts';

const STRATEGIES = ['exhaustive', 'random', 'pct:3', 'surw', 'pos'];
const RUNS_MAX = 1_500;

/** Longer schedules as found are not recorded: nobody keeps those. */
const DEVIATIONS_MAX = 12;

/** Tokens of one failure: as shrunk, and as found where that is not long. */
function* record(scenario: string, variant: string, strategyName: string, seed: number) {
  const world = new World(findScenario(scenario), { variant });
  const { found } = explore(world, {
    strategy: strategyByName(strategyName, { seed }),
    runsMax: RUNS_MAX,
    isFound: isFound(world.variant),
  });
  if (!found || !expected(world.variant, found.result)) return;
  const same = sameFailureAs(found.result);
  const { result } = shrink(
    world,
    found.result,
    (other) => same(other) && expected(world.variant, other),
  );
  for (const { schedule } of [result, found.result]) {
    const count = schedule.at.length;
    if (count > 0 && count <= DEVIATIONS_MAX) yield tokenOf(world, scenario, variant, schedule);
  }
}

function tokenOf(world: World, scenario: string, variant: string, schedule: Schedule): string {
  const naming = new NamingReplay(schedule);
  naming.begin(0);
  world.run(naming);
  const { profile } = world.kernel.machine;
  const usual = { mutations: [], mode: 'explore', memoryModel: 'sc' } as const;
  const header = { scenario, variant, profile, ...usual };
  return encodeToken({ form: 'schedule', header, schedule, names: naming.named });
}

function* recorded(count: number): Generator<string> {
  const seen = new Set<string>();
  for (let seed = 1; seed < 40; seed++) {
    for (const { name, variants } of SCENARIOS) {
      for (const [variant, { expect }] of Object.entries(variants)) {
        if (expect.length === 0) continue;
        for (const token of record(name, variant, STRATEGIES[seed % STRATEGIES.length]!, seed)) {
          if (seen.has(token)) continue;
          seen.add(token);
          yield token;
          if (seen.size === count) return;
        }
      }
    }
  }
}

function replayed(text: string): string {
  const token = decodeToken(text);
  if (token.form !== 'schedule' || !token.names) throw new Error('not a token with names');
  const { scenario, variant } = token.header;
  const world = new World(findScenario(scenario), { variant });
  const { result, by, runs } = align(world, token.schedule, token.names, (other) =>
    expected(world.variant, other),
  );
  const isSame = expected(world.variant, result);
  return `${isSame ? 'same' : 'other'} ${by} ${runs} ${text}`;
}

const [command, file, count] = process.argv.slice(2) as [string, string, string];
if (command === 'record') writeFileSync(file, [...recorded(Number(count))].join('\n'));
else process.stdout.write(readFileSync(file, 'utf8').split('\n').map(replayed).join('\n'));
