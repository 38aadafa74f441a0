import { InputError } from '../../base/errors.ts';
import type { Helper } from './prototype.ts';

/**
 * The row of something that the verifier knows and that does not run here: a program with it can be
 * loaded, and runs as long as it does not come to it. Then the simulation ends, and says so.
 */
export function unsimulated(name: string, id = 0): Helper {
  return {
    id,
    name,
    isPointer: false,
    costNs: 0,
    invoke({ prog }) {
      throw new InputError(
        `program '${prog.name}' comes to ${name}, which the verifier knows but this kernel ` +
          `does not simulate`,
      );
    },
  };
}
