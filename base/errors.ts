/**
 * The user's fault: a wrong flag, a corrupt token, an unknown scenario, a truncated file. The
 * command line prints the message as one line and exits with 2; nothing shows a stack.
 * A message says what was found, where, and what was expected.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Our fault: an invariant of Bohrbug itself is broken. Exit code 70, with a stack. */
export class Bug extends Error {
  override readonly name = 'Bug';
}
