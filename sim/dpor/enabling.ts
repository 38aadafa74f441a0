import { Step } from './step.ts';

/** Keeps who could act when, and so which step let an actor act or stopped it. */
export class Enabling {
  #lookedAt = -1;
  #enabled = new Set<number>();
  readonly #enablers = new Map<number, number>();
  readonly #disablers = new Map<number, number[]>();
  #missed: Step[] = [];

  reset(): void {
    this.#lookedAt = -1;
    this.#enabled = new Set();
    this.#enablers.clear();
    this.#disablers.clear();
    this.#missed = [];
  }

  /** Who can act after `last`, undefined at the start. Returns whom `last` has stopped. */
  look(options: Int32Array, count: number, last: Step | undefined): readonly number[] {
    const index = last?.index ?? -1;
    if (last && index === this.#lookedAt) return [];
    this.#lookedAt = index;
    const enabled = new Set<number>();
    for (let i = 0; i < count; i++) {
      const actor = options[i]!;
      enabled.add(actor);
      if (last && actor !== last.actor && !this.#enabled.has(actor)) {
        this.#enablers.set(actor, index);
      }
    }
    const stopped: number[] = [];
    for (const actor of this.#enabled) {
      if (actor === last?.actor || enabled.has(actor)) continue;
      stopped.push(actor);
      const disablers = this.#disablers.get(actor);
      if (disablers) disablers.push(index);
      else this.#disablers.set(actor, [index]);
    }
    this.#enabled = enabled;
    return stopped;
  }

  /** The step is about to be taken: tells it who let it, and who stopped it before. */
  acting(step: Step): void {
    const { actor } = step;
    step.enabler = this.#enablers.get(actor) ?? -1;
    step.disablers = this.#disablers.get(actor) ?? [];
    this.#enablers.delete(actor);
    this.#disablers.delete(actor);
  }

  /** At the end: the step that an actor waits for in vain. */
  stuck(step: Step): void {
    step.disablers = this.#disablers.get(step.actor) ?? [];
    this.#disablers.delete(step.actor);
    this.#missed.push(step);
  }

  /** Steps that could have been taken at some time, or may have been, and were not. */
  missed(): readonly Step[] {
    for (const [actor, disablers] of this.#disablers) {
      const step = new Step(actor, this.#lookedAt + 1);
      step.isUnknown = true;
      step.disablers = disablers;
      this.#missed.push(step);
    }
    this.#disablers.clear();
    return this.#missed;
  }
}
