import fc from 'fast-check';
import type { AccessBytes, Insn, Insns, Operand, Reg } from '../../bpf/isa/insn.ts';

/**
 * Programs that the verifier accepts, of any tracing type: they read only what they have written,
 * loop a few times at most, look at what a lookup gave them before they use it, and end with a
 * number. Drawn as statements without registers; which registers and slots can be read where one
 * stands is known only when they are laid out, and that is also what picks them.
 */
export interface BpfProgram {
  readonly insns: Insns;
  /** Whether it takes a map: `map_fd` instructions, whose imm becomes its descriptor. */
  readonly usesMap: boolean;
}

/** Of the map that a program takes: keys of 4 bytes, values of 8. */
export const DRAWN_KEY_BYTES = 4;
export const DRAWN_VALUE_BYTES = 8;

/** Helpers without arguments, that give a number in any tracing program. */
const HELPERS = [5, 7, 8, 14, 15] as const;
const LOOKUP = 1;
const UPDATE = 2;
const DELETE = 3;

/** Registers that a program computes in; r9 counts loops, r10 is the frame. */
const REGS: readonly Reg[] = [6, 7, 8, 0, 1, 2, 3, 4, 5];
const COUNTER: Reg = 9;
const FRAME: Reg = 10;
/** Slots of 8 bytes for numbers, from the frame pointer down; one for a key, one for a value. */
const SLOTS = 4;
const KEY_OFF = -8 * (SLOTS + 1);
const VALUE_OFF = -8 * (SLOTS + 2);
const KEYS = 3;

/** Picks are taken modulo what there is to pick from. */
interface Picks {
  readonly a: number;
  readonly b: number;
}

type Stmt =
  | { readonly shape: 'set'; readonly to: number; readonly imm: number }
  | ({
      readonly shape: 'alu';
      readonly op: (typeof OPS)[number];
      readonly wide: boolean;
    } & WithSource)
  | { readonly shape: 'unary'; readonly insn: (dst: Reg) => Insn; readonly a: number }
  | ({ readonly shape: 'store'; readonly slot: number } & Picks)
  | ({ readonly shape: 'load'; readonly size: AccessBytes; readonly to: number } & Picks)
  | ({
      readonly shape: 'atomic';
      readonly fetch: boolean;
      readonly op: (typeof ATOMICS)[number];
    } & Picks)
  | { readonly shape: 'helper'; readonly id: (typeof HELPERS)[number] }
  | ({
      readonly shape: 'map';
      readonly what: 'add' | 'update' | 'delete';
      readonly key: number;
    } & Picks)
  | ({
      readonly shape: 'if';
      readonly op: (typeof TESTS)[number];
      readonly wide: boolean;
    } & WithSource & { readonly yes: readonly Stmt[]; readonly no: readonly Stmt[] })
  | { readonly shape: 'loop'; readonly times: number; readonly body: readonly Stmt[] };

type WithSource = Picks & { readonly imm: number; readonly isImm: boolean };

const OPS = [
  'add',
  'sub',
  'mul',
  'div',
  'mod',
  'or',
  'and',
  'xor',
  'lsh',
  'rsh',
  'arsh',
  'mov',
] as const;
const SHIFTS: readonly string[] = ['lsh', 'rsh', 'arsh'];
const DIVISIONS: readonly string[] = ['div', 'mod'];
const TESTS = [
  'jeq',
  'jne',
  'jgt',
  'jge',
  'jlt',
  'jle',
  'jsgt',
  'jsge',
  'jslt',
  'jsle',
  'jset',
] as const;
const ATOMICS = ['add', 'or', 'and', 'xor', 'xchg'] as const;

const pick = fc.nat(1_000);
const imm = fc.oneof(
  fc.constantFrom(0, 1, -1, 2, 255),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const wide = fc.boolean();
const picks = { a: pick, b: pick };
const source = { ...picks, imm, isImm: fc.boolean() };
const shape = <S extends Stmt['shape']>(name: S): fc.Arbitrary<S> => fc.constant(name);

const unary: fc.Arbitrary<(dst: Reg) => Insn> = fc.oneof(
  wide.map((w) => (dst: Reg): Insn => ({ kind: 'neg', wide: w, dst })),
  fc
    .tuple(fc.constantFrom<'le' | 'be'>('le', 'be'), fc.constantFrom<16 | 32 | 64>(16, 32, 64))
    .map(([to, bits]) => (dst: Reg): Insn => ({ kind: 'endian', to, bits, dst })),
);

const STRAIGHT: readonly fc.Arbitrary<Stmt>[] = [
  fc.record({ shape: shape('set'), to: pick, imm }),
  fc.record({ shape: shape('alu'), op: fc.constantFrom(...OPS), wide, ...source }),
  fc.record({ shape: shape('unary'), insn: unary, a: pick }),
  fc.record({ shape: shape('store'), slot: fc.nat(SLOTS - 1), ...picks }),
  fc.record({
    shape: shape('load'),
    size: fc.constantFrom<AccessBytes>(1, 2, 4, 8),
    to: pick,
    ...picks,
  }),
  fc.record({
    shape: shape('atomic'),
    fetch: fc.boolean(),
    op: fc.constantFrom(...ATOMICS),
    ...picks,
  }),
  fc.record({ shape: shape('helper'), id: fc.constantFrom(...HELPERS) }),
];

const onMap: fc.Arbitrary<Stmt> = fc.record({
  shape: shape('map'),
  what: fc.constantFrom('delete', 'add', 'update'),
  key: fc.nat(KEYS - 1),
  ...picks,
});

const DEPTH_MAX = 2;

function body(depth: number, withMap: boolean): fc.Arbitrary<Stmt[]> {
  const straight = withMap ? [...STRAIGHT, onMap] : STRAIGHT;
  const maxLength = depth === 0 ? 10 : 4;
  if (depth === DEPTH_MAX) return fc.array(fc.oneof(...straight), { maxLength, size: 'max' });
  const inner = body(depth + 1, withMap);
  const tested = { op: fc.constantFrom(...TESTS), wide, ...source };
  return fc.array(
    fc.oneof(
      ...straight,
      fc.record({ shape: shape('if'), ...tested, yes: inner, no: inner }),
      fc.record({ shape: shape('loop'), times: fc.integer({ min: 1, max: 4 }), body: inner }),
    ),
    { maxLength, size: depth === 0 ? 'max' : 'medium' },
  );
}

/** Without `withMap`, none takes a map. */
export function bpfPrograms({ withMap = true } = {}): fc.Arbitrary<BpfProgram> {
  return body(0, withMap).map((stmts) => {
    const layout = new Layout();
    const insns = [...layout.lay(stmts), ...layout.ending()];
    return { insns, usesMap: layout.usesMap };
  });
}

/** Lays statements out one after the other, and knows what can be read behind each. */
class Layout {
  usesMap = false;
  /** Registers and slots that hold numbers. */
  #regs = new Set<Reg>();
  #slots = new Set<number>();
  #loops = 0;

  lay(stmts: readonly Stmt[]): (Insn | null)[] {
    return stmts.flatMap((stmt) => this.#lay(stmt));
  }

  /** The result has something of every register and slot that can be read. */
  ending(): Insn[] {
    const insns: Insn[] = this.#regs.has(0) ? [] : [mov(0, { imm: 0 })];
    const mix = (reg: Reg): void => {
      insns.push({ kind: 'alu', op: 'xor', wide: true, dst: 0, src: { reg } });
    };
    for (const reg of this.#regs) if (reg !== 0) mix(reg);
    for (const slot of this.#slots) {
      insns.push({ kind: 'ldx', mode: 'mem', size: 8, dst: 1, src: FRAME, off: offOf(slot) });
      mix(1);
    }
    return [...insns, { kind: 'exit' }];
  }

  #lay(stmt: Stmt): (Insn | null)[] {
    switch (stmt.shape) {
      case 'set':
        return [mov(this.#written(stmt.to), { imm: stmt.imm })];
      case 'alu':
        return this.#alu(stmt);
      case 'unary': {
        const dst = this.#read(stmt.a);
        return dst === undefined ? [] : [stmt.insn(dst)];
      }
      case 'store': {
        const src = this.#read(stmt.a);
        if (src === undefined) return [];
        this.#slots.add(stmt.slot);
        return [{ kind: 'stx', size: 8, dst: FRAME, off: offOf(stmt.slot), src }];
      }
      case 'load': {
        const off = this.#readOff(stmt.a, stmt.size);
        if (off === undefined) return [];
        return [
          {
            kind: 'ldx',
            mode: 'mem',
            size: stmt.size,
            dst: this.#written(stmt.to),
            src: FRAME,
            off,
          },
        ];
      }
      case 'atomic':
        return this.#atomic(stmt);
      case 'helper':
        return this.#call(stmt.id);
      case 'map':
        return this.#map(stmt);
      case 'if':
        return this.#if(stmt);
      case 'loop':
        return this.#loop(stmt);
    }
  }

  #alu({ op, wide: isWide, a, b, imm: value, isImm }: Stmt & { shape: 'alu' }): Insn[] {
    const dst = this.#read(a);
    if (dst === undefined) return [];
    const bits = isWide ? 64 : 32;
    const number = SHIFTS.includes(op) ? Math.abs(value % bits) : value;
    // The verifier refuses a division by the number 0, and not one by a register that is 0.
    const divisor = DIVISIONS.includes(op) && number === 0 ? 1 : number;
    const src = isImm ? { imm: divisor } : { reg: this.#read(b)! };
    return [{ kind: 'alu', op, wide: isWide, dst, src }];
  }

  #atomic({ fetch, op, a, b }: Stmt & { shape: 'atomic' }): Insn[] {
    const off = this.#readOff(a, 8);
    const src = this.#read(b);
    if (off === undefined || src === undefined) return [];
    return [{ kind: 'atomic', op, fetch: fetch || op === 'xchg', size: 8, dst: FRAME, off, src }];
  }

  #call(id: number): Insn[] {
    for (const reg of [1, 2, 3, 4, 5] as const) this.#regs.delete(reg);
    this.#regs.add(0);
    return [{ kind: 'call', target: 'helper', imm: id, off: 0 }];
  }

  #map({ what, key, a }: Stmt & { shape: 'map' }): (Insn | null)[] {
    this.usesMap = true;
    const value = this.#read(a);
    const put: Insn[] = [{ kind: 'st', size: 4, dst: FRAME, off: KEY_OFF, imm: key }];
    if (what === 'update') {
      if (value === undefined)
        put.push({ kind: 'st', size: 8, dst: FRAME, off: VALUE_OFF, imm: key });
      else put.push({ kind: 'stx', size: 8, dst: FRAME, off: VALUE_OFF, src: value });
    }
    const args: (Insn | null)[] = [
      { kind: 'ld_imm64', from: 'map_fd', dst: 1, imm: 0, next: 0 },
      null,
      ...pointer(2, KEY_OFF),
    ];
    if (what === 'update') args.push(...pointer(3, VALUE_OFF), mov(4, { imm: 0 }));
    const ids = { add: LOOKUP, update: UPDATE, delete: DELETE } as const;
    const called = [...put, ...args, ...this.#call(ids[what])];
    if (what !== 'add') return called;
    return [
      ...called,
      { kind: 'jmp', op: 'jeq', wide: true, dst: 0, src: { imm: 0 }, off: 2 },
      mov(1, { imm: 1 }),
      { kind: 'atomic', op: 'add', fetch: false, size: 8, dst: 0, off: 0, src: 1 },
      mov(0, { imm: key }),
    ];
  }

  #if({
    op,
    wide: isWide,
    a,
    b,
    imm: value,
    isImm,
    yes,
    no,
  }: Stmt & { shape: 'if' }): (Insn | null)[] {
    const dst = this.#read(a);
    if (dst === undefined) return this.lay(yes);
    const src = isImm ? { imm: value } : { reg: this.#read(b)! };
    const [regs, slots] = [new Set(this.#regs), new Set(this.#slots)];
    const otherwise = this.lay(no);
    const [regsElse, slotsElse] = [this.#regs, this.#slots];
    [this.#regs, this.#slots] = [regs, slots];
    const then = this.lay(yes);
    this.#keep(regsElse, slotsElse);
    return [
      { kind: 'jmp', op, wide: isWide, dst, src, off: otherwise.length + 1 },
      ...otherwise,
      { kind: 'ja', long: false, off: then.length },
      ...then,
    ];
  }

  /** Loops stand in no loop: there is one counter. */
  #loop({ times, body: stmts }: Stmt & { shape: 'loop' }): (Insn | null)[] {
    if (this.#loops > 0) return this.lay(stmts);
    this.#loops++;
    // The second time round, only what calls keep is there for certain.
    for (const reg of [0, 1, 2, 3, 4, 5] as const) this.#regs.delete(reg);
    const inner = this.lay(stmts);
    this.#loops--;
    return [
      mov(COUNTER, { imm: times }),
      ...inner,
      { kind: 'alu', op: 'add', wide: true, dst: COUNTER, src: { imm: -1 } },
      { kind: 'jmp', op: 'jne', wide: true, dst: COUNTER, src: { imm: 0 }, off: -inner.length - 2 },
    ];
  }

  #keep(regs: ReadonlySet<Reg>, slots: ReadonlySet<number>): void {
    for (const reg of this.#regs) if (!regs.has(reg)) this.#regs.delete(reg);
    for (const slot of this.#slots) if (!slots.has(slot)) this.#slots.delete(slot);
  }

  #written(picked: number): Reg {
    const reg = REGS[picked % REGS.length]!;
    this.#regs.add(reg);
    return reg;
  }

  #read(picked: number): Reg | undefined {
    const there = REGS.filter((reg) => this.#regs.has(reg));
    return there[picked % there.length];
  }

  /** Where so many bytes of a slot that has been written begin. */
  #readOff(picked: number, size: AccessBytes): number | undefined {
    const there = [...this.#slots].toSorted((a, b) => a - b);
    if (there.length === 0) return undefined;
    const within = (picked % (8 / size)) * size;
    return offOf(there[picked % there.length]!) + within;
  }
}

function mov(dst: Reg, src: Operand): Insn {
  return { kind: 'alu', op: 'mov', wide: true, dst, src };
}

function pointer(dst: Reg, off: number): Insn[] {
  return [mov(dst, { reg: FRAME }), { kind: 'alu', op: 'add', wide: true, dst, src: { imm: off } }];
}

function offOf(slot: number): number {
  return -8 * (slot + 1);
}
