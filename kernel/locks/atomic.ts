import {
  ACQUIRE,
  FULL,
  READ,
  RELAXED,
  RMW,
  Request,
  STEP,
  WRITE,
  type Access,
  type Order,
} from '../../sim/request.ts';
import type { Machine } from '../machine.ts';
import type { Memory } from '../memory.ts';

// What each request does when its turn comes: constants, so that a request is one allocation.

type Effect<T> = (request: Request<unknown>) => T;

const read32: Effect<number> = ({ target, addr }) => (target as Memory).u32(addr);
const readPtr: Effect<number> = ({ target, addr }) => (target as Memory).ptr(addr);
const read64: Effect<bigint> = ({ target, addr }) => (target as Memory).u64(addr);
const write32: Effect<void> = ({ target, addr, a }) => (target as Memory).setU32(addr, a);
const writePtr: Effect<void> = ({ target, addr, a }) => (target as Memory).setPtr(addr, a);
const write64: Effect<void> = ({ target, addr, wide }) => (target as Memory).setU64(addr, wide);

const add32: Effect<number> = ({ target, addr, a }) => {
  const value = ((target as Memory).u32(addr) + a) | 0;
  (target as Memory).setU32(addr, value);
  return value;
};

const add64: Effect<bigint> = ({ target, addr, wide }) => {
  const value = BigInt.asUintN(64, (target as Memory).u64(addr) + wide);
  (target as Memory).setU64(addr, value);
  return value;
};

const xchgPtr: Effect<number> = ({ target, addr, a }) => {
  const found = (target as Memory).ptr(addr);
  (target as Memory).setPtr(addr, a);
  return found;
};

const xchg32: Effect<number> = ({ target, addr, a }) => {
  const found = (target as Memory).u32(addr);
  (target as Memory).setU32(addr, a);
  return found;
};

const cmpxchg32: Effect<number> = ({ target, addr, a, b }) => {
  const found = (target as Memory).u32(addr);
  if (found === a >>> 0) (target as Memory).setU32(addr, b);
  return found;
};

const cmpxchg64: Effect<bigint> = ({ target, addr, wideOld, wide }) => {
  const found = (target as Memory).u64(addr);
  if (found === wideOld) (target as Memory).setU64(addr, wide);
  return found;
};

const cmpxchgPtr: Effect<number> = ({ target, addr, a, b }) => {
  const found = (target as Memory).ptr(addr);
  if (found === a) (target as Memory).setPtr(addr, b);
  return found;
};

/** Who touches which bytes how, of which one request is made. */
interface Marked<T> {
  readonly size: 4 | 8;
  readonly access: Access;
  readonly effect: Effect<T>;
}

const READ32: Marked<number> = { size: 4, access: READ, effect: read32 };
const READ_PTR: Marked<number> = { size: 8, access: READ, effect: readPtr };
const READ64: Marked<bigint> = { size: 8, access: READ, effect: read64 };
const WRITE32: Marked<void> = { size: 4, access: WRITE, effect: write32 };
const WRITE_PTR: Marked<void> = { size: 8, access: WRITE, effect: writePtr };
const WRITE64: Marked<void> = { size: 8, access: WRITE, effect: write64 };
const ADD32: Marked<number> = { size: 4, access: RMW, effect: add32 };
const ADD64: Marked<bigint> = { size: 8, access: RMW, effect: add64 };
const XCHG32: Marked<number> = { size: 4, access: RMW, effect: xchg32 };
const XCHG_PTR: Marked<number> = { size: 8, access: RMW, effect: xchgPtr };
const CMPXCHG32: Marked<number> = { size: 4, access: RMW, effect: cmpxchg32 };
const CMPXCHG64: Marked<bigint> = { size: 8, access: RMW, effect: cmpxchg64 };
const CMPXCHG_PTR: Marked<number> = { size: 8, access: RMW, effect: cmpxchgPtr };

/**
 * Marked accesses: READ_ONCE, WRITE_ONCE, smp_load_acquire, smp_store_release and the atomics.
 * Each returns one step: `yield*` it. include/linux/atomic.h, asm-generic/rwonce.h
 */
export class Atomics {
  readonly #memory: Memory;

  constructor(machine: Machine) {
    this.#memory = machine.memory;
  }

  /** Unsigned. */
  read32(site: number, addr: number, order: Order = RELAXED): Request<number> {
    return this.#request(READ32, site, addr, order);
  }

  write32(site: number, addr: number, value: number, order: Order = RELAXED): Request<void> {
    return this.#request(WRITE32, site, addr, order, value);
  }

  /**
   * rcu_dereference() and READ_ONCE() of a pointer. What is reached through it comes after the
   * read, by address dependency; the monitor takes that for an acquire. Spec 00, R48.
   */
  readPtr(site: number, addr: number, order: Order = ACQUIRE): Request<number> {
    return this.#request(READ_PTR, site, addr, order);
  }

  /** rcu_assign_pointer() is RELEASE. */
  writePtr(site: number, addr: number, value: number, order: Order = RELAXED): Request<void> {
    return this.#request(WRITE_PTR, site, addr, order, value);
  }

  /** The new value, signed, as atomic_t is. atomic_add_return() */
  add32(site: number, addr: number, delta: number, order: Order = FULL): Request<number> {
    return this.#request(ADD32, site, addr, order, delta);
  }

  /** What it found, unsigned: `old` where it stored. atomic_cmpxchg() */
  cmpxchg32(site: number, addr: number, old: number, value: number): Request<number> {
    return this.#request(CMPXCHG32, site, addr, FULL, old, value);
  }

  xchg32(site: number, addr: number, value: number): Request<number> {
    return this.#request(XCHG32, site, addr, FULL, value);
  }

  xchgPtr(site: number, addr: number, value: number): Request<number> {
    return this.#request(XCHG_PTR, site, addr, FULL, value);
  }

  cmpxchgPtr(site: number, addr: number, old: number, value: number): Request<number> {
    return this.#request(CMPXCHG_PTR, site, addr, FULL, old, value);
  }

  // The same in 64 bits, unsigned.

  read64(site: number, addr: number, order: Order = RELAXED): Request<bigint> {
    return this.#request(READ64, site, addr, order);
  }

  write64(site: number, addr: number, value: bigint, order: Order = RELAXED): Request<void> {
    const request = this.#request(WRITE64, site, addr, order);
    request.wide = value;
    return request;
  }

  /** The new value. */
  add64(site: number, addr: number, delta: bigint, order: Order = FULL): Request<bigint> {
    const request = this.#request(ADD64, site, addr, order);
    request.wide = delta;
    return request;
  }

  cmpxchg64(site: number, addr: number, old: bigint, value: bigint): Request<bigint> {
    const request = this.#request(CMPXCHG64, site, addr, FULL);
    request.wideOld = old;
    request.wide = value;
    return request;
  }

  #request<T>(
    marked: Marked<T>,
    site: number,
    addr: number,
    order: Order,
    a = 0,
    b = 0,
  ): Request<T> {
    const { size, access, effect } = marked;
    const request = new Request<T>(STEP, site, addr, size, access, effect, a, b);
    request.order = order;
    request.target = this.#memory;
    return request;
  }
}
