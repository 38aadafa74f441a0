/**
 * The JavaScript half of kernel objects, by the address of their struct: what never changes while
 * the object lives, and has no bytes in Linux either (decoded instructions, compiled code, tables
 * of functions). Everything else about an object is in memory. Put back with the memory.
 */
export class Registry<T> {
  #live = new Map<number, T>();
  #kept: Map<number, T> | undefined;
  #changed = false;

  get(addr: number): T | undefined {
    return this.#live.get(addr);
  }

  set(addr: number, value: T): void {
    this.#live.set(addr, value);
    this.#changed = true;
  }

  delete(addr: number): void {
    this.#live.delete(addr);
    this.#changed = true;
  }

  /** In the order of creation. */
  values(): IterableIterator<T> {
    return this.#live.values();
  }

  checkpoint(): void {
    this.#kept = new Map(this.#live);
    this.#changed = false;
  }

  /** As at checkpoint(). */
  reset(): void {
    if (!this.#changed || !this.#kept) return;
    this.#live = new Map(this.#kept);
    this.#changed = false;
  }
}
