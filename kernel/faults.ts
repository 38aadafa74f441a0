import { InputError } from '../base/errors.ts';
import type { TokenHeader } from '../sim/token.ts';

/**
 * What a scenario may have go wrong, as a choice at each place where it can: in the words that the
 * names of these choices begin with. The only such table. That a grace period ends late or a timer
 * fires early needs no asking: it is part of every search.
 */
export const FAULTS = [
  {
    name: 'alloc-fail',
    about: 'an allocation gives no memory: failslab, fail_page_alloc',
  },
  {
    name: 'eintr',
    about: 'an interruptible sleep ends by a signal whose handler is without SA_RESTART',
  },
  {
    name: 'short-copy',
    about: 'copy_from_user(), copy_to_user() move nothing, or half of the bytes: fail_usercopy',
  },
  {
    name: 'major-fault',
    about: 'a page of user memory has been reclaimed: who touches it sleeps until it is back',
  },
  {
    name: 'lock-timeout',
    about: 'who waits for a resilient lock gives up: the CPU of its holder stands still for 250 ms',
  },
] as const;

export type FaultKind = (typeof FAULTS)[number]['name'];

export const FAULT_KINDS: readonly FaultKind[] = FAULTS.map(({ name }) => name);

/** What the header of a token says of them: `{ faults: 'alloc-fail,eintr' }`. */
export function faultsOfHeader(header: TokenHeader): readonly FaultKind[] {
  return header.options?.['faults']?.split(',').map(faultByName) ?? [];
}

export function faultByName(text: string): FaultKind {
  const kind = FAULT_KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new InputError(`no fault ${JSON.stringify(text)} (there are ${FAULT_KINDS.join(', ')})`);
}
