import { CALL, ENTERED, NONE, Request, TAIL, type Sim } from './request.ts';
import { kernelSymbol, type KernelSymbol } from './site.ts';

/** What runs in place of a function: it may make the call, once, and gives what that returns. */
export interface Trampoline {
  /** Its own line in call traces. */
  readonly symbol: KernelSymbol;
  /** `args` are those of the simulated function. */
  run(args: readonly unknown[], call: FunctionCall): Sim<unknown>;
}

/** Calls the function; with `isTail`, in place of the trampoline, which is not returned to. */
export type FunctionCall = (isTail?: boolean) => Sim<unknown>;

/** The functions of kernel text that are entered through something else, on one machine. */
export class Trampolines {
  #byName = new Map<string, Trampoline>();
  #kept: ReadonlyMap<string, Trampoline> = new Map();
  #changed = false;
  /** Whether there is any: asked at each call. */
  isAny = false;

  get(name: string): Trampoline | undefined {
    return this.#byName.get(name);
  }

  /** From now on; who is inside already has entered otherwise. Undefined: as without. */
  set(name: string, trampoline: Trampoline | undefined): void {
    if (trampoline) this.#byName.set(name, trampoline);
    else this.#byName.delete(name);
    this.isAny = this.#byName.size > 0;
    this.#changed = true;
  }

  /** The call that a CALL request becomes. */
  through(request: Request): Request {
    const symbol = request.symbol!;
    const trampoline = request.a !== 0 ? undefined : this.#byName.get(symbol.name);
    if (!trampoline) return request;
    return callRequest(
      trampoline.run(request.args, (isTail) => asSim(callRequest(request.gen!, symbol, isTail))),
      trampoline.symbol,
    );
  }

  /** Calls a function that is no method of kernel text, under its name. */
  call<T>(name: string, args: readonly unknown[], body: Sim<T>): Sim<T> {
    const trampoline = this.#byName.get(name);
    if (!trampoline) return body;
    const symbol = kernelSymbol(name);
    const run = trampoline.run(args, (isTail) => asSim(callRequest(body, symbol, isTail)));
    return asSim(callRequest(run, trampoline.symbol)) as Sim<T>;
  }

  checkpoint(): void {
    this.#kept = new Map(this.#byName);
    this.#changed = false;
  }

  /** As at checkpoint(). */
  reset(): void {
    if (!this.#changed) return;
    this.#byName = new Map(this.#kept);
    this.isAny = this.#byName.size > 0;
    this.#changed = false;
  }
}

function callRequest(gen: Sim<unknown>, symbol: KernelSymbol, isTail = false): Request {
  const call = new Request<unknown>(CALL, 0, 0, 0, NONE);
  call.a = isTail ? TAIL : ENTERED;
  call.gen = gen;
  call.symbol = symbol;
  return call;
}

const asSim = (call: Request): Sim<unknown> => call as unknown as Sim<unknown>;
