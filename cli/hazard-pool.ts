import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { InputError } from '../base/errors.ts';
import type { Io } from './command.ts';
import { searchVariant, type Answer, type VariantRow, type VariantTask } from './hazard.ts';
import { CODE_ROOT, IS_BUILT } from './package.ts';

/** How many variants are searched at once where nobody says: more threads gain little. */
const JOBS_MAX = 8;
const POLL_MS = 100;

export function defaultJobs(): number {
  return Math.min(availableParallelism(), JOBS_MAX);
}

/** The rows of all tasks, in their order, each as soon as it and those before it are there. */
export async function* searchAll(
  tasks: readonly VariantTask[],
  jobs: number,
  io: Io,
): AsyncGenerator<VariantRow> {
  // A thread cannot load TypeScript by itself: from its sources Bohrbug runs in one.
  if (jobs === 1 || tasks.length === 1 || !IS_BUILT) {
    for (const task of tasks) yield await searchVariant(task, io);
    return;
  }
  const pool = new Pool(tasks, Math.min(jobs, tasks.length), io);
  try {
    for (let i = 0; i < tasks.length; i++) yield await pool.answer(i);
  } finally {
    await pool.close();
  }
}

class Pool {
  readonly #tasks: readonly VariantTask[];
  readonly #workers: readonly Worker[];
  readonly #answers: readonly PromiseWithResolvers[];
  /** One word that says to all threads that the user wants to end. */
  readonly #interrupted = new Int32Array(new SharedArrayBuffer(4));
  readonly #poll: NodeJS.Timeout;
  #next = 0;
  #doneCount = 0;

  constructor(tasks: readonly VariantTask[], jobs: number, io: Io) {
    this.#tasks = tasks;
    this.#answers = tasks.map(() => withResolvers());
    const url = new URL('cli/hazard-worker.js', CODE_ROOT);
    const workerData = this.#interrupted;
    this.#workers = Array.from({ length: jobs }, () => new Worker(url, { workerData }));
    for (const worker of this.#workers) this.#feed(worker);
    this.#poll = setInterval(() => {
      if (io.isInterrupted()) Atomics.store(this.#interrupted, 0, 1);
      io.status(`hazards: ${this.#doneCount} of ${tasks.length} variants`);
    }, POLL_MS);
  }

  answer(index: number): Promise<VariantRow> {
    return this.#answers[index]!.promise;
  }

  async close(): Promise<void> {
    clearInterval(this.#poll);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /** Gives a thread the next task, and again when it is done. */
  #feed(worker: Worker): void {
    const index = this.#next++;
    const answer = this.#answers[index];
    if (answer === undefined) return;
    const failed = (error: Error) => answer.reject(error);
    worker.once('error', failed);
    worker.once('message', (message: Answer) => {
      worker.off('error', failed);
      this.#doneCount++;
      if ('row' in message) answer.resolve(message.row);
      else answer.reject(message.isInput ? new InputError(message.error.message) : message.error);
      this.#feed(worker);
    });
    worker.postMessage(this.#tasks[index]);
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<VariantRow>;
  resolve(row: VariantRow): void;
  reject(error: Error): void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve!: (row: VariantRow) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<VariantRow>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // A later task may fail before somebody waits for it.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
