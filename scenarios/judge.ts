import type { RunResult } from '../sim/model.ts';
import type { Variant } from './dsl.ts';

/** Whether the failures of a run are just those that the variant states: all of them, and no other kind. */
export function expected(variant: Variant, result: RunResult): boolean {
  const kinds = new Set(result.failures.map(({ kind }) => kind));
  return kinds.size === variant.expect.length && variant.expect.every((kind) => kinds.has(kind));
}

/** What a search of this variant looks for: a run with all the stated failures, or with any other. */
export function isFound(variant: Variant): (result: RunResult) => boolean {
  return ({ failures }) => {
    if (failures.length === 0) return false;
    if (failures.some(({ kind }) => !variant.expect.includes(kind))) return true;
    return variant.expect.every((kind) => failures.some((failure) => failure.kind === kind));
  };
}
