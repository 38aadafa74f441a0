import { KF_ACQUIRE, KF_ITER_DESTROY, KF_ITER_NEW, KF_RELEASE } from '../kfuncs/flags.ts';
import type { Helper } from '../helpers/prototype.ts';
import { iteratorIndex, PAIRS } from './pairs.ts';

/**
 * What a call does to what the program holds. `isPlain`: where it acquires, its result is the
 * address, or NULL. `isRecordedAfter`: all can be written down once the helper has been invoked,
 * where nobody can come in between.
 */
export type Effect = { readonly isRecordedAfter: boolean } & Kinds;

type Kinds =
  | { readonly kind: 'acquire'; readonly pair: number; readonly isPlain: boolean }
  /**
   * Ends the newest holding of that address; of any class where `pairs` is undefined. `pair`: the
   * first of them, -1 where there is none.
   */
  | {
      readonly kind: 'release';
      readonly pairs: readonly number[] | undefined;
      readonly pair: number;
    }
  /** The object that its second argument is a node of goes into a list or tree. */
  | { readonly kind: 'move' }
  /** bpf_kptr_xchg(): what is given is the map's, what comes back the program's. */
  | { readonly kind: 'exchange'; readonly pair: number }
  /** It acquires, and nothing is declared that gives it back. Spec 03 R7. */
  | { readonly kind: 'unpaired' };

const byName = new Map<string, Effect>();
for (const [index, { acquire, when, where, release, ends = [], moves = [] }] of PAIRS.entries()) {
  const isPlain = when === 'pointer' && where === 'r0';
  for (const name of acquire)
    byName.set(name, { kind: 'acquire', pair: index, isPlain, isRecordedAfter: true });
  for (const name of [release, ...ends]) {
    const known = byName.get(name);
    const others = known?.kind === 'release' ? (known.pairs ?? []) : [];
    byName.set(name, released([...others, index]));
  }
  for (const name of moves) byName.set(name, { kind: 'move', isRecordedAfter: false });
}

function released(pairs: readonly number[] | undefined): Effect {
  return { kind: 'release', pairs, pair: pairs?.[0] ?? -1, isRecordedAfter: true };
}

/** Of iterators, by the names of what makes and destroys them. */
function iteratorEffect(name: string, flags: number): Effect | undefined {
  if ((flags & KF_ITER_NEW) !== 0) {
    return { kind: 'acquire', pair: iteratorIndex(name), isPlain: false, isRecordedAfter: true };
  }
  if ((flags & KF_ITER_DESTROY) === 0) return undefined;
  return released([iteratorIndex(name.replace(/_destroy$/, '_new'))]);
}

/** Undefined: what a program holds does not change by it. `xchgType` is of bpf_kptr_xchg(). */
export function effectOf(callee: Helper, xchgType?: string): Effect | undefined {
  const { name } = callee;
  if (name === 'bpf_kptr_xchg') return exchangeOf(xchgType);
  const known = byName.get(name);
  if (known) return known;
  const flags = 'flags' in callee ? (callee.flags as number) : 0;
  const iterator = iteratorEffect(name, flags);
  if (iterator) return iterator;
  if ((flags & KF_ACQUIRE) !== 0) return { kind: 'unpaired', isRecordedAfter: false };
  return (flags & KF_RELEASE) === 0 ? undefined : released(undefined);
}

/** What comes out is given back as whatever else is of that type. */
function exchangeOf(type: string | undefined): Effect {
  const byType = PAIRS.findIndex((pair) => pair.class === 'reference' && pair.type === type);
  const pair = byType >= 0 ? byType : PAIRS.findIndex(({ type: own }) => own === type);
  return pair < 0
    ? { kind: 'unpaired', isRecordedAfter: false }
    : { kind: 'exchange', pair, isRecordedAfter: false };
}
