import { InputError } from '../../base/errors.ts';
import { errnoText } from '../../kernel/errno.ts';

/** An object that the kernel did not take: what failed, the errno, and what the kernel says. */
export class LoadError extends InputError {
  /** Positive. */
  readonly errno: number;
  /** Lines joined by \n; '' where there is no log. */
  readonly log: string;

  constructor(what: string, result: number, log = '') {
    super(`${what}: ${errnoText(result)}${log === '' ? '' : `\n${log.trimEnd()}`}`);
    this.errno = -result;
    this.log = log;
  }
}
