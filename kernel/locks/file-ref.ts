import { FULL, READ, RMW, Request, STEP, WRITE, type Sim } from '../../sim/request.ts';
import type { FailureKind } from '../../sim/failure.ts';
import type { Machine } from '../machine.ts';
import type { Memory } from '../memory.ts';
import { pointerText } from '../oops.ts';
import type { Sched } from '../sched.ts';

/**
 * Zones of the stored value, which is the number of references minus 1. Below SATURATED it is
 * alive. include/linux/file_ref.h
 */
const FILE_REF_ONEREF = 0;
export const FILE_REF_MAXREF = 0x7fff_ffff_ffff_ffffn;
export const FILE_REF_SATURATED = 0xa000_0000_0000_0000n;
export const FILE_REF_RELEASED = 0xc000_0000_0000_0000n;
export const FILE_REF_DEAD = 0xe000_0000_0000_0000n;
export const FILE_REF_NOREF = 0xffff_ffff_ffff_ffffn;

const IMBALANCED = 'imbalanced put on file reference count';

/** Counts below are exact as numbers, and need no bigint. */
const SMALL = 2 ** 52;

type Effect<T> = (request: Request<unknown>) => T;

/** Whether it is in the live zone: what #add() gives as a number always is. */
function isLive(value: number | bigint): boolean {
  return typeof value === 'number' || value <= FILE_REF_MAXREF;
}

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
  readonly #bySum: boolean;

  constructor(machine: Machine, sched: Sched) {
    this.#machine = machine;
    this.#zones = machine.facts.fileRef;
    this.#bySum = machine.mutated('file_ref.get-by-sum');
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
  get(site: number, addr: number): Sim<boolean> {
    return this.#request(site, addr, this.#zones ? FileRefs.#get : FileRefs.#getPlain);
  }

  /** True for the last: the caller tears the file down. file_ref_put() */
  put(site: number, addr: number): Sim<boolean> {
    return this.#request(site, addr, this.#zones ? FileRefs.#put : FileRefs.#putPlain);
  }

  /** The same for one who probably has the last. file_ref_put_close() */
  put_close(site: number, addr: number): Sim<boolean> {
    return this.#request(site, addr, this.#zones ? FileRefs.#putClose : FileRefs.#putPlain);
  }

  /** For one who holds a reference already. get_file(), file_ref_inc() */
  inc(site: number, addr: number): Sim<void> {
    return this.#request(site, addr, FileRefs.#inc);
  }

  /** The same as part of an atomic region, which stands for a lock. */
  incUnderLock(addr: number): void {
    const { memory } = this;
    memory.unwatched(() => memory.setU64(addr, memory.u64(addr) + 1n));
  }

  #request<T>(site: number, addr: number, effect: Effect<T>): Sim<T> {
    const request = new Request<T>(STEP, site, addr, 8, RMW, effect);
    request.order = FULL;
    request.target = this;
    return request as unknown as Sim<T>;
  }

  // Each effect is one step; what takes more goes on with the next.

  static readonly #get: Effect<boolean> = (request) => {
    const refs = request.target as FileRefs;
    const value = refs.#add(request.addr, 1);
    if (isLive(value)) return true;
    if (refs.#bySum && value >= FILE_REF_RELEASED) return false;
    request.goOn(STEP, READ, FileRefs.#getSlow);
    return true;
  };

  /**
   * The increment landed outside of the live zone. Between the two the memory may have become
   * another file, whose count is live and does not have that increment. __file_ref_get()
   */
  static readonly #getSlow: Effect<boolean> = (request) => {
    const value = (request.target as FileRefs).memory.u64(request.addr);
    if (value >= FILE_REF_RELEASED) request.goOn(STEP, WRITE, FileRefs.#getDead);
    else if (value > FILE_REF_MAXREF) request.goOn(STEP, WRITE, FileRefs.#getSaturated);
    return true;
  };

  static readonly #getDead: Effect<boolean> = (request) => {
    (request.target as FileRefs).memory.setU64(request.addr, FILE_REF_DEAD);
    return false;
  };

  static readonly #getSaturated: Effect<boolean> = (request) => {
    const refs = request.target as FileRefs;
    refs.memory.setU64(request.addr, FILE_REF_SATURATED);
    refs.#warn('refcount-saturated', 'file reference saturated; leaking memory', request.addr);
    return true;
  };

  /** What lands outside of the live zone takes a second step, with preemption off until then. */
  static readonly #put: Effect<boolean> = (request) => {
    const refs = request.target as FileRefs;
    const value = refs.#add(request.addr, -1);
    if (isLive(value)) return false;
    refs.sched.preemptDisable();
    if (value === FILE_REF_NOREF) request.goOn(STEP, RMW, FileRefs.#putLast);
    else if (value >= FILE_REF_RELEASED) request.goOn(STEP, WRITE, FileRefs.#putDead);
    else request.goOn(STEP, WRITE, FileRefs.#putSaturated);
    return false;
  };

  /** Unless a get has come in between, this was the last. __file_ref_put() */
  static readonly #putLast: Effect<boolean> = (request) => {
    const { memory, sched } = request.target as FileRefs;
    const last = memory.u64(request.addr) === FILE_REF_NOREF;
    if (last) memory.setU64(request.addr, FILE_REF_DEAD);
    sched.preemptEnable();
    return last;
  };

  static readonly #putDead: Effect<boolean> = (request) => {
    const refs = request.target as FileRefs;
    refs.memory.setU64(request.addr, FILE_REF_DEAD);
    refs.sched.preemptEnable();
    refs.#warn('refcount-underflow', IMBALANCED, request.addr);
    return false;
  };

  static readonly #putSaturated: Effect<boolean> = (request) => {
    const { memory, sched } = request.target as FileRefs;
    memory.setU64(request.addr, FILE_REF_SATURATED);
    sched.preemptEnable();
    return false;
  };

  static readonly #putClose: Effect<boolean> = (request) => {
    const { memory } = request.target as FileRefs;
    const only = memory.long(request.addr) === FILE_REF_ONEREF;
    if (only) memory.setU64(request.addr, FILE_REF_DEAD);
    else request.goOn(STEP, RMW, FileRefs.#put);
    return only;
  };

  static readonly #inc: Effect<void> = (request) => {
    const refs = request.target as FileRefs;
    const value = refs.#add(request.addr, 1);
    const was = value === 0 ? FILE_REF_NOREF : BigInt(value) - 1n;
    if (refs.#zones ? was > FILE_REF_MAXREF : was === 0n) {
      refs.#warn(
        'refcount-add-on-zero',
        refs.#zones
          ? 'file_ref_inc() on a released file reference'
          : 'get_file() on a file count of 0',
        request.addr,
      );
    }
  };

  /** v6.1: atomic_long_inc_not_zero() */
  static readonly #getPlain: Effect<boolean> = (request) => {
    const refs = request.target as FileRefs;
    if (refs.memory.long(request.addr) === 0) return false;
    refs.#add(request.addr, 1);
    return true;
  };

  /** v6.1: atomic_long_dec_and_test() */
  static readonly #putPlain: Effect<boolean> = (request) => {
    const refs = request.target as FileRefs;
    const value = refs.#add(request.addr, -1);
    if (!isLive(value)) refs.#warn('refcount-underflow', IMBALANCED, request.addr);
    return value === 0;
  };

  /** The new value, unsigned: a number where that is exact, else a bigint. */
  #add(addr: number, delta: 1 | -1): number | bigint {
    const { memory } = this;
    const before = memory.long(addr);
    if (before > 0 && before < SMALL) {
      memory.setLong(addr, before + delta);
      return before + delta;
    }
    if (before === 0 && delta === 1) {
      memory.setLong(addr, 1);
      return 1;
    }
    const value = BigInt.asUintN(64, memory.u64(addr) + BigInt(delta));
    memory.setU64(addr, value);
    return value === 0n ? 0 : value;
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
