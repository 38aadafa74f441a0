import type { Engine, EngineMaker, EngineWorld, Executable } from './engine.ts';

/** Which engine runs programs. `auto`: the interpreter, until a program is worth compiling. */
export type EngineChoice = Engine['name'] | 'auto';
export const ENGINE_CHOICES: readonly EngineChoice[] = ['auto', 'interp', 'jit'];

/** Instructions after which a program is compiled: what interpreting them takes, compiling does. */
const WARM_INSNS = 4_096;

export interface Engines {
  readonly interp: EngineMaker;
  /** Absent: everything is interpreted. */
  readonly jit?: EngineMaker;
  readonly choice?: EngineChoice;
}

/**
 * The engine of one program. It may change from one run() to the next, and what a program does
 * never depends on it: so how warm a program is outlives a reset of the machine.
 */
export class EngineOf {
  readonly #program: Executable;
  readonly #world: EngineWorld;
  readonly #engines: Engines;
  #engine: Engine | undefined;
  #insnCount = 0;

  constructor(program: Executable, world: EngineWorld, engines: Engines) {
    this.#program = program;
    this.#world = world;
    this.#engines = engines;
  }

  get(): Engine {
    const name = this.#wanted();
    if (this.#engine?.name !== name) {
      const maker = (name === 'jit' && this.#engines.jit) || this.#engines.interp;
      this.#engine = maker.make(this.#program, this.#world);
    }
    return this.#engine!;
  }

  executed(insnCount: number): void {
    this.#insnCount += insnCount;
  }

  #wanted(): Engine['name'] {
    const { jit, choice = 'auto' } = this.#engines;
    if (!jit || choice === 'interp') return 'interp';
    return choice === 'jit' || this.#insnCount >= WARM_INSNS ? 'jit' : 'interp';
  }
}
