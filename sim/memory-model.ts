import { InputError } from '../base/errors.ts';
import type { Fiber } from './fiber.ts';
import type { Cpu } from './host.ts';
import { areaOf, READERS_AREA, UNORDERED_AREAS } from './keys.ts';
import type { Ordering } from './ordering.ts';
import {
  ACQUIRE,
  BLOCK,
  COMMUTING,
  FULL,
  NO_EFFECT,
  NONE,
  READ,
  RELEASE,
  RMW,
  STEP,
  type Access,
  type Request,
} from './request.ts';

/** How marked accesses may be seen out of order: `sc` not at all. */
export const MEMORY_MODELS = ['sc', 'tso', 'weak'] as const;
export type MemoryModelName = (typeof MEMORY_MODELS)[number];

/** For `bohrbug list`. */
export const ABOUT_MODELS: Readonly<Record<MemoryModelName, string>> = {
  sc: 'every access is seen at once by all: the default',
  tso: 'a store may be seen late by other CPUs, in program order, as on x86',
  weak: 'in any order but where a release, a barrier, a lock or a dependency says one, as in LKMM',
};

/** The model that a token names. */
export function memoryModelByName(text: string): MemoryModelName {
  const name = MEMORY_MODELS.find((known) => known === text);
  if (name !== undefined) return name;
  throw new InputError(
    `no memory model ${JSON.stringify(text)} (there are ${MEMORY_MODELS.join(', ')})`,
  );
}

/** Where the values are that requests touch: reads and writes them without anybody noticing. */
export interface Cells {
  load(request: Request): unknown;
  store(request: Request, value: unknown): void;
}

/** The engine, as a model sees it. */
export interface Deciding {
  readonly cpus: readonly Cpu[];
  readonly cpu: Cpu;
  decide(kind: string, count: number): number;
  note(text: string): void;
}

/** A marked store. Memory holds what is last in coherence order; this, what was there before. */
interface Store {
  readonly cpu: number;
  readonly addr: number;
  readonly size: number;
  /** How manieth of its CPU, and how many of those must be seen before it. */
  readonly index: number;
  readonly after: number;
  readonly before: unknown;
  readonly value: unknown;
  /** The next older one to the same place. */
  readonly below: Store | null;
  /** Its place in coherence order, from 1. */
  readonly nth: number;
  /** When it became visible to other CPUs; 0: it need not be yet. */
  visibleAt: number;
}

/** Older values that a read may come upon. */
const DEPTH_MAX = 4;

/**
 * Memory models as choices. A store takes effect in memory at once, but other CPUs may go on
 * reading the value before it until it has become visible: it does where somebody reads it, and
 * where its CPU orders it before something. When a store leaves a store buffer is thus decided as
 * late as it can be, by the read that would show it; the choice is called `stale`.
 *
 * `tso`: stores become visible in program order, all at once to all: x86, Sewell et al.: x86-TSO,
 * CACM 53(7), 2010. `weak`: in any order but where a release, a barrier or a place says one, and a
 * CPU may even miss what is visible until it reads with acquire order, takes a lock, or passes a
 * barrier. What is shown, x86-TSO or LKMM allows; not all is shown that they allow: stores to one
 * place are in the order in which they were executed, and under `weak` no load takes the value of
 * a store that comes later (LB).
 *
 * Only marked accesses (requests with an effect) are late. Plain ones, and what stands for a lock
 * that is not modelled, are in order; an ordering that code states in other ways, it tells as to
 * the race monitor: see Ordering.
 */
export class MemoryModel implements Ordering {
  readonly #engine: Deciding;
  readonly #cells: Cells;
  readonly #isWeak: boolean;
  /** By CPU. */
  #counts: number[] = [];
  #barriers: number[] = [];
  #invisible: Store[][] = [];
  /** Up to when a CPU has seen all that is visible. */
  #floors: number[] = [];
  #fibers: (Fiber | null)[] = [];
  /** By CPU and place: the newest store that it has seen there. */
  #seen: Map<number, number>[] = [];
  /** By place: the newest store. */
  #newest = new Map<number, Store>();
  /** When a key was last released. */
  #released = new Map<number, number>();
  #now = 0;

  constructor(engine: Deciding, cells: Cells, name: 'tso' | 'weak') {
    this.#engine = engine;
    this.#cells = cells;
    this.#isWeak = name === 'weak';
    this.begin();
  }

  /** The run begins: all CPUs agree on everything. */
  begin(): void {
    const { cpus } = this.#engine;
    this.#counts = cpus.map(() => 0);
    this.#barriers = cpus.map(() => 0);
    this.#invisible = cpus.map(() => []);
    this.#floors = cpus.map(() => 0);
    this.#fibers = cpus.map(({ fiber }) => fiber);
    this.#seen = cpus.map(() => new Map<number, number>());
    this.#newest.clear();
    this.#released.clear();
    this.#now = 0;
  }

  /** Before a CPU takes a step: what it orders, and which value it reads. */
  step(cpu: number, fiber: Fiber, request: Request): void {
    if (fiber !== this.#fibers[cpu] || request.kind === BLOCK) {
      this.#fibers[cpu] = fiber;
      this.agree();
    }
    if (request.access === NONE) {
      this.#barrier(cpu, request.order);
      return;
    }
    if (request.effect === NO_EFFECT) return;
    if (request.access === READ) this.#read(cpu, request);
    else this.#write(cpu, request);
  }

  /** Something happened that everybody knows of: an event, a switch of tasks. */
  agree(): void {
    for (const stores of this.#invisible) this.#showAll(stores);
    this.#newest.clear();
    for (const seen of this.#seen) seen.clear();
    this.#floors.fill(this.#now);
  }

  /** What the present CPU did comes before what others do from now on, and the other way round. */
  fence(): void {
    this.#barrier(this.#engine.cpu.id, FULL);
  }

  /** The next access of the present CPU is at an address that one of its loads has given. */
  depends(): void {
    this.#raise(this.#engine.cpu.id, this.#now);
  }

  /** State of the kernel that is not in memory has changed or was looked at. */
  touched(key: number, how: Access): void {
    const area = areaOf(key);
    if (UNORDERED_AREAS.includes(area)) return;
    if (area !== READERS_AREA) this.fence();
    else if (how !== READ) this.agree();
  }

  release(key: number): void {
    this.#showAll(this.#invisible[this.#engine.cpu.id]!);
    this.#released.set(key, this.#now);
  }

  acquire(key: number): void {
    this.#raise(this.#engine.cpu.id, this.#released.get(key) ?? 0);
  }

  wake(): void {
    this.agree();
  }

  #barrier(cpu: number, order: number): void {
    if (order === FULL) this.#showAll(this.#invisible[cpu]!);
    if (order === FULL || order === ACQUIRE) this.#raise(cpu, this.#now);
    if (order === RELEASE) this.#barriers[cpu] = this.#counts[cpu]!;
  }

  #read(cpu: number, request: Request): void {
    const newest = this.#newestAt(request);
    const older = request.kind === STEP ? this.#olderFor(cpu, placeOf(request), newest) : [];
    const back = this.#engine.decide('stale', older.length + 1);
    const stale = back > 0 ? older[back - 1]! : undefined;
    const read = stale ? stale.below : newest;
    if (read && read.cpu !== cpu) this.#show(read);
    if (this.#isWeak) this.#seen[cpu]!.set(placeOf(request), read?.nth ?? 0);
    if (stale) {
      this.#showOnce(request, stale.before);
      this.#engine.note(`CPU${stale.cpu}'s store is not seen yet`);
    }
    if (orderOf(request) === ACQUIRE || orderOf(request) === FULL) {
      this.#raise(cpu, this.#now);
    }
  }

  /** The stores, newest first, before which the CPU may still read. */
  #olderFor(cpu: number, place: number, newest: Store | null): Store[] {
    const older: Store[] = [];
    const seen = this.#seen[cpu]!.get(place) ?? 0;
    const floor = this.#isWeak ? this.#floors[cpu]! : Infinity;
    for (let store = newest; store !== null && older.length < DEPTH_MAX; store = store.below) {
      const isKnown = store.visibleAt !== 0 && store.visibleAt <= floor;
      if (store.cpu === cpu || isKnown || store.nth <= seen) break;
      older.push(store);
    }
    return older;
  }

  #write(cpu: number, request: Request): void {
    const order = orderOf(request);
    const isAtomic = request.access === RMW;
    // An x86 instruction with a lock prefix is a barrier whatever its order.
    const isFull = order === FULL || (isAtomic && !this.#isWeak);
    const newest = this.#newestAt(request);
    if (isFull || order === RELEASE) this.#barriers[cpu] = this.#counts[cpu]!;
    if (isFull || (isAtomic && order === RELEASE)) this.#showAll(this.#invisible[cpu]!);
    if (isAtomic && newest) this.#show(newest);
    if (isFull || order === ACQUIRE) this.#raise(cpu, this.#now);
    const after = order === RELEASE || !this.#isWeak ? this.#counts[cpu]! : this.#barriers[cpu]!;
    const { effect } = request;
    const before = this.#cells.load(request);
    request.effect = (own) => {
      own.effect = effect;
      const result = effect(own);
      const value = this.#cells.load(request);
      // A compare-and-swap that fails is a read, of what is newest.
      if (isAtomic && value === before) this.#seen[cpu]!.set(placeOf(request), newest?.nth ?? 0);
      else this.#stored(cpu, request, { before, value, after }, isFull || isAtomic);
      return result;
    };
  }

  #stored(
    cpu: number,
    request: Request,
    what: { readonly before: unknown; readonly value: unknown; readonly after: number },
    isVisible: boolean,
  ): void {
    const below = this.#newest.get(placeOf(request)) ?? null;
    const index = ++this.#counts[cpu]!;
    const { addr, size } = request;
    const nth = (below?.nth ?? 0) + 1;
    const store: Store = { cpu, addr, size, index, ...what, below, nth, visibleAt: 0 };
    this.#newest.set(placeOf(request), store);
    this.#invisible[cpu]!.push(store);
    this.#seen[cpu]!.set(placeOf(request), nth);
    if (isVisible) this.#show(store);
  }

  /** The newest store to just these bytes; null where none is known, or another came after it. */
  #newestAt(request: Request): Store | null {
    const newest = this.#newest.get(placeOf(request));
    if (!newest) return null;
    const isSame = newest.addr === request.addr && newest.size === request.size;
    if (isSame && newest.value === this.#cells.load(request)) return newest;
    this.#show(newest);
    this.#newest.delete(placeOf(request));
    return null;
  }

  /** It becomes visible, and with it all that must be before it. */
  #show(store: Store): void {
    if (store.visibleAt !== 0) return;
    if (store.below) this.#show(store.below);
    const own = this.#invisible[store.cpu]!;
    for (const other of own.filter(({ index }) => index <= store.after)) this.#show(other);
    store.visibleAt = ++this.#now;
    this.#invisible[store.cpu] = this.#invisible[store.cpu]!.filter((other) => other !== store);
  }

  #showAll(stores: readonly Store[]): void {
    for (const store of stores) this.#show(store); // each leaves a new list, not this one
  }

  #raise(cpu: number, time: number): void {
    if (this.#floors[cpu]! < time) this.#floors[cpu] = time;
  }

  /** The effect finds `value`; then all is as before. */
  #showOnce(request: Request, value: unknown): void {
    const { effect } = request;
    request.effect = (own) => {
      own.effect = effect;
      const newest = this.#cells.load(request);
      this.#cells.store(request, value);
      try {
        return effect(own);
      } finally {
        this.#cells.store(request, newest);
      }
    };
  }
}

/** Words are told apart, not their bytes: accesses of another size see all stores to a word. */
function placeOf({ addr }: Request): number {
  return addr - (addr % 8);
}

function orderOf(request: Request): number {
  return request.order & ~COMMUTING;
}
