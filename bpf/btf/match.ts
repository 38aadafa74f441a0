import { DEPTH_MAX, resolve, resolveId } from './resolve.ts';
import type { Btf, BtfType } from './types.ts';

/** Pairs of types that one question may look at. */
const STEPS_MAX = 100_000;

/**
 * The name without its flavour: `task_struct___old` is task_struct.
 * bpf_core_essential_name_len()
 */
export function essentialName(name: string): string {
  for (let at = name.lastIndexOf('___'); at > 0; at = name.lastIndexOf('___', at - 1)) {
    const isApart = name[at - 1] !== '_' && at + 3 < name.length && name[at + 3] !== '_';
    if (isApart) return name.slice(0, at);
  }
  return name;
}

/** Whether names are the same but for flavours; one without a name fits any. */
function namesFit(local: string, target: string): boolean {
  return local === '' || target === '' || essentialName(local) === essentialName(target);
}

function sameName(local: string, target: string): boolean {
  return target === '' ? local === '' : essentialName(local) === essentialName(target);
}

const isAggregate = ({ kind }: BtfType): boolean => kind === 'struct' || kind === 'union';
const isEnum = ({ kind }: BtfType): boolean => kind === 'enum' || kind === 'enum64';

function sameKind(a: BtfType, b: BtfType): boolean {
  return a.kind === b.kind || (isEnum(a) && isEnum(b));
}

/**
 * Whether a field of one type can be read as one of the other: what a relocation of a field asks of
 * each step of its path. bpf_core_fields_are_compat()
 */
export function fieldsAreCompat(
  local: Btf,
  localId: number,
  target: Btf,
  targetId: number,
): boolean {
  let a = resolve(local, localId);
  let b = resolve(target, targetId);
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    if (!a || !b) return a === b;
    if (isAggregate(a) && isAggregate(b)) return true;
    if (!sameKind(a, b)) return false;
    switch (a.kind) {
      case 'ptr':
      case 'float':
        return true;
      case 'fwd':
      case 'enum':
      case 'enum64':
        return namesFit(a.name, b.name);
      case 'int':
        // Of any size: the instruction is made to fit. Bitfield ints never do.
        return a.bitOffset === 0 && (b as typeof a).bitOffset === 0;
      case 'array':
        a = resolve(local, a.type);
        b = resolve(target, (b as Extract<BtfType, { kind: 'array' }>).type);
        break;
      default:
        return false;
    }
  }
  return false;
}

/**
 * Whether two types are of one shape as far as the question "is this type there" goes: names of
 * structs, enums and ints are not compared. bpf_core_types_are_compat()
 */
export function typesAreCompat(
  local: Btf,
  localId: number,
  target: Btf,
  targetId: number,
): boolean {
  return compat({ local, target, stepsLeft: STEPS_MAX }, localId, targetId, 0);
}

function compat(pair: Pair, localId: number, targetId: number, depth: number): boolean {
  if (depth > DEPTH_MAX || --pair.stepsLeft < 0) return false;
  const a = resolve(pair.local, localId);
  const b = resolve(pair.target, targetId);
  if (!a || !b) return a === b;
  if (!sameKind(a, b)) return false;
  switch (a.kind) {
    case 'struct':
    case 'union':
    case 'enum':
    case 'enum64':
    case 'fwd':
      return true;
    case 'int':
      return a.bitOffset === 0 && (b as typeof a).bitOffset === 0;
    case 'ptr':
    case 'array':
      return compat(pair, a.type, (b as typeof a).type, depth + 1);
    case 'func_proto': {
      const other = b as typeof a;
      if (a.params.length !== other.params.length) return false;
      const fits = (x: number, y: number): boolean => compat(pair, x, y, depth + 1);
      return (
        a.params.every(({ type }, i) => fits(type, other.params[i]!.type)) &&
        fits(a.type, other.type)
      );
    }
    default:
      return false;
  }
}

/**
 * Whether the target has all that the local type has, names and kinds included.
 * bpf_core_types_match()
 */
export function typesMatch(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  return matches({ local, target, stepsLeft: STEPS_MAX }, localId, targetId, false, 0);
}

interface Pair {
  readonly local: Btf;
  readonly target: Btf;
  /** Types may branch again and again within the depth: beyond this they are taken to differ. */
  stepsLeft: number;
}

function matches(
  pair: Pair,
  localId: number,
  targetId: number,
  behindPointer: boolean,
  depth: number,
): boolean {
  if (depth > DEPTH_MAX || --pair.stepsLeft < 0) return false;
  const a = pair.local.types[resolveId(pair.local, localId)];
  const b = pair.target.types[resolveId(pair.target, targetId)];
  if (!a || !b) return a === b;
  if (!sameName(a.name, b.name)) return false;
  const follow = (x: number, y: number, behind: boolean): boolean =>
    matches(pair, x, y, behind, depth + 1);
  switch (a.kind) {
    case 'fwd': // behind a pointer, a declaration and what it declares are one
      if (b.kind === 'fwd') return a.of === b.of;
      return behindPointer && a.of === b.kind;
    case 'enum':
    case 'enum64':
      return isEnum(b) && enumsMatch(a, b as typeof a);
    case 'struct':
    case 'union':
      if (b.kind === 'fwd') return behindPointer && b.of === a.kind;
      if (a.kind !== b.kind) return false;
      return behindPointer || membersMatch(a, b as typeof a, follow);
    case 'int':
      return (
        b.kind === 'int' &&
        a.sizeBytes === b.sizeBytes &&
        (a.encoding === 'signed') === (b.encoding === 'signed')
      );
    case 'ptr':
      return b.kind === 'ptr' && follow(a.type, b.type, true);
    case 'array':
      return b.kind === 'array' && a.count === b.count && follow(a.type, b.type, false);
    case 'func_proto':
      return (
        b.kind === 'func_proto' &&
        a.params.length === b.params.length &&
        a.params.every(({ type }, i) => follow(type, b.params[i]!.type, behindPointer)) &&
        follow(a.type, b.type, behindPointer)
      );
    default:
      return false;
  }
}

type Enum = Extract<BtfType, { readonly kind: 'enum' | 'enum64' }>;
type Aggregate = Extract<BtfType, { readonly kind: 'struct' | 'union' }>;

/** Each local name is one of the target's. */
function enumsMatch(a: Enum, b: Enum): boolean {
  if (a.sizeBytes !== b.sizeBytes || a.values.length > b.values.length) return false;
  const names = new Set(b.values.map(({ name }) => essentialName(name)));
  return a.values.every(({ name }) => names.has(essentialName(name)));
}

/** Each local member is one of the target's, with a type that matches. */
function membersMatch(
  a: Aggregate,
  b: Aggregate,
  follow: (x: number, y: number, behind: boolean) => boolean,
): boolean {
  if (a.members.length > b.members.length) return false;
  return a.members.every((member) =>
    b.members.some(
      (other) => sameName(member.name, other.name) && follow(member.type, other.type, false),
    ),
  );
}
