import { loadCatalog, loadRegistry } from './catalog.ts';
import type { Io } from './command.ts';

/** By itself a thread has so little room for young objects that it loses a sixth of its time. */
export const WORKER_LIMITS = { maxYoungGenerationSizeMb: 128 };

/** What a thread of a pool has: nothing to say, and a word that tells it that the user ends it. */
export function workerIo(interrupted: Int32Array): Io {
  return {
    out: () => {},
    err: () => {},
    status: () => {},
    isTerminal: false,
    hasColor: false,
    width: 100,
    cwd: process.cwd(),
    nowMs: () => performance.now(),
    isInterrupted: () => Atomics.load(interrupted, 0) !== 0,
    loadRegistry,
    loadCatalog,
    readStdin: () => Promise.resolve(new Uint8Array()),
    mapStacks: () => {},
  };
}
