import type { Helper } from '../helpers/prototype.ts';
import type { Program } from './program.ts';

/** A loaded program, with what its calls call: what can be run. */
export interface ExecProgram extends Program {
  /** By the slot of the call: the row of the helper, or of the kfunc. */
  readonly calls: ReadonlyMap<number, Helper>;
}
