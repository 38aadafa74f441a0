import type { BtfKind, BtfType } from './types.ts';

/** BTF_KIND_*, by number. include/uapi/linux/btf.h */
export const BTF_KINDS = [
  'void',
  'int',
  'ptr',
  'array',
  'struct',
  'union',
  'enum',
  'fwd',
  'typedef',
  'volatile',
  'const',
  'restrict',
  'func',
  'func_proto',
  'var',
  'datasec',
  'float',
  'decl_tag',
  'type_tag',
  'enum64',
] as const satisfies readonly (BtfKind | 'void')[];

export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;
export const HEADER_BYTES = 24;
/** struct btf_type */
export const TYPE_BYTES = 12;
export const BTF_MAX_NAME_OFFSET = 0x00ff_ffff;
export const LINKAGES = ['static', 'global', 'extern'] as const;
/** Of an int, in its encoding: BTF_INT_*. */
export const INT_ENCODINGS = ['', 'signed', 'char', '', 'bool'] as const;
/** BTF_MAX_VLEN */
export const VLEN_MAX = 0xffff;

/** As messages have it: `STRUCT`, `FUNC_PROTO`. btf_type_str() */
export function btfTypeStr(type: BtfType | undefined): string {
  return type ? type.kind.toUpperCase() : 'UNKNOWN';
}
