import { setImmediate } from 'node:timers/promises';
import { Piscina } from 'piscina';
import { callCount, parseProgramRef, programRef } from '../scenarios/fuzz/program.ts';
import {
  afterRound,
  FRESH,
  nextRound,
  runUnit,
  type CampaignState,
  type FoundFailure,
  type FoundIn,
  type Unit,
  type UnitResult,
} from '../scenarios/fuzz/campaign.ts';
import { shrinkProgram } from '../scenarios/fuzz/shrink-program.ts';
import { ProgramWorlds } from '../scenarios/fuzz/worlds.ts';
import { primaryFailure } from '../sim/model.ts';
import { NamingReplay } from '../sim/strategies/named-replay.ts';
import { Replay } from '../sim/strategies/replay.ts';
import { encodeToken } from '../sim/token.ts';
import type { Io } from './command.ts';
import type { FuzzFailure } from './fuzz-failure.ts';
import type { CampaignFolder, CampaignIdentity } from './fuzz-state.ts';
import { CODE_ROOT, IS_BUILT } from './package.ts';
import { count, duration } from './render/status.ts';

export interface FuzzOptions extends CampaignIdentity {
  readonly shardOf: { readonly index: number; readonly of: number };
  readonly runsMax: number;
  readonly timeMaxMs: number;
  readonly jobs: number;
  readonly folder: CampaignFolder | undefined;
}

export interface FuzzOutcome {
  readonly state: CampaignState;
  readonly failures: readonly FuzzFailure[];
  readonly interrupted: boolean;
}

/** Round after round until a limit. Rounds are whole: the same seed gives the same findings. */
export async function fuzz(options: FuzzOptions, io: Io): Promise<FuzzOutcome> {
  const { folder, runsMax, timeMaxMs, seed, shardOf, mutations } = options;
  const beganMs = io.nowMs();
  const isOver = () => io.isInterrupted() || io.nowMs() - beganMs >= timeMaxMs;
  const loaded = folder?.load(options);
  let state = loaded?.state ?? FRESH;
  const failures = [...(loaded?.failures ?? [])];
  const workers = new Workers(options);
  const worlds = new ProgramWorlds({ mutations });
  try {
    while (state.runs < runsMax && !isOver()) {
      const results = await workers.run(nextRound(state, seed, shardOf), isOver);
      if (!results) break;
      const after = afterRound(state, results);
      for (const found of after.found) {
        io.status(`shrinking ${found.key}`);
        await setImmediate();
        const failure = simplest(found, worlds, mutations);
        failures.push(failure);
        const path = folder?.saveFailure(failure);
        if (path) io.err(`saved: ${path}`);
      }
      ({ state } = after);
      folder?.save(options, state, failures);
      const spent = duration(io.nowMs() - beganMs);
      const said = [count(state.runs, 'run'), count(failures.length, 'failure'), spent];
      io.status(`fuzz: ${said.join(', ')}, ${state.pairs.length} pairs of places`);
    }
  } finally {
    await workers.close();
    io.status('');
  }
  return { state, failures, interrupted: io.isInterrupted() };
}

/** Does units, in threads where there is more than one job and the package is built. */
class Workers {
  readonly #pool: Piscina | undefined;
  readonly #mutations: readonly string[];
  readonly #worlds: ProgramWorlds;

  constructor({ jobs, mutations }: FuzzOptions) {
    this.#mutations = mutations;
    this.#worlds = new ProgramWorlds({ mutations });
    // A thread cannot load TypeScript by itself: from its sources Bohrbug runs in one.
    if (jobs === 1 || !IS_BUILT) return;
    const filename = new URL('cli/fuzz-worker.js', CODE_ROOT).href;
    this.#pool = new Piscina({ filename, minThreads: jobs, maxThreads: jobs });
  }

  /** In the order of the units; undefined where time is up: half a round is no round. */
  async run(units: readonly Unit[], isOver: () => boolean): Promise<UnitResult[] | undefined> {
    if (this.#pool) {
      const pool = this.#pool;
      const tasks = units.map((unit) => ({ unit, mutations: this.#mutations }));
      const results = await Promise.all(
        tasks.map(async (task) => (await pool.run(task)) as UnitResult),
      );
      return isOver() ? undefined : results;
    }
    const results: UnitResult[] = [];
    for (const unit of units) {
      await setImmediate();
      if (isOver()) return undefined;
      results.push(runUnit(unit, this.#worlds));
    }
    return results;
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
  }
}

function simplest(
  found: FoundFailure & FoundIn,
  worlds: ProgramWorlds,
  mutations: readonly string[],
): FuzzFailure {
  const program = parseProgramRef(found.program);
  const replay = new Replay(found.schedule);
  replay.begin(0);
  const asFound = worlds.model(program).run(replay);
  const shrunk = shrinkProgram(worlds, { program, result: asFound });
  const { schedule, traceHash } = shrunk.result;
  const naming = new NamingReplay(schedule);
  naming.begin(0);
  worlds.model(shrunk.program).run(naming);
  const ref = programRef(shrunk.program);
  const { profile } = shrunk.program;
  const usual = { variant: 'only', mode: 'explore', memoryModel: 'sc' } as const;
  const header = { scenario: ref, profile, mutations, ...usual };
  const named = naming.named.length > 0 ? { names: naming.named } : {};
  const { kind, title, text } = primaryFailure(shrunk.result)!;
  return {
    key: found.key,
    kind,
    title,
    text,
    program: ref,
    mutations,
    traceHash,
    calls: callCount(shrunk.program),
    deviations: schedule.at.length,
    minimal: shrunk.minimal,
    shrunkToken: encodeToken({ form: 'schedule', header, schedule, ...named }),
    unit: found.unit,
    foundIn: found.program,
  };
}
