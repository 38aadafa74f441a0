import { NONE, STEP, Request, type Gate, type Sim } from './request.ts';
import { kernelSymbol, site, siteOf, type KernelSymbol } from './site.ts';

/** One activation of a kernel function, or the bottom of a fiber. */
export class Frame {
  readonly gen: Sim<unknown>;
  readonly symbol: KernelSymbol;
  readonly parent: Frame | null;
  /** Last site reached in it. */
  site = 0;
  /**
   * Of a frame that stands for several, as that of a program with its subprograms: their entries,
   * innermost first. The innermost is at `site`.
   */
  entries: ((site: number) => readonly StackEntry[]) | null = null;

  constructor(gen: Sim<unknown>, symbol: KernelSymbol, parent: Frame | null) {
    this.gen = gen;
    this.symbol = symbol;
    this.parent = parent;
  }
}

/** One line of a call trace, innermost first. */
export interface StackEntry {
  readonly symbol: KernelSymbol;
  /** Site id, 0 where the function had reached none. */
  readonly site: number;
}

const STARTED = new Request<void>(STEP, site('fiber', 'start'), 0, 0, NONE);

/**
 * A thread of control: a task, or one interrupt. A stack of generators that the engine drives
 * from the top, so that resuming costs the same at any depth.
 */
export class Fiber {
  /** Whom it belongs to, as tokens and reports name it: `A`, `init/server#2`, `CPU0/timer`. */
  readonly path: string;
  /** What the kernel hangs on it: a task, or null for an interrupt. */
  readonly owner: unknown;
  /** Stable small integer for the fingerprint: the pid, or below zero for an interrupt. */
  readonly ordinal: number;
  top: Frame;
  /** What it does when it is next resumed. */
  pending: Request = STARTED;
  /** Set while the pending request is SPIN and nobody has called unspin(). */
  spinning = false;
  /** Where the pending request is a WAIT: what it waits for. */
  gate: Gate | null = null;
  done = false;
  stepCount = 0;
  /** Passed to the top generator by the next resume: the result of a call that returned. */
  sent: unknown = undefined;

  constructor(
    path: string,
    ordinal: number,
    owner: unknown,
    gen: Sim<unknown>,
    symbol: KernelSymbol,
  ) {
    this.path = path;
    this.ordinal = ordinal;
    this.owner = owner;
    this.top = new Frame(gen, symbol, null);
  }
}

/** The call trace, innermost first. */
export function stackOf(fiber: Fiber): StackEntry[] {
  const entries: StackEntry[] = [];
  for (let frame: Frame | null = fiber.top; frame; frame = frame.parent) {
    if (frame.entries) entries.push(...frame.entries(frame.site));
    else entries.push({ symbol: frame.symbol, site: frame.site });
  }
  return entries;
}

/** The function that a site stands in, where no generator is its frame. */
export function entryAt(site: number): StackEntry {
  return { symbol: kernelSymbol(siteOf(site).fn), site };
}

/** The innermost place of the fiber as a stable name: `close_fd:C2`, else the function's. */
export function placeOf(fiber: Fiber): string {
  const frame = fiber.top;
  return frame.site === 0 ? frame.symbol.name : siteOf(frame.site).name;
}
