/** The binary format of WebAssembly, as far as the JIT emits it: core specification, chapter 5. */

export const I32 = 0x7f;
export const I64 = 0x7e;
export type ValueType = typeof I32 | typeof I64;

/** Instructions without an immediate. */
export const OP = {
  else: 0x05,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtS: 0x4a,
  i32GtU: 0x4b,
  i32LeS: 0x4c,
  i32LeU: 0x4d,
  i32GeS: 0x4e,
  i32GeU: 0x4f,
  i64Eqz: 0x50,
  i64Eq: 0x51,
  i64Ne: 0x52,
  i64LtS: 0x53,
  i64LtU: 0x54,
  i64GtS: 0x55,
  i64GtU: 0x56,
  i64LeS: 0x57,
  i64LeU: 0x58,
  i64GeS: 0x59,
  i64GeU: 0x5a,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32DivS: 0x6d,
  i32DivU: 0x6e,
  i32RemS: 0x6f,
  i32RemU: 0x70,
  i32And: 0x71,
  i32Or: 0x72,
  i32Xor: 0x73,
  i32Shl: 0x74,
  i32ShrS: 0x75,
  i32ShrU: 0x76,
  i32Rotl: 0x77,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64DivS: 0x7f,
  i64DivU: 0x80,
  i64RemS: 0x81,
  i64RemU: 0x82,
  i64And: 0x83,
  i64Or: 0x84,
  i64Xor: 0x85,
  i64Shl: 0x86,
  i64ShrS: 0x87,
  i64ShrU: 0x88,
  i64Rotl: 0x89,
  i32WrapI64: 0xa7,
  i64ExtendI32U: 0xad,
  i32Extend8S: 0xc0,
  i32Extend16S: 0xc1,
  i64Extend8S: 0xc2,
  i64Extend16S: 0xc3,
  i64Extend32S: 0xc4,
} as const;
export type Op = (typeof OP)[keyof typeof OP];

/** Loads and stores: an alignment hint (always 0 here) and an offset follow. */
export const MEM = {
  i32Load: 0x28,
  i64Load: 0x29,
  i32Load8U: 0x2d,
  i64Load8S: 0x30,
  i64Load8U: 0x31,
  i64Load16S: 0x32,
  i64Load16U: 0x33,
  i64Load32S: 0x34,
  i64Load32U: 0x35,
  i32Store: 0x36,
  i64Store: 0x37,
  i64Store8: 0x3c,
  i64Store16: 0x3d,
  i64Store32: 0x3e,
} as const;
export type MemOp = (typeof MEM)[keyof typeof MEM];

const END = 0x0b;
const EMPTY_BLOCK = 0x40;

/** Bytes that grow. Integers are LEB128. */
class Bytes {
  #bytes = new Uint8Array(1024);
  length = 0;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.length++] = value;
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Unsigned, of 32 bits. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed, of 64 bits, in two halves. */
  signed(low: number, high: number): void {
    let lo = low | 0;
    let hi = high | 0;
    for (;;) {
      const bits = lo & 0x7f;
      lo = (lo >>> 7) | (hi << 25);
      hi >>= 7;
      const sign = -((bits >> 6) & 1);
      if (lo === sign && hi === sign) return this.byte(bits);
      this.byte(bits | 0x80);
    }
  }

  text(ascii: string): void {
    this.unsigned(ascii.length);
    for (let i = 0; i < ascii.length; i++) this.byte(ascii.charCodeAt(i));
  }

  #grow(atLeast: number): void {
    const wider = new Uint8Array(2 * this.#bytes.length + atLeast);
    wider.set(this.#bytes);
    this.#bytes = wider;
  }
}

/** Where a branch may go: how many blocks were open once this one was. */
export type Label = number;

/** The code of one function. Every block has no parameters and no result. */
export class Code {
  readonly #out = new Bytes();
  #open = 0;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#out.bytes;
  }

  op(opcode: Op): void {
    this.#out.byte(opcode);
  }

  /** Branches to it go behind its end. */
  block(): Label {
    return this.#begin(0x02);
  }

  /** Branches to it go to its begin. */
  loop(): Label {
    return this.#begin(0x03);
  }

  if(): Label {
    return this.#begin(0x04);
  }

  end(): void {
    this.#out.byte(END);
    this.#open--;
  }

  br(to: Label): void {
    this.#out.byte(0x0c);
    this.#out.unsigned(this.#open - to);
  }

  brIf(to: Label): void {
    this.#out.byte(0x0d);
    this.#out.unsigned(this.#open - to);
  }

  /** The index is on the stack; beyond the table it goes to the last label. */
  brTable(labels: readonly Label[]): void {
    this.#out.byte(0x0e);
    this.#out.unsigned(labels.length - 1);
    for (const label of labels) this.#out.unsigned(this.#open - label);
  }

  call(functionIndex: number): void {
    this.#out.byte(0x10);
    this.#out.unsigned(functionIndex);
  }

  localGet(index: number): void {
    this.#out.byte(0x20);
    this.#out.unsigned(index);
  }

  localSet(index: number): void {
    this.#out.byte(0x21);
    this.#out.unsigned(index);
  }

  localTee(index: number): void {
    this.#out.byte(0x22);
    this.#out.unsigned(index);
  }

  i32Const(value: number): void {
    this.#out.byte(0x41);
    this.#out.signed(value, value >> 31);
  }

  /** A 32-bit number, sign-extended, unless the upper half is given. */
  i64Const(low: number, high: number = low >> 31): void {
    this.#out.byte(0x42);
    this.#out.signed(low, high);
  }

  memory(opcode: MemOp, offset: number): void {
    this.#out.byte(opcode);
    this.#out.byte(0);
    this.#out.unsigned(offset);
  }

  #begin(opcode: number): Label {
    this.#out.byte(opcode);
    this.#out.byte(EMPTY_BLOCK);
    return ++this.#open;
  }
}

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface FunctionImport {
  readonly name: string;
  readonly type: FunctionType;
}

export interface FunctionBody {
  readonly type: FunctionType;
  /** Behind the parameters. */
  readonly locals: readonly ValueType[];
  readonly code: Code;
}

/** The module that both imports come from. */
export const IMPORT_MODULE = 'k';
export const MEMORY_IMPORT = 'memory';

/**
 * A module with one imported memory, imported functions (indices from 0), functions of its own
 * (behind those), and the first of its own exported as `run`.
 */
export function moduleBytes(
  imports: readonly FunctionImport[],
  functions: readonly FunctionBody[],
): Uint8Array<ArrayBuffer> {
  const out = new Bytes();
  for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(byte);
  const all = [...imports, ...functions];
  section(out, 1, all, (part, { type }) => {
    part.byte(0x60);
    for (const types of [type.params, type.results]) {
      part.unsigned(types.length);
      for (const value of types) part.byte(value);
    }
  });
  section(out, 2, [null, ...imports], (part, row) => {
    part.text(IMPORT_MODULE);
    part.text(row?.name ?? MEMORY_IMPORT);
    part.byte(row ? 0 : 2);
    if (!row) part.byte(0); // no maximum
    part.unsigned(row ? imports.indexOf(row) : 0); // its type; of memory: the least size
  });
  section(out, 3, functions, (part, _, i) => part.unsigned(imports.length + i));
  section(out, 7, ['run'], (part, name) => {
    part.text(name);
    part.byte(0);
    part.unsigned(imports.length);
  });
  section(out, 10, functions, functionBody);
  return out.bytes;
}

function section<T>(
  out: Bytes,
  id: number,
  rows: readonly T[],
  write: (part: Bytes, row: T, index: number) => void,
): void {
  const part = new Bytes();
  part.unsigned(rows.length);
  rows.forEach((row, i) => write(part, row, i));
  out.byte(id);
  out.unsigned(part.length);
  out.append(part.bytes);
}

function functionBody(out: Bytes, { locals, code }: FunctionBody): void {
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  const head = new Bytes();
  head.unsigned(runs.length);
  for (const { type, count } of runs) {
    head.unsigned(count);
    head.byte(type);
  }
  out.unsigned(head.length + code.bytes.length + 1);
  out.append(head.bytes);
  out.append(code.bytes);
  out.byte(END);
}
