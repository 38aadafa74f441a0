import fc from 'fast-check';
import { Prng } from '../../base/prng.ts';
import { explore } from '../../sim/explore.ts';
import { keyOf, type Failure } from '../../sim/failure.ts';
import { primaryFailure, type RunResult } from '../../sim/model.ts';
import { Auto } from '../../sim/strategies/auto.ts';
import { nameHash } from '../../sim/site.ts';
import { smallPrograms } from './arbitraries.ts';
import { PairCoverage } from './coverage.ts';
import { callCount, parseProgramRef, programRef, sane, type Op, type Program } from './program.ts';
import type { ProgramWorlds } from './worlds.ts';

/** What is to be done in one unit: data, so that a thread can be sent it. */
export interface Unit {
  readonly index: number;
  readonly seed: number;
  /** The program that is changed a little; null: a new one is drawn. */
  readonly parent: string | null;
}

/** What came of a unit. */
export interface UnitResult {
  readonly index: number;
  readonly program: string;
  readonly runs: number;
  readonly steps: number;
  /** Pairs of places, in the order in which they met: see PairCoverage. */
  readonly pairs: readonly number[];
  readonly failures: readonly FoundFailure[];
}

export interface FoundFailure {
  readonly key: string;
  readonly failure: Failure;
  readonly schedule: RunResult['schedule'];
}

/** State of a campaign between two rounds: all that the next rounds depend on. */
export interface CampaignState {
  readonly nextUnit: number;
  readonly runs: number;
  readonly pairs: readonly number[];
  /** Programs that have brought something new. */
  readonly corpus: readonly string[];
  /** Keys of the failures found so far. */
  readonly keys: readonly string[];
}

export const FRESH: CampaignState = { nextUnit: 0, runs: 0, pairs: [], corpus: [], keys: [] };

/** Units that know of one corpus; they may be done at the same time. */
export const UNITS_PER_ROUND = 32;
/** Runs of one program. */
const RUNS_PER_UNIT = 140;
const FEWEST_FIRST = 100;

/** The units of the next round. With shards, those of one: every `of`-th. */
export function nextRound(
  state: CampaignState,
  seed: number,
  shard: { readonly index: number; readonly of: number } = { index: 0, of: 1 },
): Unit[] {
  return Array.from({ length: UNITS_PER_ROUND }, (_, i): Unit => {
    const index = state.nextUnit + i;
    const global = index * shard.of + shard.index;
    const prng = new Prng(`fuzz ${seed} ${global}`);
    const { corpus } = state;
    const mutates = corpus.length > 0 && prng.below(2) === 0;
    const parent = mutates ? corpus[prng.below(corpus.length)]! : null;
    return { index, seed: nameHash(`${seed} ${global}`), parent };
  });
}

/** Draws the program of a unit and runs it along many schedules. */
export function runUnit(unit: Unit, worlds: ProgramWorlds, stop?: () => boolean): UnitResult {
  const program = programOf(unit);
  const coverage = new PairCoverage();
  const strategy = coverage.watching(new Auto({ seed: unit.seed, fewestFirst: FEWEST_FIRST }));
  const failures = new Map<string, FoundFailure>();
  const outcome = explore(worlds.model(program), {
    strategy,
    runsMax: RUNS_PER_UNIT,
    ...(stop && { stop }),
    isFound: (result) => {
      const failure = primaryFailure(result);
      if (failure && !result.abandoned && !failures.has(keyOf(failure))) {
        failures.set(keyOf(failure), { key: keyOf(failure), failure, schedule: result.schedule });
      }
      return false;
    },
  });
  return {
    index: unit.index,
    program: programRef(program),
    runs: outcome.runs,
    steps: outcome.steps,
    pairs: [...coverage.pairs],
    failures: [...failures.values()],
  };
}

/** Takes in what came of a round, in the order of its units; says which failures are new. */
export function afterRound(
  state: CampaignState,
  results: readonly UnitResult[],
): { readonly state: CampaignState; readonly found: readonly (FoundFailure & FoundIn)[] } {
  const pairs = new Set(state.pairs);
  const keys = new Set(state.keys);
  const corpus = [...state.corpus];
  const found: (FoundFailure & FoundIn)[] = [];
  let { runs } = state;
  for (const result of results.toSorted((a, b) => a.index - b.index)) {
    const before = pairs.size;
    for (const pair of result.pairs) pairs.add(pair);
    if (pairs.size > before) corpus.push(result.program);
    for (const each of result.failures) {
      if (keys.has(each.key)) continue;
      keys.add(each.key);
      found.push({ ...each, program: result.program, unit: result.index });
    }
    runs += result.runs;
  }
  const nextUnit = state.nextUnit + results.length;
  return { state: { nextUnit, runs, pairs: [...pairs], corpus, keys: [...keys] }, found };
}

export interface FoundIn {
  readonly program: string;
  readonly unit: number;
}

function programOf({ seed, parent }: Unit): Program {
  const [drawn] = fc.sample(smallPrograms, { seed, numRuns: 1 });
  if (parent === null) return sane(drawn!);
  return sane(mutated(parseProgramRef(parent), drawn!, new Prng(`mutate ${seed}`)));
}

/** A program with one thing changed: a call more, less, or another, taken from a second program. */
function mutated(program: Program, other: Program, prng: Prng): Program {
  const processes = program.processes.map((body) => [...body]);
  const body = processes[prng.below(processes.length)]!;
  const others = other.processes.flat();
  const call: Op | undefined = others[prng.below(Math.max(1, others.length))];
  const at = prng.below(body.length + 1);
  const what = prng.below(4);
  if (what === 0 && processes.length < program.cpus + 1 && processes.length < 3) {
    processes.push([...(other.processes[0] ?? [])]);
  } else if (what === 1 && body.length > 1) body.splice(Math.min(at, body.length - 1), 1);
  else if (what === 2 && body.length > 0 && call) body[Math.min(at, body.length - 1)] = call;
  else if (call && callCount(program) < 24) body.splice(at, 0, call);
  return { ...program, processes };
}
