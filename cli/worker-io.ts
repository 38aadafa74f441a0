import { loadCatalog, loadRegistry } from './catalog.ts';
import type { Io } from './command.ts';

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
