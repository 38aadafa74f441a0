import type { Machine } from '../kernel/machine.ts';

const WORD_BYTES = 8;

/**
 * Numbers of one kind of object, from 1, never the same twice: idr_alloc_cyclic(). The counter is
 * in memory, and takes none before it is used.
 */
export class Ids {
  readonly #machine: Machine;
  #counter = 0;
  #kept = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  next(): number {
    const { memory, slab } = this.#machine;
    if (this.#counter === 0) this.#counter = slab.kzalloc(WORD_BYTES);
    return memory.unwatched(() => {
      const id = memory.u32(this.#counter) + 1;
      memory.setU32(this.#counter, id);
      return id;
    });
  }

  checkpoint(): void {
    this.#kept = this.#counter;
  }

  reset(): void {
    this.#counter = this.#kept;
  }
}
