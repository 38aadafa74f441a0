import type { Memory } from '../../kernel/memory.ts';
import type { Insns } from '../isa/insn.ts';
import type { Status } from './frame.ts';

/** What an engine needs of a program: checked, relocated, map and function ids resolved. */
export interface Executable {
  /** By slot. ld_imm64 is always of kind 'value' here: addresses have been put in. */
  readonly insns: Insns;
  /** First slots of the subprograms, the main program (0) first, ascending. */
  readonly subprogs: readonly number[];
  /**
   * By slot: 1 where the verifier has proven that the access is to the program's own stack, of
   * whatever depth, whichever way it is come to. Absent: nothing is proven.
   */
  readonly ownStack?: Uint8Array | undefined;
}

/** What an engine needs of the world. One for all runs of a machine. */
export interface EngineWorld {
  readonly memory: Memory;
  /**
   * Does the call at `pc` with r1 to r5 as they stand in the frame, where fuel is exact too: what
   * is left with the call itself not taken. True: done, r0 is written in
   * the frame. False: it may yield, or is a tail call: the engine leaves with HELPER.
   */
  callHelper(frame: number, pc: number): boolean;
}

/** A program in one engine, bound to one machine. Keeps no state of its own between calls. */
export interface Engine {
  readonly name: 'interp' | 'jit';
  /**
   * Goes on at frame.pc until one of the statuses of frame.ts. `fine`: stops with ACCESS before
   * each access that is not to the program's own stack, once countdown is used up; the access
   * itself then happens in the next run(), which lets the first one at pc pass.
   */
  run(frame: number, fine: boolean): Status;
}

/** Makes engines; caches what can be shared among programs and machines. */
export interface EngineMaker {
  readonly name: Engine['name'];
  make(program: Executable, world: EngineWorld): Engine;
}
