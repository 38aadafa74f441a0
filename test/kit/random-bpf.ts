import fc from 'fast-check';
import type { AccessBytes, Insn, Operand } from '../../bpf/isa/insn.ts';
import { ALU_OPS, ATOMIC_OPS, JMP_OPS } from '../../bpf/isa/ops.ts';
import type { Executable } from '../../bpf/vm/engine.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';

/** Bytes of the buffer that r9 points to at the start; what lies behind it must not be touched. */
export const BUFFER_BYTES = 61;
/** The pages of the arena, by address, and how much about their edges is ever touched. */
export const ARENA_PAGES = [0, 0x3f_f000, 0x40_0000, 0xffff_f000] as const;
export const ARENA_EDGE_BYTES = 32;
/**
 * Helpers of the world of random programs. The first gives a number made of its arguments, the
 * second writes to the buffer; the third may yield. As kfuncs, the same numbers do the same.
 */
export const HELPERS = { pure: 1, writes: 2, yields: 3 } as const;

/** A program that every engine takes; and how a run of it is cut into pieces. */
export interface RandomProgram extends Executable {
  /** By piece, over and over: fuel, whether in fine mode and then with which countdown. */
  readonly pieces: readonly Piece[];
}

export interface Piece {
  readonly fuel: number;
  readonly fine: boolean;
  readonly countdown: number;
}

/** Straight code, or some with a shape; a call names the function that it calls. */
type Stmt =
  | { readonly shape: 'insn'; readonly insn: Insn }
  | { readonly shape: 'arena'; readonly at: Insn; readonly insn: Insn }
  | { readonly shape: 'call'; readonly fn: number }
  | { readonly shape: 'if'; readonly test: Insn; readonly yes: Stmt[]; readonly no: Stmt[] }
  | { readonly shape: 'loop'; readonly times: number; readonly reg: number; readonly body: Stmt[] }
  | { readonly shape: 'while'; readonly body: Stmt[] };

const FUNCTIONS = 3;
/** r10 is the frame pointer, r9 the buffer: rarely overwritten. */
const BUFFER_REG = 9;

const dst = fc.oneof(
  { weight: 40, arbitrary: fc.nat({ max: 8 }) },
  { weight: 1, arbitrary: fc.constant(BUFFER_REG) },
);
const src = fc.nat({ max: 10 });
const edges = [0, 1, -1, 2, 7, 8, 31, 32, 33, 63, 64, 255, 2 ** 31 - 1, -(2 ** 31)] as const;
const imm = fc.oneof(
  fc.constantFrom(...edges),
  fc.integer({ min: -130, max: 130 }),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const operand: fc.Arbitrary<Operand> = fc.oneof(fc.record({ reg: src }), fc.record({ imm }));
const size = fc.constantFrom<AccessBytes>(1, 2, 4, 8);
const atomicSize = fc.constantFrom<4 | 8>(4, 8);
const wide = fc.boolean();

/** Where an access goes: to the stack, into the buffer, at their edges, or wherever. */
const places = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ base: fc.constant(10), off: fc.integer({ min: -64, max: -8 }) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ base: fc.constant(BUFFER_REG), off: fc.integer({ min: 0, max: 53 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ base: fc.constant(10), off: fc.integer({ min: -528, max: 16 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ base: fc.constant(BUFFER_REG), off: fc.integer({ min: -9, max: 66 }) }),
  },
  { weight: 1, arbitrary: fc.record({ base: src, off: fc.integer({ min: -32768, max: 32767 }) }) },
);
const kind = <K extends Insn['kind']>(name: K): fc.Arbitrary<K> => fc.constant(name);

const alu: fc.Arbitrary<Insn>[] = [
  fc.record({
    kind: kind('alu'),
    op: fc.constantFrom(...ALU_OPS.map(({ op }) => op)),
    wide,
    dst,
    src: operand,
  }),
  fc
    .tuple(wide, fc.constantFrom<8 | 16 | 32>(8, 16, 32), dst, src)
    .map(([w, bits, d, s]): Insn => ({
      kind: 'movsx',
      wide: w || bits === 32,
      bits,
      dst: d,
      src: s,
    })),
  fc.record({ kind: kind('neg'), wide, dst }),
  fc.record({
    kind: kind('endian'),
    to: fc.constantFrom<'le' | 'be' | 'bswap'>('le', 'be', 'bswap'),
    bits: fc.constantFrom<16 | 32 | 64>(16, 32, 64),
    dst,
  }),
  fc.record({
    kind: kind('ld_imm64'),
    from: fc.constant('value' as const),
    dst,
    imm,
    next: imm,
  }),
];

/** Of a load that sign-extends, 8 bytes would be no other. */
const narrow = (size: AccessBytes, mode: string): AccessBytes =>
  size === 8 && mode.endsWith('sx') ? 4 : size;

const memory: fc.Arbitrary<Insn>[] = [
  fc
    .record({ mode: fc.constantFrom<'mem' | 'memsx'>('mem', 'memsx'), size, dst, at: places })
    .map(({ at, mode, size: bytes, dst: into }): Insn => ({
      kind: 'ldx',
      mode,
      size: narrow(bytes, mode),
      dst: into,
      src: at.base,
      off: at.off,
    })),
  fc
    .record({
      mode: fc.constantFrom<'probe_mem' | 'probe_memsx'>('probe_mem', 'probe_memsx'),
      size,
      dst,
      src,
      off: fc.integer({ min: -64, max: 64 }),
    })
    .map((load): Insn => ({ kind: 'ldx', ...load, size: narrow(load.size, load.mode) })),
  fc
    .record({ size, imm, at: places })
    .map(({ at, ...store }): Insn => ({ kind: 'st', ...store, dst: at.base, off: at.off })),
  fc
    .record({ size, src, at: places })
    .map(({ at, ...store }): Insn => ({ kind: 'stx', ...store, dst: at.base, off: at.off })),
  fc
    .record({
      op: fc.constantFrom(...ATOMIC_OPS.map(({ op }) => op)),
      fetch: fc.boolean(),
      size: atomicSize,
      src: dst,
      at: places,
    })
    .map(({ at, op, fetch, ...rest }): Insn => {
      const always = op === 'xchg' || op === 'cmpxchg';
      return { kind: 'atomic', op, fetch: fetch || always, ...rest, dst: at.base, off: at.off };
    }),
  fc
    .record({ size, dst, at: places })
    .map(({ at, ...load }): Insn => ({ kind: 'load_acquire', ...load, src: at.base, off: at.off })),
  fc.record({ size, src, at: places }).map(({ at, ...store }): Insn => ({
    kind: 'store_release',
    ...store,
    dst: at.base,
    off: at.off,
  })),
];

/** Where accesses to an arena go: about the edges of pages that are there, and of the arena. */
const arenaAddress = fc
  .record({
    edge: fc.constantFrom(...ARENA_PAGES.flatMap((page) => [page, page + PAGE_SIZE])),
    by: fc.integer({ min: -ARENA_EDGE_BYTES + 8, max: ARENA_EDGE_BYTES - 8 }),
  })
  .map(({ edge, by }) => (edge + by) | 0);

/** A register gets an address of the arena, and an access goes through it. */
const arena: fc.Arbitrary<Stmt> = fc
  .record({
    at: arenaAddress,
    off: fc.integer({ min: -8, max: 0 }),
    reg: fc.nat({ max: 8 }),
    insn: fc.oneof(...memory),
  })
  .filter(({ insn }) => insn.kind !== 'ldx' || !insn.mode.startsWith('probe'))
  .map(({ at, off, reg, insn }): Stmt => {
    const isLoad = insn.kind === 'ldx' || insn.kind === 'load_acquire';
    return {
      shape: 'arena',
      at: { kind: 'alu', op: 'mov', wide: false, dst: reg, src: { imm: at } },
      insn: { ...insn, [isLoad ? 'src' : 'dst']: reg, off, arena: true } as Insn,
    };
  });

const cast: fc.Arbitrary<Insn> = fc.record({
  kind: kind('addr_space_cast'),
  dst,
  src,
  as: fc.constant(1 << 16),
});

const calls: fc.Arbitrary<Insn> = fc.record({
  kind: kind('call'),
  target: fc.constantFrom<'helper' | 'kfunc'>('helper', 'kfunc'),
  imm: fc.constantFrom(...Object.values(HELPERS)),
  off: fc.constant(0),
});

const packet: fc.Arbitrary<Insn> = fc.oneof(
  fc.record({ kind: kind('ld_abs'), size: fc.constantFrom<1 | 2 | 4>(1, 2, 4), imm }),
  fc.record({ kind: kind('ld_ind'), size: fc.constantFrom<1 | 2 | 4>(1, 2, 4), src, imm }),
);

const test: fc.Arbitrary<Insn> = fc.record({
  kind: kind('jmp'),
  op: fc.constantFrom(...JMP_OPS.map(({ op }) => op)),
  wide,
  dst: src,
  src: operand,
  off: fc.constant(0),
});

const plain = (insn: fc.Arbitrary<Insn>): fc.Arbitrary<Stmt> =>
  insn.map((made): Stmt => ({ shape: 'insn', insn: made }));

const straight: fc.WeightedArbitrary<Stmt>[] = [
  ...alu.map((insn, i) => ({ weight: i === 0 ? 24 : 3, arbitrary: plain(insn) })),
  ...memory.map((insn) => ({ weight: 5, arbitrary: plain(insn) })),
  { weight: 9, arbitrary: arena },
  { weight: 2, arbitrary: plain(cast) },
  { weight: 4, arbitrary: plain(calls) },
  { weight: 1, arbitrary: plain(packet) },
  { weight: 1, arbitrary: plain(fc.constant({ kind: 'exit' })) },
  { weight: 3, arbitrary: fc.record({ shape: fc.constant('call'), fn: fc.nat(FUNCTIONS - 1) }) },
];

function body(depth: number): fc.Arbitrary<Stmt[]> {
  const maxLength = depth === 0 ? 14 : 5;
  if (depth === 3) return fc.array(fc.oneof(...straight), { maxLength });
  const inner = body(depth + 1);
  return fc.array(
    fc.oneof(
      ...straight,
      {
        weight: 8,
        arbitrary: fc.record({ shape: fc.constant('if'), test, yes: inner, no: inner }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          shape: fc.constant('loop'),
          times: fc.integer({ min: 1, max: 6 }),
          reg: fc.nat({ max: 8 }),
          body: inner,
        }),
      },
      { weight: 2, arbitrary: fc.record({ shape: fc.constant('while'), body: inner }) },
    ),
    { maxLength },
  );
}

/** Slots, the second of an ld_imm64 included; a call still names its function. */
type Slot = Insn | null | { readonly fn: number };

function emit(stmts: readonly Stmt[]): Slot[] {
  return stmts.flatMap((stmt): Slot[] => {
    switch (stmt.shape) {
      case 'insn':
        return stmt.insn.kind === 'ld_imm64' ? [stmt.insn, null] : [stmt.insn];
      case 'arena':
        return [stmt.at, stmt.insn];
      case 'call':
        return [{ fn: stmt.fn }];
      case 'if': {
        const yes = emit(stmt.yes);
        const no = emit(stmt.no);
        const over: Insn = { kind: 'ja', long: no.length % 2 === 1, off: yes.length };
        const jump = { ...stmt.test, off: no.length + 1 } as Insn;
        return [jump, ...no, over, ...yes];
      }
      case 'loop': {
        const inner = emit(stmt.body);
        const { reg } = stmt;
        return [
          { kind: 'alu', op: 'mov', wide: true, dst: reg, src: { imm: stmt.times } },
          ...inner,
          { kind: 'alu', op: 'add', wide: true, dst: reg, src: { imm: -1 } },
          {
            kind: 'jmp',
            op: 'jsgt',
            wide: true,
            dst: reg,
            src: { imm: 0 },
            off: -inner.length - 2,
          },
        ];
      }
      case 'while': {
        const inner = emit(stmt.body);
        return [
          { kind: 'may_goto', off: inner.length + 1 },
          ...inner,
          { kind: 'ja', long: false, off: -inner.length - 2 },
        ];
      }
    }
  });
}

/** Every function ends with an exit; what a call calls is known once all have their place. */
function link(functions: readonly Stmt[][]): Executable {
  const bodies = functions.map((stmts): Slot[] => [...emit(stmts), { kind: 'exit' }]);
  const subprogs: number[] = [];
  let length = 0;
  for (const slots of bodies) {
    subprogs.push(length);
    length += slots.length;
  }
  const insns = bodies.flat().map((slot, at): Insn | null => {
    if (slot === null || !('fn' in slot)) return slot;
    return { kind: 'call', target: 'subprog', imm: subprogs[slot.fn]! - at - 1, off: 0 };
  });
  return { insns, subprogs };
}

const pieces: fc.Arbitrary<Piece[]> = fc.array(
  fc.record({
    fuel: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 13, max: 300 })),
    fine: fc.boolean(),
    countdown: fc.nat({ max: 3 }),
  }),
  { minLength: 1, maxLength: 8 },
);

/**
 * Programs over every instruction, of any nesting; most of their accesses are allowed. They may
 * recurse and loop without end: whoever runs one stops it after some instructions.
 */
export const randomPrograms: fc.Arbitrary<RandomProgram> = fc
  .record({
    functions: fc.array(body(0), { minLength: FUNCTIONS, maxLength: FUNCTIONS }),
    pieces,
  })
  .map(({ functions, pieces: cut }) => ({ ...link(functions), pieces: cut }));
