import {
  COMMUTING,
  foreseeing,
  NONE,
  READ,
  WAIT,
  type Access,
  type Foreseeing,
  type Request,
} from '../request.ts';

/** How a step touches a key, as a set: reads it, writes it, or adds to it without looking. */
const READS = 1;
const WRITES = 2;
const ADDS = 4;

/** Up to here a list is looked through. */
const FEW_KEYS = 8;

/** Bytes are told apart by fours. */
const KEY_SHIFT = 2;

/** An outcome that a step drew (does an allocation fail?), one of `count`. */
export interface Drawn {
  readonly taken: number;
  readonly count: number;
}

/**
 * One transition as it was executed: who acted, and what it touched. The same transition, from a
 * state that differs only by what is independent of it, touches the same.
 */
export class Step {
  readonly actor: number;
  /** Position in its run. */
  readonly index: number;
  /** Whether it was never taken, so that nobody knows what it touches. */
  isUnknown = false;
  /** Whether it ended its run: nothing can come after it, and so change places with it. */
  endsRun = false;
  /** Keys touched, each once, with how in `#hows`. */
  readonly #keys: number[] = [];
  readonly #hows: number[] = [];
  /** Where each key stands, once there are more than a few. */
  #index: Map<number, number> | null = null;
  /** What it drew, in order. */
  drawn: readonly Drawn[] = [];
  /** Its own access, where it was the step of a fiber and had one. */
  #request: Request | null = null;
  /** Of a write: the value before it. */
  before = 0;
  /** Index of the step that let it be taken, -1 where it always could since its actor's last. */
  enabler = -1;
  /** Indices of steps after which it could not be taken for a while, though before it could. */
  disablers: number[] = [];

  constructor(actor: number, index: number) {
    this.actor = actor;
    this.index = index;
  }

  get keyCount(): number {
    return this.#keys.length;
  }

  keyAt(i: number): number {
    return this.#keys[i]!;
  }

  touch(addr: number, size: number, access: Access, commutes = false): void {
    if (access === NONE) return;
    const how = access === READ ? READS : commutes ? ADDS : WRITES;
    for (let key = addr >> KEY_SHIFT; key <= (addr + size - 1) >> KEY_SHIFT; key++) {
      this.#add(key, how);
    }
  }

  /** Its own access, once it is known what became of it. */
  finish(request: Request, commuting: boolean): void {
    const { addr, size, access, order } = request;
    if (addr !== 0) this.touch(addr, size, access, commuting && (order & COMMUTING) !== 0);
    this.#request = request;
    this.before = request.b;
  }

  /** Whether it could be taken only in some states. */
  get waits(): boolean {
    return this.#request?.kind === WAIT;
  }

  /** Of one that waits: whether it could have been taken right before `write`. */
  isReadyBefore(write: Step): boolean {
    const request = this.#request!;
    return (request.target as Foreseeing).isReadyIf(request, write.before);
  }

  /**
   * The same transition from the state in which `first` was, with `first` left out: it may read
   * another value there, and so do something else.
   */
  without(first: Step): Step {
    if (!this.#readsFrom(first)) return this;
    const other = new Step(this.actor, this.index);
    other.enabler = this.enabler;
    const request = this.#request;
    if (request !== null && this.#keys.length === 1 && foreseeing(request.target)) {
      const access = request.target.accessIf(request, first.before);
      other.touch(request.addr, request.size, access, (this.#hows[0]! & ADDS) !== 0);
      other.drawn = this.drawn;
    } else {
      // What it draws there, and among how many, is as unknown.
      other.isUnknown = true;
    }
    return other;
  }

  #copy(): Step {
    const other = new Step(this.actor, this.index);
    other.enabler = this.enabler;
    other.merge(this);
    return other;
  }

  #readsFrom(first: Step): boolean {
    for (let i = 0; i < this.#keys.length; i++) {
      const at = first.#indexOf(this.#keys[i]!);
      if (at >= 0 && (first.#hows[at]! & (WRITES | ADDS)) !== 0) return true;
    }
    return false;
  }

  /** Whether the order of the two matters. */
  conflictsWith(other: Step): boolean {
    if (this.actor === other.actor || this.isUnknown || other.isUnknown) return true;
    if (this.endsRun || other.endsRun) return true;
    const { length } = this.#keys;
    for (let i = 0; i < length; i++) {
      const at = other.#indexOf(this.#keys[i]!);
      if (at >= 0 && clash(this.#hows[i]!, other.#hows[at]!)) return true;
    }
    return false;
  }

  /** Whether the order matters of what the two do to the i-th key of this one. */
  clashesAt(i: number, other: Step): boolean {
    const at = other.#indexOf(this.#keys[i]!);
    return at >= 0 && clash(this.#hows[i]!, other.#hows[at]!);
  }

  /** Whether the other does nothing to the i-th key of this one that this one does not. */
  coversAt(i: number, other: Step): boolean {
    const at = other.#indexOf(this.#keys[i]!);
    return at < 0 || (other.#hows[at]! & ~this.#hows[i]!) === 0;
  }

  /** Whether nothing before it on its i-th key matters to what comes after it. */
  overwritesAt(i: number): boolean {
    return (this.#hows[i]! & WRITES) !== 0;
  }

  /** Whether the two have one actor and draw the same, as far as both are known. */
  isAs(other: Step): boolean {
    if (this.actor !== other.actor) return false;
    const length = Math.min(this.drawn.length, other.drawn.length);
    for (let i = 0; i < length; i++) {
      if (this.drawn[i]!.taken !== other.drawn[i]!.taken) return false;
    }
    return true;
  }

  /** Whether it is the one of that actor, and will draw what the other drew: else 0 each time. */
  leadsTo(other: Step): boolean {
    if (this.actor !== other.actor) return false;
    const length = Math.max(this.drawn.length, other.drawn.length);
    for (let i = 0; i < length; i++) {
      if ((this.drawn[i]?.taken ?? 0) !== (other.drawn[i]?.taken ?? 0)) return false;
    }
    return true;
  }

  /** The same transition with other outcomes: one for each that differs in what it draws last. */
  *alternatives(): Generator<Step> {
    for (let last = 0; last < this.drawn.length; last++) {
      const { count, taken } = this.drawn[last]!;
      for (let other = 0; other < count; other++) {
        if (other === taken) continue;
        const step = this.#copy();
        step.drawn = [...this.drawn.slice(0, last), { taken: other, count }];
        yield step;
      }
    }
  }

  /** Takes on what another outcome of the same transition touches. */
  merge(other: Step): void {
    for (let i = 0; i < other.#keys.length; i++) this.#add(other.#keys[i]!, other.#hows[i]!);
  }

  #add(key: number, how: number): void {
    const at = this.#indexOf(key);
    if (at >= 0) {
      this.#hows[at]! |= how;
      return;
    }
    this.#index?.set(key, this.#keys.length);
    this.#keys.push(key);
    this.#hows.push(how);
    if (this.#index === null && this.#keys.length > FEW_KEYS) {
      this.#index = new Map(this.#keys.map((each, i) => [each, i]));
    }
  }

  #indexOf(key: number): number {
    return this.#index === null ? this.#keys.indexOf(key) : (this.#index.get(key) ?? -1);
  }
}

/** Two reads do not clash, nor do two additions. */
function clash(a: number, b: number): boolean {
  const both = a | b;
  return both !== READS && both !== ADDS;
}
