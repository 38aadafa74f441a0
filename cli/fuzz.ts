import { setImmediate } from 'node:timers/promises';
import { Piscina } from 'piscina';
import {
  afterRound,
  FRESH,
  nextRound,
  runUnit,
  type CampaignState,
  type Unit,
  type UnitResult,
} from '../scenarios/fuzz/campaign.ts';
import { ProgramWorlds } from '../scenarios/fuzz/worlds.ts';
import type { Io } from './command.ts';
import type { FuzzFailure, Unshrunk } from './fuzz-failure.ts';
import { simplest } from './fuzz-shrink.ts';
import type { CampaignFolder, CampaignIdentity } from './fuzz-state.ts';
import type { FuzzTask } from './fuzz-worker.ts';
import { CODE_ROOT, IS_BUILT } from './package.ts';
import { count, duration } from './render/status.ts';
import { WORKER_LIMITS } from './worker-io.ts';

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

/** Failures of one round that are being made simple. */
interface Pending {
  readonly found: readonly Unshrunk[];
  readonly small: Promise<FuzzFailure[]>;
  isSmall: boolean;
}

/** Rounds whose failures wait, at most. */
const PENDING_MAX = 8;

/** Round after round until a limit. Rounds are whole: the same seed gives the same findings. */
export async function fuzz(options: FuzzOptions, io: Io): Promise<FuzzOutcome> {
  const { folder, runsMax, timeMaxMs, seed, shardOf } = options;
  const beganMs = io.nowMs();
  const isOver = () => io.isInterrupted() || io.nowMs() - beganMs >= timeMaxMs;
  const loaded = folder?.load(options);
  let state = loaded?.state ?? FRESH;
  const failures = [...(loaded?.failures ?? [])];
  const workers = new Workers(options);
  const pending: Pending[] = [];
  const shrink = (found: readonly Unshrunk[]) => {
    const round: Pending = { found, small: workers.shrinkAll(found), isSmall: false };
    void round.small.then(() => (round.isSmall = true)).catch(() => {}); // thrown in settle()
    pending.push(round);
  };
  /** Also what is still to be made simple is kept: a kill loses no round that was done. */
  const save = () => {
    const unshrunk = pending.flatMap(({ found }) => found);
    folder?.save(options, state, failures, unshrunk);
  };
  const settle = async () => {
    const small = await pending[0]!.small;
    pending.shift();
    for (const failure of small) {
      failures.push(failure);
      const path = folder?.saveFailure(failure);
      if (path) io.err(`saved: ${path}`);
    }
    save();
    const spent = duration(io.nowMs() - beganMs);
    const said = [count(state.runs, 'run'), count(failures.length, 'failure'), spent];
    io.status(`fuzz: ${said.join(', ')}, ${state.pairs.length} pairs of places`);
  };
  try {
    if (loaded?.unshrunk) shrink(loaded.unshrunk);
    while (state.runs < runsMax && !isOver()) {
      const results = await workers.run(nextRound(state, seed, shardOf), isOver);
      if (!results) break;
      const after = afterRound(state, results);
      ({ state } = after);
      shrink(
        after.found.map(({ key, schedule, program, unit }) => ({ key, schedule, program, unit })),
      );
      save();
      while (pending[0]?.isSmall || pending.length > PENDING_MAX) await settle();
    }
    while (pending.length > 0) await settle();
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
    this.#pool = new Piscina({
      filename,
      minThreads: jobs,
      maxThreads: jobs,
      resourceLimits: WORKER_LIMITS,
    });
  }

  /** In the order of the units; undefined where time is up: half a round is no round. */
  async run(units: readonly Unit[], isOver: () => boolean): Promise<UnitResult[] | undefined> {
    if (this.#pool) {
      const pool = this.#pool;
      const tasks = units.map((unit): FuzzTask => ({ unit, mutations: this.#mutations }));
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

  shrinkAll(found: readonly Unshrunk[]): Promise<FuzzFailure[]> {
    return Promise.all(found.map((each) => this.#shrink(each)));
  }

  async #shrink(found: Unshrunk): Promise<FuzzFailure> {
    const task: FuzzTask = { found, mutations: this.#mutations };
    if (this.#pool) return (await this.#pool.run(task)) as FuzzFailure;
    await setImmediate();
    return simplest(found, this.#worlds, this.#mutations);
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
  }
}
