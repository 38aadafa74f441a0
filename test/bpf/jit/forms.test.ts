import { expect, test } from 'vitest';
import type { AccessBytes, Insn, LoadMode, Operand } from '../../../bpf/isa/insn.ts';
import { ALU_OPS, ATOMIC_OPS, JMP_OPS } from '../../../bpf/isa/ops.ts';
import { jitWith } from '../../../bpf/jit/jit.ts';
import { CodeCache } from '../../../bpf/jit/link.ts';
import type { EngineMaker } from '../../../bpf/vm/engine.ts';
import { FrameView } from '../../../bpf/vm/frame-view.ts';
import { ACCESS, FAULT, FUEL, bpfFrame, kernelAddress } from '../../../bpf/vm/frame.ts';
import { interp } from '../../../bpf/vm/interp.ts';
import { KASAN_SLAB_FREE, KASAN_STACK_LEFT, Memory } from '../../../kernel/memory.ts';
import type { Piece } from '../../kit/random-bpf.ts';

/**
 * All instructions of a kind in one program, each run by itself on both engines with edge values in
 * its registers: what random programs meet too seldom.
 */

const FRAME = 1 << 16;
const BUFFER = 1 << 17;
/** The last 8 bytes are allowed only to a part. */
const BUFFER_BYTES = 61;
const FREED = 1 << 18;
/** No power of two: what is above the greatest one below takes the slow way. */
const MEMORY_BYTES = 5 << 18;

const numbers = [
  0n,
  1n,
  2n,
  7n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  31n,
  32n,
  63n,
  64n,
];
const EDGES = [
  ...numbers,
  ...[31n, 32n, 63n].flatMap((bit) => [(1n << bit) - 1n, 1n << bit, (1n << bit) + 1n]),
  ...[1n, 2n, 0x80n, 1n << 31n].map((value) => (1n << 64n) - value),
  0x0123_4567_89ab_cdefn,
];
const IMMS = [0, 1, -1, 2, 7, 31, 32, 33, 63, 64, 255, -256, 2 ** 31 - 1, -(2 ** 31)];
const BOTH = [true, false];
const SIZES: readonly AccessBytes[] = [1, 2, 4, 8];
/** What r1, r2 and r0 hold. */
type Values = readonly [bigint, bigint, bigint];
const DST = 1;
const SRC = 2;

/** A machine with one frame, a buffer and a freed object, and an engine for one program. */
function standing(maker: EngineMaker, insns: readonly (Insn | null)[]) {
  const memory = new Memory(MEMORY_BYTES);
  memory.poison(FRAME, bpfFrame.sizeBytes, KASAN_STACK_LEFT);
  memory.unpoison(FRAME + bpfFrame.off.stack, bpfFrame.sizeBytes - bpfFrame.off.stack);
  memory.unpoison(BUFFER, BUFFER_BYTES);
  memory.unpoison(MEMORY_BYTES - 16, 16);
  memory.poison(FREED, 64, KASAN_SLAB_FREE);
  for (let i = 0; i < 64; i++) memory.rawStore(BUFFER + i, 1, BigInt((i * 151) & 0xff));
  memory.checkpoint();
  const engine = maker.make({ insns, subprogs: [0] }, { memory, callHelper: () => false });
  const view = new FrameView(memory, FRAME);
  /** What is to be seen after the instruction at `pc`. */
  return (pc: number, [r1, r2, r0]: Values, { fuel, fine, countdown }: Piece): string => {
    memory.rollback();
    memory.beforeWrite(FRAME, bpfFrame.sizeBytes);
    view.begin(0);
    view.setReg(0, r0);
    view.setReg(DST, r1);
    view.setReg(SRC, r2);
    view.pc = pc;
    view.fuel = fuel;
    memory.setRawU32(FRAME + bpfFrame.off.countdown, countdown);
    const status = engine.run(FRAME, fine);
    const isAccess = status === FAULT || status === ACCESS;
    if (status !== FUEL && !isAccess) expect.fail(`status ${status}`);
    const regs = [0, DST, SRC, 3].map((r) => view.reg(r).toString(16));
    const { off } = bpfFrame;
    const addr = isAccess ? memory.rawLoad(FRAME + off.accessAddr, 8).toString(16) : '';
    const kind = isAccess ? memory.rawU32(FRAME + off.accessKind) : 0;
    const left = memory.rawU32(FRAME + off.countdown);
    const bytes = Buffer.from(memory.rawCopyOut(BUFFER, 64)).toString('latin1');
    return [
      status,
      view.pc,
      view.fuel,
      ...regs,
      addr,
      kind,
      left,
      bytes,
      memory.dirtyPageCount,
    ].join(' ');
  };
}

interface Edges {
  readonly r1: readonly bigint[];
  readonly r2: readonly bigint[];
  readonly r0?: readonly bigint[];
}

const ONE: Piece = { fuel: 1, fine: false, countdown: 0 };
/** With the jump in front, so that it is not the first access of a run, which passes. */
const FINE: readonly Piece[] = [0, 1].map((countdown) => ({ fuel: 2, fine: true, countdown }));
const JUMP: Insn = { kind: 'ja', long: false, off: 0 };

/** Runs each instruction with every combination of register values. */
function agree(insns: readonly (Insn | null)[], { r1, r2, r0 = [0n] }: Edges): void {
  const program = insns.flatMap((insn) => (insn ? [JUMP, insn] : [insn]));
  program.push({ kind: 'exit' }, { kind: 'exit' });
  const reference = standing(interp, program);
  const fast = standing(jitWith(new CodeCache()), program);
  for (const [pc, insn] of program.entries()) {
    if (!insn || insn === JUMP || insn.kind === 'exit') continue;
    const isUnary = 'src' in insn && typeof insn.src === 'object' && 'imm' in insn.src;
    const seconds = isUnary ? r2.slice(0, 1) : r2;
    const combined = r1.flatMap((a) => seconds.flatMap((b) => r0.map((c): Values => [a, b, c])));
    const pieces = 'size' in insn ? [ONE, ...FINE] : [ONE];
    for (const values of combined) {
      for (const piece of pieces) {
        const from = piece.fine ? pc - 1 : pc;
        const expected = reference(from, values, piece);
        const found = fast(from, values, piece);
        if (found === expected) continue;
        expect(`${JSON.stringify(insn)} ${values.join(' ')}: ${found}`).toBe(expected);
      }
    }
  }
}

const operands: readonly Operand[] = [{ reg: SRC }, { reg: DST }, ...IMMS.map((imm) => ({ imm }))];

test.each(ALU_OPS)('$op at the edges', ({ op }) => {
  const insns = BOTH.flatMap((wide) =>
    operands.map((src): Insn => ({ kind: 'alu', op, wide, dst: DST, src })),
  );
  agree(insns, { r1: EDGES, r2: EDGES });
});

test.each(JMP_OPS)('$op at the edges', ({ op }) => {
  const insns = BOTH.flatMap((wide) =>
    operands.map((src): Insn => ({ kind: 'jmp', op, wide, dst: DST, src, off: 1 })),
  );
  agree(insns, { r1: EDGES, r2: EDGES });
});

test('neg, sign extension and byte orders at the edges', () => {
  const insns: (Insn | null)[] = [
    ...BOTH.map((wide): Insn => ({ kind: 'neg', wide, dst: DST })),
    ...BOTH.flatMap((wide) =>
      ([8, 16, 32] as const).map((bits): Insn => ({
        kind: 'movsx',
        wide,
        bits,
        dst: DST,
        src: SRC,
      })),
    ),
    ...(['le', 'be', 'bswap'] as const).flatMap((to) =>
      ([16, 32, 64] as const).map((bits): Insn => ({ kind: 'endian', to, bits, dst: DST })),
    ),
    ...IMMS.flatMap((imm) =>
      IMMS.flatMap((next): (Insn | null)[] => [
        { kind: 'ld_imm64', from: 'value', dst: DST, imm, next },
        null,
      ]),
    ),
  ];
  agree(insns, { r1: EDGES, r2: [EDGES.at(-1)!, 0x80n, 0x8000n, 0x8000_0000n] });
});

/** Allowed, to a part, unaligned, over the end, in the stack, freed, and in no memory at all. */
const ADDRESSES = [
  ...[0, 1, 4, 7, 48, 53, 54, 56, 57, 60, 61, 64, -1, -8].map((at) => kernelAddress(BUFFER + at)),
  ...[-8, -1, 0, 4096 - 8, 4096 - 4, 4096].map((at) =>
    kernelAddress(FRAME + bpfFrame.off.stack + at),
  ),
  kernelAddress(FREED),
  ...[-16, -7, -4, -1, 0, 8, 4096].map((at) => kernelAddress(MEMORY_BYTES + at)),
  0n,
  4096n,
  BigInt(BUFFER),
  0xffff_8881_0002_0000n,
  0xffff_8880_ffff_ffffn,
  0xffff_887f_ffff_fffcn,
  0x7fff_ffff_fff8n,
  (1n << 64n) - 4n,
];
const OFFSETS = [0, 3, -5, 32767, -32768];
const VALUES = [0n, 0xfedc_ba98_7654_3210n, (1n << 64n) - 1n];
/** As loads have it: the sign of 8 bytes is no matter. */
const MODES: readonly LoadMode[] = ['mem', 'memsx', 'probe_mem', 'probe_memsx'];

test.each(SIZES)('loads and stores of %i bytes, wherever they go', (size) => {
  const insns = OFFSETS.flatMap((off): Insn[] => [
    ...MODES.filter((mode) => size < 8 || !mode.endsWith('sx')).flatMap((mode) =>
      [3, DST].map((dst): Insn => ({ kind: 'ldx', mode, size, dst, src: DST, off })),
    ),
    { kind: 'load_acquire', size, dst: 3, src: DST, off },
    { kind: 'stx', size, dst: DST, off, src: SRC },
    { kind: 'store_release', size, dst: DST, off, src: SRC },
    { kind: 'st', size, dst: DST, off, imm: -2 },
  ]);
  agree(insns, { r1: ADDRESSES, r2: VALUES });
});

test.each(ATOMIC_OPS)('atomic $op, wherever it goes', ({ op }) => {
  const always = op === 'xchg' || op === 'cmpxchg';
  const insns = ([4, 8] as const).flatMap((size) =>
    (always ? [true] : BOTH).flatMap((fetch) =>
      OFFSETS.flatMap((off) =>
        [SRC, 0].map((src): Insn => ({ kind: 'atomic', op, fetch, size, dst: DST, off, src })),
      ),
    ),
  );
  // The last is what the buffer begins with, so that cmpxchg finds it.
  agree(insns, { r1: ADDRESSES, r2: VALUES, r0: [1n, 0x218a_f35c_c52e_9700n] });
});
