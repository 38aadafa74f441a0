import { siteOf } from './site.ts';

/** Words of one record in the ring: actor, fiber, site, address, access. */
const WORDS = 5;
const CAPACITY = 1 << 14;

/** A line of the detailed trace, kept only where somebody will look at it. */
export interface TraceLine {
  /** Number of the step that wrote it, from 0. */
  readonly step: number;
  readonly cpu: number;
  /** Path of the fiber: `A`, `CPU0/rcu`. */
  readonly path: string;
  /** pid, or 0 for an interrupt. */
  readonly pid: number;
  readonly atNs: number;
  readonly kind: 'step' | 'note' | 'syscall' | 'return' | 'event' | 'printk' | 'report';
  /** `close_fd:C2`, or ''. */
  readonly site: string;
  /** Type, allocation site and ordinal of the object touched, or ''. */
  readonly object: string;
  /** Which access of that object by that fiber this is, from 1; 0 where no object. */
  readonly nth: number;
  /** Index of the choice that preceded this step, or -1. */
  readonly choice: number;
  readonly text: string;
}

/** What a step is: read back from the ring. */
export interface TraceRecord {
  readonly actor: number;
  readonly fiber: number;
  readonly site: string;
  readonly addr: number;
  readonly access: number;
}

/** Of a longer run the first lines go: how it ends matters more. */
const LINES_MAX = 200_000;

/**
 * What happened in a run: always a fingerprint and a ring of the last steps, and where `detailed`
 * is set, every step and note with its names.
 */
export class Trace {
  detailed = false;
  lines: TraceLine[] = [];
  readonly #ring = new Int32Array(WORDS * CAPACITY);
  readonly #nth = new Map<string, number>();
  #count = 0;
  #h1 = 0;
  #h2 = 0;

  reset(): void {
    this.#count = 0;
    this.#h1 = 0x9368e53c | 0;
    this.#h2 = 0x586dcd20 | 0;
    this.lines = [];
    this.#nth.clear();
  }

  /** Which access of `object` by that fiber this is, from 1; counted only in the detailed trace. */
  nth(path: string, object: string): number {
    if (object === '') return 0;
    const key = `${path} ${object}`;
    const count = (this.#nth.get(key) ?? 0) + 1;
    this.#nth.set(key, count);
    return count;
  }

  get stepCount(): number {
    return this.#count;
  }

  step(actor: number, fiber: number, site: number, addr: number, access: number): void {
    const at = (this.#count++ & (CAPACITY - 1)) * WORDS;
    const ring = this.#ring;
    ring[at] = actor;
    ring[at + 1] = fiber;
    ring[at + 2] = site;
    ring[at + 3] = addr;
    ring[at + 4] = access;
    this.mix(siteOf(site).hash ^ (actor << 24) ^ (fiber << 8) ^ access, addr);
  }

  /** Adds two words to the fingerprint: for what is not a step but must be the same on replay. */
  mix(a: number, b: number): void {
    let h = Math.imul(this.#h1 ^ a, 0x85ebca6b);
    h = (h << 13) | (h >>> 19);
    let g = Math.imul(this.#h2 ^ b ^ h, 0xc2b2ae35);
    g = (g << 17) | (g >>> 15);
    this.#h1 = (Math.imul(h, 5) + 0xe6546b64) | 0;
    this.#h2 = (Math.imul(g, 5) + this.#h1) | 0;
  }

  line(line: TraceLine): void {
    if (this.lines.length >= LINES_MAX) this.lines.splice(0, LINES_MAX / 2);
    this.lines.push(line);
  }

  /** The last steps, oldest first. */
  *last(count: number): Generator<TraceRecord> {
    const ring = this.#ring;
    const from = Math.max(0, this.#count - Math.min(count, CAPACITY));
    for (let i = from; i < this.#count; i++) {
      const at = (i & (CAPACITY - 1)) * WORDS;
      yield {
        actor: ring[at]!,
        fiber: ring[at + 1]!,
        site: siteOf(ring[at + 2]!).name,
        addr: ring[at + 3]!,
        access: ring[at + 4]!,
      };
    }
  }

  /** 16 hex digits. */
  digest(): string {
    return hex8(finish(this.#h1 ^ this.#count)) + hex8(finish(this.#h2));
  }
}

function finish(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function hex8(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
