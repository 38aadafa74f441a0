import { kernelSymbol, type KernelSymbol } from './site.ts';

/** What a fiber may ask of the engine. */
export const STEP = 0; // a point where another CPU may run; the operation follows atomically
export const CALL = 1; // a function of kernel text is entered: never seen by strategies
export const BLOCK = 2; // leave the CPU until somebody wakes this fiber
export const SPIN = 3; // burn the CPU until somebody calls engine.unspin() on this address
export const WAIT = 4; // a step that can be taken only while its target says that it is ready

/** Operand of a CALL that goes to the function itself, whatever hangs on its name. */
export const ENTERED = 1;
/** The same, in place of its caller: what it returns goes to the caller's caller. */
export const TAIL = 2;

/** What a step does to `size` bytes at `addr`. Two conflict if they overlap, not both READ. */
export const NONE = 0;
export const READ = 1;
export const WRITE = 2;
export const RMW = 3;
export type Access = typeof NONE | typeof READ | typeof WRITE | typeof RMW;

/** Memory order of an access, for the race monitor and the memory models. */
export const RELAXED = 0;
export const ACQUIRE = 1;
export const RELEASE = 2;
export const FULL = 3;
/** Not marked at all: a program's load or store, which is a point of interleaving all the same. */
export const PLAIN = 4;
export type Order = typeof RELAXED | typeof ACQUIRE | typeof RELEASE | typeof FULL | typeof PLAIN;

/**
 * Added to an order: a read-modify-write whose result nobody looks at, so that two of them on the
 * same bytes may change places. For the search only.
 */
export const COMMUTING = 8;

/** Open while the steps that wait at it can be taken. */
export interface Gate {
  readonly isOpen: boolean;
}

/**
 * What a request acts on, where that can say what the request would do at another time. Whatever
 * writes to it leaves in its request's `b` the value before. The target of every WAIT is one.
 */
export interface Foreseeing {
  /** What a WAIT waits for. */
  gateOf(request: Request<unknown>): Gate;
  /** Whether a WAIT could be taken if that were the value. */
  isReadyIf(request: Request<unknown>, value: number): boolean;
  /** How the request would access it, if that were the value. */
  accessIf(request: Request<unknown>, value: number): Access;
}

export function foreseeing(target: unknown): target is Foreseeing {
  return typeof (target as Foreseeing | null)?.accessIf === 'function';
}

/** A kernel function that may be preempted: `const n = yield* sys_close(6)`. */
export type Sim<T> = Generator<Request, T, unknown>;

type Effect<T> = (request: Request<unknown>) => T;

const NO_ARGS: readonly unknown[] = [];
/** What a request does that is only a point in the code. */
export const NO_EFFECT: Effect<never> = () => undefined as never;

/**
 * One operation that a fiber is about to do. It is its own iterator: `yield* request` hands it to
 * the engine, and once the engine resumes the fiber, performs `effect` and evaluates to its
 * result. One class for all requests, so that the engine's loop stays monomorphic; not a
 * generator, which would cost twice as much. Its fields are `declare`d, so that the constructor
 * alone writes them: a step is a quarter faster for it.
 */
export class Request<T = unknown> implements Iterator<Request, T, unknown> {
  declare kind: number;
  declare site: number;
  declare addr: number;
  declare size: number;
  declare access: Access;
  declare order: number;
  /** Operands of `effect`. */
  declare a: number;
  declare b: number;
  /** What `effect` acts on, and its 64-bit operands, so that effects can be constants. */
  declare target: unknown;
  declare wide: bigint;
  declare wideOld: bigint;
  declare effect: Effect<T>;
  /** CALL only: the body of the function entered, its name, and what was passed to it. */
  declare gen: Sim<T> | null;
  declare symbol: KernelSymbol | null;
  declare args: readonly unknown[];
  declare done: boolean;
  /** Undefined before it is handed to the engine, then itself, then the result. */
  declare value: unknown;

  constructor(
    kind: number,
    site: number,
    addr: number,
    size: number,
    access: Access,
    effect: Effect<T> = NO_EFFECT,
    a = 0,
    b = 0,
  ) {
    this.kind = kind;
    this.site = site;
    this.addr = addr;
    this.size = size;
    this.access = access;
    this.order = RELAXED;
    this.a = a;
    this.b = b;
    this.target = null;
    this.wide = 0n;
    this.wideOld = 0n;
    this.effect = effect;
    this.gen = null;
    this.symbol = null;
    this.args = NO_ARGS;
    this.done = false;
    this.value = undefined;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(sent?: unknown): IteratorResult<Request, T> {
    if (this.value === undefined) {
      this.value = this;
    } else {
      this.done = true;
      const value = this.kind === CALL ? sent : this.effect(this);
      if (this.done) this.value = value;
    }
    return this as unknown as IteratorResult<Request, T>;
  }

  /** For an effect that turns out not to be all: the request goes on with another step or spin. */
  goOn(kind: number, access: Access, effect: Effect<T>): void {
    this.done = false;
    this.kind = kind;
    this.access = access;
    this.effect = effect;
  }
}

/** A named point at which another CPU may run, with no access of its own. */
export function step(site: number): Request<void> {
  return new Request<void>(STEP, site, 0, 0, NONE);
}

/** A point about to touch `size` bytes at `addr`; `effect` then does so. */
export function access<T>(
  site: number,
  addr: number,
  size: number,
  kind: Access,
  effect?: (request: Request<unknown>) => T,
): Request<T> {
  return new Request<T>(STEP, site, addr, size, kind, effect);
}

export function block(site: number): Request<void> {
  return new Request<void>(BLOCK, site, 0, 0, NONE);
}

export function spin(site: number, addr: number): Request<void> {
  return new Request<void>(SPIN, site, addr, 4, READ);
}

const GeneratorFunction = Object.getPrototypeOf(function* () {}).constructor as Function;

/**
 * Makes every generator method of a class a function of kernel text: it gets a symbol named like
 * the method, and each call of it a frame on the fiber's stack, which reports print and which
 * must still be mapped when something returns into it. Private methods are `static inline`;
 * `sys_x` is `__x64_sys_x`, as SYSCALL_DEFINE makes it.
 */
export function kernelText(cls: { prototype: object }, module = ''): void {
  const methods = cls.prototype as Record<string, unknown>;
  for (const name of Object.getOwnPropertyNames(methods)) {
    const body: unknown = Object.getOwnPropertyDescriptor(methods, name)!.value;
    if (typeof body === 'function' && body instanceof GeneratorFunction) {
      const symbol = name.startsWith('sys_') ? `__x64_${name}` : name;
      const fn = body as (...args: never[]) => Sim<unknown>;
      // What hangs on a system call's name gets its registers: kernel/syscall.ts.
      methods[name] = kernelFunction(symbol, fn, module, symbol === name ? 0 : ENTERED);
    }
  }
}

/** The same for one function. */
export function kernelFunction<F extends (...args: never[]) => Sim<unknown>>(
  name: string,
  body: F,
  module = '',
  entered = 0,
): F {
  const symbol = kernelSymbol(name, module);
  function enter(this: unknown, ...args: never[]): Request {
    const call = new Request<unknown>(CALL, 0, 0, 0, NONE);
    call.gen = body.apply(this, args);
    call.symbol = symbol;
    call.args = args;
    call.a = entered;
    return call;
  }
  return enter as unknown as F;
}
