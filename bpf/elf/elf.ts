/** An ELF section, with its bytes. */
export interface Section {
  readonly index: number;
  readonly name: string;
  /** SHT_* */
  readonly type: number;
  /** SHF_* */
  readonly flags: number;
  readonly link: number;
  readonly info: number;
  readonly sizeBytes: number;
  /** A view of the file; of SHT_NOBITS empty. */
  readonly bytes: Uint8Array;
}

export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  /** STT_* */
  readonly type: number;
  /** STB_LOCAL, STB_GLOBAL, STB_WEAK */
  readonly bind: number;
  /** STV_* */
  readonly visibility: number;
  /** The index of its section, or SHN_UNDEF, SHN_ABS, SHN_COMMON. */
  readonly section: number;
  readonly value: number;
  readonly sizeBytes: number;
}

export interface Relocation {
  readonly offset: number;
  /** R_BPF_* */
  readonly type: number;
  /** Index into the symbols. */
  readonly symbol: number;
}

/** An ELF64 little-endian relocatable object for EM_BPF. */
export interface Elf {
  readonly sections: readonly Section[];
  readonly symbols: readonly ElfSymbol[];
  /** The relocations of a section, by its index, in the order of the file. */
  relocationsOf(section: number): readonly Relocation[];
}
