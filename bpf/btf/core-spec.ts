import { essentialName, fieldsAreCompat, typesAreCompat, typesMatch } from './match.ts';
import { resolve, resolveId, sizeOf } from './resolve.ts';
import type { Btf, BtfMember, BtfType } from './types.ts';

/** enum bpf_core_relo_kind, by number: how libbpf prints each. core_relo_kind_str() */
export const CORE_KINDS = [
  'byte_off',
  'byte_sz',
  'field_exists',
  'signed',
  'lshift_u64',
  'rshift_u64',
  'local_type_id',
  'target_type_id',
  'type_exists',
  'type_size',
  'enumval_exists',
  'enumval_value',
  'type_matches',
] as const;
export type CoreKind = (typeof CORE_KINDS)[number];

const FIELD: readonly CoreKind[] = CORE_KINDS.slice(0, 6);
export const isField = (kind: CoreKind): boolean => FIELD.includes(kind);
export const isEnumval = (kind: CoreKind): boolean => kind.startsWith('enumval');

/** One step on the way to a field: a named member, or an element by its index. */
interface Accessor {
  readonly name: string;
  readonly index: number;
  /** The type that it is a step in. */
  readonly typeId: number;
  readonly member: BtfMember | undefined;
}

/** What a relocation is about, in one BTF. struct bpf_core_spec */
export interface CoreSpec {
  readonly btf: Btf;
  readonly kind: CoreKind;
  readonly rootId: number;
  readonly accessors: readonly Accessor[];
  /** The numbers of the path, unnamed members included. */
  readonly path: readonly number[];
  readonly bitOffset: number;
}

/** The deepest path that a relocation may take. BPF_CORE_SPEC_MAX_LEN */
const PATH_MAX = 64;
const TEXT_MAX = 64;

/** `0:1:2`, of a type of the object; a text says what is wrong with it. bpf_core_parse_spec() */
export function parseSpec(
  btf: Btf,
  rootId: number,
  kind: CoreKind,
  access: string,
): CoreSpec | string {
  const path = access.split(':', PATH_MAX + 1).map(Number);
  const isPath = /^\d{1,9}(:\d{1,9})*$/.test(access) && path.length <= PATH_MAX;
  if (!isPath) return `access string '${access.slice(0, TEXT_MAX)}' is no path`;
  const spec = { btf, kind, rootId, path };
  if (!isField(kind)) {
    if (path.length !== 1) return `access string '${access}' is of one number for a type`;
    const accessors: Accessor[] = [];
    if (isEnumval(kind)) {
      const type = resolve(btf, rootId);
      const value = type && 'values' in type ? type.values[path[0]!] : undefined;
      if (!value) return `no enumerator ${path[0]}`;
      accessors.push({ name: value.name, index: path[0]!, typeId: rootId, member: undefined });
    } else if (path[0] !== 0) return `access string '${access}', expected 0 for a type`;
    return { ...spec, accessors, bitOffset: 0 };
  }
  return walk(spec);
}

function walk(start: Omit<CoreSpec, 'accessors' | 'bitOffset'>): CoreSpec | string {
  const { btf, path } = start;
  let id = resolveId(btf, start.rootId);
  const accessors: Accessor[] = [{ name: '', index: path[0]!, typeId: id, member: undefined }];
  let bitOffset = path[0]! * sizeOf(btf, id) * 8;
  for (const index of path.slice(1)) {
    const type = btf.types[id];
    if (type?.kind === 'struct' || type?.kind === 'union') {
      const member = type.members[index];
      if (!member) return `no member ${index} in ${type.kind} ${type.name}`;
      bitOffset += member.bitOffset;
      if (member.name !== '') accessors.push({ name: member.name, index, typeId: id, member });
      id = resolveId(btf, member.type);
    } else if (type?.kind === 'array') {
      id = resolveId(btf, type.type);
      accessors.push({ name: '', index, typeId: id, member: undefined });
      bitOffset += index * sizeOf(btf, id) * 8;
    } else {
      return `a path through ${type?.kind ?? 'void'}`;
    }
  }
  if (!Number.isSafeInteger(bitOffset)) return 'a field beyond all memory';
  return { ...start, accessors, bitOffset };
}

/** What a local spec is in a type of the target, or undefined. bpf_core_spec_match() */
export function matchSpec(local: CoreSpec, target: Btf, targetId: number): CoreSpec | undefined {
  const { kind } = local;
  const made = { btf: target, kind, rootId: targetId };
  if (isEnumval(kind)) {
    const type = resolve(target, targetId);
    if (!type || !('values' in type)) return undefined;
    const wanted = essentialName(local.accessors[0]!.name);
    const index = type.values.findIndex(({ name }) => essentialName(name) === wanted);
    if (index < 0) return undefined;
    const { name } = type.values[index]!;
    const accessors = [{ name, index, typeId: targetId, member: undefined }];
    return { ...made, accessors, path: [index], bitOffset: 0 };
  }
  if (!isField(kind)) {
    const fits = kind === 'type_matches' ? typesMatch : typesAreCompat;
    if (!fits(local.btf, local.rootId, target, targetId)) return undefined;
    return { ...made, accessors: [], path: [0], bitOffset: 0 };
  }
  return new FieldMatch(local, target).run(targetId);
}

class FieldMatch {
  readonly #local: CoreSpec;
  readonly #target: Btf;
  readonly #path: number[] = [];
  readonly #accessors: Accessor[] = [];
  #bitOffset = 0;

  constructor(local: CoreSpec, target: Btf) {
    this.#local = local;
    this.#target = target;
  }

  run(rootId: number): CoreSpec | undefined {
    let id = resolveId(this.#target, rootId);
    for (const [i, accessor] of this.#local.accessors.entries()) {
      const next =
        accessor.name === '' ? this.#element(id, accessor, i) : this.#member(id, accessor);
      if (next === undefined) return undefined;
      id = resolveId(this.#target, next);
    }
    if (!Number.isSafeInteger(this.#bitOffset)) return undefined;
    return {
      btf: this.#target,
      kind: this.#local.kind,
      rootId,
      accessors: this.#accessors,
      path: this.#path,
      bitOffset: this.#bitOffset,
    };
  }

  #element(id: number, { index }: Accessor, position: number): number | undefined {
    let elementId = id;
    if (position > 0) {
      const type = this.#target.types[id];
      if (type?.kind !== 'array') return undefined;
      if (index >= type.count && !this.#isFlexible(type)) return undefined;
      elementId = resolveId(this.#target, type.type);
    }
    this.#accessors.push({ name: '', index, typeId: elementId, member: undefined });
    this.#path.push(index);
    this.#bitOffset += index * sizeOf(this.#target, elementId) * 8;
    return elementId;
  }

  /** The array at the end of its struct. is_flex_array() */
  #isFlexible({ count }: Extract<BtfType, { kind: 'array' }>): boolean {
    const last = this.#accessors.at(-1);
    if (count > 0 || !last?.member) return false;
    const type = this.#target.types[last.typeId];
    return type?.kind === 'struct' && last.index === type.members.length - 1;
  }

  /** The type of the member of this name, that of unnamed members too. bpf_core_match_member() */
  #member(id: number, local: Accessor): number | undefined {
    const type = this.#target.types[id];
    if (type?.kind !== 'struct' && type?.kind !== 'union') return undefined;
    if (this.#path.length >= PATH_MAX) return undefined;
    for (const [index, member] of type.members.entries()) {
      this.#bitOffset += member.bitOffset;
      this.#path.push(index);
      if (member.name === '') {
        const found = this.#member(resolveId(this.#target, member.type), local);
        if (found !== undefined) return found;
      } else if (member.name === local.name && this.#fits(local.member!, member)) {
        this.#accessors.push({ name: member.name, index, typeId: id, member });
        return member.type;
      }
      this.#bitOffset -= member.bitOffset;
      this.#path.pop();
    }
    return undefined;
  }

  #fits(local: BtfMember, target: BtfMember): boolean {
    return fieldsAreCompat(this.#local.btf, local.type, this.#target, target.type);
  }
}

/**
 * `<byte_off> [12] struct task_struct.pid (0:5 @ offset 40)`. bpf_core_format_spec()
 */
export function specText({ btf, kind, rootId, accessors, path, bitOffset }: CoreSpec): string {
  const type = btf.types[rootId];
  const head = `<${kind}> [${rootId}] ${type?.kind ?? 'void'} ${type?.name || '<anon>'}`;
  if (isEnumval(kind)) {
    const values = resolve(btf, rootId) as Extract<BtfType, { kind: 'enum' | 'enum64' }>;
    const { name, value } = values.values[path[0]!]!;
    return `${head}::${name} = ${value}`;
  }
  if (!isField(kind)) return head;
  const steps = accessors.map(({ name, index }, i) => {
    if (name !== '') return `.${name}`;
    return i > 0 || index > 0 ? `[${index}]` : '';
  });
  const bits = bitOffset % 8 === 0 ? '' : `.${bitOffset % 8}`;
  const offset = `${Math.floor(bitOffset / 8)}${bits}`;
  return `${head}${steps.join('')} (${path.join(':')} @ offset ${offset})`;
}
