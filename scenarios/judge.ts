import type { RunResult } from '../sim/model.ts';
import type { Variant } from './dsl.ts';

/** Whether the failures of a run are those that the variant states: all of them, and no others. */
export function expected(variant: Variant, result: RunResult): boolean {
  const kinds = new Set(result.failures.map(({ kind }) => kind));
  return (
    variant.expect.every((kind) => kinds.has(kind)) &&
    !hasOther(variant, result) &&
    (kinds.size === 0) === (variant.expect.length === 0)
  );
}

/** What a search of this variant looks for: a run with all the stated failures, or with another. */
export function isFound(variant: Variant): (result: RunResult) => boolean {
  return (result) => {
    if (result.failures.length === 0) return false;
    if (hasOther(variant, result)) return true;
    return variant.expect.every((kind) => result.failures.some((found) => found.kind === kind));
  };
}

function hasOther({ expect, also }: Variant, { failures }: RunResult): boolean {
  return failures.some(({ kind }) => !expect.includes(kind) && !also.includes(kind));
}
