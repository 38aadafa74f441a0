import { Worker } from 'node:worker_threads';
import { InputError } from '../base/errors.ts';
import type { Profile } from '../kernel/profile.ts';
import type { Io } from './command.ts';
import { CODE_ROOT, IS_BUILT } from './package.ts';
import { openForVerify, ProgramVerifier, type Verdict } from './verify.ts';

/** An object, and what of it is to be verified, how. */
export interface ObjectTask {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly programs: readonly string[];
  readonly profile: Profile | undefined;
  readonly logLevel: number;
  readonly flags: number;
  readonly isUnprivileged: boolean;
}

/** What a thread says of a task, and at its end. */
export type Said =
  | { readonly verdict: Verdict }
  | { readonly done: true }
  | { readonly error: Error; readonly isInput: boolean };

/** Another kernel's types, which threads must be told of. */
export interface ForeignFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface PoolOptions {
  readonly jobs: number;
  readonly foreign: ForeignFile | undefined;
}

/** The verdicts of all tasks, in their order. */
export async function* verifyAll(
  tasks: readonly ObjectTask[],
  { jobs, foreign }: PoolOptions,
  io: Pick<Io, 'nowMs' | 'isInterrupted'>,
): AsyncGenerator<Verdict> {
  // A thread cannot load TypeScript by itself: from its sources Bohrbug runs in one.
  if (jobs === 1 || tasks.length === 1 || !IS_BUILT) {
    yield* verifyHere(tasks, io);
    return;
  }
  const pool = new VerifyPool(tasks, { jobs: Math.min(jobs, tasks.length), foreign });
  try {
    for (let i = 0; i < tasks.length && !io.isInterrupted(); i++) yield* await pool.verdicts(i);
  } finally {
    await pool.close();
  }
}

/** One after the other, in kernels of this thread. */
export function* verifyHere(
  tasks: readonly ObjectTask[],
  io: Pick<Io, 'nowMs' | 'isInterrupted'>,
): Generator<Verdict> {
  const [first] = tasks;
  if (!first) return;
  const verifier = kernelFor(first, io);
  for (const { path, bytes, programs, logLevel, flags } of tasks) {
    const { spec } = openForVerify(bytes, path, programs);
    for (const name of programs) {
      if (io.isInterrupted()) return;
      yield verifier.verify(spec, path, name, { logLevel, flags });
    }
  }
}

/** One kernel serves all tasks of a kind: what is verified in it is gone again. */
function kernelFor(task: ObjectTask, { nowMs }: Pick<Io, 'nowMs'>): ProgramVerifier {
  const { profile, isUnprivileged } = task;
  const key = `${profile} ${isUnprivileged}`;
  const known = kernels.get(key);
  if (known) return known;
  const made = new ProgramVerifier({ profile, isUnprivileged, nowMs });
  kernels.set(key, made);
  return made;
}

const kernels = new Map<string, ProgramVerifier>();

/** Threads that take a task each, and the next when they are done. */
class VerifyPool {
  readonly #tasks: readonly ObjectTask[];
  readonly #workers: readonly Worker[];
  readonly #answers: readonly Answer[];
  #next = 0;

  constructor(tasks: readonly ObjectTask[], { jobs, foreign }: PoolOptions) {
    this.#tasks = tasks;
    this.#answers = tasks.map(() => new Answer());
    const url = new URL('cli/verify-worker.js', CODE_ROOT);
    this.#workers = Array.from({ length: jobs }, () => new Worker(url, { workerData: foreign }));
    for (const worker of this.#workers) this.#feed(worker);
  }

  verdicts(index: number): Promise<readonly Verdict[]> {
    return this.#answers[index]!.promise;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #feed(worker: Worker): void {
    const index = this.#next++;
    const answer = this.#answers[index];
    if (answer === undefined) return;
    const failed = (error: Error): void => answer.reject(error);
    const hear = (said: Said): void => {
      if ('verdict' in said) {
        answer.found.push(said.verdict);
        return;
      }
      worker.off('message', hear);
      worker.off('error', failed);
      if ('done' in said) answer.resolve(answer.found);
      else answer.reject(said.isInput ? new InputError(said.error.message) : said.error);
      this.#feed(worker);
    };
    worker.on('message', hear);
    worker.once('error', failed);
    worker.postMessage(this.#tasks[index]);
  }
}

class Answer {
  readonly promise: Promise<readonly Verdict[]>;
  readonly found: Verdict[] = [];
  resolve!: (verdicts: readonly Verdict[]) => void;
  reject!: (error: Error) => void;

  constructor() {
    this.promise = new Promise((yes, no) => {
      this.resolve = yes;
      this.reject = no;
    });
    // A later task may fail before somebody waits for it.
    this.promise.catch(() => {});
  }
}
