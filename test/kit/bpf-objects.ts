import { readFileSync } from 'node:fs';

const FOLDER = new URL('../data/elf/', import.meta.url);

export const OBJECTS = [
  'kinds.clang-14',
  'kinds.clang-22',
  'tracing.clang-14',
  'tracing.clang-22',
] as const;

/** A file that test/data/elf/build.sh makes, or a source there. */
export function elfData(file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(file, FOLDER)));
}
