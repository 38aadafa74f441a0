import { readFileSync } from 'node:fs';
import { openObject, type OpenedObject } from '../../bpf/object/open.ts';

const FOLDER = new URL('../data/objects/', import.meta.url);

/** By which compilers `npm run bpf:build` makes the objects of test/data/objects. */
export const COMPILERS = ['clang-14-v3', 'clang-22-v3', 'clang-22-v4'] as const;
export type Compiler = (typeof COMPILERS)[number];
/** A source of test/data/objects. */
export type CompiledName =
  | 'features'
  | 'core'
  | 'foreign'
  | 'whole'
  | 'helpers'
  | 'kptr'
  | 'graph'
  | 'handles'
  | 'walks'
  | 'exe'
  | 'lists'
  | 'blocks'
  | 'exceptions'
  | 'killed'
  | 'strings'
  | 'quiet'
  | 'hooks';

export function compiledBytes(name: CompiledName, by: Compiler): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}.${by}.o`, FOLDER)));
}

export function compiled(name: CompiledName, by: Compiler): OpenedObject {
  return openObject(compiledBytes(name, by), `${name}.${by}.o`);
}
