import TinyQueue from 'tinyqueue';

/** Something that happens at a virtual time. Re-armed by arm(); it fires once an arming. */
export class Timer {
  readonly name: string;
  readonly fire: () => void;
  /**
   * Whether it is only there to watch or to tick: the run does not wait for it, and it never fires
   * early.
   */
  readonly background: boolean;
  /** Whether it matters in the middle of what it fires: nothing runs past it in one step. */
  readonly exact: boolean;
  dueNs = 0;
  seq = 0;
  armed = false;

  constructor(name: string, fire: () => void, background = false, exact = false) {
    this.name = name;
    this.fire = fire;
    this.background = background;
    this.exact = exact;
  }
}

interface Entry {
  readonly dueNs: number;
  readonly seq: number;
  readonly timer: Timer;
}

/** The pending timers, in order of due time and then of arming. */
export class Clock {
  #queue = new TinyQueue<Entry>([], (a, b) => a.dueNs - b.dueNs || a.seq - b.seq);
  #seq = 0;
  #foreground = 0;
  #exact = 0;
  /** Told of each timer that is armed or is no more. */
  onChange: () => void = () => {};

  reset(): void {
    for (const entry of this.#queue.data) entry.timer.armed = false;
    this.#queue.data.length = 0;
    this.#queue.length = 0;
    this.#seq = 0;
    this.#foreground = 0;
    this.#exact = 0;
  }

  /** How many armed timers the run waits for. */
  get foregroundCount(): number {
    return this.#foreground;
  }

  arm(timer: Timer, dueNs: number): void {
    if (timer.armed) this.cancel(timer);
    timer.armed = true;
    this.onChange();
    timer.dueNs = dueNs;
    timer.seq = ++this.#seq;
    if (!timer.background) this.#foreground++;
    if (timer.exact) this.#exact++;
    this.#queue.push({ dueNs, seq: timer.seq, timer });
  }

  /** True where it was armed. Its entry stays in the queue and is passed over. */
  cancel(timer: Timer): boolean {
    if (!timer.armed) return false;
    timer.armed = false;
    this.onChange();
    if (!timer.background) this.#foreground--;
    if (timer.exact) this.#exact--;
    return true;
  }

  /** How long something that begins now may run on at most: until the first exact timer. */
  untilExactNs(nowNs: number): number {
    let dueNs = Infinity;
    for (const { timer, seq } of this.#exact > 0 ? this.#queue.data : []) {
      const isArmed = timer.armed && timer.seq === seq;
      if (isArmed && timer.exact && timer.dueNs < dueNs) dueNs = timer.dueNs;
    }
    return Math.max(1, Math.ceil(dueNs - nowNs));
  }

  /** The timer due first, still armed, or undefined. */
  first(): Timer | undefined {
    for (;;) {
      const entry = this.#queue.peek();
      if (!entry) return undefined;
      if (entry.timer.armed && entry.timer.seq === entry.seq) return entry.timer;
      this.#queue.pop();
    }
  }

  /** Disarms and fires the first timer; its callback may arm it again. */
  fireFirst(): void {
    const timer = this.first();
    if (!timer) return;
    this.#queue.pop();
    this.cancel(timer);
    timer.fire();
  }
}
