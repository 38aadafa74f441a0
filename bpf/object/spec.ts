import type { BtfExt } from '../btf/ext.ts';
import type { Btf } from '../btf/types.ts';
import type { MapDefinition } from './maps.ts';
import type { SectionInfo } from './sections.ts';

/** An object as opened: what it asks for. Nothing of it is in a kernel. */
export interface ObjectSpec {
  /** The file's name, without directories and endings: `exec-events`. */
  readonly name: string;
  readonly license: string;
  readonly programs: readonly ProgramSpec[];
  readonly maps: readonly MapSpec[];
  readonly externs: readonly ExternSpec[];
  readonly btf: Btf | undefined;
  /** Its .BTF section, with the sizes of data sections filled in: for BTF_LOAD. */
  readonly btfBytes: Uint8Array | undefined;
  readonly ext: BtfExt;
}

/** A function that is a program of its own, or that programs call. */
export interface FunctionSpec {
  readonly name: string;
  readonly section: string;
  readonly sectionIndex: number;
  /** Where it begins in its section, in slots. */
  readonly slot: number;
  /** Its instructions, unrelocated. */
  readonly code: Uint8Array;
  readonly relocs: readonly Reloc[];
}

export interface ProgramSpec extends FunctionSpec {
  /** What its section's name says; undefined where libbpf would not know. */
  readonly info: SectionInfo | undefined;
}

/** A relocation, by what it is about. `slot` is within the function. */
export type Reloc =
  | { readonly kind: 'map'; readonly slot: number; readonly map: number }
  /** The address of a variable in the value of a map of data. */
  | { readonly kind: 'data'; readonly slot: number; readonly map: number; readonly offset: number }
  /** A call of, or a pointer to, what stands at `offset` bytes of a section, before the addend. */
  | {
      readonly kind: 'call' | 'func';
      readonly slot: number;
      readonly section: number;
      readonly offset: number;
    }
  | { readonly kind: 'extern' | 'extern_call'; readonly slot: number; readonly extern: number }
  /** The address of a table of places to jump to: bytes from the start of the section, each. */
  | { readonly kind: 'jump_table'; readonly slot: number; readonly targets: readonly number[] };

export type MapKind = 'map' | 'data' | 'rodata' | 'bss' | 'kconfig' | 'struct_ops';

export interface MapSpec {
  readonly definition: MapDefinition;
  readonly kind: MapKind;
  /** The section it comes from: `.maps`, `.rodata.str`. */
  readonly section: string;
  /** Bytes of data at the start, where its section has any; of an arena, those of its variables. */
  readonly data: Uint8Array | undefined;
  /** The first slots of a prog array or a map of maps: what each is, by key. */
  readonly slots: readonly InitialSlot[];
  /** Variables by name: where they stand in `data`. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** Of an arena: where its variables begin, behind which there is nothing. */
  readonly arenaDataAt?: number;
  /** Of kind 'struct_ops': what it is an instance of. */
  readonly structOps?: StructOpsSpec;
}

/** A table of operations that programs implement. */
export interface StructOpsSpec {
  /** The kernel's struct, without a flavour: `tcp_congestion_ops`. */
  readonly struct: string;
  /** By the member that a program stands in: the program's name. */
  readonly programs: ReadonlyMap<string, string>;
  /** It is made with the object, not only if asked for: no `?` stands in front. */
  readonly isWanted: boolean;
}

export interface InitialSlot {
  readonly key: number;
  readonly target: { readonly map: number } | { readonly program: string };
}

export interface Variable {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** BTF id of its type. */
  readonly typeId: number;
}

/** What the object wants from outside. */
export interface ExternSpec {
  readonly name: string;
  readonly isWeak: boolean;
  readonly kind: 'kconfig' | 'ksym' | 'kfunc';
  /** BTF id of its type; 0 where it has none. */
  readonly typeId: number;
  /** kconfig: where its value stands in the map of kind 'kconfig'. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}
