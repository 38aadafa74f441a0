/** struct bpf_retval_range: signed 32-bit bounds, both included. */
export interface RetvalRange {
  readonly min: number;
  readonly max: number;
  readonly return32bit: boolean;
}
