import {
  ACQUIRE,
  FULL,
  RELAXED,
  RMW,
  Request,
  STEP,
  type Order,
  type Sim,
} from '../../sim/request.ts';
import type { FailureKind } from '../../sim/failure.ts';
import type { Machine } from '../machine.ts';
import { pointerText } from '../oops.ts';

/** include/linux/refcount.h: INT_MIN / 2, far from both ends. */
const REFCOUNT_SATURATED = 0xc000_0000 | 0;

/** lib/refcount.c: refcount_warn_saturate() */
const ADD_NOT_ZERO_OVF = {
  kind: 'refcount-saturated',
  line: 19,
  text: 'saturated; leaking memory.',
} as const;
const ADD_UAF = {
  kind: 'refcount-add-on-zero',
  line: 25,
  text: 'addition on 0; use-after-free.',
} as const;
const ADD_OVF = { ...ADD_NOT_ZERO_OVF, line: 22 } as const;
const SUB_UAF = {
  kind: 'refcount-underflow',
  line: 28,
  text: 'underflow; use-after-free.',
} as const;

interface Saturation {
  readonly kind: FailureKind;
  readonly line: number;
  readonly text: string;
}

type Effect<T> = (request: Request<unknown>) => T;

/**
 * refcount_t: a 32-bit counter that sticks rather than wraps. Each operation is one step; a
 * warning is a failure that lets the run go on. include/linux/refcount.h
 */
export class Refcounts {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  refcount_inc(site: number, addr: number): Sim<void> {
    return this.#request(site, addr, RELAXED, Refcounts.#incEffect);
  }

  /** False at zero: the object is dying. */
  refcount_inc_not_zero(site: number, addr: number): Sim<boolean> {
    return this.#request(site, addr, ACQUIRE, Refcounts.#incNotZeroEffect);
  }

  /** True for whoever drops the last reference. */
  refcount_dec_and_test(site: number, addr: number): Sim<boolean> {
    return this.#request(site, addr, FULL, Refcounts.#decEffect);
  }

  #request<T>(site: number, addr: number, order: Order, effect: Effect<T>): Sim<T> {
    const request = new Request<T>(STEP, site, addr, 4, RMW, effect);
    request.order = order;
    request.target = this;
    return request as unknown as Sim<T>;
  }

  static readonly #incEffect: Effect<void> = ({ target, addr }) =>
    void (target as Refcounts).#inc(addr, false);

  static readonly #incNotZeroEffect: Effect<boolean> = ({ target, addr }) =>
    (target as Refcounts).#inc(addr, true);

  static readonly #decEffect: Effect<boolean> = ({ target, addr }) =>
    (target as Refcounts).#dec(addr);

  #inc(addr: number, notZero: boolean): boolean {
    const { memory } = this.#machine;
    const old = memory.s32(addr);
    if (old === 0 && notZero) return false;
    memory.setU32(addr, old + 1);
    if (old === 0) this.#warn(ADD_UAF, addr);
    else if (old < 0 || old === 0x7fff_ffff) this.#warn(notZero ? ADD_NOT_ZERO_OVF : ADD_OVF, addr);
    return true;
  }

  #dec(addr: number): boolean {
    const { memory } = this.#machine;
    const old = memory.s32(addr);
    memory.setU32(addr, old - 1);
    if (old === 1) return true;
    if (old <= 0) this.#warn(SUB_UAF, addr);
    return false;
  }

  /** lib/refcount.c: refcount_warn_saturate() */
  #warn({ kind, line, text }: Saturation, addr: number): void {
    const machine = this.#machine;
    machine.memory.setU32(addr, REFCOUNT_SATURATED);
    const object = machine.slab.objectOf(addr);
    machine.fail({
      kind,
      title: `refcount_t: ${text}`,
      lines: [
        `WARNING: CPU: ${machine.engine.cpu.id} PID: ${machine.context?.pid ?? 0} at ` +
          `lib/refcount.c:${line} refcount_warn_saturate`,
        `refcount_t at ${pointerText(addr)}`,
        ...machine.traceLines(),
      ],
      objects: object ? [{ type: object.cache, addr: object.addr }] : [],
      fatal: false,
    });
  }
}
