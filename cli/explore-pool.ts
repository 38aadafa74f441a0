import { Worker } from 'node:worker_threads';
import { InputError } from '../base/errors.ts';
import type { Found } from '../sim/explore.ts';
import type { Io } from './command.ts';
import type { ShareOutcome, ShareProgress, SharedSearch } from './explore-share.ts';
import type { ShareAnswer, ShareTask } from './explore-worker.ts';
import { CODE_ROOT } from './package.ts';
import { statusLine } from './render/status.ts';
import { WORKER_LIMITS } from './worker-io.ts';

const INT32_MAX = 2 ** 31 - 1;
const POLL_MS = 100;

export interface PoolOptions extends Omit<SharedSearch, 'index' | 'of'> {
  readonly jobs: number;
  readonly runsMax: number;
  readonly label: string;
}

export interface PoolOutcome {
  readonly runs: number;
  readonly steps: number;
  readonly exhausted: boolean;
  readonly found: Found | undefined;
}

/** A search in several threads, which finds what one would find. */
export async function searchInPool(options: PoolOptions, io: Io): Promise<PoolOutcome> {
  const { jobs, runsMax, label, ...search } = options;
  const interrupted = new Int32Array(new SharedArrayBuffer(4));
  const limit = new Int32Array(new SharedArrayBuffer(4)).fill(Math.min(runsMax, INT32_MAX));
  const beganMs = io.nowMs();
  const progress = new Map<number, ShareProgress>();
  const { timeMaxMs } = search;
  const poll = setInterval(() => {
    if (io.isInterrupted()) Atomics.store(interrupted, 0, 1);
    const spentMs = io.nowMs() - beganMs;
    const sum = { steps: 0, ...sumOf([...progress.values()]) };
    io.status(statusLine({ label, progress: sum, runsMax, spentMs, timeMaxMs }));
  }, POLL_MS);
  const workers: Worker[] = [];
  try {
    const outcomes = await Promise.all(
      Array.from({ length: jobs }, (_, index) => {
        const workerData: ShareTask = { ...search, index, of: jobs, interrupted, limit };
        const url = new URL('cli/explore-worker.js', CODE_ROOT);
        const worker = new Worker(url, { workerData, resourceLimits: WORKER_LIMITS });
        workers.push(worker);
        return outcomeOf(worker, (told) => progress.set(index, told));
      }),
    );
    return together(outcomes);
  } finally {
    clearInterval(poll);
    await Promise.all(workers.map((worker) => worker.terminate()));
    io.status('');
  }
}

function outcomeOf(worker: Worker, tell: (progress: ShareProgress) => void): Promise<ShareOutcome> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (answer: ShareAnswer) => {
      if ('progress' in answer) tell(answer.progress);
      else if ('outcome' in answer) resolve(answer.outcome);
      else reject(answer.isInput ? new InputError(answer.error.message) : answer.error);
    });
  });
}

/** Of those that came to an end, the one with the lowest number is what a single worker does. */
export function together(outcomes: readonly ShareOutcome[]): PoolOutcome {
  const steps = outcomes.reduce((sum, outcome) => sum + outcome.steps, 0);
  const [first] = outcomes
    .filter(({ endedAt }) => endedAt !== undefined)
    .toSorted((a, b) => a.endedAt! - b.endedAt!);
  if (!first) return { ...sumOf(outcomes), steps, exhausted: false, found: undefined };
  const { endedAt, found } = first;
  return { runs: endedAt! + (found ? 1 : 0), steps, exhausted: found === undefined, found };
}

function sumOf(all: readonly ShareProgress[]) {
  return {
    runs: all.reduce((sum, { runs }) => sum + runs, 0),
    distinctCount: Math.max(0, ...all.map(({ distinctCount }) => distinctCount)),
    estimate: all.find(({ estimate }) => estimate)?.estimate,
  };
}
