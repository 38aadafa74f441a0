import type { Step } from './step.ts';

/** One step that is to be taken, and what is to be taken after it, in order of preference. */
export interface Branch {
  readonly step: Step;
  next: Branch[];
}

/**
 * Adds a sequence of steps to what is to be explored, unless something there already covers it.
 * Abdulla, Aronsson, Jonsson, Sagonas: Source Sets: A Foundation for Optimal Dynamic Partial Order
 * Reduction, J. ACM 64(4), 2017, section 7: insert.
 */
export function insert(sequence: readonly Step[], tree: Branch[]): void {
  let rest = [...sequence];
  let branches = tree;
  for (;;) {
    const at = branches.findIndex(({ step }) => isWeakInitial(step, rest));
    if (at < 0) {
      branches.push(...chain(rest));
      return;
    }
    const { actor } = branches[at]!.step;
    const own = rest.find((step) => step.actor === actor);
    // Outcomes of one step are tried one right after the other.
    const fitting = own ? branches.find(({ step }) => step.leadsTo(own)) : branches[at];
    rest = rest.filter((step) => step !== own);
    if (!fitting) {
      branches.splice(at + 1, 0, { step: own!, next: chain(rest) });
      return;
    }
    if (rest.length === 0) return;
    if (fitting.next.length === 0) {
      // Any way on will do, except that nobody else may come to these outcomes.
      if (rest.some(({ drawn }) => drawn.length > 0)) fitting.next = chain(rest);
      return;
    }
    branches = fitting.next;
  }
}

/** A tree of one sequence; empty where that is. */
function chain(sequence: readonly Step[]): Branch[] {
  let next: Branch[] = [];
  for (const step of sequence.toReversed()) next = [{ step, next }];
  return next;
}

/**
 * Whether the sequence is as good with `step` first: its actor has a step there that depends on
 * none before it, or none there that depends on it.
 */
export function isWeakInitial(step: Step, sequence: readonly Step[]): boolean {
  for (let i = 0; i < sequence.length; i++) {
    if (sequence[i]!.actor === step.actor) return isInitial(sequence, i);
  }
  return !sequence.some((other) => other.conflictsWith(step));
}

/** Whether the i-th step depends on none before it. */
export function isInitial(sequence: readonly Step[], i: number): boolean {
  const step = sequence[i]!;
  for (let j = 0; j < i; j++) {
    const before = sequence[j]!;
    if (before.conflictsWith(step) || before.index === step.enabler) return false;
  }
  return true;
}
