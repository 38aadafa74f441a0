import { InputError } from '../../base/errors.ts';
import { resolve } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import type { ExternSpec, ObjectSpec } from './spec.ts';

/**
 * The configuration of a kernel by name, each value as it is spelled in a .config file: `y`, `m`,
 * `100`, `0x10`, `"text"`. What is not set is not there. Besides `CONFIG_*` it has what libbpf
 * finds out by itself: `LINUX_KERNEL_VERSION` as a number, `LINUX_HAS_SYSCALL_WRAPPER` and
 * `LINUX_HAS_BPF_COOKIE` as `y`.
 */
export type Kconfig = ReadonlyMap<string, string>;

export type KconfigType = 'bool' | 'tristate' | 'char' | 'int' | 'chars';

/** How a variable of this type takes a value; undefined: not at all. libbpf.c: find_kcfg_type() */
export function kconfigType(btf: Btf, typeId: number): KconfigType | undefined {
  const type = resolve(btf, typeId);
  switch (type?.kind) {
    case 'int':
      if (type.encoding === 'bool') return type.sizeBytes === 1 ? 'bool' : undefined;
      if (type.sizeBytes === 1) return 'char';
      return [2, 4, 8].includes(type.sizeBytes) ? 'int' : undefined;
    case 'enum':
    case 'enum64':
      return type.sizeBytes === 4 && type.name === 'libbpf_tristate' ? 'tristate' : undefined;
    case 'array': {
      const isChars = kconfigOfElement(btf, type.type) && type.count > 0;
      return isChars ? 'chars' : undefined;
    }
    default:
      return undefined;
  }
}

function kconfigOfElement(btf: Btf, typeId: number): boolean {
  const type = resolve(btf, typeId);
  return type?.kind === 'int' && type.sizeBytes === 1 && type.encoding !== 'bool';
}

/**
 * The bytes of the map of kind 'kconfig'. Throws InputError where a value is missing or is of
 * another type. libbpf.c: bpf_object__resolve_externs()
 */
export function kconfigData(object: ObjectSpec, config: Kconfig): Uint8Array {
  const spec = object.maps.find(({ kind }) => kind === 'kconfig');
  const data = new Uint8Array(spec?.definition.valueSize ?? 0);
  for (const extern of object.externs) {
    if (extern.kind !== 'kconfig') continue;
    const { name, offsetBytes, sizeBytes } = extern;
    const fail = (what: string): never => {
      throw new InputError(`${object.name}: extern (kcfg) '${name}': ${what}`);
    };
    const text = config.get(name);
    const room = data.subarray(offsetBytes, offsetBytes + sizeBytes);
    if (text !== undefined) setValue(object.btf!, extern, text, room, fail);
    else if (!extern.isWeak) fail('not resolved');
  }
  return data;
}

type Fail = (what: string) => never;

function setValue(btf: Btf, extern: ExternSpec, text: string, room: Uint8Array, fail: Fail): void {
  const type = kconfigType(btf, extern.typeId)!;
  if (text === 'y' || text === 'm' || text === 'n') setTristate(type, text, room, fail);
  else if (text.startsWith('"')) setText(type, text, room, fail);
  else setNumber(btf, extern, type, text, room, fail);
}

/** enum libbpf_tristate */
const TRISTATE = { n: 0, y: 1, m: 2 } as const;

/** set_kcfg_value_tri() */
function setTristate(
  type: KconfigType,
  value: keyof typeof TRISTATE,
  room: Uint8Array,
  fail: Fail,
): void {
  if (type === 'bool') {
    if (value === 'm') fail("value 'm' implies tristate or char type");
    room[0] = value === 'y' ? 1 : 0;
  } else if (type === 'tristate') {
    room[0] = TRISTATE[value];
  } else if (type === 'char') {
    room[0] = value.charCodeAt(0);
  } else {
    fail(`value '${value}' implies bool, tristate, or char type`);
  }
}

/** What does not fit is cut. set_kcfg_value_str() */
function setText(type: KconfigType, text: string, room: Uint8Array, fail: Fail): void {
  if (type !== 'chars') fail(`value '${text}' implies char array type`);
  if (text.length < 2 || !text.endsWith('"')) fail(`invalid string config '${text}'`);
  const inner = text.slice(1, -1);
  for (let i = 0; i < Math.min(inner.length, room.length - 1); i++) {
    room[i] = inner.charCodeAt(i);
  }
}

/** set_kcfg_value_num() */
function setNumber(
  btf: Btf,
  { typeId, sizeBytes }: ExternSpec,
  type: KconfigType,
  text: string,
  room: Uint8Array,
  fail: Fail,
): void {
  const [, minus, digits] = /^(-?)(0x[0-9a-f]{1,16}|\d{1,20})$/i.exec(text) ?? [];
  if (digits === undefined) fail(`value '${text}' isn't a valid integer`);
  const value = BigInt(digits!) * (minus === '-' ? -1n : 1n);
  if (type !== 'int' && type !== 'char' && type !== 'bool') {
    fail(`value '${text}' implies integer, char, or boolean type`);
  }
  if (type === 'bool' && value !== 0n && value !== 1n) {
    fail(`value '${text}' isn't boolean compatible`);
  }
  const int = resolve(btf, typeId);
  const isSigned = int?.kind === 'int' && int.encoding === 'signed';
  const bits = sizeBytes * 8;
  const low = BigInt.asUintN(bits, value);
  const fits = isSigned ? BigInt.asIntN(bits, value) === value : low === BigInt.asUintN(64, value);
  if (!fits) fail(`value '${text}' doesn't fit in ${sizeBytes} bytes`);
  for (let i = 0; i < sizeBytes; i++) room[i] = Number((low >> BigInt(8 * i)) & 0xffn);
}
