import { InputError } from '../../base/errors.ts';
import { essentialName } from '../btf/match.ts';
import { idOf, resolve } from '../btf/resolve.ts';
import type { Btf, BtfOf } from '../btf/types.ts';
import type { Elf, ElfSymbol, Section } from '../elf/elf.ts';
import { MAP_TYPE } from '../uapi.ts';
import type { MapDefinition } from './maps.ts';
import type { MapSpec, StructOpsSpec } from './spec.ts';

const STT_FUNC = 2;
const BPF_F_LINK = 1 << 13;
const SECTION = /^\??\.struct_ops(\.link)?$/;

export interface StructOpsSources {
  readonly elf: Elf;
  readonly btf: Btf | undefined;
  readonly path: string;
  /** BTF ids of the types of variables, by name. */
  readonly types: ReadonlyMap<string, number>;
}

export function isStructOps({ name }: Section): boolean {
  return SECTION.test(name);
}

/** A variable of such a section: a map. libbpf.c: init_struct_ops_maps() */
export function structOpsMap(
  { elf, btf, path, types }: StructOpsSources,
  section: Section,
  symbol: ElfSymbol,
): MapSpec {
  const fail = (what: string): never => {
    throw new InputError(`${path}: struct_ops '${symbol.name}': ${what}`);
  };
  const type = btf && resolve(btf, types.get(symbol.name) ?? 0);
  if (type?.kind !== 'struct') return fail('is no struct, or has no BTF');
  const programs = new Map<string, string>();
  for (const { offset, symbol: target } of elf.relocationsOf(section.index)) {
    if (offset < symbol.value || offset >= symbol.value + symbol.sizeBytes) continue;
    const member = memberAt(type, offset - symbol.value);
    const found = elf.symbols[target]!;
    if (member === undefined || found.type !== STT_FUNC) fail(`no program for byte ${offset}`);
    programs.set(member!, found.name);
  }
  const { value, sizeBytes } = symbol;
  return {
    definition: definition(symbol.name, sizeBytes, section.name.endsWith('.link')),
    kind: 'struct_ops',
    section: section.name,
    data: section.bytes.slice(value, value + sizeBytes),
    slots: [],
    variables: new Map(),
    structOps: {
      struct: essentialName(type.name),
      programs,
      isWanted: !section.name.startsWith('?'),
    },
  };
}

function memberAt({ members }: BtfOf<'struct' | 'union'>, offset: number): string | undefined {
  return members.find(({ bitOffset }) => bitOffset === offset * 8)?.name;
}

function definition(name: string, valueSize: number, isLink: boolean): MapDefinition {
  return {
    name,
    type: MAP_TYPE.STRUCT_OPS,
    keySize: 4,
    valueSize,
    maxEntries: 1,
    flags: isLink ? BPF_F_LINK : 0,
    extra: 0,
    numaNode: 0,
    keyTypeId: 0,
    valueTypeId: 0,
    isPinned: false,
    inner: undefined,
    valuesAt: undefined,
  };
}

/** What a table of operations is in a kernel. */
export interface KernelOps {
  /** Id of the struct, for programs. */
  readonly typeId: number;
  /** Of the struct bpf_struct_ops_* around it, and its size: for the map. */
  readonly valueTypeId: number;
  readonly valueSize: number;
  /** By the name of a program: the number of the member that it stands in. */
  readonly members: ReadonlyMap<string, number>;
}

/** undefined: the kernel has none of that name. libbpf.c: bpf_map__init_kern_struct_ops() */
export function kernelOps(btf: Btf, { struct, programs }: StructOpsSpec): KernelOps | undefined {
  const typeId = idOf(btf, struct, 'struct');
  const valueTypeId = idOf(btf, `bpf_struct_ops_${struct}`, 'struct');
  const type = btf.types[typeId];
  const value = btf.types[valueTypeId];
  if (type?.kind !== 'struct' || value?.kind !== 'struct') return undefined;
  const members = new Map<string, number>();
  for (const [member, program] of programs) {
    const index = type.members.findIndex(({ name }) => name === member);
    if (index >= 0) members.set(program, index);
  }
  return { typeId, valueTypeId, valueSize: value.sizeBytes, members };
}
