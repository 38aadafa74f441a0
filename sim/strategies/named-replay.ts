import type { Choice } from '../choice.ts';
import { PRESENT, StepCounts, type Fit, type NamedDeviation, type NameOf } from '../names.ts';
import type { Schedule } from '../schedule.ts';
import { nameHash } from '../site.ts';
import type { Observer, Strategy } from '../strategy.ts';
import { Replay } from './replay.ts';

/** Keeps count of the steps of a run by name. */
class Counting implements Observer {
  readonly counts = new StepCounts();

  acting(actor: number, _options: Int32Array, _count: number, nameOf: NameOf): boolean {
    this.counts.add(nameOf(actor));
    return true;
  }

  touched(): void {}

  acted(): void {}

  cutShort(): void {}

  stuck(): void {}
}

/** One run along a schedule that says what its deviations are called. */
export class NamingReplay implements Strategy {
  readonly name = 'replay';
  readonly exhausted = false;
  readonly observer = new Counting();
  readonly named: NamedDeviation[] = [];
  readonly #replay: Replay;

  constructor(schedule: Schedule) {
    this.#replay = new Replay(schedule);
  }

  get misfitCount(): number {
    return this.#replay.misfitCount;
  }

  begin(run: number): boolean {
    this.observer.counts.reset();
    this.named.length = 0;
    return this.#replay.begin(run);
  }

  choose(choice: Choice): number {
    const taken = this.#replay.choose(choice);
    if (taken !== choice.stay) this.named.push(nameOf(choice, taken, this.observer.counts));
    return taken;
  }

  end(): void {
    this.#replay.end();
  }
}

/**
 * One run along deviations that are told by names, for a model that has changed since they were
 * recorded. Each is taken at the first choice that fits, in their order.
 */
export class NamedReplay implements Strategy {
  readonly name = 'replay';
  readonly exhausted = false;
  readonly observer = new Counting();
  readonly #deviations: readonly NamedDeviation[];
  readonly #fit: Fit;
  #next = 0;
  #fittedCount = 0;

  constructor(deviations: readonly NamedDeviation[], fit: Fit) {
    this.#deviations = deviations;
    this.#fit = fit;
  }

  /** Deviations that found their place. */
  get fittedCount(): number {
    return this.#fittedCount;
  }

  begin(run: number): boolean {
    this.observer.counts.reset();
    this.#next = 0;
    this.#fittedCount = 0;
    return run === 0;
  }

  choose(choice: Choice): number {
    const deviation = this.#deviations[this.#next];
    if (deviation === undefined || !this.#isAt(choice, deviation)) return choice.stay;
    const taken = targetOf(choice, deviation);
    if (taken < 0) return choice.stay; // not yet: the same step comes up again
    this.#next++;
    this.#fittedCount++;
    return taken;
  }

  end(): void {}

  #isAt(choice: Choice, deviation: NamedDeviation): boolean {
    if (choice.kind !== 'sched') {
      const { counts } = this.observer;
      return counts.fits(outcomeName(choice), deviation, this.#fit === 'step' ? 'site' : this.#fit);
    }
    const name = choice.nameOf(choice.options[choice.stay]!);
    return this.observer.counts.fits(name, deviation, this.#fit);
  }
}

/** A choice that is not about who steps, as if it were a step at a place of its kind. */
function outcomeName(choice: Choice) {
  return { path: choice.nameOf(PRESENT).path, site: choice.kind, object: '' };
}

function nameOf(choice: Choice, taken: number, counts: StepCounts): NamedDeviation {
  const { options, stay } = choice;
  if (choice.kind !== 'sched') {
    const name = outcomeName(choice);
    const deviation = counts.deviation(name, taken);
    counts.add(name);
    return deviation;
  }
  const target = nameHash(choice.nameOf(options[taken]!).path);
  return counts.deviation(choice.nameOf(options[stay]!), target);
}

/** Index of the option that a deviation asks for, or -1. */
function targetOf(choice: Choice, { target }: NamedDeviation): number {
  const { options, count, stay } = choice;
  if (choice.kind !== 'sched') return target < count ? target : -1;
  for (let i = 0; i < count; i++) {
    if (i !== stay && nameHash(choice.nameOf(options[i]!).path) === target) return i;
  }
  return -1;
}
