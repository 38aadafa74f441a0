import { Prng } from '../../base/prng.ts';
import type { Choice } from '../choice.ts';
import { ACQUIRE, READ, RELEASE, RMW, WAIT, type Request } from '../request.ts';
import type { Observer, Strategy } from '../strategy.ts';

/** An address that nothing has. */
const NOWHERE = NaN;
/** Of the golden section: multiples of it, modulo 1, are spread evenly. */
const GOLDEN = 0.6180339887498949;

/**
 * Selectively uniform random walk. In each run the steps on one object are interesting: all orders
 * of them are equally likely, given how many of them each actor has. Who is to take the next of
 * them is drawn in proportion to what each has left, and nobody else takes one before; all other
 * steps are drawn evenly. The object is drawn among those that several actors touch and at least
 * one writes, as earlier runs have shown, by how often; what is always touched under one lock is
 * left out, and of the lock the takings count.
 *
 * Two things are ours, each done in every second run: actors that come to the object at the same
 * place of the code share one weight, so that among a hundred writers the one reader is first in
 * half of the runs, and not in one of a hundred; and the other steps go by random priorities, so
 * that an actor that is not held back gets all the way to where it matters.
 *
 * Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS 2025,
 * algorithm 2.
 *
 * Runs depend on those before, so that a run's schedule is needed to make it again.
 */
export class Surw implements Strategy, Observer {
  readonly name = 'surw';
  readonly exhausted = false;
  readonly observer = this;
  readonly #seed: number;
  #prng: Prng;
  /** Objects are drawn by a sequence that comes back to each of them as evenly as can be. */
  readonly #phase: number;
  readonly #profiles = new Map<number, Profile>();
  /** What is drawn from, and with what weights; made anew once a run has shown something new. */
  #interesting: Profile[] = [];
  #weights: number[] = [];

  // The present run.
  #run = 0;
  #byPriority = false;
  #object: Profile | null = null;
  #left = new Left([], null);
  #intended = -1;
  #actor = 0;
  /** By actor, where the other steps go by priority. */
  #priorities = new Float64Array(8);
  /** By actor: the locks it has. */
  #held: (Set<number> | undefined)[] = [];
  /** Indices of the options that may go, and how many there are. */
  #free = new Int32Array(8);
  #freeCount = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#prng = new Prng(`surw ${seed}`);
    this.#phase = this.#prng.next32() / 2 ** 32;
  }

  begin(run: number): boolean {
    this.#prng = new Prng(`surw ${this.#seed} ${run}`);
    this.#run = run;
    this.#byPriority = (run & 2) !== 0;
    this.#priorities.fill(-1);
    this.#held = [];
    const at = (this.#phase + run * GOLDEN) % 1;
    this.#object = this.#interesting[weightedIndex(this.#weights, at)] ?? null;
    const { counts = [], sites = [] } = this.#object ?? {};
    this.#left = new Left(counts, (run & 1) === 0 ? null : sites);
    this.#intended = this.#drawIntended();
    return true;
  }

  choose(choice: Choice): number {
    const { options, count } = choice;
    if (choice.kind !== 'sched') return this.#prng.below(count);
    if (this.#free.length < count) this.#free = new Int32Array(2 * count);
    this.#findFree(choice);
    if (this.#freeCount === 0) {
      // Whoever was meant cannot come: it is through, or it is blocked.
      this.#intended = options[this.#prng.below(count)]!;
      this.#findFree(choice);
    }
    if (!this.#byPriority) return this.#free[this.#prng.below(this.#freeCount)]!;
    let highest = -1;
    let priority = -1;
    for (let at = 0; at < this.#freeCount; at++) {
      const i = this.#free[at]!;
      const own = this.#priorityOf(options[i]!);
      if (own > priority) {
        highest = i;
        priority = own;
      }
    }
    return highest;
  }

  /** Drawn when it is first asked for; -1 until then. */
  #priorityOf(actor: number): number {
    if (actor >= this.#priorities.length) {
      const larger = new Float64Array(2 * actor).fill(-1);
      larger.set(this.#priorities);
      this.#priorities = larger;
    }
    const known = this.#priorities[actor]!;
    return known >= 0 ? known : (this.#priorities[actor] = this.#prng.next32());
  }

  acting(actor: number): boolean {
    this.#actor = actor;
    return true;
  }

  touched(): void {}

  acted(request: Request | null): void {
    if (!request || request.addr === 0) return;
    const { addr, access, kind, order } = request;
    if ((order & RELEASE) !== 0 && this.#held[this.#actor]?.delete(addr) === true) return;
    const profile = this.#profileOf(addr);
    profile.note(request, this.#actor, this.#run, this.#held[this.#actor]);
    if (kind === WAIT && access === RMW && (order & ACQUIRE) !== 0) {
      (this.#held[this.#actor] ??= new Set()).add(addr);
    }
    if (profile !== this.#object) return;
    this.#left.take(this.#actor);
    this.#intended = this.#drawIntended();
  }

  cutShort(): void {}

  stuck(): void {}

  end(): void {
    let isNew = false;
    for (const profile of this.#profiles.values()) {
      isNew ||= profile.isNew;
      profile.isNew = false;
    }
    if (!isNew) return;
    this.#interesting = [...this.#profiles.values()].filter((profile) => profile.isInteresting);
    this.#weights = this.#interesting.map(({ weight }) => weight);
  }

  /** All options may go but interesting steps of those who are not meant. */
  #findFree(choice: Choice): void {
    const { options, count } = choice;
    const free = this.#free;
    const addr = this.#object?.addr ?? NOWHERE;
    let freeCount = 0;
    for (let i = 0; i < count; i++) {
      const actor = options[i]!;
      const isInteresting =
        actor !== this.#intended &&
        choice.requestOf(actor)?.addr === addr &&
        this.#held[actor]?.has(addr) !== true;
      if (!isInteresting) free[freeCount++] = i;
    }
    this.#freeCount = freeCount;
  }

  /** An actor, in proportion to its weight; -1 where none has any left. */
  #drawIntended(): number {
    const place = weightedIndex(this.#left.placeWeights, this.#prng.next32() / 2 ** 32);
    if (place < 0) return -1;
    return this.#left.actorAt(place, this.#prng.next32() / 2 ** 32);
  }

  #profileOf(addr: number): Profile {
    let profile = this.#profiles.get(addr);
    if (!profile) this.#profiles.set(addr, (profile = new Profile(addr)));
    return profile;
  }
}

/** The index at which the sum of weights passes `at`, from 0 to 1, of the total; -1 for all 0. */
function weightedIndex(weights: readonly number[], at: number): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  return indexAt(weights, at * total);
}

function indexAt(weights: readonly number[], at: number): number {
  let left = at;
  let last = -1;
  for (let i = 0; i < weights.length && left >= 0; i++) {
    if (weights[i]! > 0) last = i;
    left -= weights[i]!;
  }
  return last;
}

/** What the runs so far have shown of one object. */
class Profile {
  readonly addr: number;
  /** By actor: how often it touches the object in a run, at most. */
  readonly counts: number[] = [];
  /** By actor: the place of its first access. */
  readonly sites: number[] = [];
  /** How likely it is drawn: its accesses, those of a lock twice. */
  weight = 0;
  /** Whether the present run has shown more than those before. */
  isNew = true;
  #actorCount = 0;
  #isWritten = false;
  /** Locks held at each access so far; undefined before the first. */
  #locks: number[] | undefined;
  /** By actor: how often it has touched the object in run `#runs[actor]`. */
  readonly #present: number[] = [];
  readonly #runs: number[] = [];

  constructor(addr: number) {
    this.addr = addr;
  }

  /** Whether it matters in which order actors come to it, and no lock decides that. */
  get isInteresting(): boolean {
    return this.#isWritten && this.#actorCount > 1 && this.#locks?.length === 0;
  }

  note(request: Request, actor: number, run: number, held: ReadonlySet<number> | undefined): void {
    if (request.access !== READ) this.#isWritten = true;
    if (this.#locks === undefined) this.#locks = [...(held ?? [])];
    else if (this.#locks.length > 0 && this.#locks.some((lock) => held?.has(lock) !== true)) {
      this.#locks = this.#locks.filter((lock) => held?.has(lock) === true);
      this.isNew = true;
    }
    const count = this.#runs[actor] === run ? this.#present[actor]! + 1 : 1;
    this.#runs[actor] = run;
    this.#present[actor] = count;
    if (count <= (this.counts[actor] ?? 0)) return;
    if (this.counts[actor] === undefined) {
      this.#actorCount++;
      this.sites[actor] = request.site;
    }
    this.counts[actor] = count;
    this.weight += request.kind === WAIT ? 2 : 1;
    this.isNew = true;
  }
}

/** Interesting steps that are left to each actor, in groups that share one weight. */
class Left {
  /** By place: the mean of what is left to those who come there and have anything left. */
  readonly placeWeights: number[] = [];
  readonly #actors: number[][] = [];
  readonly #left: number[][] = [];
  /** By place: what is left in all, and to how many. */
  readonly #totals: number[] = [];
  readonly #sharers: number[] = [];
  /** By actor: its place, and its position there. */
  readonly #place: number[] = [];
  readonly #position: number[] = [];
  readonly #shares: boolean;

  /** `sites` by actor: those of one site share a weight; null: each actor has its own. */
  constructor(counts: readonly number[], sites: readonly number[] | null) {
    this.#shares = sites !== null;
    const places = new Map<number, number>();
    counts.forEach((count, actor) => {
      const site = sites?.[actor] ?? 0;
      let place = places.get(site);
      if (place === undefined) {
        places.set(site, (place = this.#actors.length));
        this.#actors.push([]);
        this.#left.push([]);
        this.#totals.push(0);
        this.#sharers.push(0);
      }
      this.#place[actor] = place;
      this.#position[actor] = this.#actors[place]!.length;
      this.#actors[place]!.push(actor);
      this.#left[place]!.push(count);
      this.#totals[place]! += count;
      if (count > 0) this.#sharers[place]!++;
    });
    for (let place = 0; place < this.#actors.length; place++) this.#weigh(place);
  }

  /** `at`, from 0 to 1, of what is left there. */
  actorAt(place: number, at: number): number {
    return this.#actors[place]![indexAt(this.#left[place]!, at * this.#totals[place]!)]!;
  }

  /** The actor has taken one. */
  take(actor: number): void {
    const place = this.#place[actor];
    if (place === undefined) return;
    const left = this.#left[place]!;
    const position = this.#position[actor]!;
    if (left[position]! === 0) return;
    this.#totals[place]!--;
    if (--left[position]! === 0) this.#sharers[place]!--;
    this.#weigh(place);
  }

  #weigh(place: number): void {
    const total = this.#totals[place]!;
    const sharers = this.#sharers[place]!;
    this.placeWeights[place] = this.#shares && sharers > 0 ? total / sharers : total;
  }
}
