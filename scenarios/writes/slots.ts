import type { Sim } from '../../sim/request.ts';
import { numberOf } from '../../bpf/user/object-map.ts';
import type { Proc } from '../proc.ts';
import { ints } from '../user-memory.ts';
import slots from './slots.bpf.o';

/** SLOTS: slots.bpf.c */
export const SLOTS = 4;
/** struct slot */
const SLOT_BYTES = 24;
const RESULT = 0;
const STATE = 8;

export interface SlotsOptions {
  /** Whether results are stored only where the slot is still the same process's. */
  readonly byGeneration?: boolean;
  /** Whether a process's slot is that of its id modulo SLOTS. */
  readonly byModulo?: boolean;
  /** Whether what is free has nothing in it any more; default true. */
  readonly clears?: boolean;
}

/** Hangs programs on their trace events: `on_fork`, `on_exit`. */
type Attach = (...names: readonly string[]) => Sim<void>;

/** In setup: loads the table and its programs. Processes inherit the descriptors. */
export function* loadSlots(init: Proc, options: SlotsOptions = {}): Sim<Attach> {
  const { byGeneration = false, byModulo = false, clears = true } = options;
  const object = init.openObject(slots, 'slots.bpf.o');
  object.set('by_generation', byGeneration ? 1 : 0);
  object.set('by_modulo', byModulo ? 1 : 0);
  object.set('clears', clears ? 1 : 0);
  yield* object.load();
  init.note('slots', object.map('slots').fd);
  for (const name of ['claim', 'mine', 'assign', 'succeed', 'deliver'])
    init.note(name, object.program(name).fd);
  return function* (...names) {
    for (const name of names) yield* object.program(name).attach();
  };
}

/** A process's slot in the table, which it has in its memory. */
export class Slot {
  readonly #p: Proc;
  readonly #addr: number;

  constructor(p: Proc, addr: number) {
    this.#p = p;
    this.#addr = addr;
  }

  /** The agent gives a process a slot: which. */
  static *claim(p: Proc): Sim<number> {
    return yield* indexBy(p, 'claim');
  }

  /** Which one it has been given. */
  static *mine(p: Proc): Sim<number> {
    return yield* indexBy(p, 'mine');
  }

  /** Maps the table. */
  static *of(p: Proc, index: number): Sim<Slot> {
    const table = p.ok(yield* p.mmapFd(p.noted('slots') as number));
    return new Slot(p, table + index * SLOT_BYTES);
  }

  /** The same address in a child that has inherited the mapping; or so many slots on. */
  inheritedBy(child: Proc, further = 0): Slot {
    return new Slot(child, this.#addr + further * SLOT_BYTES);
  }

  /** What programs have stored there. */
  *result(): Sim<number> {
    return yield* this.#word(RESULT);
  }

  *state(): Sim<number> {
    return yield* this.#word(STATE);
  }

  *setState(value: number): Sim<void> {
    yield* this.#p.poke(this.#addr + STATE, ints(value));
  }

  *#word(at: number): Sim<number> {
    const bytes = yield* this.#p.peek(this.#addr + at, 4);
    return Number(numberOf(bytes ?? new Uint8Array(4)));
  }
}

function* indexBy(p: Proc, program: string): Sim<number> {
  const { retval } = yield* p.calls.testRun(p.noted(program) as number);
  return p.ok(retval | 0);
}

/** An event for a process. */
export const deliver = (p: Proc, pid: number): Sim<number> => runFor(p, 'deliver', pid);
/** The agent gives a slot to a process: which. */
export const assign = (p: Proc, pid: number): Sim<number> => runFor(p, 'assign', pid);
/** The agent frees the slot of a process that is gone, and gives this one a slot: which. */
export const succeed = (p: Proc, pid: number): Sim<number> => runFor(p, 'succeed', pid);

function* runFor(p: Proc, program: string, pid: number): Sim<number> {
  const run = yield* p.calls.testRun(p.noted(program) as number, { ctxIn: ints(pid) });
  p.ok(run.result);
  return run.retval | 0;
}
