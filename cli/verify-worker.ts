import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../base/errors.ts';
import { useForeignBtf } from '../bpf/foreign.ts';
import { verifyHere, type ForeignFile, type ObjectTask, type Said } from './verify-pool.ts';

/** A thread of the pool in verify-pool.ts: one object after another. */
const io = { nowMs: () => performance.now(), isInterrupted: () => false };
const say = (said: Said): void => parentPort!.postMessage(said);

const foreign = workerData as ForeignFile | undefined;
if (foreign) useForeignBtf(foreign.bytes, foreign.path);

parentPort!.on('message', (task: ObjectTask) => {
  try {
    for (const verdict of verifyHere([task], io)) say({ verdict });
    say({ done: true });
  } catch (error) {
    say({ error: error as Error, isInput: error instanceof InputError });
  }
});
