import { Prng } from '../../base/prng.ts';
import type { Choice } from '../choice.ts';
import { COMMUTING, NONE, READ, type Request } from '../request.ts';
import type { Strategy } from '../strategy.ts';

const PRIORITY_RANGE = 2 ** 30;

/**
 * Partial order sampling: every step that could come next has a random priority, and the highest
 * goes; steps whose order with it matters draw anew. So of two steps that conflict either comes
 * first with even odds, however many steps stand around them, and independent steps do not dilute
 * the sample. Where outcomes are chosen, all are equally likely.
 *
 * Yuan, Yang, Gu: Partial Order Aware Concurrency Sampling, CAV 2018, algorithm 2.
 */
export class Pos implements Strategy {
  readonly name = 'pos';
  readonly exhausted = false;
  readonly #seed: number;
  #prng: Prng;
  /** By actor: its priority, and the step for which it was drawn. */
  #priorities: number[] = [];
  #drawnFor: (Request | null | undefined)[] = [];

  constructor(seed: number) {
    this.#seed = seed;
    this.#prng = new Prng(`pos ${seed}`);
  }

  begin(run: number): boolean {
    this.#prng = new Prng(`pos ${this.#seed} ${run}`);
    this.#priorities = [];
    this.#drawnFor = [];
    return true;
  }

  choose(choice: Choice): number {
    const { options, count } = choice;
    if (choice.kind !== 'sched') return this.#prng.below(count);
    let highest = 0;
    for (let i = 0; i < count; i++) {
      const actor = options[i]!;
      const request = choice.requestOf(actor);
      if (this.#drawnFor[actor] !== request) this.#draw(actor, request);
      if (this.#priorities[actor]! > this.#priorities[options[highest]!]!) highest = i;
    }
    const taken = options[highest]!;
    const request = this.#drawnFor[taken] ?? null;
    this.#drawnFor[taken] = undefined;
    for (let i = 0; request !== null && i < count; i++) {
      const other = this.#drawnFor[options[i]!];
      if (other && conflict(request, other)) this.#draw(options[i]!, other);
    }
    return highest;
  }

  end(): void {}

  #draw(actor: number, request: Request | null): void {
    this.#drawnFor[actor] = request;
    this.#priorities[actor] = this.#prng.below(PRIORITY_RANGE);
  }
}

/** Whether the order of two steps matters, as far as they say what they are about to do. */
export function conflict(a: Request, b: Request): boolean {
  if (a.access === NONE || b.access === NONE) return false;
  if (a.addr >= b.addr + b.size || b.addr >= a.addr + a.size) return false;
  if (a.access === READ && b.access === READ) return false;
  return (a.order & b.order & COMMUTING) === 0;
}
