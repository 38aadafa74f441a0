import type { Code } from './wasm.ts';

/** Where code may have to leave: the slot, and how many instructions of the block are not done. */
export interface Place {
  readonly slot: number;
  readonly undone: number;
}

/** The code of a unit while it is being emitted, as its parts see it. */
export interface Emission {
  readonly code: Code;
  readonly fine: boolean;
  /** How the memory is laid out that the code will run on: kernel/memory.ts */
  readonly memoryBytes: number;
  readonly shadowBase: number;
  readonly dirtyBase: number;
  /** The access at a slot is known to be to the program's own stack: it needs no check. */
  isOwnStack(slot: number): boolean;
  /** Ends the run with a status: gives back the fuel of what is not done. */
  leave(status: number, place: Place): void;
}
