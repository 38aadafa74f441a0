import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../base/errors.ts';
import {
  Limit,
  searchShare,
  type ShareOutcome,
  type ShareProgress,
  type SharedSearch,
} from './explore-share.ts';
import { workerIo } from './worker-io.ts';

/** What a thread of the pool in explore-pool.ts is given. */
export interface ShareTask extends SharedSearch {
  readonly interrupted: Int32Array;
  readonly limit: Int32Array;
}

export type ShareAnswer =
  | { readonly progress: ShareProgress }
  | { readonly outcome: ShareOutcome }
  | { readonly error: Error; readonly isInput: boolean };

const { interrupted, limit, ...task } = workerData as ShareTask;
const say = (answer: ShareAnswer): void => parentPort!.postMessage(answer);

searchShare(task, new Limit(limit), workerIo(interrupted), (progress) => say({ progress })).then(
  (outcome) => say({ outcome }),
  (error: Error) => say({ error, isInput: error instanceof InputError }),
);
