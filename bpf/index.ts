/** The public names of BPF: with those of cli/api/bpf.ts, `bohrbug/bpf`. */
export { decodeBtf } from './btf/decode.ts';
export { dumpC } from './btf/dump.ts';
export { readBtfFile } from './btf/file.ts';
export type { Btf, BtfType } from './btf/types.ts';
export { useForeignBtf, type ForeignTypes } from './foreign.ts';
export { Bpf, type BpfOptions } from './install.ts';
export { assemble } from './isa/asm.ts';
export { decodeProgram } from './isa/decode.ts';
export { disasm, disasmProgram } from './isa/disasm.ts';
export { encodeProgram } from './isa/encode.ts';
export type { Insn, Insns } from './isa/insn.ts';
export { openObject, type OpenedObject } from './object/open.ts';
export { ATTACH_TYPE, CMD, LINK_TYPE, MAP_TYPE, PROG_TYPE } from './uapi.ts';
export { BpfCalls, type TestRun, type TestRunResult } from './user/calls.ts';
export { LoadError } from './user/load-error.ts';
export { BpfObject } from './user/object.ts';
export { numberOf, type Datum } from './user/object-map.ts';
