import { InputError } from '../base/errors.ts';
import { faultsOfHeader, type FaultKind } from '../kernel/faults.ts';
import { DEFAULT_PROFILE, PROFILES, type Profile } from '../kernel/profile.ts';
import { align } from '../sim/align.ts';
import { explore, sameFailureAs } from '../sim/explore.ts';
import type { Failure, FailureKind } from '../sim/failure.ts';
import { memoryModelByName, type MemoryModelName } from '../sim/memory-model.ts';
import { primaryFailure, type RunResult } from '../sim/model.ts';
import { shrink } from '../sim/shrink.ts';
import { strategyByName } from '../sim/strategies/by-name.ts';
import { OnlyRun } from '../sim/strategies/only-run.ts';
import { NamingReplay } from '../sim/strategies/named-replay.ts';
import { decodeToken, encodeToken, type TokenHeader } from '../sim/token.ts';
import type { TraceLine } from '../sim/trace.ts';
import type { Scenario } from './dsl.ts';
import { PROGRAM_PREFIX } from './fuzz/prefix.ts';
import { programScenario } from './fuzz/worlds.ts';
import { isFound } from './judge.ts';
import { policyHeader, policyOfHeader } from './policy.ts';
import { findScenario } from './registry.ts';
import { World } from './world.ts';

export interface ExploreScenarioOptions {
  /** Default: the scenario's first. */
  readonly variant?: string;
  readonly profile?: Profile;
  /** Changes to the kernel, on top of the variant's. */
  readonly mutations?: readonly string[];
  /** A name that `bohrbug list` shows; default `auto`. */
  readonly strategy?: string;
  /** What may go wrong, on top of what the scenario says. */
  readonly faults?: readonly FaultKind[];
  /** What stops programs that overrun, as --policy says it; default: the variant's. */
  readonly policy?: readonly string[];
  /** How marked accesses may be seen; default: the variant's, or `sc`. */
  readonly memoryModel?: MemoryModelName;
  /** Runs after which the search ends; default 2,000. */
  readonly runs?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** What a search, or one run of a token, has shown: what the matchers of `bohrbug/vitest` read. */
export interface ScenarioOutcome {
  readonly scenario: string;
  readonly variant: string;
  readonly verdict: 'clean' | 'failure';
  /** Whether every schedule was covered, up to the strategy's equivalence. */
  readonly exhausted: boolean;
  readonly runs: number;
  /** Of the run shown, which is the shrunk one: the failure that names it, and all. */
  readonly failure: Failure | undefined;
  readonly failures: readonly Failure[];
  readonly kinds: readonly FailureKind[];
  /** What makes that run again: `replayToken(token)`, or `bohrbug replay`. */
  readonly token: string | undefined;
  readonly result: RunResult | undefined;
  /** Every step of that run. */
  readonly lines: readonly TraceLine[];
}

const RUNS_MAX = 2_000;

/**
 * Runs a scenario along schedule after schedule until a failure or the end, and makes what it finds
 * as simple as it can: `bohrbug explore` as a function. Deterministic.
 */
export function exploreScenario(
  scenario: Scenario,
  options: ExploreScenarioOptions = {},
): ScenarioOutcome {
  const { runs: runsMax = RUNS_MAX, seed = 1, mutations = [], faults = [] } = options;
  const more = {
    ...(faults.length > 0 ? { faults: faults.join() } : {}),
    ...policyHeader(options.policy ?? []),
  };
  const world = new World(scenario, options);
  const { memoryModel } = world;
  const strategy = scenario.timed
    ? new OnlyRun()
    : strategyByName(options.strategy ?? 'auto', { seed, memoryModel });
  const found = explore(world, { strategy, runsMax, isFound: isFound(world.variant) });
  const base = { scenario: scenario.name, variant: world.variantName };
  const { exhausted, runs } = found;
  if (!found.found) return { ...base, ...NOTHING, exhausted, runs };
  const { result } = found.found;
  const shrunk = scenario.timed ? { result } : shrink(world, result, sameFailureAs(result));
  const header: TokenHeader = {
    scenario: scenario.name,
    variant: world.variantName,
    profile: world.kernel.machine.profile,
    mutations,
    mode: scenario.timed ? 'timed' : 'explore',
    memoryModel,
    ...(Object.keys(more).length > 0 ? { options: more } : {}),
  };
  return { ...shown(world, shrunk.result, header), exhausted, runs };
}

/**
 * The run that a token names, also where the code has changed since: then its deviations are found
 * by name, or near there. `scenario`: where it is not one that has a registered name.
 */
export function replayToken(token: string, scenario?: Scenario): ScenarioOutcome {
  const decoded = decodeToken(token);
  const { header } = decoded;
  const profile = PROFILES.find((known) => known === header.profile);
  if (profile === undefined) {
    throw new InputError(`token: kernel ${header.profile}, expected ${DEFAULT_PROFILE}, say`);
  }
  const { variant, mutations } = header;
  const memoryModel = memoryModelByName(header.memoryModel);
  const faults = faultsOfHeader(header);
  const policy = policyOfHeader(header);
  const { mode } = header;
  const options = { variant, profile, mutations, mode, memoryModel, faults, policy };
  const world = new World(scenario ?? scenarioOf(header.scenario), options);
  let result: RunResult;
  if (decoded.form === 'schedule') {
    const isSame = isFound(world.variant);
    result = align(world, decoded.schedule, decoded.names ?? [], isSame).result;
  } else {
    const strategy = strategyByName(decoded.strategy, { seed: decoded.seed, memoryModel });
    strategy.begin(decoded.run);
    result = world.run(strategy);
  }
  return { ...shown(world, result, header), exhausted: false, runs: 1 };
}

const NOTHING = {
  verdict: 'clean',
  failure: undefined,
  failures: [],
  kinds: [],
  token: undefined,
  result: undefined,
  lines: [],
} as const;

/** The run once more, with every step and its names. */
function shown(world: World, { schedule }: RunResult, header: TokenHeader) {
  const naming = new NamingReplay(schedule);
  naming.begin(0);
  world.detailed = true;
  const result = world.run(naming);
  world.detailed = false;
  const named = naming.named.length > 0 ? { names: naming.named } : {};
  return {
    scenario: world.scenario.name,
    variant: world.variantName,
    verdict: result.failures.length > 0 ? 'failure' : 'clean',
    failure: primaryFailure(result),
    failures: result.failures,
    kinds: [...new Set(result.failures.map(({ kind }) => kind))],
    token: encodeToken({ form: 'schedule', header, schedule, ...named }),
    result,
    lines: world.trace.lines,
  } as const;
}

function scenarioOf(name: string): Scenario {
  return name.startsWith(PROGRAM_PREFIX) ? programScenario(name) : findScenario(name);
}
