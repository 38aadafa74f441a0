import type { Kernel } from '../../kernel/kernel.ts';
import { EINVAL, ENOENT, EPERM } from '../../kernel/errno.ts';
import { CAP_SYS_ADMIN } from '../../kernel/cred.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import type { PolicyRow } from './policy-row.ts';
import type { Policy } from './policy.ts';
import { Terminator } from './terminator.ts';

/** Spec 03 R35. */
export const terminateCmd: PolicyRow = {
  about: 'user space asks for the end of a program by its id; it ends as under fast-path',
  source: 'proposal',
  make: ({ kernel, patcher, settings }) =>
    new TerminateCmd(kernel, new Terminator(kernel, patcher, settings)),
};

/** Nobody watches: BPF_PROG_TERMINATE says when. */
class TerminateCmd implements Policy {
  readonly #kernel: Kernel;
  readonly #terminator: Terminator;

  constructor(kernel: Kernel, terminator: Terminator) {
    this.#kernel = kernel;
    this.#terminator = terminator;
  }

  mayRun(prog: ExecProgram): boolean {
    return !this.#terminator.isTerminated(prog);
  }

  failValue(prog: ExecProgram, isTestRun: boolean): bigint {
    return this.#terminator.failValue(prog, isTestRun);
  }

  enter(): null {
    return null;
  }

  /** BPF_PROG_TERMINATE: 0, -EPERM, -ENOENT where there is no such program. */
  terminate(prog: ExecProgram | undefined): number {
    if (!this.#kernel.creds.capable(CAP_SYS_ADMIN)) return -EPERM;
    if (!prog) return -ENOENT;
    if (this.#terminator.isTerminated(prog)) return -EINVAL;
    this.#terminator.terminate(prog);
    return 0;
  }

  reset(): void {
    this.#terminator.reset();
  }
}
