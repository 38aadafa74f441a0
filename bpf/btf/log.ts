import { BTF_KINDS, INT_ENCODINGS, LINKAGES } from './kinds.ts';
import type { Btf, BtfMember, BtfType } from './types.ts';

/** `[3] STRUCT foo size=8 vlen=2`. kernel/bpf/btf.c: __btf_verifier_log_type() */
export function logType(types: Btf['types'], id: number, type: BtfType = types[id]!): string {
  return `[${id}] ${kindName(type)} ${type.name || '(anon)'} ${details(types, type)}`;
}

/**
 * What is wrong with a member, on a line of its own beneath that of its struct.
 * kernel/bpf/btf.c: __btf_verifier_log_member()
 */
export function logMember({ name, type, bitOffset, bits }: BtfMember, wrong: string): string {
  const size = bits > 0 ? ` bitfield_size=${bits}` : '';
  return `\n\t${name || '(anon)'} type_id=${type}${size} bits_offset=${bitOffset} ${wrong}`;
}

/** What is wrong with a type. */
export function logWrong(typeLine: string, wrong: string): string {
  return wrong.startsWith('\n') ? typeLine + wrong : `${typeLine} ${wrong}`;
}

/** `INT`, `FUNC_PROTO` */
export function kindName({ kind }: { readonly kind: BtfType['kind'] }): string {
  return BTF_KINDS[BTF_KINDS.indexOf(kind)]!.toUpperCase();
}

function details(types: Btf['types'], type: BtfType): string {
  switch (type.kind) {
    case 'int':
      return (
        `size=${type.sizeBytes} bits_offset=${type.bitOffset} nr_bits=${type.bits} ` +
        `encoding=${INT_LOGGED[INT_ENCODINGS.indexOf(type.encoding)]}`
      );
    case 'array':
      return `type_id=${type.type} index_type_id=${type.indexType} nr_elems=${type.count}`;
    case 'struct':
    case 'union':
      return `size=${type.sizeBytes} vlen=${type.members.length}`;
    case 'enum':
    case 'enum64':
      return `size=${type.sizeBytes} vlen=${type.values.length}`;
    case 'datasec':
      return `size=${type.sizeBytes} vlen=${type.vars.length}`;
    case 'fwd':
      return type.of;
    case 'var':
      return `type_id=${type.type} linkage=${LINKAGES.indexOf(type.linkage)}`;
    case 'func_proto':
      return `return=${named(types, type.type)} args=(${argsOf(types, type.params)})`;
    case 'float':
      return `size=${type.sizeBytes}`;
    case 'decl_tag':
      return `type=${type.type} component_idx=${type.component}`;
    default:
      return `type_id=${type.type}`;
  }
}

const INT_LOGGED = ['(none)', 'SIGNED', 'CHAR', '', 'BOOL'];
/** Of a prototype with thousands the rest is left out. */
const ARGS_LOGGED = 16;

function argsOf(
  types: Btf['types'],
  params: readonly { readonly name: string; readonly type: number }[],
): string {
  const logged = params.slice(0, ARGS_LOGGED).map(({ name, type }, i) => {
    if (type === 0 && i === params.length - 1) return 'vararg';
    return `${named(types, type)} ${name || '(anon)'}`;
  });
  return logged.join(', ');
}

function named(types: Btf['types'], id: number): string {
  if (id === 0) return 'void';
  return `${id} ${types[id]?.name || '(anon)'}`;
}
