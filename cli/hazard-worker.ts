import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../base/errors.ts';
import { loadCatalog, loadRegistry } from './catalog.ts';
import type { Io } from './command.ts';
import { searchVariant, type Answer, type VariantTask } from './hazard.ts';

/** A thread of the pool in hazard-pool.ts: one task after another. */
const interrupted = workerData as Int32Array;

const io: Io = {
  out: () => {},
  err: () => {},
  status: () => {},
  isTerminal: false,
  hasColor: false,
  width: 100,
  cwd: '.',
  nowMs: () => performance.now(),
  isInterrupted: () => Atomics.load(interrupted, 0) !== 0,
  loadRegistry,
  loadCatalog,
  readStdin: () => Promise.resolve(new Uint8Array()),
  mapStacks: () => {},
};

parentPort!.on('message', async (task: VariantTask) => {
  const answer = await searchVariant(task, io).then(
    (row): Answer => ({ row }),
    (error: Error): Answer => ({ error, isInput: error instanceof InputError }),
  );
  parentPort!.postMessage(answer);
});
