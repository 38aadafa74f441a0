import { BPF_ADD_CONST32, BPF_ADD_CONST64 } from '../types.ts';

/** (registers + slots + stack arguments) of all frames: BPF_ID_MAP_SIZE */
const IDS_MAX = (11 + 64 + 7) * 16;
const ADD_CONST = BPF_ADD_CONST64 | BPF_ADD_CONST32;

/**
 * Which id of the state that is kept stands for which of the state that is looked at: one to one.
 * struct bpf_idmap
 */
export class IdMap {
  readonly #old: number[] = [];
  readonly #cur: number[] = [];
  #count = 0;
  /** For registers without an id that stand against one that has. */
  #nextTemporary = 0;

  /** reset_idmap_scratch() */
  reset(idGen: number): void {
    this.#count = 0;
    this.#nextTemporary = idGen;
  }

  /** check_ids() */
  check(oldId: number, curId: number): boolean {
    if (oldId === 0 || curId === 0) return oldId === curId;
    for (let i = 0; i < this.#count; i++) {
      if (this.#old[i] === oldId) return this.#cur[i] === curId;
      if (this.#cur[i] === curId) return false;
    }
    if (this.#count === IDS_MAX) return false;
    this.#old[this.#count] = oldId;
    this.#cur[this.#count] = curId;
    this.#count++;
    return true;
  }

  /**
   * Of scalars: that one is linked to others where it was not is no harm. check_scalar_ids()
   */
  checkScalar(oldId: number, curId: number): boolean {
    if (oldId === 0) return true;
    const cur = curId === 0 ? ++this.#nextTemporary : curId;
    if (!this.check(oldId, cur)) return false;
    return (oldId & ADD_CONST) === 0 || this.check(withoutDelta(oldId), withoutDelta(cur));
  }
}

/** The id of those that it differs from by a constant. */
export function withoutDelta(id: number): number {
  return id & ~ADD_CONST;
}

/** BPF_ADD_CONST64 and BPF_ADD_CONST32 of an id. */
export function deltaFlags(id: number): number {
  return id & ADD_CONST;
}
