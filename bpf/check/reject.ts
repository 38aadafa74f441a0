/** Why a program is refused: the kernel's text, and its errno. */
export interface Reject {
  readonly errno: number;
  /** Lines of the log, joined by \n. */
  readonly message: string;
  /** The instruction, as the log shows it in front of the message. */
  readonly line?: string;
}

export function isReject(value: object): value is Reject {
  return 'errno' in value && 'message' in value;
}
