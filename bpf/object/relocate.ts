import { InputError } from '../../base/errors.ts';
import { CoreRelocator } from '../btf/core.ts';
import { typesAreCompat } from '../btf/match.ts';
import type { CoreRelo, FuncInfo, LineInfo } from '../btf/ext.ts';
import type { Btf } from '../btf/types.ts';
import { rawInsn } from '../isa/decode.ts';
import { CALL_TARGETS, CODE, IMM_SOURCES } from '../isa/ops.ts';
import { recordsByFunction } from './by-place.ts';
import { exceptionCallback } from './exceptions.ts';
import type { OpenedObject } from './open.ts';
import { patchCore } from './patch-core.ts';
import type { ExternSpec, FunctionSpec, ProgramSpec, Reloc } from './spec.ts';

const INSN_BYTES = 8;
const PSEUDO_CALL = CALL_TARGETS.indexOf('subprog');
const PSEUDO_KFUNC = CALL_TARGETS.indexOf('kfunc');
const PSEUDO_FUNC = IMM_SOURCES.indexOf('func');
const PSEUDO_BTF_ID = IMM_SOURCES.indexOf('btf_id');
const PSEUDO_MAP_FD = IMM_SOURCES.indexOf('map_fd');
const PSEUDO_MAP_VALUE = IMM_SOURCES.indexOf('map_value');
/** What a call of an absent weak kfunc becomes: never to be reached. libbpf.c */
export const POISON_CALL_KFUNC_BASE = 2_002_000_000;
/** And the address of a map that was not made. */
export const POISON_LDIMM64_MAP_BASE = 2_001_000_000;
/** kernel: BPF_MAX_SUBPROGS */
const SUBPROGS_MAX = 256;

/** What an object is relocated against: a kernel, and the maps as they were made there. */
export interface Target {
  /** The kernel's types. */
  readonly btf: Btf;
  /** Descriptor of each map of the object, by index; 0 where it was not made. */
  readonly mapFds: readonly number[];
  /** What an extern of .ksyms is in the kernel, or undefined: absent. */
  ksym(extern: ExternSpec): Ksym | undefined;
}

/** A kernel symbol with a type has its id, one without its address. */
export type Ksym = { readonly btfId: number } | { readonly address: bigint };

/** A program, ready for PROG_LOAD. */
export interface RelocatedProgram {
  readonly code: Uint8Array;
  /** Records for bpf(2): struct bpf_func_info, struct bpf_line_info. */
  readonly funcInfo: Uint8Array;
  readonly lineInfo: Uint8Array;
  /**
   * By slot of each instruction that may never be reached: what it wanted of the kernel, in
   * libbpf's words. A call of a helper that does not exist stands there.
   */
  readonly poisoned: ReadonlyMap<number, Poison>;
  /** Tables of jumps: a map is to be made of each, and its descriptor put at these slots. */
  readonly jumpTables: readonly JumpTable[];
  /** The line of the source, by slot of the first instruction that comes from it. */
  readonly lines: readonly SourceLine[];
}

export interface JumpTable {
  /** Of ld_imm64 instructions. */
  readonly slots: readonly number[];
  /** Slots of the program. */
  readonly targets: readonly number[];
}

export interface Poison {
  readonly kind: 'core' | 'kfunc' | 'map';
  /** `<byte_off> [12] struct task_struct.nope (0:5 @ offset 40)`, or the kfunc's or map's name. */
  readonly text: string;
}

export interface SourceLine {
  readonly slot: number;
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Relocates programs of one object. libbpf.c: bpf_object__relocate() */
export class Relocator {
  readonly #object: OpenedObject;
  readonly #target: Target;
  readonly #core: CoreRelocator | undefined;
  readonly #functions: ReadonlyMap<string, FunctionSpec>;
  readonly #records: Records;
  /** CO-RE done, by function: programs share subprograms. */
  readonly #done = new Map<FunctionSpec, Relocated>();

  constructor(object: OpenedObject, target: Target) {
    this.#object = object;
    this.#target = target;
    this.#functions = new Map(object.functions.map((fn) => [`${fn.sectionIndex}:${fn.slot}`, fn]));
    const { functions, ext } = object;
    this.#records = {
      relos: recordsByFunction(functions, ext.relos),
      funcs: recordsByFunction(functions, ext.funcs),
      lines: recordsByFunction(functions, ext.lines),
    };
    this.#core = object.btf && new CoreRelocator(object.btf, target.btf, object.name);
  }

  /** Throws InputError where the object asks for what cannot be. */
  program(program: ProgramSpec): RelocatedProgram {
    const relocated = (fn: FunctionSpec): Relocated => this.#relocated(fn);
    const known = { functions: this.#functions, records: this.#records, relocated };
    return new Linker(this.#object, known, this.#target).link(program);
  }

  #relocated(fn: FunctionSpec): Relocated {
    const known = this.#done.get(fn);
    if (known) return known;
    const code = fn.code.slice();
    const poisoned = new Map<number, Poison>();
    const where = `${this.#object.name}: prog '${fn.name}'`;
    for (const relo of this.#records.relos(fn)) {
      const slot = relo.insnOffset / INSN_BYTES - fn.slot;
      if (!Number.isInteger(slot)) throw new InputError(`${where}: CO-RE within insn #${slot}`);
      const result = this.#core!.calculate(relo);
      if (patchCore(code, slot, result, where)) {
        poisoned.set(slot, { kind: 'core', text: result.text });
      }
    }
    const made = { code, poisoned };
    this.#done.set(fn, made);
    return made;
  }
}

/** .BTF.ext, by function. */
interface Records {
  relos(fn: FunctionSpec): readonly CoreRelo[];
  funcs(fn: FunctionSpec): readonly FuncInfo[];
  lines(fn: FunctionSpec): readonly LineInfo[];
}

/** What programs of one object share. */
interface Known {
  /** By `section:slot`. */
  readonly functions: ReadonlyMap<string, FunctionSpec>;
  readonly records: Records;
  /** A function with CO-RE done. */
  relocated(fn: FunctionSpec): Relocated;
}

interface Relocated {
  readonly code: Uint8Array;
  readonly poisoned: ReadonlyMap<number, Poison>;
}

/** A function where it stands in the program being made. */
interface Placed {
  readonly fn: FunctionSpec;
  readonly slot: number;
  readonly code: Uint8Array;
}

/** Puts a program and the subprograms that it reaches together. bpf_object__reloc_code() */
class Linker {
  readonly #object: OpenedObject;
  readonly #known: Known;
  readonly #target: Target;
  /** In the order of their places. */
  readonly #placed = new Map<FunctionSpec, Placed>();
  readonly #poisoned = new Map<number, Poison>();
  /** By what they say. */
  readonly #jumpTables = new Map<string, { slots: number[]; targets: readonly number[] }>();
  #slots = 0;

  constructor(object: OpenedObject, known: Known, target: Target) {
    this.#object = object;
    this.#known = known;
    this.#target = target;
  }

  link(program: ProgramSpec): RelocatedProgram {
    this.#place(program);
    const callback = exceptionCallback(this.#object, program);
    if (callback && !this.#placed.has(callback)) this.#place(callback);
    const code = new Uint8Array(this.#slots * INSN_BYTES);
    for (const placed of this.#placed.values()) {
      this.#data(placed);
      code.set(placed.code, placed.slot * INSN_BYTES);
      for (const [slot, poison] of this.#known.relocated(placed.fn).poisoned) {
        this.#poisoned.set(placed.slot + slot, poison);
      }
    }
    const jumpTables = [...this.#jumpTables.values()];
    return { code, poisoned: this.#poisoned, jumpTables, ...this.#infos() };
  }

  #fail({ fn }: Placed, slot: number, what: string): never {
    throw new InputError(`${this.#object.name}: prog '${fn.name}': insn #${slot}: ${what}`);
  }

  #place(fn: FunctionSpec): Placed {
    const placed = { fn, slot: this.#slots, code: this.#known.relocated(fn).code.slice() };
    if (this.#placed.size >= SUBPROGS_MAX) this.#fail(placed, 0, 'too many subprograms');
    this.#placed.set(fn, placed);
    this.#slots += placed.code.length / INSN_BYTES;
    this.#calls(placed);
    return placed;
  }

  /**
   * Calls of, and pointers to, subprograms; those met for the first time are appended, with what
   * they call right behind them. bpf_object__append_subprog_code()
   */
  #calls(placed: Placed): void {
    const { fn, code } = placed;
    const view = new DataView(code.buffer);
    const relocs = new Map(fn.relocs.map((reloc) => [reloc.slot, reloc]));
    for (let slot = 0; slot < code.length / INSN_BYTES; slot++) {
      const insn = rawInsn(view, slot);
      const reloc = relocs.get(slot);
      const isWide = insn.code === CODE.ld_imm64;
      const isCall = insn.code === CODE.call && insn.src === PSEUDO_CALL;
      if (isCall && reloc?.kind !== 'extern_call') {
        const target = this.#callee(placed, slot, insn.imm, reloc);
        view.setInt32(slot * INSN_BYTES + 4, target - (placed.slot + slot) - 1, true);
      } else if (isWide && reloc?.kind === 'func') {
        if (insn.imm % INSN_BYTES !== 0) this.#fail(placed, slot, `no function at +${insn.imm}`);
        const at = reloc.offset / INSN_BYTES + insn.imm / INSN_BYTES;
        const target = this.#functionAt(placed, slot, reloc.section, at);
        view.setUint8(slot * INSN_BYTES + 1, (PSEUDO_FUNC << 4) | insn.dst);
        view.setInt32(slot * INSN_BYTES + 4, target - (placed.slot + slot) - 1, true);
      }
      if (isWide) slot++;
    }
  }

  /** The slot of the program at which the called function now stands. */
  #callee(placed: Placed, slot: number, imm: number, reloc: Reloc | undefined): number {
    const { fn } = placed;
    if (reloc && reloc.kind !== 'call') this.#fail(placed, slot, 'call of what is no function');
    const at = reloc ? reloc.offset / INSN_BYTES + imm + 1 : fn.slot + slot + imm + 1;
    return this.#functionAt(placed, slot, reloc ? reloc.section : fn.sectionIndex, at);
  }

  #functionAt(placed: Placed, slot: number, section: number, at: number): number {
    const fn = this.#known.functions.get(`${section}:${at}`);
    if (!fn) return this.#fail(placed, slot, `no function at ${at} of section ${section}`);
    return (this.#placed.get(fn) ?? this.#place(fn)).slot;
  }

  /** bpf_object__relocate_data() */
  #data(placed: Placed): void {
    const view = new DataView(placed.code.buffer);
    const set = (slot: number, src: number, imm: number, next: number): void => {
      if ((slot + 2) * INSN_BYTES > view.byteLength) this.#fail(placed, slot, 'half an ld_imm64');
      const { dst } = rawInsn(view, slot);
      view.setUint8(slot * INSN_BYTES + 1, (src << 4) | dst);
      view.setInt32(slot * INSN_BYTES + 4, imm, true);
      view.setInt32(slot * INSN_BYTES + 12, next, true);
    };
    for (const reloc of placed.fn.relocs) {
      const { slot } = reloc;
      if ('map' in reloc && this.#target.mapFds[reloc.map] === 0) {
        this.#poisonMap(placed, slot, reloc.map);
        continue;
      }
      switch (reloc.kind) {
        case 'map':
          set(slot, PSEUDO_MAP_FD, this.#target.mapFds[reloc.map]!, 0);
          break;
        case 'data': {
          const offset = rawInsn(view, slot).imm + reloc.offset;
          set(slot, PSEUDO_MAP_VALUE, this.#target.mapFds[reloc.map]!, offset);
          break;
        }
        case 'extern':
          this.#extern(placed, slot, this.#object.externs[reloc.extern]!, set);
          break;
        case 'extern_call':
          this.#kfunc(placed, slot, reloc.extern, view);
          break;
        case 'jump_table':
          set(slot, PSEUDO_MAP_VALUE, 0, rawInsn(view, slot).imm);
          this.#jumpTable(placed, slot, reloc.targets);
          break;
        default:
      }
    }
  }

  /** Both halves become calls that must not be reached. poison_map_ldimm64() */
  #poisonMap({ slot: start, code }: Placed, slot: number, map: number): void {
    const view = new DataView(code.buffer);
    const text = this.#object.maps[map]!.definition.name;
    for (const at of [slot, slot + 1]) {
      view.setBigUint64(at * INSN_BYTES, BigInt(CODE.call), true);
      view.setInt32(at * INSN_BYTES + 4, POISON_LDIMM64_MAP_BASE + map, true);
      this.#poisoned.set(start + at, { kind: 'map', text });
    }
  }

  /** Its entries are places in the section, or in a whole program. */
  #jumpTable({ fn, slot: start }: Placed, slot: number, offsets: readonly number[]): void {
    const targets = offsets.map((offset) => offset / INSN_BYTES - fn.slot + start);
    const key = targets.join();
    const known = this.#jumpTables.get(key);
    if (known) known.slots.push(start + slot);
    else this.#jumpTables.set(key, { slots: [start + slot], targets });
  }

  #extern(
    placed: Placed,
    slot: number,
    extern: ExternSpec,
    set: (slot: number, src: number, imm: number, next: number) => void,
  ): void {
    if (extern.kind === 'kconfig') {
      const map = this.#object.maps.findIndex(({ kind }) => kind === 'kconfig');
      set(slot, PSEUDO_MAP_VALUE, this.#target.mapFds[map]!, extern.offsetBytes);
      return;
    }
    const found = this.#ksym(placed, slot, extern);
    if (!found && !extern.isWeak) this.#unresolved(placed, slot, extern);
    if (!found) set(slot, 0, 0, 0);
    else if ('btfId' in found) set(slot, PSEUDO_BTF_ID, found.btfId, 0);
    else {
      const { address } = found;
      set(slot, 0, Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
    }
  }

  #kfunc(placed: Placed, slot: number, index: number, view: DataView): void {
    const extern = this.#object.externs[index]!;
    const found = this.#ksym(placed, slot, extern);
    const isKnown = found !== undefined && 'btfId' in found;
    if (!isKnown && !extern.isWeak) this.#unresolved(placed, slot, extern);
    if (!isKnown) this.#poisoned.set(placed.slot + slot, { kind: 'kfunc', text: extern.name });
    const imm = isKnown ? found.btfId : POISON_CALL_KFUNC_BASE + index;
    view.setUint8(slot * INSN_BYTES + 1, (isKnown ? PSEUDO_KFUNC : 0) << 4);
    view.setInt16(slot * INSN_BYTES + 2, 0, true);
    view.setInt32(slot * INSN_BYTES + 4, imm, true);
  }

  /** What it is in the kernel, which must be of the type that the object thinks. */
  #ksym(placed: Placed, slot: number, extern: ExternSpec): Ksym | undefined {
    const found = this.#target.ksym(extern);
    if (!found || !('btfId' in found)) return found;
    const { btf } = this.#target;
    const type = btf.types[found.btfId];
    const isRight = type?.kind === (extern.kind === 'kfunc' ? 'func' : 'var') && 'type' in type;
    if (!isRight || !typesAreCompat(this.#object.btf!, extern.typeId, btf, type.type)) {
      if (extern.isWeak) return undefined;
      const of = `[${found.btfId}] ${type?.kind ?? 'void'} ${type?.name ?? ''}`;
      this.#fail(
        placed,
        slot,
        `extern (${what(extern)}) '${extern.name}': incompatible with ${of}`,
      );
    }
    return found;
  }

  #unresolved(placed: Placed, slot: number, extern: ExternSpec): never {
    const text = `extern (${what(extern)}) '${extern.name}': not found in kernel BTF(s)`;
    return this.#fail(placed, slot, text);
  }

  #infos(): Pick<RelocatedProgram, 'funcInfo' | 'lineInfo' | 'lines'> {
    const funcs: number[] = [];
    const lineWords: number[] = [];
    const lines: SourceLine[] = [];
    const { records } = this.#known;
    for (const { fn, slot } of this.#placed.values()) {
      const moved = (offset: number): number => slot + offset / INSN_BYTES - fn.slot;
      for (const { insnOffset, typeId } of records.funcs(fn)) {
        funcs.push(moved(insnOffset), typeId);
      }
      for (const info of records.lines(fn)) {
        const { file, line, text, fileOffset, textOffset, column } = info;
        const at = moved(info.insnOffset);
        lineWords.push(at, fileOffset, textOffset, (line << 10) | column);
        lines.push({ slot: at, file, line, text });
      }
    }
    return { funcInfo: wordsOf(funcs), lineInfo: wordsOf(lineWords), lines };
  }
}

function what({ kind }: ExternSpec): string {
  return kind === 'kfunc' ? 'func ksym' : 'var ksym';
}

function wordsOf(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}
