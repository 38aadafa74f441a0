import { EINVAL } from '../../kernel/errno.ts';
import type { BtfProblem } from './check.ts';
import { logMember, logType, logWrong } from './log.ts';
import { resolve, sizeOf, type Aggregate } from './resolve.ts';
import type { Btf, BtfKind, BtfMember, BtfOf, BtfType } from './types.ts';

/** kernel.h: KSYM_NAME_LEN */
const NAME_BYTES_MAX = 511;
const U32_MAX = 0xffff_ffff;
const IDENTIFIER = /^[A-Za-z_.][A-Za-z0-9_.]*$/;
const SECTION = /^[!-~]+$/;

/**
 * What BTF_LOAD forbids in one type, in the kernel's words: names that are none, sizes that cannot
 * be. An object may have that still: libbpf puts it right. kernel/bpf/btf.c: btf_check_meta()
 */
export function checkMeta(type: BtfType): string | undefined {
  return checkName(type) ?? checkShape(type);
}

/**
 * What BTF_LOAD forbids in how types go together; of types that checkTypes() has passed.
 * kernel/bpf/btf.c: btf_struct_resolve(), btf_func_proto_check(), btf_datasec_resolve()
 */
export function checkLoad(btf: Btf): BtfProblem | undefined {
  for (let id = 1; id < btf.types.length; id++) {
    const wrong = checkUse(btf, btf.types[id]!);
    if (wrong !== undefined) {
      return { errno: EINVAL, message: logWrong(logType(btf.types, id), wrong) };
    }
  }
  return undefined;
}

function isIdentifier(name: string): boolean {
  return name.length <= NAME_BYTES_MAX && IDENTIFIER.test(name);
}

function checkName({ kind, name }: BtfType): string | undefined {
  switch (kind) {
    case 'int':
    case 'float':
      return undefined;
    case 'decl_tag':
      return name === '' ? 'Invalid value' : undefined;
    case 'type_tag':
      return name === '' ? 'Invalid name' : undefined;
    case 'struct':
    case 'union':
    case 'enum':
    case 'enum64':
      return name === '' || isIdentifier(name) ? undefined : 'Invalid name';
    case 'datasec':
      return name.length <= NAME_BYTES_MAX && SECTION.test(name) ? undefined : 'Invalid name';
    case 'fwd':
    case 'typedef':
    case 'func':
    case 'var':
      return isIdentifier(name) ? undefined : 'Invalid name';
    default:
      return name === '' ? undefined : 'Invalid name';
  }
}

function checkShape(type: BtfType): string | undefined {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return checkMembers(type);
    case 'enum':
    case 'enum64': {
      const { sizeBytes: size, values } = type;
      if (size > 8 || size === 0 || (size & (size - 1)) !== 0) return 'Unexpected size';
      return values.every(({ name }) => isIdentifier(name)) ? undefined : 'Invalid name';
    }
    case 'float':
      return [2, 4, 8, 12, 16].includes(type.sizeBytes) ? undefined : 'Invalid type_size';
    case 'decl_tag':
      return type.component < -1 ? 'Invalid component_idx' : undefined;
    case 'datasec':
      return checkSection(type);
    case 'var':
      if (type.type === 0) return 'Invalid type_id';
      return type.linkage === 'extern' ? 'Linkage not supported' : undefined;
    default:
      return undefined;
  }
}

function checkMembers({ kind, sizeBytes, members }: Aggregate): string | undefined {
  let last = 0;
  for (const member of members) {
    const wrong = (message: string): string => logMember(member, message);
    if (member.name !== '' && !isIdentifier(member.name)) return wrong('Invalid name');
    if (member.type === 0) return wrong('Invalid type_id');
    const isUnion = kind === 'union';
    if (member.bitOffset < last || (isUnion && member.bitOffset > 0)) {
      return wrong('Invalid member bits_offset');
    }
    if (Math.ceil(member.bitOffset / 8) > sizeBytes) {
      return wrong('Member bits_offset exceeds its struct size');
    }
    last = member.bitOffset;
  }
  return undefined;
}

function checkSection({ sizeBytes, vars }: BtfOf<'datasec'>): string | undefined {
  if (sizeBytes === 0) return 'size == 0';
  let end = 0;
  for (const { type, offsetBytes, sizeBytes: size } of vars) {
    const wrong = (message: string): string =>
      `\n\t type_id=${type} offset=${offsetBytes} size=${size} ${message}`;
    if (type === 0) return wrong('Invalid type_id');
    if (offsetBytes < end || offsetBytes >= sizeBytes) return wrong('Invalid offset');
    if (size === 0 || size > sizeBytes) return wrong('Invalid size');
    end = offsetBytes + size;
    if (end > sizeBytes) return wrong('Invalid offset+size');
  }
  return undefined;
}

function checkUse(btf: Btf, type: BtfType): string | undefined {
  switch (type.kind) {
    case 'struct':
    case 'union':
      for (const member of type.members) {
        const wrong = checkMember(btf, type, member);
        if (wrong !== undefined) return logMember(member, wrong);
      }
      return undefined;
    case 'array':
      return checkArray(btf, type);
    case 'func_proto':
      return checkProto(btf, type);
    case 'func': {
      const { params } = btf.types[type.type] as BtfOf<'func_proto'>;
      const wrong = params.findIndex(({ name, type: of }) => name === '' && of !== 0);
      return wrong < 0 ? undefined : `Invalid arg#${wrong + 1}`;
    }
    case 'var':
      return hasSize(btf, type.type) ? undefined : 'Invalid type_id';
    case 'datasec':
      for (const { type: id, sizeBytes } of type.vars) {
        const entry = btf.types[id]!;
        if (entry.kind !== 'var') return 'Not a VAR kind member';
        if (sizeBytes < sizeOf(btf, entry.type)) return 'Invalid size';
      }
      return undefined;
    default:
      return undefined;
  }
}

/** Kinds of which a value has a size. kernel/bpf/btf.c: btf_type_has_size() */
const SIZED: ReadonlySet<BtfKind> = new Set<BtfKind>([
  'int',
  'ptr',
  'array',
  'struct',
  'union',
  'enum',
  'enum64',
  'float',
]);

function hasSize(btf: Btf, id: number): boolean {
  const type = resolve(btf, id);
  return type !== undefined && SIZED.has(type.kind);
}

function checkMember(btf: Btf, type: Aggregate, member: BtfMember): string | undefined {
  const of = resolve(btf, member.type);
  if (!of || !SIZED.has(of.kind)) return 'Invalid member';
  const size = sizeOf(btf, member.type);
  if (member.bits === 0 && of.kind !== 'int') {
    if (member.bitOffset % 8 !== 0) return 'Member is not byte aligned';
  } else if (member.bits > 0) {
    if (of.kind !== 'int' && of.kind !== 'enum' && of.kind !== 'enum64') {
      return 'Invalid member bitfield_size';
    }
    if (member.bits > size * 8) return 'Invalid member bitfield_size';
  }
  if (of.kind === 'float' && member.bitOffset % (Math.min(8, size) * 8) !== 0) {
    return 'Member is not properly aligned';
  }
  const bits = of.kind === 'int' && member.bits === 0 ? of.bitOffset + of.bits : size * 8;
  const end = member.bitOffset + (member.bits || bits);
  return Math.ceil(end / 8) > type.sizeBytes ? 'Member exceeds struct_size' : undefined;
}

function checkArray(btf: Btf, type: BtfOf<'array'>): string | undefined {
  const index = resolve(btf, type.indexType);
  if (index?.kind !== 'int' || !isRegular(index)) return 'Invalid index';
  const of = resolve(btf, type.type);
  if (!of || !SIZED.has(of.kind)) return 'Invalid elem';
  if (of.kind === 'int' && !isRegular(of)) return 'Invalid array of int';
  const size = sizeOf(btf, type.type);
  return size * type.count > U32_MAX ? 'Array size overflows U32_MAX' : undefined;
}

/** kernel/bpf/btf.c: btf_type_int_is_regular() */
function isRegular({ bits, bitOffset, sizeBytes }: BtfOf<'int'>): boolean {
  return bitOffset === 0 && bits === sizeBytes * 8 && [1, 2, 4, 8, 16].includes(sizeBytes);
}

function checkProto(btf: Btf, { type, params }: BtfOf<'func_proto'>): string | undefined {
  if (type !== 0 && !hasSize(btf, type)) return 'Invalid return type';
  const variadic = params.at(-1)?.type === 0;
  if (variadic && params.at(-1)!.name !== '') return `Invalid arg#${params.length}`;
  const wrong = params.findIndex(({ name, type: of }, i) => {
    if (variadic && i === params.length - 1) return false;
    return !hasSize(btf, of) || (name !== '' && !isIdentifier(name));
  });
  return wrong < 0 ? undefined : `Invalid arg#${wrong + 1}`;
}
