import { InputError } from '../../base/errors.ts';
import type { CoreRelo } from './ext.ts';
import {
  CORE_KINDS,
  isEnumval,
  isField,
  matchSpec,
  parseSpec,
  specText,
  type CoreKind,
  type CoreSpec,
} from './core-spec.ts';
import { essentialName } from './match.ts';
import { resolve, sizeOf } from './resolve.ts';
import type { Btf, BtfMember, BtfType } from './types.ts';

/** What an instruction that cannot be relocated becomes: a call of this helper, which is none. */
export const POISON_HELPER = 0x0bad_2310;

/** The outcome of one relocation. */
export interface CoreResult {
  /** What the instruction has now, and shall have: offset or immediate. */
  readonly from: bigint;
  readonly to: bigint;
  /** Whether `from` must be what stands there. */
  readonly validate: boolean;
  /** Bytes of the field, here and there, where a load or store is to be made to fit; else 0. */
  readonly fromBytes: number;
  readonly toBytes: number;
  /** The sizes differ, and no load could tell: a load or store must never be reached. */
  readonly cannotFit: boolean;
  /** The target has nothing of the kind: the instruction must never be reached. */
  readonly poison: boolean;
  /** Where the field is in the target, in bits; 0 for what is no field. */
  readonly bitOffset: number;
  /** `<byte_off> [12] struct task_struct.pid (0:5 @ offset 40)` */
  readonly text: string;
}

/** Works out relocations of one object against the types of a kernel. bpf_core_calc_relo_insn() */
export class CoreRelocator {
  readonly #local: Btf;
  readonly #target: Btf;
  readonly #where: string;
  /** By id of the local type: types of the target with its name. */
  readonly #candidates = new Map<number, readonly number[]>();

  constructor(local: Btf, target: Btf, where: string) {
    this.#local = local;
    this.#target = target;
    this.#where = where;
  }

  calculate(relo: CoreRelo): CoreResult {
    const kind = CORE_KINDS[relo.kind];
    if (!kind) this.#fail(`CO-RE relocation of kind ${relo.kind}`);
    const local = parseSpec(this.#local, relo.typeId, kind, relo.access);
    if (typeof local === 'string') this.#fail(`CO-RE relocation of [${relo.typeId}]: ${local}`);
    const text = specText(local);
    if (kind === 'local_type_id') {
      return plain(BigInt(local.rootId), BigInt(local.rootId), text, { validate: false });
    }
    if ((this.#local.types[local.rootId]?.name ?? '') === '') {
      this.#fail(`CO-RE relocation of an unnamed type: ${text}`);
    }
    return this.#agreed(local, text);
  }

  /** Every candidate that matches must say the same. */
  #agreed(local: CoreSpec, text: string): CoreResult {
    let agreed: CoreResult | undefined;
    for (const id of this.#candidatesOf(local.rootId)) {
      const target = matchSpec(local, this.#target, id);
      if (!target) continue;
      const result = this.#result(local, target, text);
      if (agreed && !isSame(agreed, result)) {
        this.#fail(`CO-RE relocation is ambiguous: ${text}: ${agreed.to} or ${result.to}`);
      }
      agreed ??= result;
    }
    return agreed ?? this.#result(local, undefined, text);
  }

  #result(local: CoreSpec, target: CoreSpec | undefined, text: string): CoreResult {
    const here = valueOf(local);
    if (!here) this.#fail(`CO-RE relocation: no value for ${text}`);
    const there = target ? valueOf(target) : missingValue(local.kind);
    if (!there) {
      if (target) this.#fail(`CO-RE relocation: no value for ${specText(target)}`);
      return { ...plain(here.value, 0n, text, here), poison: true };
    }
    const isAdjusted = here.bytes !== there.bytes;
    const cannotFit = isAdjusted && !canAdjust(local.btf, here.typeId, this.#target, there.typeId);
    return {
      ...plain(here.value, there.value, text, here),
      fromBytes: isAdjusted ? here.bytes : 0,
      toBytes: isAdjusted ? there.bytes : 0,
      cannotFit,
      bitOffset: target?.bitOffset ?? 0,
    };
  }

  #candidatesOf(rootId: number): readonly number[] {
    const known = this.#candidates.get(rootId);
    if (known) return known;
    const local = this.#local.types[rootId]!;
    const byName = this.#named(essentialName(local.name));
    const found = byName.filter((id) => isCandidate(local, this.#target.types[id]!));
    this.#candidates.set(rootId, found);
    return found;
  }

  #named(name: string): readonly number[] {
    return essencesOf(this.#target).get(name) ?? [];
  }

  #fail(what: string): never {
    throw new InputError(`${this.#where}: ${what}`);
  }
}

/** Ids of a kernel's types by essential name: its own names with a flavour count too. */
const essences = new WeakMap<Btf, ReadonlyMap<string, readonly number[]>>();

function essencesOf(btf: Btf): ReadonlyMap<string, readonly number[]> {
  const known = essences.get(btf);
  if (known) return known;
  const found = new Map<string, number[]>();
  for (const [id, type] of btf.types.entries()) {
    if (!type || type.name === '') continue;
    const essence = essentialName(type.name);
    const list = found.get(essence);
    if (list) list.push(id);
    else found.set(essence, [id]);
  }
  essences.set(btf, found);
  return found;
}

function isSame(a: CoreResult, b: CoreResult): boolean {
  return a.to === b.to && a.poison === b.poison && a.bitOffset === b.bitOffset;
}

function isCandidate(local: BtfType, target: BtfType): boolean {
  const isEnum = ({ kind }: BtfType): boolean => kind === 'enum' || kind === 'enum64';
  return local.kind === target.kind || (isEnum(local) && isEnum(target));
}

interface Value {
  readonly value: bigint;
  readonly validate: boolean;
  /** Of the field, where it can be loaded: else 0. */
  readonly bytes: number;
  readonly typeId: number;
}

function plain(
  from: bigint,
  to: bigint,
  text: string,
  { validate }: Pick<Value, 'validate'>,
): CoreResult {
  const rest = { fromBytes: 0, toBytes: 0, cannotFit: false, poison: false, bitOffset: 0 };
  return { from, to, validate, ...rest, text };
}

/** What a question about something that is not there has for an answer; or undefined. */
function missingValue(kind: CoreKind): Value | undefined {
  const none = { value: 0n, validate: true, bytes: 0, typeId: 0 };
  switch (kind) {
    case 'field_exists':
    case 'type_exists':
    case 'type_matches':
    case 'type_size':
    case 'enumval_exists':
      return none;
    case 'target_type_id':
      return { ...none, validate: false };
    default:
      return undefined;
  }
}

function valueOf(spec: CoreSpec): Value | undefined {
  if (isField(spec.kind)) return fieldValue(spec);
  const number = (value: bigint): Value => ({ value, validate: true, bytes: 0, typeId: 0 });
  if (isEnumval(spec.kind)) {
    const type = resolve(spec.btf, spec.rootId) as Extract<BtfType, { kind: 'enum' | 'enum64' }>;
    const { value } = type.values[spec.path[0]!]!;
    // libbpf takes those of 32 bits as signed, whatever they are.
    const extended = type.kind === 'enum' ? BigInt.asIntN(32, value) : value;
    return number(spec.kind === 'enumval_exists' ? 1n : extended);
  }
  switch (spec.kind) {
    case 'target_type_id':
      // The local id stands there, which is no use to check.
      return { ...number(BigInt(spec.rootId)), validate: false };
    case 'type_size':
      return number(BigInt(sizeOf(spec.btf, spec.rootId)));
    default:
      return number(1n);
  }
}

/** bpf_core_calc_field_relo() */
function fieldValue({ btf, kind, accessors, bitOffset }: CoreSpec): Value | undefined {
  if (kind === 'field_exists') return { value: 1n, validate: true, bytes: 0, typeId: 0 };
  const { member, typeId: elementId } = accessors.at(-1)!;
  if (!member) {
    const bytes = sizeOf(btf, elementId);
    if (kind === 'byte_off') {
      const value = BigInt(Math.floor(bitOffset / 8));
      return { value, validate: true, bytes, typeId: elementId };
    }
    return kind === 'byte_sz'
      ? { value: BigInt(bytes), validate: true, bytes: 0, typeId: 0 }
      : undefined;
  }
  const place = placeOf(btf, member, bitOffset);
  if (!place) return undefined;
  const { offset, bytes, bits, isBitfield } = place;
  const number = (value: number, validate = true): Value => ({
    value: BigInt(value),
    validate,
    bytes: 0,
    typeId: 0,
  });
  switch (kind) {
    case 'byte_off':
      return {
        ...number(offset, !isBitfield),
        bytes: isBitfield ? 0 : bytes,
        typeId: member.type,
      };
    case 'byte_sz':
      return number(bytes, !isBitfield);
    case 'signed':
      return number(isSigned(btf, member.type) ? 1 : 0); // never ambiguous, bitfield or not
    case 'lshift_u64':
      return number(64 - (bitOffset + bits - offset * 8), !isBitfield);
    default: // rshift_u64: never ambiguous
      return number(64 - bits);
  }
}

interface Place {
  /** Of the smallest aligned load that has the whole field. */
  readonly offset: number;
  readonly bytes: number;
  readonly bits: number;
  readonly isBitfield: boolean;
}

function placeOf(btf: Btf, member: BtfMember, bitOffset: number): Place | undefined {
  let bytes = sizeOf(btf, member.type);
  if (member.bits === 0) {
    return { offset: Math.floor(bitOffset / 8), bytes, bits: bytes * 8, isBitfield: false };
  }
  if (bytes === 0) return undefined;
  const offsetOf = (): number => Math.floor(bitOffset / 8 / bytes) * bytes;
  while (bitOffset + member.bits - offsetOf() * 8 > bytes * 8) {
    if (bytes >= 8) return undefined; // no load has it all
    bytes *= 2;
  }
  return { offset: offsetOf(), bytes, bits: member.bits, isBitfield: true };
}

function isSigned(btf: Btf, id: number): boolean {
  const type = resolve(btf, id);
  if (type?.kind === 'int') return type.encoding === 'signed';
  return (type?.kind === 'enum' || type?.kind === 'enum64') && type.signed;
}

/** Pointers, and unsigned ints, may be loaded in another size than they were compiled for. */
function canAdjust(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  const a = resolve(local, localId);
  const b = resolve(target, targetId);
  if (a?.kind === 'ptr' && b?.kind === 'ptr') return true;
  const isUnsigned = (type: BtfType | undefined): boolean =>
    type?.kind === 'int' && type.encoding !== 'signed';
  return isUnsigned(a) && isUnsigned(b);
}
