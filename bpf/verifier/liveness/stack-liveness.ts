import { SPIS_WORDS } from '../values/spis.ts';

/** Masks of one instruction: what it may read, what it surely writes, what is alive before it. */
export const MAY_READ = 0;
export const MUST_WRITE = SPIS_WORDS;
export const LIVE_BEFORE = 2 * SPIS_WORDS;
export const MASK_WORDS = 3 * SPIS_WORDS;

/**
 * A function as called from one place, at one depth: what each of its instructions does to its own
 * stack and to those of its callers. struct func_instance
 */
export class FuncInstance {
  /** The call; of depth 0, the function's first slot. */
  readonly callsite: number;
  readonly depth: number;
  readonly subprog: number;
  readonly start: number;
  readonly insnCnt: number;
  /** By frame: masks of each instruction. Absent where none of them touches that frame. */
  readonly frames: (Uint32Array | undefined)[];
  /** Its masks are those of a finished pass. */
  mustWriteInitialized = false;

  constructor(of: {
    readonly callsite: number;
    readonly depth: number;
    readonly subprog: number;
    readonly start: number;
    readonly insnCnt: number;
  }) {
    this.callsite = of.callsite;
    this.depth = of.depth;
    this.subprog = of.subprog;
    this.start = of.start;
    this.insnCnt = of.insnCnt;
    this.frames = Array.from({ length: of.depth + 1 }, () => undefined);
  }

  /** Where the masks of an instruction begin in those of a frame. */
  at(insnIdx: number): number {
    return (insnIdx - this.start) * MASK_WORDS;
  }

  /** Those of a frame, made if there are none yet. alloc_frame_masks() */
  masksOf(frame: number): Uint32Array {
    return (this.frames[frame] ??= new Uint32Array(this.insnCnt * MASK_WORDS));
  }
}

/** Whose stacks are asked about: one for each frame of a state. struct live_stack_query */
export interface LiveStackQuery {
  readonly instances: readonly (FuncInstance | undefined)[];
  /** By frame: the instruction that calls the next. */
  readonly callsites: readonly number[];
  readonly curframe: number;
  readonly insnIdx: number;
}

/** struct bpf_liveness */
export class StackLiveness {
  /** By depth, then by call site. */
  readonly #instances: Map<number, FuncInstance>[] = [];
  query: LiveStackQuery = { instances: [], callsites: [], curframe: 0, insnIdx: 0 };
  /** How often a function has been analysed. */
  subprogCalls = 0;

  find(callsite: number, depth: number): FuncInstance | undefined {
    return this.#instances[depth]?.get(callsite);
  }

  add(instance: FuncInstance): void {
    const { depth, callsite } = instance;
    while (this.#instances.length <= depth) this.#instances.push(new Map());
    this.#instances[depth]!.set(callsite, instance);
  }

  /** By call site, then by depth. */
  sorted(): FuncInstance[] {
    const all = this.#instances.flatMap((byCallsite) => [...byCallsite.values()]);
    return all.sort((a, b) => a.callsite - b.callsite || a.depth - b.depth);
  }
}
