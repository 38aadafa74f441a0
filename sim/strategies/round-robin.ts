import type { Choice } from '../choice.ts';
import type { Strategy } from '../strategy.ts';

/**
 * The opposite of staying: one run, in which every step preempts. Goes round the actors by their
 * numbers, so that whoever can step is reached within one round; other choices stay.
 */
export class RoundRobin implements Strategy {
  readonly name = 'round-robin';
  readonly exhausted = false;
  #lastActor = -1;

  begin(run: number): boolean {
    this.#lastActor = -1;
    return run === 0;
  }

  choose(choice: Choice): number {
    if (choice.kind !== 'sched') return choice.stay;
    const { options, count } = choice;
    let first = 0;
    let next = -1;
    for (let i = 0; i < count; i++) {
      const actor = options[i]!;
      if (actor < options[first]!) first = i;
      if (actor > this.#lastActor && (next < 0 || actor < options[next]!)) next = i;
    }
    const taken = next < 0 ? first : next;
    this.#lastActor = options[taken]!;
    return taken;
  }

  end(): void {}
}
