import { assert } from './assert.ts';

/**
 * The memory that structs live in: addresses are offsets, plain numbers. Every accessor checks
 * that the bytes may be touched.
 */
export interface StructMemory {
  u8(addr: number): number;
  u16(addr: number): number;
  u32(addr: number): number;
  s32(addr: number): number;
  u64(addr: number): bigint;
  long(addr: number): number;
  ptr(addr: number): number;
  chars(addr: number, size: number): string;
  setU8(addr: number, value: number): void;
  setU16(addr: number, value: number): void;
  setU32(addr: number, value: number): void;
  setS32(addr: number, value: number): void;
  setU64(addr: number, value: bigint): void;
  setLong(addr: number, value: number): void;
  setPtr(addr: number, value: number): void;
  setChars(addr: number, size: number, value: string): void;
}

/** How one field is laid out, and as what it reads. `V` is the type of its value. */
export interface FieldType<V> {
  readonly kind: 'int' | 'long' | 'ptr' | 'chars' | 'array' | 'struct';
  readonly sizeBytes: number;
  readonly alignBytes: number;
  readonly signed: boolean;
  /** The type as C writes it, `*` included: `struct file *`. */
  readonly c: string;
  /** Accessor of StructMemory without `set`, or '' where the value is the field's own address. */
  readonly accessor: string;
  /** Elements of an array, characters of chars; else 1. */
  readonly count: number;
  /** What an array holds, what a pointer points to, which struct is embedded. */
  readonly of?: FieldType<unknown> | StructType<Fields> | string;
  readonly value?: V;
}

function scalar<V>(
  kind: FieldType<V>['kind'],
  c: string,
  sizeBytes: number,
  accessor: string,
  signed = false,
): FieldType<V> {
  return { kind, c, sizeBytes, alignBytes: sizeBytes, signed, accessor, count: 1 };
}

export const u8 = scalar<number>('int', 'u8', 1, 'u8');
export const u16 = scalar<number>('int', 'u16', 2, 'u16');
export const u32 = scalar<number>('int', 'u32', 4, 'u32');
export const s32 = scalar<number>('int', 'int', 4, 's32', true);
export const u64 = scalar<bigint>('int', 'u64', 8, 'u64');
/** 64 bits that never leave the range of a safe integer: times, sizes, user addresses. */
export const long = scalar<number>('long', 'long', 8, 'long', true);

/** The same bytes under the name that C has for them: `cType('pid_t', s32)`. */
export function cType<V>(c: string, type: FieldType<V>): FieldType<V> {
  return { ...type, c };
}

/** A kernel pointer, read as an offset; 0 is NULL. `target` is the C type: `struct file`. */
export function ptr(target: string): FieldType<number> {
  return { ...scalar<number>('ptr', `${target} *`, 8, 'ptr'), of: target };
}

/** A string of at most `size` bytes, padded with NULs. */
export function chars(size: number): FieldType<string> {
  return {
    kind: 'chars',
    c: 'char',
    sizeBytes: size,
    alignBytes: 1,
    signed: true,
    accessor: 'chars',
    count: size,
  };
}

/** Reads as the address of its first element. */
export function array(of: FieldType<unknown>, count: number): FieldType<number> {
  return {
    kind: 'array',
    c: of.c,
    sizeBytes: of.sizeBytes * count,
    alignBytes: of.alignBytes,
    signed: false,
    accessor: '',
    count,
    of,
  };
}

/**
 * Room, under the name UNSIMULATED, for members that the real struct has and this one has no use
 * for: who declares them to programs puts them there. They are zero.
 */
export function unsimulated(sizeBytes: number): FieldType<number> {
  return array(u64, sizeBytes / 8);
}

export const UNSIMULATED = 'unsimulated';

/** Reads as the address of the embedded struct. */
export function embed(of: StructType<Fields>): FieldType<number> {
  return {
    kind: 'struct',
    c: `struct ${of.name}`,
    sizeBytes: of.sizeBytes,
    alignBytes: of.alignBytes,
    signed: false,
    accessor: '',
    count: 1,
    of,
  };
}

export type Fields = Readonly<Record<string, FieldType<unknown>>>;
type ValueOf<T> = T extends FieldType<infer V> ? V : never;

/** One instance: reads and writes go to memory. Embedded structs and arrays give their address. */
export type View<F extends Fields> = { -readonly [K in keyof F]: ValueOf<F[K]> } & {
  readonly addr: number;
};

export interface FieldRow {
  readonly name: string;
  readonly offsetBytes: number;
  readonly type: FieldType<unknown>;
}

export interface StructType<F extends Fields> {
  readonly name: string;
  readonly sizeBytes: number;
  readonly alignBytes: number;
  /** In the order of declaration. */
  readonly rows: readonly FieldRow[];
  /** Offsets in bytes by field name. */
  readonly off: { readonly [K in keyof F]: number };
  at(memory: StructMemory, addr: number): View<F>;
}

/**
 * Declares a C struct once. Offsets follow the C rules of x86-64; from the same rows come the
 * typed access, the C text and the BTF.
 */
export function struct<F extends Fields>(name: string, fields: F): StructType<F> {
  const rows: FieldRow[] = [];
  const off: Record<string, number> = {};
  let size = 0;
  let alignBytes = 1;
  for (const [field, type] of Object.entries(fields)) {
    size = alignUp(size, type.alignBytes);
    rows.push({ name: field, offsetBytes: size, type });
    off[field] = size;
    size += type.sizeBytes;
    alignBytes = Math.max(alignBytes, type.alignBytes);
  }
  return {
    name,
    sizeBytes: alignUp(size, alignBytes),
    alignBytes,
    rows,
    off: off as { readonly [K in keyof F]: number },
    at: viewMaker(name, rows) as (memory: StructMemory, addr: number) => View<F>,
  };
}

/**
 * Gives a struct the layout of another kernel: each field stands where `placeOf` says; those that
 * it does not know, or that would overlap, stand behind `sizeBytes`. For the whole process, so
 * before anything is made of it. Returns what puts the old layout back.
 */
export function relayout(
  type: StructType<Fields>,
  sizeBytes: number,
  placeOf: (row: FieldRow) => number | undefined,
): () => void {
  const changed = type as { -readonly [K in keyof StructType<Fields>]: StructType<Fields>[K] };
  const before = { ...type, off: { ...type.off } };
  const rows: FieldRow[] = [];
  let end = sizeBytes;
  for (const row of type.rows) {
    const bytes = sizeOfField(row.type);
    const place = placeOf(row);
    const taken = (at: number): boolean =>
      rows.some(
        (other) =>
          at < other.offsetBytes + sizeOfField(other.type) && other.offsetBytes < at + bytes,
      );
    const isFree = place !== undefined && place + bytes <= sizeBytes && !taken(place);
    if (!isFree) end = alignUp(end, row.type.alignBytes);
    rows.push({ ...row, offsetBytes: isFree ? place : end });
    if (!isFree) end += bytes;
  }
  changed.rows = rows;
  changed.sizeBytes = alignUp(end, type.alignBytes);
  changed.at = viewMaker(type.name, rows) as StructType<Fields>['at'];
  for (const { name, offsetBytes } of rows) {
    (changed.off as Record<string, number>)[name] = offsetBytes;
  }
  return () => {
    const { off, ...rest } = before;
    Object.assign(changed, rest);
    Object.assign(changed.off, off);
  };
}

/** Bytes of a field now: an embedded struct may have been laid out anew. */
export function sizeOfField({ kind, of, sizeBytes }: FieldType<unknown>): number {
  return kind === 'struct' ? (of as StructType<Fields>).sizeBytes : sizeBytes;
}

export function alignUp(value: number, alignBytes: number): number {
  return Math.ceil(value / alignBytes) * alignBytes;
}

/**
 * A class of its own for every struct, with the offsets as constants in its code, and a function
 * of its own to make one, so that each place that reads a field sees one class and the view need
 * not be allocated: an access costs a few nanoseconds, where shared code would cost twenty.
 */
function viewMaker(name: string, rows: readonly FieldRow[]): Function {
  const members = rows.map(({ name: field, offsetBytes, type }) => {
    assert(/^[A-Za-z_]\w*$/.test(field) && /^[A-Za-z_]\w*$/.test(name), `struct ${name}.${field}`);
    const at = `this.addr + ${offsetBytes}`;
    if (type.accessor === '') return `get ${field}() { return ${at}; }`;
    const size = type.kind === 'chars' ? `, ${type.count}` : '';
    const setter = `set${type.accessor[0]!.toUpperCase()}${type.accessor.slice(1)}`;
    return `get ${field}() { return this.memory.${type.accessor}(${at}${size}); }
      set ${field}(value) { this.memory.${setter}(${at}${size}, value); }`;
  });
  const source = `class ${name} {
    constructor(memory, addr) { this.memory = memory; this.addr = addr; }
    ${members.join('\n')}
  }
  return (memory, addr) => new ${name}(memory, addr);`;
  return new Function(source)() as Function;
}

/** The declaration as C, offsets in comments. */
export function structText(type: StructType<Fields>): string {
  const lines = type.rows.map(({ name, offsetBytes, type: field }) => {
    const dims = field.kind === 'array' || field.kind === 'chars' ? `[${field.count}]` : '';
    const gap = field.c.endsWith('*') ? '' : ' ';
    return `\t${field.c}${gap}${name}${dims}; /* ${offsetBytes} */`;
  });
  return `struct ${type.name} {\n${lines.join('\n')}\n}; /* ${type.sizeBytes} */`;
}
