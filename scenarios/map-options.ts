export const PAGE_BYTES = 4_096;

/** What mmap(2) is asked for of a descriptor. */
export interface MapFdOptions {
  readonly sizeBytes?: number;
  readonly offset?: number;
  /** PROT_*; default: read and write. */
  readonly prot?: number;
  /** MAP_*; default: MAP_SHARED. */
  readonly flags?: number;
  readonly addr?: number;
}

export interface MapOptions {
  /** Where it is wanted; default: the kernel chooses. */
  readonly addr?: number;
  readonly sizeBytes?: number;
  /** What stands at its start; not where every touch blocks. */
  readonly content?: Uint8Array;
  /** The first touch of each page, or the first write, sleeps until the strategy lets it come. */
  readonly blocking?: boolean | 'write';
  readonly resident?: boolean;
}
