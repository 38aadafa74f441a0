/**
 * A program is refused. Thrown where the rule stands that says so, caught where paths are chosen
 * (explore.ts) and where passes are run (verify.ts), and nowhere else: as an error is handed up in
 * the kernel. Its text is in the log by then.
 */
export class Rejection {
  /** Positive: EACCES, EINVAL, … */
  readonly errno: number;

  constructor(errno: number) {
    this.errno = errno;
  }
}
