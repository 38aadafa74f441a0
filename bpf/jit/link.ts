import type { Memory } from '../../kernel/memory.ts';
import { READ } from '../../sim/request.ts';
import { encodeProgram } from '../isa/encode.ts';
import type { Insns } from '../isa/insn.ts';
import type { EngineWorld, Executable } from '../vm/engine.ts';
import { callsSubprograms, unitsOf, type Cut, type Unit } from './blocks.ts';
import { emitUnit } from './emit.ts';
import { IMPORT_MODULE, MEMORY_IMPORT } from './wasm.ts';

/** The function of a unit: RUN of locals.ts. */
export type Run = (frame: number, block: number, entryDepth: number, resumed: number) => number;

/** A program in one cut, for all machines. Units are compiled when they are first needed. */
export class CutCode {
  readonly units: readonly Unit[];
  /** By slot: the index of its unit. */
  readonly unitAt: Uint16Array;
  /** By slot where a block begins: its index in the unit. */
  readonly blockAt: Int32Array;
  /** By slot: the instructions of the block that begins there, or 0. */
  readonly counts: Int32Array;
  readonly #program: Executable;
  readonly #cut: Cut;
  readonly #resumes: Int32Array | null;
  readonly #returns: boolean;
  readonly #modules: WebAssembly.Module[] = [];

  constructor(program: Executable, cut: Cut, resumes: Int32Array | null) {
    const { insns, subprogs } = program;
    this.#program = program;
    this.#cut = cut;
    this.#resumes = resumes;
    this.#returns = callsSubprograms(insns);
    this.units = unitsOf(insns, subprogs, cut);
    this.unitAt = new Uint16Array(insns.length);
    this.blockAt = new Int32Array(insns.length);
    this.counts = new Int32Array(insns.length);
    for (const [i, { first, end, blocks }] of this.units.entries()) {
      this.unitAt.fill(i, first, end);
      for (const [index, block] of blocks.entries()) {
        this.blockAt[block.first] = index;
        this.counts[block.first] = block.count;
      }
    }
  }

  module(index: number, memory: Memory, cache: CodeCache): WebAssembly.Module {
    return (this.#modules[index] ??= cache.compile(
      emitUnit({
        insns: this.#program.insns,
        ownStack: this.#program.ownStack,
        cut: this.#cut,
        unit: this.units[index]!,
        resumes: this.#resumes,
        returns: this.#returns,
        layout: {
          memoryBytes: memory.sizeBytes,
          shadowBase: memory.shadowBase,
          dirtyBase: memory.dirtyBase,
        },
      }),
    ));
  }
}

/** A program in all its cuts: whole blocks and single instructions, coarse and fine. */
export class ProgramCode {
  readonly #program: Executable;
  readonly #cuts: CutCode[] = [];

  /** Keeps nothing else of a program, which has a machine behind it. */
  constructor({ insns, subprogs, ownStack }: Executable) {
    this.#program = { insns, subprogs, ownStack };
  }

  cut(fine: boolean, stepping: boolean): CutCode {
    const resumes = stepping ? this.cut(fine, false).counts : null;
    return (this.#cuts[(fine ? 2 : 0) + (stepping ? 1 : 0)] ??= new CutCode(
      this.#program,
      { fine, stepping },
      resumes,
    ));
  }
}

const PROGRAMS_MAX = 512;
/** As many arguments as a call may well have. */
const PART_UNITS = 4096;

/**
 * Compiled code by what it depends on: the instructions, what is proven of them, and the size of
 * memory. A program that is
 * loaded again, on whatever machine, is not compiled again.
 */
export class CodeCache {
  /** Modules made so far. */
  compileCount = 0;
  compiledBytes = 0;
  /** In the order of their last use. */
  readonly #programs = new Map<string, ProgramCode>();
  /** A program's text, by its instructions, which never change. */
  readonly #texts = new WeakMap<Insns, string>();

  code(program: Executable, memory: Memory): ProgramCode {
    const key = `${memory.sizeBytes} ${this.#textOf(program)}`;
    const found = this.#programs.get(key) ?? new ProgramCode(program);
    this.#programs.delete(key);
    this.#programs.set(key, found);
    if (this.#programs.size > PROGRAMS_MAX) {
      this.#programs.delete(this.#programs.keys().next().value!);
    }
    return found;
  }

  #textOf({ insns, subprogs, ownStack }: Executable): string {
    let text = this.#texts.get(insns);
    if (text === undefined) {
      text = `${subprogs.join()} ${ownStack?.join('') ?? ''} ${textOf(encodeProgram(insns))}`;
      this.#texts.set(insns, text);
    }
    return text;
  }

  compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
    this.compileCount++;
    this.compiledBytes += bytes.length;
    return new WebAssembly.Module(bytes);
  }
}

/** An even number of bytes as a string of half as many characters. */
function textOf(bytes: Uint8Array): string {
  const units = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const parts: string[] = [];
  for (let at = 0; at < units.length; at += PART_UNITS) {
    const part = units.subarray(at, at + PART_UNITS);
    // An array-like is taken as it is, where spreading would go through an iterator.
    parts.push(String.fromCharCode.apply(null, part as unknown as number[]));
  }
  return parts.join('');
}

/** What emitted code imports, in the world of one machine. */
export type Imports = Record<string, Record<string, WebAssembly.ImportValue>>;

export function importsOf(world: EngineWorld): Imports {
  const { memory } = world;
  return {
    [IMPORT_MODULE]: {
      [MEMORY_IMPORT]: memory.wasm,
      callHelper: (frame: number, slot: number) => (world.callHelper(frame, slot) ? 1 : 0),
      reach: (at: number, word: number) => {
        const size = word & 0xff;
        if (!memory.allows(at, size)) return 0;
        if (word >> 8 !== READ) memory.beforeWrite(at, size);
        return 1;
      },
    },
  };
}
