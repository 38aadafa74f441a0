import { assert } from '../base/assert.ts';
import type { Insn, Operand } from '../bpf/isa/insn.ts';
import type { AluOp, JmpOp } from '../bpf/isa/ops.ts';
import { CodeCache } from '../bpf/jit/link.ts';
import { jit, jitWith } from '../bpf/jit/jit.ts';
import type { Engine, EngineMaker, EngineWorld, Executable } from '../bpf/vm/engine.ts';
import { FrameView } from '../bpf/vm/frame-view.ts';
import {
  ACCESS,
  EXIT,
  FUEL,
  HELPER,
  bpfFrame,
  kernelAddress,
  type Status,
} from '../bpf/vm/frame.ts';
import { interp } from '../bpf/vm/interp.ts';
import { KASAN_STACK_LEFT, Memory } from '../kernel/memory.ts';
import type { Bench } from './harness.ts';

/** Programs that run for ever, on both engines; exits from them; what compiling takes. */

const FRAME = 1 << 16;
const VALUE = 1 << 17;
const VALUE_BYTES = 64;
/** Instructions that an engine is given at a time: as many as the runner gives it. */
const SLICE_INSNS = 4_096;
const YIELDS = 2;

class World implements EngineWorld {
  readonly memory = new Memory(32 << 20);
  readonly view = new FrameView(this.memory, FRAME);
  sum = 0;

  constructor() {
    const { memory } = this;
    memory.poison(FRAME, bpfFrame.sizeBytes, KASAN_STACK_LEFT);
    memory.unpoison(FRAME + bpfFrame.off.stack, bpfFrame.sizeBytes - bpfFrame.off.stack);
    memory.unpoison(VALUE, VALUE_BYTES);
    memory.checkpoint();
    memory.beforeWrite(FRAME, bpfFrame.sizeBytes);
  }

  /** bpf_get_prandom_u32() and its like: no argument matters, the result is a number. */
  callHelper(_frame: number, _pc: number): boolean {
    if (this.#yields) return false;
    this.view.setNumber(0, ++this.sum | 0);
    return true;
  }

  /** An engine that stands at the begin of the program, with r9 at a map value. */
  start(maker: EngineMaker, program: Executable, yields = false): Engine {
    this.#yields = yields;
    this.view.begin(VALUE);
    this.view.setReg(9, kernelAddress(VALUE));
    return maker.make(program, this);
  }

  #yields = false;
}

const imm = (value: number): Operand => ({ imm: value });
const alu = (op: AluOp, dst: number, src: Operand, wide = true): Insn => ({
  kind: 'alu',
  op,
  wide,
  dst,
  src,
});
const load = (dst: number, src: number, off: number, size: 4 | 8 = 8): Insn => ({
  kind: 'ldx',
  mode: 'mem',
  size,
  dst,
  src,
  off,
});
const store = (dst: number, off: number, src: number, size: 4 | 8 = 8): Insn => ({
  kind: 'stx',
  size,
  dst,
  off,
  src,
});
const jump = (op: JmpOp, dst: number, src: Operand, off: number): Insn => ({
  kind: 'jmp',
  op,
  wide: true,
  dst,
  src,
  off,
});
const call: Insn = { kind: 'call', target: 'helper', imm: YIELDS, off: 0 };

/** The body over and over, with a counted loop about it as a compiler makes one. */
function forever(body: readonly Insn[]): Executable {
  const insns: Insn[] = [
    ...body,
    alu('add', 8, imm(1)),
    jump('jne', 8, imm(-1), -body.length - 2),
    { kind: 'exit' },
  ];
  return { insns, subprogs: [0] };
}

const LOOPS: Readonly<Record<string, Executable>> = {
  ALU: forever([
    alu('mov', 1, { reg: 8 }),
    alu('mul', 1, imm(0x9e3779b1 | 0)),
    alu('xor', 2, { reg: 1 }),
    alu('lsh', 1, imm(13)),
    alu('add', 2, { reg: 1 }),
    alu('rsh', 1, imm(7)),
    alu('sub', 3, { reg: 2 }),
    alu('and', 3, imm(0xffff)),
    alu('or', 3, { reg: 1 }),
    alu('add', 4, { reg: 3 }, false),
  ]),
  stack: forever([
    store(10, -8, 8),
    load(1, 10, -8),
    alu('add', 1, imm(3)),
    store(10, -16, 1),
    load(2, 10, -16, 4),
    store(10, -24, 2, 4),
    load(3, 10, -24, 4),
    alu('xor', 4, { reg: 3 }),
  ]),
  'map value': forever([
    load(1, 9, 0),
    alu('add', 1, imm(1)),
    store(9, 0, 1),
    load(2, 9, 8),
    alu('add', 2, { reg: 1 }),
    store(9, 8, 2),
    load(3, 9, 16, 4),
    alu('xor', 3, { reg: 2 }),
    store(9, 16, 3, 4),
  ]),
  branchy: forever([
    alu('mov', 1, { reg: 8 }),
    alu('and', 1, imm(7)),
    jump('jeq', 1, imm(0), 3),
    jump('jgt', 1, imm(5), 4),
    alu('add', 2, imm(5)),
    jump('jset', 1, imm(1), 3),
    alu('add', 3, imm(7)),
    jump('jsgt', 3, { reg: 2 }, 1),
    alu('xor', 2, { reg: 3 }),
    jump('jne', 1, imm(3), 1),
    alu('sub', 3, imm(1)),
  ]),
  helper: forever([
    alu('mov', 1, { reg: 8 }),
    alu('mov', 2, imm(4)),
    call,
    alu('add', 6, { reg: 0 }),
    alu('mov', 1, { reg: 9 }),
    call,
    alu('xor', 6, { reg: 0 }),
  ]),
};

/** Runs `n` instructions of a program that has no end. */
function runner(maker: EngineMaker, program: Executable, fine = false): (n: number) => void {
  const world = new World();
  const engine = world.start(maker, program);
  return (n) => {
    for (let left = n; left > 0; left -= SLICE_INSNS) {
      world.view.fuel = Math.min(left, SLICE_INSNS);
      if (fine) world.memory.setRawU32(FRAME + bpfFrame.off.countdown, SLICE_INSNS);
      expectStatus(engine.run(FRAME, fine), FUEL);
    }
  };
}

function expectStatus(found: Status, expected: Status): void {
  if (found !== expected) assert(false, `status ${found} in place of ${expected}`);
}

const loopBenches = Object.entries(LOOPS).map(([name, program]): Bench => ({
  name: `bpf ${name}`,
  unit: 'insn',
  baseline: 'the interpreter',
  run: runner(jit, program),
  runBaseline: runner(interp, program),
}));

const fineBench: Bench = {
  name: 'bpf map value, fine mode with countdown',
  unit: 'insn',
  baseline: 'coarse mode',
  run: runner(jit, LOOPS['map value']!, true),
  runBaseline: runner(jit, LOOPS['map value']!),
};

/** `n` times out of the engine and in again. */
function exits(maker: EngineMaker, program: Executable, status: Status): (n: number) => void {
  const world = new World();
  const engine = world.start(maker, program, status === HELPER);
  const { view } = world;
  return (n) => {
    for (let i = 0; i < n; i++) {
      view.fuel = status === FUEL ? 7 : SLICE_INSNS;
      expectStatus(engine.run(FRAME, status === ACCESS), status);
      if (status === HELPER) view.pc++;
    }
  };
}

const exitBenches = [
  { name: 'FUEL every 7 insns', program: LOOPS['ALU']!, status: FUEL },
  { name: 'HELPER', program: LOOPS['helper']!, status: HELPER },
  { name: 'ACCESS', program: LOOPS['map value']!, status: ACCESS },
].map(({ name, program, status }): Bench => ({
  name: `bpf exit ${name}`,
  unit: 'exit',
  baseline: 'the interpreter',
  run: exits(jit, program, status as Status),
  runBaseline: exits(interp, program, status as Status),
}));

/** Stretches of what real programs are made of, and no loop about them. */
function straight(insnCount: number): Executable {
  const kinds = Object.values(LOOPS).map(({ insns }) => insns.slice(0, -3));
  const insns: (Insn | null)[] = [];
  for (let i = 0; insns.length < insnCount - 1; i++) insns.push(...kinds[i % kinds.length]!);
  insns.length = insnCount - 1;
  // Jumps forward may now leave the program.
  const cut = insns.map((insn, slot): Insn | null =>
    insn?.kind === 'jmp' && slot + 2 + insn.off >= insnCount ? { ...insn, off: 0 } : insn,
  );
  return { insns: [...cut, { kind: 'exit' }], subprogs: [0] };
}

/**
 * From instructions to the end of the first run, which is when V8 compiles; each time with another
 * constant, since V8 too remembers what it has compiled.
 */
const compileBenches = [50, 500, 5_000].map((insnCount): Bench => {
  const world = new World();
  const program = straight(insnCount);
  let constant = 0;
  const runOnce = (maker: EngineMaker, once: Executable): void => {
    const engine = world.start(maker, once);
    world.view.fuel = 2 * insnCount;
    expectStatus(engine.run(FRAME, false), EXIT);
  };
  return {
    name: `bpf compile ${insnCount}`,
    unit: 'program',
    baseline: 'the second run, on another machine',
    run: (n) => {
      for (let i = 0; i < n; i++) {
        const insns = program.insns.with(-2, alu('mov', 0, imm(constant++)));
        runOnce(jitWith(new CodeCache()), { ...program, insns });
      }
    },
    runBaseline: (n) => {
      for (let i = 0; i < n; i++) runOnce(jit, program);
    },
  };
});

export const bpfBenches: readonly Bench[] = [
  ...loopBenches,
  fineBench,
  ...exitBenches,
  ...compileBenches,
];
