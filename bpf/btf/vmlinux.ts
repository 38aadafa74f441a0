import {
  alignUp,
  UNSIMULATED,
  type FieldType,
  type Fields,
  type StructType,
} from '../../base/layout.ts';
import { makeBtf } from './btf.ts';
import { parseC } from './c-parse.ts';
import { CTypes, TYPEDEF_NAMES } from './c-types.ts';
import type { Btf, BtfMember } from './types.ts';

/** A function of the kernel, as C declares it. */
export interface FunctionRow {
  readonly name: string;
  readonly returns: string;
  readonly params: Readonly<Record<string, string>>;
}

/** A trace event: what raw tracepoints pass, and the record of its class. */
export interface EventRow {
  readonly name: string;
  readonly args: Readonly<Record<string, FieldType<unknown>>>;
  readonly record: StructType<Fields>;
}

export interface EnumRow {
  readonly name: string;
  readonly values: Readonly<Record<string, number>>;
}

/** What the kernel's types are made from: the same rows that the kernel itself goes by. */
export interface VmlinuxRows {
  readonly structs: readonly StructType<Fields>[];
  readonly events: readonly EventRow[];
  readonly functions: readonly FunctionRow[];
  readonly enums: readonly EnumRow[];
  /** And what it has beside, in C: see c-parse.ts. */
  readonly declarations: readonly string[];
  /** What decl tags say of functions among those. */
  readonly tags: readonly { readonly name: string; readonly tag: string }[];
  /** Kfuncs, in C: they come last. */
  readonly kfuncs: string;
  /** Variables of each CPU, as those declare them. */
  readonly percpu: readonly string[];
}

const KFUNC_ID_MIN = 10_000;

/** The types of the simulated kernel, as /sys/kernel/btf/vmlinux would have them. */
export function vmlinuxBtf(rows: VmlinuxRows): Btf {
  const c = new CTypes();
  for (const name of TYPEDEF_NAMES) c.of(name);
  for (const row of rows.structs) defineStruct(c, row);
  for (const { name, values } of rows.enums) {
    c.defineEnum({
      kind: 'enum',
      name,
      sizeBytes: 4,
      signed: Object.values(values).some((value) => value < 0),
      values: Object.entries(values).map(([key, value]) => ({ name: key, value: BigInt(value) })),
    });
  }
  const records = new Set<string>();
  for (const { name, args, record } of rows.events) {
    if (!records.has(record.name)) defineStruct(c, record);
    records.add(record.name);
    const params = Object.entries(args).map(([arg, type]) => [arg, cOf(type)]);
    const proto = c.proto('void', { __data: 'void *', ...Object.fromEntries(params) });
    c.typedef(`btf_trace_${name}`, c.pointer(proto));
  }
  for (const { name, returns, params } of rows.functions) {
    c.func(name, c.proto(returns, params));
  }
  for (const text of rows.declarations) parseC(c, text);
  // As many digits as in a real kernel: the columns of logs go by that.
  while (c.types.length < KFUNC_ID_MIN) c.add({ kind: 'const', name: '', type: 0 });
  parseC(c, rows.kfuncs);
  for (const { name, tag } of rows.tags) {
    c.add({ kind: 'decl_tag', name: tag, type: c.func(name), component: -1 });
  }
  definePercpu(c, rows.percpu);
  return makeBtf(c.types);
}

/** The section that tells variables of each CPU from others. find_btf_percpu_datasec() */
function definePercpu(c: CTypes, names: readonly string[]): void {
  let offsetBytes = 0;
  const vars = names.map((name) => {
    const type = c.variable(name);
    const sizeBytes = c.sizeOf(type);
    const entry = { type, offsetBytes, sizeBytes };
    offsetBytes += alignUp(sizeBytes, 8);
    return entry;
  });
  c.add({ kind: 'datasec', name: '.data..percpu', sizeBytes: offsetBytes, vars });
}

function defineStruct(c: CTypes, { name, sizeBytes, alignBytes, rows }: StructType<Fields>): void {
  const room = rows.find((row) => row.name === UNSIMULATED);
  const members: BtfMember[] = rows
    .filter((row) => row !== room)
    .map((row) => ({
      name: row.name,
      type: fieldType(c, row.type),
      bitOffset: row.offsetBytes * 8,
      bits: 0,
    }));
  const id = c.noteAlign(c.define({ kind: 'struct', name, sizeBytes, members }), alignBytes);
  if (room) {
    const { offsetBytes, type } = room;
    c.noteRoom(id, { offsetBytes, sizeBytes: type.sizeBytes });
  }
}

function fieldType(c: CTypes, type: FieldType<unknown>): number {
  if (type.kind === 'chars') return c.arrayOf(c.of(type.c), type.count);
  if (type.kind === 'array') {
    return c.arrayOf(fieldType(c, type.of as FieldType<unknown>), type.count);
  }
  return c.of(cOf(type));
}

/** The C type of a value of this kind: an array is passed as a pointer. */
function cOf(type: FieldType<unknown>): string {
  return type.kind === 'chars' || type.kind === 'array' ? `${type.c} *` : type.c;
}
