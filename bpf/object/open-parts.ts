import type { Btf } from '../btf/types.ts';
import type { Elf, ElfSymbol } from '../elf/elf.ts';
import type { ExternSpec, MapSpec } from './spec.ts';

/** The maps of an object, and which stands where. */
export interface Maps {
  readonly specs: readonly MapSpec[];
  /** Index of the map that a place in a section belongs to. */
  at(section: number, offset: number): number | undefined;
  /** Whether what stands in a section are variables, not maps. */
  isData(section: number): boolean;
  /** The .BTF section with the sizes and offsets of data sections, which clang leaves open. */
  fixBtf(btf: Uint8Array): Uint8Array;
}

/** Everything that is known of an object while it is opened. */
export interface Opening {
  readonly elf: Elf;
  symbolsOf(section: number): readonly ElfSymbol[];
  /** Its path, for messages. */
  readonly name: string;
  readonly btf: Btf | undefined;
  readonly maps: Maps;
  readonly externs: readonly ExternSpec[];
  /** By symbol: which extern it is. */
  readonly externOf: ReadonlyMap<string, number>;
}
