import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../base/errors.ts';
import { searchVariant, type Answer, type VariantTask } from './hazard.ts';
import { workerIo } from './worker-io.ts';

/** A thread of the pool in hazard-pool.ts: one task after another. */
const interrupted = workerData as Int32Array;

const io = workerIo(interrupted);

parentPort!.on('message', async (task: VariantTask) => {
  const answer = await searchVariant(task, io).then(
    (row): Answer => ({ row }),
    (error: Error): Answer => ({ error, isInput: error instanceof InputError }),
  );
  parentPort!.postMessage(answer);
});
