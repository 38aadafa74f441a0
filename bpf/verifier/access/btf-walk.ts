import { EACCES, EFAULT, EINVAL } from '../../../kernel/errno.ts';
import { DEPTH_MAX, isModifier, resolve, type Aggregate } from '../../btf/resolve.ts';
import type { Btf, BtfMember, BtfType } from '../../btf/types.ts';
import type { VerifierEnv } from '../env.ts';
import { MEM_PERCPU, MEM_RCU, MEM_USER, PTR_UNTRUSTED } from '../types.ts';

// From an offset in a struct to what stands there.

/** What stands at an offset of a struct, or why nothing does. enum bpf_struct_walk_result */
export type Walk =
  | { readonly kind: 'scalar' }
  /** A pointer to a struct `id`, flags from type tags and unions. */
  | { readonly kind: 'ptr'; readonly id: number; readonly flag: number; readonly field: string }
  /** A pointer to something that is no struct. */
  | { readonly kind: 'ptr_untrusted' }
  /** A struct `id` begins exactly there. `flag` goes on with the walk into it. */
  | { readonly kind: 'struct'; readonly id: number; readonly flag: number }
  | { readonly kind: 'error'; readonly errno: number; readonly message: string };

const SCALAR: Walk = { kind: 'scalar' };
const PTR_TO_ANYTHING: Walk = { kind: 'ptr_untrusted' };

export interface WalkOptions {
  readonly off: number;
  readonly size: number;
  /** PTR_UNTRUSTED once the walk has come through a union. */
  readonly flag: number;
  /** Whether offsets behind the end may lie in a last array without a size. */
  readonly walkFlexArrays: boolean;
}

function error(errno: number, message: string): Walk {
  return { kind: 'error', errno, message };
}

function nameOf(type: BtfType | undefined): string {
  return type?.name === undefined || type.name === '' ? '(anon)' : type.name;
}

function isAggregate(type: BtfType | undefined): type is Aggregate {
  return type?.kind === 'struct' || type?.kind === 'union';
}

/** One step that is not yet the end: the walk goes on in `type` at `off`. */
interface Further {
  readonly kind: 'further';
  readonly type: Aggregate;
  readonly off: number;
}

/** btf_struct_walk() */
export function btfStructWalk(btf: Btf, typeId: number, options: WalkOptions): Walk {
  const { size, walkFlexArrays } = options;
  let type = resolve(btf, typeId);
  let { off, flag } = options;
  for (;;) {
    if (!isAggregate(type)) return error(EINVAL, `Type '${nameOf(type)}' is not a struct`);
    // A union of one member, as __bpf_md_ptr makes it, is none.
    if (type.kind === 'union' && type.members.length !== 1) flag |= PTR_UNTRUSTED;
    const step: Walk | Further =
      off + size > type.sizeBytes
        ? walkBehindEnd(btf, type, { off, size, flag, walkFlexArrays })
        : walkMembers(btf, type, { off, size, flag, walkFlexArrays });
    if (step.kind !== 'further') return step;
    ({ type, off } = step);
  }
}

/** Behind the end is only what a last array of no size has. */
function walkBehindEnd(btf: Btf, type: Aggregate, options: WalkOptions): Walk | Further {
  const { off, size, walkFlexArrays } = options;
  const beyond = error(
    EACCES,
    `access beyond struct ${nameOf(type)} at off ${off >>> 0} size ${size >>> 0}`,
  );
  const last = type.members.at(-1);
  if (!walkFlexArrays || !last) return beyond;
  const array = resolve(btf, last.type);
  if (array?.kind !== 'array' || array.count !== 0) return beyond;
  const start = Math.floor(last.bitOffset / 8);
  if (off < start) return beyond;
  const element = resolve(btf, array.type);
  if (element?.kind === 'int') return SCALAR;
  if (!isAggregate(element) || element.sizeBytes === 0) return beyond;
  return { kind: 'further', type: element, off: (off - start) % element.sizeBytes };
}

function walkMembers(btf: Btf, type: Aggregate, options: WalkOptions): Walk | Further {
  const { off, size } = options;
  for (const member of type.members) {
    const start = Math.floor(member.bitOffset / 8);
    if (off + size <= start) break;
    if (member.bits > 0) {
      // Whole, or not at all: what covers a part of it finds no field.
      const end = Math.ceil((member.bitOffset + member.bits) / 8);
      if (off <= start && end <= off + size) return SCALAR;
      continue;
    }
    if (off < start) break;
    const step = walkMember(btf, type, member, options);
    if (step) return step;
  }
  return error(EINVAL, `struct ${nameOf(type)} doesn't have field at offset ${off}`);
}

/** Undefined: the member ends before the offset. */
function walkMember(
  btf: Btf,
  parent: Aggregate,
  member: BtfMember,
  options: WalkOptions,
): Walk | Further | undefined {
  const { off, size, flag } = options;
  const found = resolveSize(btf, member.type);
  const name = member.name === '' ? '(anon)' : member.name;
  if (!found) return error(EFAULT, `field ${name} doesn't have size`);
  let start = member.bitOffset / 8;
  const end = start + found.sizeBytes;
  if (off >= end) return undefined;
  // An array of arrays is one long array; what is accessed is an element of it.
  const elementBytes = found.sizeBytes / found.count;
  start += Math.floor((off - start) / elementBytes) * elementBytes;
  const { type, typeId } = found;
  if (isAggregate(type)) {
    if (off === start) return { kind: 'struct', id: typeId, flag };
    return { kind: 'further', type, off: off - start };
  }
  if (type.kind === 'ptr') {
    if (elementBytes !== size || off !== start) {
      return error(
        EACCES,
        `cannot access ptr member ${name} with moff ${start} in struct ${nameOf(parent)} ` +
          `with off ${off} size ${size}`,
      );
    }
    return walkPointer(btf, type, flag, name);
  }
  if (off + size > end && (flag & PTR_UNTRUSTED) === 0) {
    return error(
      EACCES,
      `access beyond the end of member ${name} (mend:${end}) in struct ${nameOf(parent)} ` +
        `with off ${off} size ${size}`,
    );
  }
  return SCALAR;
}

const TAGS: Readonly<Record<string, number>> = {
  user: MEM_USER,
  percpu: MEM_PERCPU,
  rcu: MEM_RCU,
};

function walkPointer(
  btf: Btf,
  pointer: Extract<BtfType, { kind: 'ptr' }>,
  flag: number,
  field: string,
): Walk {
  let tags = 0;
  let id = pointer.type;
  let type = btf.types[id];
  while (type && isModifier(type)) {
    if (type.kind === 'type_tag') tags |= TAGS[type.name] ?? 0;
    id = type.type;
    type = btf.types[id];
  }
  if ((tags & (tags - 1)) !== 0) return error(EINVAL, "type 'PTR' has multiple type tags");
  return isAggregate(type) ? { kind: 'ptr', id, flag: flag | tags, field } : PTR_TO_ANYTHING;
}

interface Sized {
  /** Behind modifiers; of arrays, the elements' type. */
  readonly type: BtfType;
  /** Its id; of an array, as the array has it, modifiers included. */
  readonly typeId: number;
  readonly sizeBytes: number;
  /** Elements of all dimensions; 1 of what is no array. */
  readonly count: number;
}

/** __btf_resolve_size() */
function resolveSize(btf: Btf, id: number): Sized | undefined {
  let at = id;
  let count = 1;
  let elementId = 0;
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const type = btf.types[at];
    switch (type?.kind) {
      case 'int':
      case 'struct':
      case 'union':
      case 'enum':
      case 'enum64':
      case 'float':
        return sized(type, elementId || at, type.sizeBytes, count);
      case 'ptr':
        return sized(type, elementId || at, 8, count);
      case 'typedef':
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'type_tag':
        at = type.type;
        break;
      case 'array':
        count *= type.count;
        elementId = type.type;
        at = type.type;
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

const U32_MAX = 0xffff_ffff;

function sized(type: BtfType, typeId: number, each: number, count: number): Sized | undefined {
  const sizeBytes = each * count;
  return sizeBytes > U32_MAX ? undefined : { type, typeId, sizeBytes, count };
}

/** Two types that are one: of two BTF objects never. btf_types_are_same() */
export function btfTypesAreSame(a: Btf, aId: number, b: Btf, bId: number): boolean {
  return a === b && aId === bId;
}

/** What a register points to, and what it should. */
export interface StructMatch {
  readonly btf: Btf;
  readonly btfId: number;
  readonly off: number;
  readonly needBtf: Btf;
  readonly needId: number;
  /** The struct itself, not one that it begins with. */
  readonly strict: boolean;
  readonly walkFlexArrays: boolean;
}

/** Whether at the offset of a struct there is one of the type needed. btf_struct_ids_match() */
export function btfStructIdsMatch(env: VerifierEnv, match: StructMatch): boolean {
  const { btf, needBtf, needId, strict, walkFlexArrays } = match;
  let { btfId, off } = match;
  if (off === 0 && btfTypesAreSame(btf, btfId, needBtf, needId)) return true;
  if (strict) return false;
  let flag = 0;
  do {
    const walk = btfStructWalk(btf, btfId, { off, size: 1, flag, walkFlexArrays });
    if (walk.kind === 'error') env.verbose(`${walk.message}\n`);
    if (walk.kind !== 'struct') return false;
    ({ id: btfId, flag } = walk);
    off = 0;
  } while (!btfTypesAreSame(btf, btfId, needBtf, needId));
  return true;
}
