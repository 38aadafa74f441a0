import { FULL, READ, RELAXED, RMW, Request, STEP, WRITE, type Access, type Order,
  type Sim } from '../../sim/request.ts';
import type { FailureKind } from '../../sim/failure.ts';
import type { Machine } from '../machine.ts';
import type { Memory } from '../memory.ts';
import { pointerText } from '../oops.ts';
import type { Sched } from '../sched.ts';

/**
 * Zones of the stored value, which is the number of references minus 1. Below SATURATED it is
 * alive. include/linux/file_ref.h
 */
export const FILE_REF_ONEREF = 0n;
export const FILE_REF_MAXREF = 0x7fff_ffff_ffff_ffffn;
export const FILE_REF_SATURATED = 0xa000_0000_0000_0000n;
export const FILE_REF_RELEASED = 0xc000_0000_0000_0000n;
export const FILE_REF_DEAD = 0xe000_0000_0000_0000n;
export const FILE_REF_NOREF = 0xffff_ffff_ffff_ffffn;

type Effect<T> = (request: Request<any>) => T;

interface Marked<T> {
  readonly access: Access;
  readonly order: Order;
  readonly effect: Effect<T>;
}

const memoryOf = (request: Request<any>): Memory => (request.target as FileRefs).memory;

const addOne: Effect<bigint> = (request) => {
  const memory = memoryOf(request);
  const value = BigInt.asUintN(64, memory.u64(request.addr) + 1n);
  memory.setU64(request.addr, value);
  return value;
};

/** Preemption is off from this step to the end of the put. */
const subtractOne: Effect<bigint> = (request) => {
  const memory = memoryOf(request);
  const value = BigInt.asUintN(64, memory.u64(request.addr) - 1n);
  memory.setU64(request.addr, value);
  if (value > FILE_REF_MAXREF) (request.target as FileRefs).sched.preemptDisable();
  return value;
};

const subtractPlain: Effect<bigint> = (request) => {
  const memory = memoryOf(request);
  const value = BigInt.asUintN(64, memory.u64(request.addr) - 1n);
  memory.setU64(request.addr, value);
  return value;
};

const read: Effect<bigint> = (request) => memoryOf(request).u64(request.addr);

const write: Effect<void> = (request) => memoryOf(request).setU64(request.addr, request.wide);

const tryCmpxchg: Effect<boolean> = (request) => {
  const memory = memoryOf(request);
  if (memory.u64(request.addr) !== request.wideOld) return false;
  memory.setU64(request.addr, request.wide);
  return true;
};

const incNotZero: Effect<boolean> = (request) => {
  const memory = memoryOf(request);
  const count = memory.u64(request.addr);
  if (count === 0n) return false;
  memory.setU64(request.addr, BigInt.asUintN(64, count + 1n));
  return true;
};

const ADD_ONE: Marked<bigint> = { access: RMW, order: FULL, effect: addOne };
const SUBTRACT_ONE: Marked<bigint> = { access: RMW, order: FULL, effect: subtractOne };
const ADD_MINUS_ONE: Marked<bigint> = { access: RMW, order: FULL, effect: subtractPlain };
const READ_COUNT: Marked<bigint> = { access: READ, order: RELAXED, effect: read };
const SET: Marked<void> = { access: WRITE, order: RELAXED, effect: write };
const TRY_CMPXCHG: Marked<boolean> = { access: RMW, order: FULL, effect: tryCmpxchg };
const INC_NOT_ZERO: Marked<boolean> = { access: RMW, order: FULL, effect: incNotZero };

/**
 * The reference count of struct file, as the profile has it: file_ref_t in v7.2, a plain
 * atomic_long_t in v6.1, where a zero is for ever. `addr` is that of f_count. Spec 00, R5 to R10;
 * fs/file.c, include/linux/file_ref.h
 */
export class FileRefs {
  readonly memory: Memory;
  readonly sched: Sched;
  readonly #machine: Machine;
  readonly #zones: boolean;

  constructor(machine: Machine, sched: Sched) {
    this.#machine = machine;
    this.#zones = machine.facts.fileRef;
    this.memory = machine.memory;
    this.sched = sched;
  }

  /** The last thing that is set up in a file: from here on a get may succeed. file_ref_init() */
  init(addr: number, references: number): void {
    const value = BigInt(this.#zones ? references - 1 : references);
    this.memory.unwatched(() => this.memory.setU64(addr, BigInt.asUintN(64, value)));
    this.#machine.engine.ordering?.release(addr);
  }

  /** How many there are, 0 where it is dead or dying: for checkers, not a step. file_count() */
  count(addr: number): number {
    const { memory } = this;
    const value = memory.onAccess ? memory.unwatched(() => memory.u64(addr)) : memory.u64(addr);
    if (!this.#zones) return Number(BigInt.asIntN(64, value));
    return value >= FILE_REF_RELEASED ? 0 : Number(value) + 1;
  }

  /** For one who holds no reference: false where the file is going away. file_ref_get() */
  *get(site: number, addr: number): Sim<boolean> {
    if (!this.#zones) return yield* this.#request(INC_NOT_ZERO, site, addr);
    const value = yield* this.#request(ADD_ONE, site, addr);
    if (value <= FILE_REF_MAXREF) return true;
    return yield* this.#getSlow(site, addr);
  }

  /** True for the last: the caller tears the file down. file_ref_put() */
  *put(site: number, addr: number): Sim<boolean> {
    if (!this.#zones) return yield* this.#putPlain(site, addr);
    const value = yield* this.#request(SUBTRACT_ONE, site, addr);
    if (value <= FILE_REF_MAXREF) return false;
    const last = yield* this.#putSlow(site, addr, value);
    this.sched.preemptEnable();
    return last;
  }

  /** The same for one who probably has the last. file_ref_put_close() */
  *put_close(site: number, addr: number): Sim<boolean> {
    if (!this.#zones) return yield* this.#putPlain(site, addr);
    const request = this.#request(TRY_CMPXCHG, site, addr, FILE_REF_DEAD, FILE_REF_ONEREF);
    if (yield* request) return true;
    return yield* this.put(site, addr);
  }

  /** For one who holds a reference already. get_file(), file_ref_inc() */
  *inc(site: number, addr: number): Sim<void> {
    const value = yield* this.#request(ADD_ONE, site, addr);
    if (!this.#zones) {
      if (value === 1n) this.#warn('refcount-add-on-zero', 'get_file() on a file count of 0', addr);
    } else if (BigInt.asUintN(64, value - 1n) > FILE_REF_MAXREF) {
      this.#warn('refcount-add-on-zero', 'file_ref_inc() on a released file reference', addr);
    }
  }

  /** The increment landed outside of the live zone. __file_ref_get() */
  *#getSlow(site: number, addr: number): Sim<boolean> {
    const value = yield* this.#request(READ_COUNT, site, addr);
    if (value >= FILE_REF_RELEASED) {
      yield* this.#request(SET, site, addr, FILE_REF_DEAD);
      return false;
    }
    if (value > FILE_REF_MAXREF) {
      yield* this.#request(SET, site, addr, FILE_REF_SATURATED);
      this.#warn('refcount-saturated', 'file reference saturated; leaking memory', addr);
    }
    return true;
  }

  /** The decrement landed outside of the live zone. __file_ref_put() */
  *#putSlow(site: number, addr: number, value: bigint): Sim<boolean> {
    if (value === FILE_REF_NOREF) {
      return yield* this.#request(TRY_CMPXCHG, site, addr, FILE_REF_DEAD, FILE_REF_NOREF);
    }
    if (value >= FILE_REF_RELEASED) {
      yield* this.#request(SET, site, addr, FILE_REF_DEAD);
      this.#warn('refcount-underflow', 'imbalanced put on file reference count', addr);
      return false;
    }
    yield* this.#request(SET, site, addr, FILE_REF_SATURATED);
    return false;
  }

  /** v6.1: atomic_long_dec_and_test() */
  *#putPlain(site: number, addr: number): Sim<boolean> {
    const value = yield* this.#request(ADD_MINUS_ONE, site, addr);
    if (value > FILE_REF_MAXREF) {
      this.#warn('refcount-underflow', 'imbalanced put on file reference count', addr);
    }
    return value === 0n;
  }

  #request<T>(marked: Marked<T>, site: number, addr: number, wide = 0n, wideOld = 0n): Request<T> {
    const request = new Request<T>(STEP, site, addr, 8, marked.access, marked.effect);
    request.order = marked.order;
    request.target = this;
    request.wide = wide;
    request.wideOld = wideOld;
    return request;
  }

  /** WARN_ONCE(): the run goes on. */
  #warn(kind: FailureKind, text: string, addr: number): void {
    const machine = this.#machine;
    const object = machine.slab.objectOf(addr);
    machine.fail({
      kind,
      title: text,
      lines: [
        `WARNING: CPU: ${machine.engine.cpu.id} PID: ${machine.context?.pid ?? 0} at ` +
          `include/linux/file_ref.h`,
        `f_count at ${pointerText(addr)}`,
        ...machine.traceLines(),
      ],
      objects: object ? [{ type: object.cache, addr: object.addr }] : [],
      fatal: false,
    });
  }
}
