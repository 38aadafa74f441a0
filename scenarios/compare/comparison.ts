/** One line of a comparison: a cell for each column, and what was done to find it out. */
export interface ComparisonRow {
  readonly name: string;
  readonly cells: readonly string[];
  readonly how: string;
}

export interface ComparisonTable {
  readonly title: string;
  /** Where they are not the comparison's. */
  readonly columns?: readonly string[];
  readonly rows: readonly ComparisonRow[];
}

/** What runs have shown of things that do the same in different ways. */
export interface Comparison {
  readonly name: string;
  readonly about: string;
  readonly columns: readonly string[];
  readonly tables: readonly ComparisonTable[];
}
