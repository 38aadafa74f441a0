import { readFileSync } from 'node:fs';
import type { BpfObject } from '../../bpf/user/object.ts';
import { numberOf } from '../../bpf/user/object-map.ts';
import type { Proc } from '../../scenarios/proc.ts';
import { words } from '../../scenarios/user-memory.ts';
import type { Sim } from '../../sim/request.ts';

const FILE = new URL('../data/verifier/arena-ops.bpf.o', import.meta.url);
const bytes = new Uint8Array(readFileSync(FILE));
const PAGE = 4_096;
/** What the program does: arena-ops.bpf.c */
export const [ALLOC, FREE, RESERVE, READ, WRITE, ADD] = [0, 1, 2, 3, 4, 5];

/** The object of arena-ops.bpf.c in the hands of one process. */
export class ArenaUser {
  readonly #object: BpfObject;
  readonly p: Proc;

  constructor(p: Proc, object: BpfObject) {
    this.p = p;
    this.#object = object;
  }

  static *load(p: Proc): Sim<ArenaUser> {
    const object = p.openObject(bytes, 'arena-ops.bpf.o');
    for (const program of object.programs) program.isWanted = true;
    yield* object.load();
    return new ArenaUser(p, object);
  }

  get base(): number {
    return this.#object.map('arena').mmaped;
  }

  get fd(): number {
    return this.#object.map('arena').fd;
  }

  at(page: number): number {
    return this.base + page * PAGE;
  }

  *op(op: number, page: number, value = 0): Sim<number> {
    const ctxIn = words(op, page < 0 ? 0 : this.at(page), value);
    const { result, ctxOut } = yield* this.#object.program('op').testRun({ ctxIn });
    if (result !== 0) throw new Error(`op ${op}: ${result}`);
    return Number(BigInt.asIntN(64, numberOf(ctxOut.subarray(16, 24))));
  }

  /** The same where the program may not sleep. */
  *opAtomic(op: number, page: number, value: number): Sim<number> {
    const ctxIn = words(op, this.at(page), value);
    return (yield* this.#object.program('op_atomic').testRun({ ctxIn })).result;
  }

  *set(page: number, value: number): Sim<void> {
    yield* this.p.poke(this.at(page), words(value));
  }

  *get(page: number): Sim<number> {
    return Number(numberOf((yield* this.p.peek(this.at(page), 8))!));
  }

  *destroy(): Sim<void> {
    yield* this.#object.destroy();
  }
}
