import { assert } from '../../base/assert.ts';
import type { Memory } from '../../kernel/memory.ts';
import type { Engine, EngineMaker, EngineWorld, Executable } from '../vm/engine.ts';
import { FUEL, bpfFrame, type Status } from '../vm/frame.ts';
import { ELSEWHERE } from './emit.ts';
import {
  CodeCache,
  importsOf,
  type CutCode,
  type Imports,
  type ProgramCode,
  type Run,
} from './link.ts';

const { off } = bpfFrame;
/** No slot: no access has been stopped for. */
const NOWHERE = -1;

/** A cut with its units bound to one machine, as far as they have been needed. */
class LinkedCut {
  readonly counts: Int32Array;
  readonly #blockAt: Int32Array;
  readonly #unitAt: Uint16Array;
  readonly #runs: (Run | undefined)[];
  readonly #link: (unit: number) => Run;

  constructor(code: CutCode, link: (unit: number) => Run) {
    this.counts = code.counts;
    this.#blockAt = code.blockAt;
    this.#unitAt = code.unitAt;
    this.#runs = code.units.map(() => undefined);
    this.#link = link;
  }

  /** Goes on at a block that begins at `slot`. */
  run(frame: number, slot: number, entryDepth: number, resumed: number): number {
    const unit = this.#unitAt[slot]!;
    const run = this.#runs[unit] ?? (this.#runs[unit] = this.#link(unit));
    return run(frame, this.#blockAt[slot]!, entryDepth, resumed);
  }
}

/**
 * Runs compiled code: whole blocks while the fuel lasts for them, single instructions to the end
 * of the fuel and from where that was to the next block.
 */
class Jit implements Engine {
  readonly name = 'jit';
  readonly #memory: Memory;
  readonly #code: ProgramCode;
  readonly #cache: CodeCache;
  readonly #imports: Imports;
  readonly #cuts: LinkedCut[] = [];

  constructor(program: Executable, world: EngineWorld, cache: CodeCache) {
    this.#memory = world.memory;
    this.#cache = cache;
    this.#code = cache.code(program, world.memory);
    this.#imports = importsOf(world);
  }

  run(frame: number, fine: boolean): Status {
    const memory = this.#memory;
    const whole = this.#cut(fine, false);
    const entryDepth = memory.rawU32(frame + off.depth);
    let slot = memory.rawU32(frame + off.pc);
    for (let resumed = slot; ; resumed = NOWHERE) {
      const fuel = memory.rawU32(frame + off.fuel) | 0;
      if (fuel <= 0) return FUEL;
      const count = whole.counts[slot];
      assert(count !== undefined, `no instruction at slot ${slot}`);
      const cut = count > 0 && fuel >= count ? whole : this.#cut(fine, true);
      const status = cut.run(frame, slot, entryDepth, resumed);
      if (status !== ELSEWHERE) return status as Status;
      slot = memory.rawU32(frame + off.pc);
    }
  }

  #cut(fine: boolean, stepping: boolean): LinkedCut {
    return (this.#cuts[(fine ? 2 : 0) + (stepping ? 1 : 0)] ??= this.#linked(fine, stepping));
  }

  #linked(fine: boolean, stepping: boolean): LinkedCut {
    const code = this.#code.cut(fine, stepping);
    return new LinkedCut(code, (unit) => {
      const module = code.module(unit, this.#memory, this.#cache);
      return new WebAssembly.Instance(module, this.#imports).exports['run'] as Run;
    });
  }
}

/** Engines that share what `cache` holds. */
export function jitWith(cache: CodeCache): EngineMaker {
  return { name: 'jit', make: (program, world) => new Jit(program, world, cache) };
}

/** Of all machines. Its counters are for tests. */
export const codeCache = new CodeCache();

export const jit: EngineMaker = jitWith(codeCache);
