import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../base/errors.ts';
import type { Io } from './command.ts';

/** A kernel with all it knows of itself is a few hundred MB. */
const BYTES_MAX = 1 << 30;

/** The bytes of a file that an argument names. Throws InputError. */
export function readInput(path: string, io: Io): Uint8Array {
  const file = resolve(io.cwd, path);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) throw new InputError(`${path}: no such file`);
  if (!stat.isFile()) throw new InputError(`${path}: expected a file`);
  if (stat.size > BYTES_MAX) {
    throw new InputError(`${path}: ${stat.size} bytes, at most ${BYTES_MAX} are read`);
  }
  return new Uint8Array(readFileSync(file));
}

/** The same; `-` is stdin. */
export async function readInputOrStdin(path: string, io: Io): Promise<Uint8Array> {
  return path === '-' ? io.readStdin() : readInput(path, io);
}
