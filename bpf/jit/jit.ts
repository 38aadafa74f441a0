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
  readonly #code: CutCode;
  readonly #imports: Imports;
  readonly #memory: Memory;
  readonly #runs: (Run | null)[];

  constructor(code: CutCode, imports: Imports, memory: Memory) {
    this.counts = code.counts;
    this.#code = code;
    this.#imports = imports;
    this.#memory = memory;
    this.#runs = code.units.map(() => null);
  }

  /** Goes on at a block that begins at `slot`. */
  run(frame: number, slot: number, entryDepth: number, resumed: number): number {
    const index = this.#code.unitAt[slot]!;
    const { first, blockAt } = this.#code.units[index]!;
    const run = this.#runs[index] ?? this.#link(index);
    return run(frame, blockAt[slot - first]!, entryDepth, resumed);
  }

  #link(index: number): Run {
    const module = this.#code.module(index, this.#memory, codeCache);
    const { exports } = new WebAssembly.Instance(module, this.#imports);
    return (this.#runs[index] = exports['run'] as Run);
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
  readonly #imports: Imports;
  readonly #cuts: LinkedCut[] = [];

  constructor(program: Executable, world: EngineWorld) {
    this.#memory = world.memory;
    this.#code = codeCache.code(program, world.memory);
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
    const index = (fine ? 2 : 0) + (stepping ? 1 : 0);
    return (this.#cuts[index] ??= new LinkedCut(
      this.#code.cut(fine, stepping),
      this.#imports,
      this.#memory,
    ));
  }
}

/** What all engines share. Its counters are for tests and benches. */
export const codeCache = new CodeCache();

export const jit: EngineMaker = {
  name: 'jit',
  make: (program, world) => new Jit(program, world),
};
