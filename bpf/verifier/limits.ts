/** BPF_COMPLEXITY_LIMIT_INSNS: instructions on all paths together. */
export const INSNS_MAX = 1_000_000;
