import { InputError } from '../../base/errors.ts';
import { resolve, resolveId, sizeOf } from '../btf/resolve.ts';
import type { Btf, BtfMember, BtfType } from '../btf/types.ts';

/** A map as an object declares it. Numbers are those of bpf(2). */
export interface MapDefinition {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly extra: number;
  readonly numaNode: number;
  /** BTF ids in the object's own BTF, 0 where it says sizes alone. */
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  /** LIBBPF_PIN_BY_NAME */
  readonly isPinned: boolean;
  /** Of a map of maps: what its elements are like. */
  readonly inner: MapDefinition | undefined;
  /** Where the initial slots of `values` begin in the declaration, in bytes; or undefined. */
  readonly valuesAt: number | undefined;
}

/** enum bpf_map_type, as far as an object's meaning depends on it. */
const BPF_MAP_TYPE_PROG_ARRAY = 3;
const BPF_MAP_TYPE_ARRAY_OF_MAPS = 12;
const BPF_MAP_TYPE_HASH_OF_MAPS = 13;

const LIBBPF_PIN_BY_NAME = 1;

type Building = { -readonly [K in keyof MapDefinition]: MapDefinition[K] } & {
  isInner: boolean;
};

/** A variable of the .maps section. Throws InputError. libbpf.c: parse_btf_map_def() */
export function mapDefinition(
  btf: Btf,
  typeId: number,
  name: string,
  where: string,
  isInner = false,
): MapDefinition {
  const fail = (what: string): never => {
    throw new InputError(`${where}: map '${name}': ${what}`);
  };
  const def = resolve(btf, typeId);
  if (def?.kind !== 'struct') return fail('is no struct, expected a BTF-defined map');
  const made: Building = {
    name,
    type: 0,
    keySize: 0,
    valueSize: 0,
    maxEntries: 0,
    flags: 0,
    extra: 0,
    numaNode: 0,
    keyTypeId: 0,
    valueTypeId: 0,
    isPinned: false,
    inner: undefined,
    valuesAt: undefined,
    isInner,
  };
  for (const member of def.members) {
    const wrong = takeMember(btf, made, member, where);
    if (wrong) fail(wrong);
  }
  if (made.type === 0) fail('has no type, expected __uint(type, …)');
  const { isInner: _, ...definition } = made;
  return definition;
}

/** One member of the declaration; what is wrong with it, or undefined. */
function takeMember(
  btf: Btf,
  made: Building,
  member: BtfMember,
  where: string,
): string | undefined {
  const number = (): number => uintOf(btf, member.type) ?? NaN;
  switch (member.name) {
    case 'type':
      made.type = number();
      break;
    case 'max_entries':
      made.maxEntries = number();
      break;
    case 'map_flags':
      made.flags = number();
      break;
    case 'numa_node':
      made.numaNode = number();
      break;
    case 'map_extra':
      made.extra = number();
      break;
    case 'pinning':
      if (made.isInner) return 'an inner map cannot be pinned';
      if (number() > LIBBPF_PIN_BY_NAME) return `pinning ${number()}, expected LIBBPF_PIN_BY_NAME`;
      made.isPinned = number() === LIBBPF_PIN_BY_NAME;
      break;
    case 'key_size':
      return sized(made, 'keySize', number());
    case 'value_size':
      return sized(made, 'valueSize', number());
    case 'key':
    case 'value':
      return typed(btf, made, member);
    case 'values':
      return valuesOf(btf, made, member, where);
    default:
      return `unknown field '${member.name}'`;
  }
  return Number.isNaN(number()) ? `field '${member.name}' is no __uint` : undefined;
}

function sized(made: Building, key: 'keySize' | 'valueSize', size: number): string | undefined {
  if (Number.isNaN(size)) return `${key === 'keySize' ? 'key_size' : 'value_size'} is no __uint`;
  if (made[key] !== 0 && made[key] !== size) return `conflicting sizes ${made[key]} and ${size}`;
  made[key] = size;
  return undefined;
}

function typed(btf: Btf, made: Building, { name, type }: BtfMember): string | undefined {
  const pointer = resolve(btf, type);
  if (pointer?.kind !== 'ptr') return `field '${name}' is no __type`;
  const size = sizeOf(btf, pointer.type);
  if (size === 0) return `the type of '${name}' has no size`;
  const wrong = sized(made, name === 'key' ? 'keySize' : 'valueSize', size);
  if (name === 'key') made.keyTypeId = pointer.type;
  else made.valueTypeId = pointer.type;
  return wrong;
}

function valuesOf(btf: Btf, made: Building, member: BtfMember, where: string): string | undefined {
  if (made.isInner) return "'values' in an inner map, expected maps of maps of one level";
  const isOfMaps =
    made.type === BPF_MAP_TYPE_ARRAY_OF_MAPS || made.type === BPF_MAP_TYPE_HASH_OF_MAPS;
  if (!isOfMaps && made.type !== BPF_MAP_TYPE_PROG_ARRAY) {
    return "'values' is for maps of maps and prog arrays, and must stand behind the type";
  }
  const array = resolve(btf, member.type);
  if (array?.kind !== 'array') return "'values' is no array";
  const pointer = resolve(btf, array.type);
  if (pointer?.kind !== 'ptr') return "'values' is no array of pointers";
  made.valuesAt = member.bitOffset / 8;
  const wrong = sized(made, 'valueSize', 4);
  if (wrong) return wrong;
  const target = resolve(btf, pointer.type);
  if (!isOfMaps) return target?.kind === 'func_proto' ? undefined : "'values' is of no functions";
  made.inner = mapDefinition(btf, pointer.type, `${made.name}.inner`, where, true);
  return undefined;
}

/** __uint(name, N) is an `int (*name)[N]`; __ulong an enum of one value. get_map_field_int() */
function uintOf(btf: Btf, typeId: number): number | undefined {
  const type: BtfType | undefined = resolve(btf, typeId);
  if (type?.kind === 'enum64' || type?.kind === 'enum') return Number(type.values[0]?.value ?? NaN);
  if (type?.kind !== 'ptr') return undefined;
  const array = btf.types[resolveId(btf, type.type)];
  return array?.kind === 'array' ? array.count : undefined;
}
