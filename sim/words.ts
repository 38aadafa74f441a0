import type { Cells } from './memory-model.ts';
import {
  ACQUIRE,
  COMMUTING,
  FULL,
  READ,
  RELAXED,
  RELEASE,
  RMW,
  Request,
  STEP,
  WAIT,
  WRITE,
  type Access,
  type Foreseeing,
  type Gate,
  type Order,
} from './request.ts';
import { site } from './site.ts';

/** Where the words of a program stand: nowhere in particular, as long as none is at 0. */
const FIRST_ADDR = 0x1000;
const WORD_BYTES = 8;

type Held = (value: number) => boolean;

/** Open while a word's value is such. */
class WordGate implements Gate {
  isOpen: boolean;
  readonly holds: Held;

  constructor(holds: Held, value: number) {
    this.holds = holds;
    this.isOpen = holds(value);
  }

  look(value: number): void {
    this.isOpen = this.holds(value);
  }
}

/**
 * A word that threads share: each operation is one step, `yield* word.read()`. Values are whole
 * numbers. What Linux calls it: READ_ONCE(), WRITE_ONCE(), atomic_add(), atomic_fetch_add(),
 * atomic_xchg(), atomic_cmpxchg(), the last three fully ordered if not told otherwise.
 */
export class Word implements Foreseeing {
  readonly name: string;
  readonly addr: number;
  value: number;
  readonly #initial: number;
  readonly #gates: WordGate[] = [];
  /** Of take(), by the value that it waits for. */
  readonly #takers = new Map<number, WordGate>();
  readonly #sites = new Map<string, number>();

  constructor(name: string, ordinal: number, initial: number) {
    this.name = name;
    this.addr = FIRST_ADDR + ordinal * WORD_BYTES;
    this.value = this.#initial = initial;
  }

  reset(): void {
    this.value = this.#initial;
    if (this.#gates.length > 0) this.#gates.length = 0;
    if (this.#takers.size > 0) this.#takers.clear();
  }

  /** READ_ONCE(), or smp_load_acquire(). */
  read(order: Order = RELAXED): Request<number> {
    const request = this.#request('read', STEP, READ, load);
    request.order = order;
    return request;
  }

  /** WRITE_ONCE(), or smp_store_release(). */
  write(value: number, order: Order = RELAXED): Request<void> {
    const request = this.#request('write', STEP, WRITE, store);
    request.a = value;
    request.order = order;
    return request;
  }

  /** Adds, and does not look: two of these may change places, and it orders nothing. */
  add(value: number): Request<void> {
    const request = this.#request('add', STEP, RMW, add);
    request.a = value;
    request.order = RELAXED | COMMUTING;
    return request;
  }

  /** Adds; the value before. */
  fetchAdd(value: number, order: Order = FULL): Request<number> {
    const request = this.#request('fetch_add', STEP, RMW, fetchAdd);
    request.order = order;
    request.a = value;
    return request;
  }

  /** Puts a value there; the one before. */
  xchg(value: number, order: Order = FULL): Request<number> {
    const request = this.#request('xchg', STEP, RMW, exchange);
    request.order = order;
    request.a = value;
    return request;
  }

  /** Puts `next` there if `old` is; true where it was. A failure only reads. */
  cmpxchg(old: number, next: number, order: Order = FULL): Request<boolean> {
    const request = this.#request('cmpxchg', STEP, RMW, compareExchange);
    request.order = order;
    request.a = next;
    request.wide = BigInt(old);
    return request;
  }

  /** Waits until the value is such; that value. A step that is possible only then. */
  until(holds: Held): Request<number> {
    const request = this.#request('until', WAIT, READ, load);
    request.args = [this.#gate(holds)];
    return request;
  }

  /** Waits until the value is `old` and puts `next` there, in one step. */
  take(old: number, next: number): Request<void> {
    let gate = this.#takers.get(old);
    if (!gate) this.#takers.set(old, (gate = this.#gate((value) => value === old)));
    const request = this.#request('take', WAIT, RMW, store);
    request.a = next;
    request.order = ACQUIRE;
    request.args = [gate];
    return request;
  }

  /** The write that lets those go on who wait in take(). */
  give(value: number): Request<void> {
    const request = this.#request('give', STEP, WRITE, store);
    request.a = value;
    request.order = RELEASE;
    return request;
  }

  gateOf(request: Request): Gate {
    return request.args[0] as WordGate;
  }

  isReadyIf(request: Request, value: number): boolean {
    return (request.args[0] as WordGate).holds(value);
  }

  /** Only of a compare-and-swap does it depend on the value. */
  accessIf(request: Request, value: number): Access {
    if (request.effect !== compareExchange) return request.access;
    return value === Number(request.wide) ? RMW : READ;
  }

  /** Called by effects. `request.b` becomes the value before: see Foreseeing. */
  set(request: Request, value: number): void {
    request.b = this.value;
    this.value = value;
    for (let i = 0; i < this.#gates.length; i++) this.#gates[i]!.look(value);
  }

  /** It is looked at whenever the value changes, until the end of the run. */
  #gate(holds: Held): WordGate {
    const gate = new WordGate(holds, this.value);
    this.#gates.push(gate);
    return gate;
  }

  #request<T>(
    what: string,
    kind: number,
    access: typeof READ | typeof WRITE | typeof RMW,
    effect: (request: Request<unknown>) => T,
  ): Request<T> {
    let id = this.#sites.get(what);
    if (id === undefined) this.#sites.set(what, (id = site(this.name, what)));
    const request = new Request<T>(kind, id, this.addr, 4, access, effect);
    request.target = this;
    return request;
  }
}

/** Where memory models find the values. */
export const WORDS: Cells = {
  load: (request) => (request.target as Word).value,
  store: (request, value) => {
    (request.target as Word).value = value as number;
  },
};

function load(request: Request): number {
  return (request.target as Word).value;
}

function store(request: Request): void {
  (request.target as Word).set(request, request.a);
}

function add(request: Request): void {
  fetchAdd(request);
}

function fetchAdd(request: Request): number {
  const word = request.target as Word;
  word.set(request, word.value + request.a);
  return request.b;
}

function exchange(request: Request): number {
  store(request);
  return request.b;
}

function compareExchange(request: Request): boolean {
  const word = request.target as Word;
  if (word.value !== Number(request.wide)) {
    request.access = READ;
    return false;
  }
  word.set(request, request.a);
  return true;
}
