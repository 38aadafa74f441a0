import type { AccessBytes, Insn } from '../../bpf/isa/insn.ts';
import type { AluOp, AtomicOp, JmpOp } from '../../bpf/isa/ops.ts';
import type { Helper } from '../../bpf/helpers/prototype.ts';
import type { BpfMap } from '../../bpf/maps/map.ts';
import type { ExecProgram } from '../../bpf/prog/exec-program.ts';
import { bpf_prog } from '../../bpf/prog/program.ts';
import { Registry } from '../../bpf/registry.ts';
import { jit } from '../../bpf/jit/jit.ts';
import { kernelAddress } from '../../bpf/vm/frame.ts';
import { interp } from '../../bpf/vm/interp.ts';
import { ProgRunner } from '../../bpf/vm/runner.ts';
import type { EngineChoice } from '../../bpf/vm/select.ts';
import { Kernel } from '../../kernel/kernel.ts';
import type { Mode } from '../../sim/engine.ts';
import type { Failure } from '../../sim/failure.ts';
import type { Sim } from '../../sim/request.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import type { Strategy } from '../../sim/strategy.ts';

// Instructions, in the order of their operands in the kernel's log

const operand = (src: number | string) =>
  typeof src === 'string' ? { reg: Number(src.slice(1)) } : { imm: src };

/** `src` is a number, or a register by name: `r6`. */
export const alu = (op: AluOp, dst: number, src: number | string): Insn => ({
  kind: 'alu',
  op,
  wide: true,
  dst,
  src: operand(src),
});
export const mov = (dst: number, src: number | string): Insn => alu('mov', dst, src);
export const load = (size: AccessBytes, dst: number, src: number, off: number): Insn => ({
  kind: 'ldx',
  mode: 'mem',
  size,
  dst,
  src,
  off,
});
export const store = (size: AccessBytes, dst: number, off: number, src: number): Insn => ({
  kind: 'stx',
  size,
  dst,
  off,
  src,
});
export const atomic = (op: AtomicOp, dst: number, off: number, src: number): Insn => ({
  kind: 'atomic',
  op,
  fetch: false,
  size: 8,
  dst,
  off,
  src,
});
export const jmp = (op: JmpOp, dst: number, src: number | string, off: number): Insn => ({
  kind: 'jmp',
  op,
  wide: true,
  dst,
  src: operand(src),
  off,
});
export const call = (target: 'helper' | 'subprog', imm: number): Insn => ({
  kind: 'call',
  target,
  imm,
  off: 0,
});
export const exit: Insn = { kind: 'exit' };
/** ld_imm64 of a memory offset's address: two slots. */
export function address(dst: number, addr: number): (Insn | null)[] {
  const value = kernelAddress(addr);
  return number64(dst, value);
}
export function number64(dst: number, value: bigint): (Insn | null)[] {
  const imm = Number(BigInt.asIntN(32, value));
  const next = Number(BigInt.asIntN(32, value >> 32n));
  return [{ kind: 'ld_imm64', from: 'value', dst, imm, next }, null];
}

export interface ProgramText {
  readonly name: string;
  readonly insns: readonly (Insn | null)[];
  readonly subprogs?: readonly number[];
  readonly subprogNames?: readonly string[];
  /** What its calls call, by number. */
  readonly helpers?: readonly Helper[];
}

export interface RunnerOptions {
  readonly mode?: Mode;
  readonly engine?: EngineChoice;
  readonly races?: boolean;
  readonly cpuCount?: number;
}

/** A kernel and a runner of programs, with neither bpf(2) nor hooks. */
export class RunnerKernel {
  readonly kernel: Kernel;
  readonly maps = new Registry<BpfMap>();
  readonly programs = new Registry<ExecProgram>();
  readonly runner: ProgRunner;

  constructor({
    mode = 'explore',
    engine = 'auto',
    races = false,
    cpuCount = 2,
  }: RunnerOptions = {}) {
    this.kernel = new Kernel({ cpuCount, profile: 'v7.2', mutations: new Set(), mode, races });
    const { kernel, maps, programs } = this;
    const engines = { interp, jit, choice: engine };
    this.runner = new ProgRunner({ kernel, maps, programs, engines });
  }

  /** As the loader would leave it. */
  load(text: ProgramText): ExecProgram {
    const addr = this.kernel.machine.slab.kzalloc(bpf_prog.sizeBytes);
    const { insns, subprogs = [0], subprogNames = [], helpers = [] } = text;
    const calls = new Map<number, Helper>();
    insns.forEach((insn, slot) => {
      if (insn?.kind !== 'call' || insn.target === 'subprog') return;
      calls.set(
        slot,
        helpers.find(({ id }) => id === insn.imm)!,
      );
    });
    const program: ExecProgram = {
      addr,
      tag: '0badc0de01020304',
      name: text.name,
      type: 0,
      expectedAttachType: 0,
      sleepable: false,
      gplCompatible: true,
      usedMaps: [],
      xlated: new Uint8Array(),
      btf: undefined,
      btfObject: 0,
      attachTo: '',
      asTarget: {
        type: 0,
        savedDstType: 0,
        expectedAttachType: 0,
        btf: undefined,
        funcs: [],
        isAttachedToTracing: false,
      },
      verifiedInsns: 0,
      insns,
      subprogs,
      subprogNames,
      calls,
    };
    this.programs.set(addr, program);
    return program;
  }

  /** Runs `body` as init; gives the failures. */
  run(body: () => Sim<unknown>, strategy: Strategy = new Stay()): readonly Failure[] {
    this.kernel.boot(body);
    this.kernel.machine.engine.run(strategy);
    return this.kernel.machine.engine.failures;
  }

  /** r0 of one run of the program. */
  result(prog: ExecProgram, ctx = 0): bigint {
    let r0 = -1n;
    const { runner } = this;
    const failures = this.run(function* () {
      r0 = yield* runner.bpf_prog_run(prog, ctx);
    });
    if (failures.length > 0) throw new Error(failures[0]!.text);
    return r0;
  }
}
