import { Script } from 'node:vm';
import { InputError } from '../base/errors.ts';

/** How long code may run without coming back, in host time. Slices take 50 ms. */
export const GUARD_MS = 10_000;

/** Where the script finds its work: it can name nothing but globals. */
const KEY = Symbol.for('bohrbug.guarded');
const slot = globalThis as unknown as Record<symbol, (() => void) | undefined>;
const script = new Script("globalThis[Symbol.for('bohrbug.guarded')]()", {
  filename: 'bohrbug-guard.js',
});

/**
 * Does `work`, which runs a user's code and cannot be trusted to come back. V8 ends whatever runs
 * inside a vm script after its timeout, even `while (true) {}`; what the work was in the middle of
 * is lost, so its objects are not to be used again. `who` names the culprit, asked afterwards.
 */
export function guarded<T>(work: () => T, who: () => string, limitMs = GUARD_MS): T {
  let result: { readonly value: T } | undefined;
  slot[KEY] = () => {
    result = { value: work() };
  };
  try {
    script.runInThisContext({ timeout: limitMs, displayErrors: false });
  } catch (error) {
    if (!isTimeout(error)) throw error;
    throw new InputError(`${who()} did not yield for ${limitMs / 1000} s`);
  } finally {
    slot[KEY] = undefined;
  }
  return result!.value;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
