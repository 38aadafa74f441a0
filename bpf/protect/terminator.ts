import type { Kernel } from '../../kernel/kernel.ts';
import type { Insn } from '../isa/insn.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { failValue } from './fail-value.ts';
import type { Settings } from './settings.ts';
import { stubsOf } from './stubs.ts';

/** What changes the text of programs. */
export interface TextPatcher {
  patch(prog: ExecProgram, insns: ReadonlyMap<number, Insn>): void;
}

/**
 * Ends programs by their own code: from now on each of their calls that may return NULL does, so
 * that they take the branches that they have for that, and nobody enters them any more.
 * Spec 03 R34
 */
export class Terminator {
  readonly #kernel: Kernel;
  readonly #patcher: TextPatcher;
  readonly #settings: Settings;
  readonly #terminated = new Set<ExecProgram>();

  constructor(kernel: Kernel, patcher: TextPatcher, settings: Settings) {
    this.#kernel = kernel;
    this.#patcher = patcher;
    this.#settings = settings;
  }

  isTerminated(prog: ExecProgram): boolean {
    return this.#terminated.has(prog);
  }

  failValue(prog: ExecProgram, isTestRun: boolean): bigint {
    return failValue(prog, isTestRun, this.#settings);
  }

  /** The text is everybody's: whatever CPU runs it sees the change. */
  terminate(prog: ExecProgram): void {
    if (this.#terminated.has(prog)) return;
    this.#terminated.add(prog);
    this.#patcher.patch(prog, stubsOf(prog, this.#settings.hasKfuncSites));
    this.#kernel.machine.printk(4, `bpf: program ${prog.name} terminated`);
  }

  /** The machine is as it was before any run. */
  reset(): void {
    for (const prog of this.#terminated) this.#patcher.patch(prog, new Map());
    this.#terminated.clear();
  }
}
