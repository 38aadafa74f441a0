import fc from 'fast-check';
import type { AccessBytes, Insn, Insns, Operand, Reg } from '../../bpf/isa/insn.ts';
import { ALU_OPS, ATOMIC_OPS, JMP_OPS } from '../../bpf/isa/ops.ts';

/** Bytes of the map value that r9 points to, from which programs have what they compute with. */
export const VALUE_BYTES = 64;

const SCALARS: readonly Reg[] = [0, 1, 2, 3, 6, 7, 8];
/** Hold a pointer or an index for one statement. */
const INDEX: Reg = 4;
const POINTER: Reg = 5;
const VALUE: Reg = 9;
const FRAME: Reg = 10;
const SLOTS = 4;
const INSNS_MAX = 200;
const EDGES = [
  0, 1, -1, 2, 7, 8, 16, 31, 32, 63, 64, 255, 256, 0xffff, 0x7fff_ffff, -0x8000_0000, -0x7fff_ffff,
  0x7fff_fffe,
];
const SIZES: readonly AccessBytes[] = [1, 2, 4, 8];
const PRANDOM = 7;

/** Hands out what was drawn, and zero when nothing is left: so shorter draws are simpler. */
class Draws {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#numbers.length;
  }

  below(n: number): number {
    return (this.#numbers[this.#at++] ?? 0) % n;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

interface Pending {
  /** Index of the jump in the instructions, and how many statements it skips. */
  readonly at: number;
  left: number;
}

/** Builds one program of statements of which each leaves numbers in SCALARS and in the slots. */
class Builder {
  readonly insns: (Insn | null)[] = [];
  readonly #draws: Draws;
  #pending: Pending[] = [];

  constructor(numbers: readonly number[]) {
    this.#draws = new Draws(numbers);
  }

  build(): Insns {
    this.#prologue();
    while (!this.#draws.isEmpty && this.insns.length < INSNS_MAX) {
      this.#statement();
      this.#landAfter();
    }
    for (const jump of this.#pending) this.#land(jump.at);
    this.#alu('mov', true, 0, { reg: this.#scalar() });
    this.insns.push({ kind: 'exit' });
    return this.insns;
  }

  #prologue(): void {
    this.insns.push({ kind: 'ld_imm64', from: 'map_value', dst: VALUE, imm: 0, next: 0 }, null);
    SCALARS.forEach((dst, i) => {
      const size = this.#draws.of(SIZES);
      const mode = size < 8 && this.#draws.below(3) === 0 ? 'memsx' : 'mem';
      this.insns.push({ kind: 'ldx', mode, size, dst, src: VALUE, off: (8 * i) % VALUE_BYTES });
    });
    for (let slot = 1; slot <= SLOTS; slot++) {
      this.insns.push({ kind: 'st', size: 8, dst: FRAME, off: -8 * slot, imm: 0 });
    }
  }

  #landAfter(): void {
    for (const jump of this.#pending) jump.left--;
    const done = this.#pending.filter(({ left }) => left < 0);
    this.#pending = this.#pending.filter(({ left }) => left >= 0);
    for (const { at } of done) this.#land(at);
  }

  #land(at: number): void {
    const jump = this.insns[at] as Extract<Insn, { kind: 'jmp' }>;
    this.insns[at] = { ...jump, off: this.insns.length - at - 1 };
  }

  #scalar(): Reg {
    return this.#draws.of(SCALARS);
  }

  #imm(): number {
    const draws = this.#draws;
    return draws.below(2) === 0 ? draws.of(EDGES) : draws.below(1 << 20) - (1 << 10);
  }

  #operand(): Operand {
    return this.#draws.below(2) === 0 ? { imm: this.#imm() } : { reg: this.#scalar() };
  }

  #alu(op: (typeof ALU_OPS)[number]['op'], wide: boolean, dst: Reg, src: Operand): void {
    this.insns.push({ kind: 'alu', op, wide, dst, src });
  }

  #statement(): void {
    const menu = [
      this.#arithmetic,
      this.#arithmetic,
      this.#arithmetic,
      this.#unary,
      this.#branch,
      this.#branch,
      this.#branch,
      this.#stack,
      this.#spill,
      this.#value,
      this.#indexed,
      this.#indexed,
      this.#indexedStack,
      this.#atomic,
      this.#call,
      this.#loop,
    ];
    this.#draws.of(menu).call(this);
  }

  #arithmetic(): void {
    const draws = this.#draws;
    const { op } = draws.of(ALU_OPS);
    const wide = draws.below(2) === 0;
    const dst = this.#scalar();
    const src = this.#operand();
    if (!('imm' in src)) return this.#alu(op, wide, dst, src);
    const isShift = op === 'lsh' || op === 'rsh' || op === 'arsh';
    const isDivision = ['div', 'mod', 'sdiv', 'smod'].includes(op);
    let { imm } = src;
    if (isShift) imm &= wide ? 63 : 31;
    if (isDivision && imm === 0) imm = 3;
    return this.#alu(op, wide, dst, { imm });
  }

  #unary(): void {
    const draws = this.#draws;
    const dst = this.#scalar();
    const wide = draws.below(2) === 0;
    const bits = draws.of([8, 16, 32] as const);
    this.insns.push(
      draws.of<Insn>([
        { kind: 'neg', wide, dst },
        { kind: 'movsx', wide: wide || bits === 32, bits, dst, src: this.#scalar() },
        { kind: 'endian', to: 'bswap', bits: draws.of([16, 32, 64] as const), dst },
        { kind: 'endian', to: 'be', bits: draws.of([16, 32, 64] as const), dst },
      ]),
    );
    if (draws.below(4) > 0) return;
    const [low, high] = [this.#imm(), this.#imm()];
    this.insns.push({ kind: 'ld_imm64', from: 'value', dst, imm: low, next: high }, null);
  }

  /** Over some of the statements behind it. */
  #branch(): void {
    const draws = this.#draws;
    this.#pending.push({ at: this.insns.length, left: 1 + draws.below(4) });
    const { op } = draws.of(JMP_OPS);
    const wide = draws.below(2) === 0;
    this.insns.push({ kind: 'jmp', op, wide, dst: this.#scalar(), src: this.#operand(), off: 0 });
  }

  #slotOff(size: AccessBytes): number {
    return -8 * (1 + this.#draws.below(SLOTS)) + size * this.#draws.below(8 / size);
  }

  #stack(): void {
    const size = this.#draws.of(SIZES);
    const off = this.#slotOff(size);
    const reg = this.#scalar();
    const mode = size < 8 && this.#draws.below(3) === 0 ? 'memsx' : 'mem';
    this.insns.push(
      this.#draws.of<Insn>([
        { kind: 'stx', size, dst: FRAME, off, src: reg },
        { kind: 'ldx', mode, size, dst: reg, src: FRAME, off },
        { kind: 'st', size, dst: FRAME, off, imm: this.#imm() },
      ]),
    );
  }

  /** A pointer to the value goes over the stack and is used there. */
  #spill(): void {
    const off = -8 * (SLOTS + 1);
    this.insns.push(
      { kind: 'stx', size: 8, dst: FRAME, off, src: VALUE },
      { kind: 'ldx', mode: 'mem', size: 8, dst: POINTER, src: FRAME, off },
    );
    this.#access(POINTER, 8 * this.#draws.below(8), 8);
  }

  #value(): void {
    const size = this.#draws.of(SIZES);
    this.#access(VALUE, size * this.#draws.below(VALUE_BYTES / size), size);
  }

  #access(base: Reg, off: number, size: AccessBytes): void {
    const reg = this.#scalar();
    this.insns.push(
      this.#draws.of<Insn>([
        { kind: 'ldx', mode: 'mem', size, dst: reg, src: base, off },
        { kind: 'stx', size, dst: base, off, src: reg },
      ]),
    );
  }

  /**
   * Into POINTER: base + an index of at most `limit`, made small in one of the ways in which
   * programs do that. Now and then in one that is refused.
   */
  #pointTo(base: Reg, baseOff: number, limit: number): void {
    const draws = this.#draws;
    const wide = draws.below(3) > 0;
    this.#alu('mov', wide, INDEX, { reg: this.#scalar() });
    const isPower = ((limit + 1) & limit) === 0;
    const shift = (wide ? 64 : 32) - Math.log2(limit + 1);
    const how = draws.below(isPower ? 4 : 2);
    if (how < 2) this.#alu('and', wide, INDEX, { imm: limit });
    else if (how === 2) this.#alu('mod', wide, INDEX, { imm: limit + 1 });
    else this.#alu('rsh', wide, INDEX, { imm: shift });
    if (isPower && draws.below(4) === 0) {
      this.#alu('xor', true, INDEX, { imm: draws.below(limit + 1) });
    }
    this.#alu('mov', true, POINTER, { reg: base });
    if (baseOff !== 0) this.#alu('add', true, POINTER, { imm: baseOff });
    this.#alu(draws.below(40) === 39 ? 'sub' : 'add', true, POINTER, { reg: INDEX });
  }

  #indexed(): void {
    const draws = this.#draws;
    const size = draws.of(SIZES);
    const limit = draws.of([7, 15, 31, 24, 40]);
    const off = draws.below(VALUE_BYTES - limit - size + (draws.below(40) === 39 ? 9 : 1));
    const before = draws.below(2) === 0 ? draws.below(off + 1) : 0;
    this.#pointTo(VALUE, before, limit);
    this.#access(POINTER, off - before, size);
  }

  /** Aligned, as stack must be. */
  #indexedStack(): void {
    const draws = this.#draws;
    const size = draws.of(SIZES);
    this.#pointTo(FRAME, -8 * SLOTS, 8 * SLOTS - size);
    this.#access(POINTER, 0, size);
  }

  #atomic(): void {
    const draws = this.#draws;
    const size = draws.of([4, 8] as const);
    const onStack = draws.below(2) === 0;
    const { op } = draws.of(ATOMIC_OPS);
    const fetch = op === 'xchg' || op === 'cmpxchg' || draws.below(2) === 0;
    const off = onStack ? this.#slotOff(size) : size * draws.below(VALUE_BYTES / size);
    const dst = onStack ? FRAME : VALUE;
    this.insns.push({ kind: 'atomic', op, fetch, size, dst, off, src: this.#scalar() });
  }

  #call(): void {
    this.insns.push({ kind: 'call', target: 'helper', imm: PRANDOM, off: 0 });
    for (const dst of [1, 2, 3]) this.#alu('mov', true, dst, { imm: this.#imm() });
  }

  /** Some times over a statement's worth of arithmetic, counted in r4 on the stack. */
  #loop(): void {
    const off = -8 * (SLOTS + 2);
    this.insns.push({ kind: 'st', size: 8, dst: FRAME, off, imm: 0 });
    const start = this.insns.length;
    this.#arithmetic();
    this.insns.push({ kind: 'ldx', mode: 'mem', size: 8, dst: INDEX, src: FRAME, off });
    this.#alu('add', true, INDEX, { imm: 1 });
    this.insns.push({ kind: 'stx', size: 8, dst: FRAME, off, src: INDEX });
    const src = { imm: 1 + this.#draws.below(5) };
    const back = start - this.insns.length - 1;
    this.insns.push({ kind: 'jmp', op: 'jlt', wide: true, dst: INDEX, src, off: back });
  }
}

/** Programs many of which the verifier accepts. */
export const soundPrograms: fc.Arbitrary<Insns> = fc
  .array(fc.nat({ max: (1 << 20) - 1 }), { minLength: 8, maxLength: 400, size: 'max' })
  .map((numbers) => new Builder(numbers).build());
