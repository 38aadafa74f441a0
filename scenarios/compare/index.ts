import type { Comparison } from './comparison.ts';
import { protectionTables } from './protection-tables.ts';
import { compareRegisteredWrites } from './registered-writes.ts';
import { compareRuntimeProtection } from './runtime-protection.ts';

/** A comparison as tables, and as what was measured. */
export interface Compared {
  readonly comparison: Comparison;
  readonly data: unknown;
}

/** Every comparison, by name: each runs what it compares. */
export const COMPARISONS: Readonly<Record<string, () => Compared>> = {
  'runtime-protection': () => {
    const data = compareRuntimeProtection();
    return { comparison: protectionTables(data), data };
  },
  'registered-writes': () => {
    const comparison = compareRegisteredWrites();
    return { comparison, data: comparison };
  },
};
