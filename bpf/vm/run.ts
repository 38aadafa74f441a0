import { assert } from '../../base/assert.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Memory } from '../../kernel/memory.ts';
import { CALL, NONE, Request, step, type Sim } from '../../sim/request.ts';
import { COST_NS } from '../../sim/cost.ts';
import type { Engine } from '../../sim/engine.ts';
import { entryAt, type Frame, type StackEntry } from '../../sim/fiber.ts';
import { siteOf, type KernelSymbol } from '../../sim/site.ts';
import type { Call, Result } from '../helpers/prototype.ts';
import { disasmLine } from '../isa/disasm.ts';
import type { BpfMap } from '../maps/map.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { bpf_prog } from '../prog/program.ts';
import type { Guard, GuardedCall, GuardedRun, Policy } from '../protect/policy.ts';
import type { Registry } from '../registry.ts';
import { accessRequest, mustStopAt } from './access.ts';
import { isArenaInsn } from './arena.ts';
import { doArenaAccess } from './arena-fault.ts';
import { reportFault, reportNoMap } from './fault.ts';
import {
  ACCESS,
  bpfFrame,
  EXIT,
  FAULT,
  FUEL,
  HELPER,
  kernelAddress,
  type Status,
} from './frame.ts';
import type { FrameView } from './frame-view.ts';
import type { Callee, Prepared } from './prepared.ts';
import { checkTimedMayGoto, countMayGoto, MAY_GOTO_VIA } from './timed-goto.ts';

/** include/linux/bpf.h */
export const MAX_TAIL_CALL_CNT = 33;
/** Instructions between two chances for others to run. */
const SLICE_INSNS = 4_096;
/** Runs that take less are over before any budget is used up. */
const SHORT_RUN_NS = 10_000;
/** Beside what engines say: the run ends here, for it has been killed. */
const KILL = 5;

/** Call.report(), for a program. */
export type ReportError = (prog: ExecProgram, line: string, via: readonly string[]) => Sim<void>;

/** What a run finds around it: runner.ts. */
export interface RunHost {
  readonly kernel: Kernel;
  readonly memory: Memory;
  readonly maps: Registry<BpfMap>;
  readonly programs: Registry<ExecProgram>;
  readonly loadPacket: (skb: number, offset: number, size: 1 | 2 | 4) => number | undefined;
  readonly reportError: ReportError;
  prepare(prog: ExecProgram): Prepared;
  /** Lets the engine of a run go on. */
  execute(run: Run, fine: boolean): Status;
}

/** One CALL of kernel text, in which the subprograms of depths base to ceiling run. */
interface Activation {
  readonly base: number;
  /** Where a callback has been called: the depth of its caller. */
  ceiling: number;
  /** Its frame in the call trace. */
  readonly top: Frame;
}

/** One run of a program, and of those that it tail-calls. */
export class Run implements Call, GuardedRun {
  readonly kernel: Kernel;
  readonly memory: Memory;
  readonly maps: Registry<BpfMap>;
  readonly frame: number;
  readonly ctx: number;
  /** The program at the present depth. */
  prepared: Prepared;
  readonly #runner: RunHost;
  readonly #engine: Engine;
  readonly #view: FrameView;
  /** By depth. */
  readonly #programs: Prepared[];
  /** The innermost. */
  #activation: Activation | undefined;
  #tailCallCount = 0;
  /** Fuel up to which time has been charged. */
  #fuelSeen = 0;
  /** What the call that the engine has left for has yet to do. */
  #pending: Sim<Result> | undefined;
  /** Whether the instruction at pc has been stopped for. */
  #hasStopped = false;
  /** Watches the run; null: nobody does. */
  #guard: Guard | null = null;
  isTestRun = false;
  readonly cpuId: number;
  /** A run that is over by then needs no timer. */
  #watchFromNs: number;
  /** It has been killed: no instruction of it runs any more. */
  #isKilled = false;
  /** What bpf_throw() was called with, and has not been dealt with yet. */
  #thrown: bigint | undefined;
  /** A timer is due: others go first. */
  #isTimerDue = false;

  constructor(runner: RunHost, prepared: Prepared, view: FrameView, ctx: number) {
    this.#runner = runner;
    this.kernel = runner.kernel;
    this.#engine = runner.kernel.machine.engine;
    this.cpuId = this.#engine.cpu.id;
    this.#watchFromNs = this.#engine.cpu.nowNs + SHORT_RUN_NS;
    this.memory = runner.memory;
    this.maps = runner.maps;
    this.frame = view.addr;
    this.ctx = ctx;
    this.prepared = prepared;
    this.#programs = [prepared];
    this.#view = view;
    view.begin(ctx);
    this.#refuel();
  }

  get prog(): ExecProgram {
    return this.prepared.prog;
  }

  get call(): Call {
    return this;
  }

  get args(): number {
    return this.#view.args;
  }

  get pc(): number {
    return this.#view.pc;
  }

  main(): Sim<bigint> {
    return this.#text(this.prepared.symbols[0]!, 0);
  }

  /** The whole run, watched. */
  *guarded(policy: Policy, isTestRun: boolean): Sim<bigint> {
    this.isTestRun = isTestRun;
    const guard = policy.enter(this);
    this.#guard = guard;
    const r0 = yield* this.main();
    if (!guard) return r0;
    if (this.#isKilled) {
      yield* guard.unwind(0);
      return yield* guard.killed();
    }
    const leaving = guard.left();
    if (leaving) yield* leaving;
    return r0;
  }

  report(text: string, via: readonly string[]): Sim<void> {
    return this.#runner.reportError(this.prog, text, via);
  }

  *callback(pc: number, ...args: readonly (number | bigint)[]): Sim<bigint> {
    if (this.#isKilled) return 1n; // whoever calls it ends its loop
    const view = this.#view;
    const outer = this.#activation!;
    const { prepared } = this;
    outer.ceiling = view.depth;
    view.enter(pc);
    args.forEach((arg, i) =>
      view.setReg(i + 1, typeof arg === 'bigint' ? arg : kernelAddress(arg)),
    );
    this.#hasStopped = false;
    this.#programs[view.depth] = prepared;
    const mark = this.#guard?.mark() ?? 0;
    const { depth } = view;
    const r0 = yield* this.#text(prepared.symbolAt(pc), depth);
    if (this.#isKilled) {
      yield* this.#guard!.unwind(mark);
      while (view.depth > depth) view.leave();
    }
    view.leave();
    this.prepared = prepared;
    this.#activation = outer;
    outer.ceiling = Infinity;
    return this.#isKilled ? 1n : r0;
  }

  /** True where r0 has the result. */
  callHelper(pc: number): boolean {
    const callee = this.prepared.callees[pc];
    if (callee === undefined || callee.isTailCall) return false;
    this.#view.pc = pc; // what a report says, whatever the engine keeps to itself
    this.#activation!.top.site = callee.site;
    if (this.#mustWait()) return false;
    this.#charge(callee.helper.costNs);
    const { effect } = callee;
    const guard = effect === undefined ? null : this.#guard;
    let result;
    if (guard === null || (guard.recordsAfter && effect!.isRecordedAfter)) {
      result = callee.helper.invoke(this, this.#view.args);
      if (guard !== null) result = guard.after(callee as GuardedCall, pc, result);
    } else {
      result = guard.around(callee as GuardedCall, pc);
    }
    if (typeof result === 'object') {
      this.#pending = result;
      return false;
    }
    this.#setResult(callee, result);
    return true;
  }

  /** The whole of one activation as a function of kernel text. */
  #text(symbol: KernelSymbol, base: number): Sim<bigint> {
    const call = new Request<bigint>(CALL, 0, 0, 0, NONE);
    call.gen = this.#loop(base);
    call.symbol = symbol;
    return call as unknown as Sim<bigint>;
  }

  *#loop(base: number): Sim<bigint> {
    const { top } = this.#engine.fiber!;
    const activation: Activation = { base, ceiling: Infinity, top };
    this.#activation = activation;
    top.entries = (site) => this.#stack(activation, site);
    for (let status = this.#next(); status !== KILL; status = this.#next()) {
      // The access is part of the step: a memory model may have it read what was there before.
      while (status === ACCESS) {
        this.#hasStopped = true;
        const { memoryModel } = this.#engine;
        if (memoryModel && this.prepared.isDependent(this.#view.pc)) memoryModel.depends();
        status = yield* accessRequest(this.memory, this.frame, this.#insn(), this.#site(), () => {
          this.kernel.machine.remark(() => this.#accessText());
          return this.#execute();
        });
      }
      if (status === EXIT) {
        if (this.#view.depth === base) break;
        this.#view.leave();
        this.prepared = this.#programs[this.#view.depth]!;
      } else if (status === FUEL) {
        yield* step(this.#site());
        this.#refuel();
      } else if (status === HELPER) {
        if (this.#isTimerDue) {
          this.#isTimerDue = false;
          yield* step(this.#site());
        } else if (this.#pending) {
          this.#finish(yield* this.#takePending());
          if (this.#thrown !== undefined && this.#unwound(base)) break;
        } else if (!(yield* this.#leftFor())) break;
      } else {
        assert(status === FAULT, `engine status ${status}`);
        top.site = this.#site();
        reportFault(this.kernel.machine, this.frame);
      }
    }
    return this.#view.reg(0);
  }

  /** What the access that comes next does, for the detailed trace. */
  #accessText(): string {
    const address = this.memory.rawPtr(this.frame + bpfFrame.off.accessAddr);
    const object = address > 0 ? this.#engine.host.objectName(address) : '';
    const line = disasmLine(this.#insn(), this.#view.pc);
    return object === '' ? line : `${line}  ; ${object}`;
  }

  /** Goes on, or ends where whoever watches wants it to. */
  #next(): Status | typeof KILL {
    const guard = this.#guard;
    if (this.#isKilled) return KILL;
    if (guard === null) return this.#execute();
    if (!guard.isStopping && !guard.isCounting) {
      const status = this.#execute();
      if (status !== EXIT) guard.began();
      return status;
    }
    for (;;) {
      const isPoint = guard.isDue || this.prepared.isKillPoint(this.#view.pc);
      if (isPoint && (guard.isDue || guard.stopsHere())) {
        this.#isKilled = true;
        return KILL;
      }
      this.#charge(0);
      this.#view.fuel = 1;
      this.#fuelSeen = 1;
      const status = this.#execute();
      if (status !== FUEL) return status;
    }
  }

  /** Whether a timer is due, which may be the one that ends the run: then time must not run on. */
  #mustWait(): boolean {
    const { mode, clock, cpu } = this.#engine;
    if (mode !== 'timed') return false;
    this.#charge(0);
    if (cpu.nowNs >= this.#watchFromNs && this.#guard) {
      this.#watchFromNs = Infinity;
      this.#guard.began();
    }
    const timer = clock.first();
    this.#isTimerDue = timer !== undefined && timer.dueNs <= cpu.nowNs;
    return this.#isTimerDue;
  }

  /** Goes on until something is left to do here. */
  #execute(): Status {
    const view = this.#view;
    if (this.prog.arena) view.arena = this.prog.arena;
    // Whoever looks for races hears of a program's accesses where it stops for them.
    const fine = this.#engine.mode === 'explore' || this.memory.onAccess !== null;
    if (fine && !this.#hasStopped && this.#mustStop()) return ACCESS;
    this.#hasStopped = false;
    this.#fetch();
    const from = view.depth;
    const { prepared } = this;
    const before = view.fuel;
    const status = this.#runner.execute(this, fine);
    this.#charge(0);
    prepared.engine.executed(before - view.fuel);
    for (let depth = from + 1; depth <= view.depth; depth++) this.#programs[depth] = prepared;
    return status;
  }

  /** The text of a program goes with its struct bpf_prog: nobody must be in it any more. */
  #fetch(): void {
    const { addr } = this.prog;
    if (this.memory.shadowAt(addr) === 0) return;
    this.#activation!.top.site = this.#site();
    this.memory.check(addr, bpf_prog.sizeBytes, false);
  }

  /** The engine lets its first access pass, so that one is looked at here. */
  #mustStop(): boolean {
    return this.#view.fuel > 0 && mustStopAt(this.memory, this.frame, this.#insn());
  }

  #takePending(): Sim<Result> {
    const pending = this.#pending!;
    this.#pending = undefined;
    return pending;
  }

  throwException(cookie: bigint): void {
    this.#thrown = cookie;
  }

  /**
   * The frames of the present program go, down to that of its main function, which ends with what
   * its exception callback returns. True: the run is over, r0 has the cookie. bpf_throw()
   */
  #unwound(base: number): boolean {
    const view = this.#view;
    const cookie = this.#thrown!;
    this.#thrown = undefined;
    while (view.depth > base && this.#programs[view.depth - 1] === this.prepared) view.leave();
    const { exceptionCallback = -1 } = this.prog;
    view.setReg(exceptionCallback < 0 ? 0 : 1, cookie);
    if (exceptionCallback >= 0) view.pc = exceptionCallback;
    else if (view.depth === base) return true;
    else {
      view.leave();
      this.prepared = this.#programs[view.depth]!;
    }
    return false;
  }

  /** The call at pc has returned. */
  #finish(result: Result): void {
    const callee = this.prepared.callees[this.#view.pc]!;
    this.#view.next();
    this.#charge(0);
    this.#setResult(callee, result);
  }

  /** Does what stands at pc and is no mere call. False: the program is over. */
  *#leftFor(): Sim<boolean> {
    const view = this.#view;
    const { pc } = view;
    const insn = this.#insn();
    if (insn.kind === 'may_goto') {
      yield* this.#askMayGoto();
      return true;
    }
    if (isArenaInsn(insn)) {
      this.#activation!.top.site = this.#site();
      yield* doArenaAccess(this, insn, (line, via) => this.report(line, via));
      view.next();
      this.#charge(0);
      return true;
    }
    if (insn.kind === 'ld_abs' || insn.kind === 'ld_ind') {
      view.next();
      this.#charge(0);
      const offset = insn.kind === 'ld_abs' ? insn.imm : insn.imm + view.s32(insn.src);
      const bytes = this.#runner.loadPacket(view.pointer(6), offset, insn.size);
      view.setReg(0, BigInt(bytes ?? 0));
      return bytes !== undefined;
    }
    const callee = this.prepared.callees[pc];
    assert(callee, `the call at slot ${pc} of ${this.prog.name} has nothing to call`);
    view.next();
    this.#charge(callee.helper.costNs);
    yield* this.#tailCall();
    return true;
  }

  /** It goes on this time, whatever comes of it. */
  *#askMayGoto(): Sim<void> {
    const view = this.#view;
    const { machine } = this.kernel;
    if (!machine.facts.timedMayGoto) countMayGoto(view);
    else if (checkTimedMayGoto(view, machine.engine.cpu.nowNs)) {
      const line = 'ERROR: Timeout detected for may_goto instruction';
      yield* this.report(line, MAY_GOTO_VIA);
    }
    view.next();
    this.#charge(0);
  }

  /** kernel/bpf/core.c: JMP_TAIL_CALL. Where there is no program, the caller goes on. */
  *#tailCall(): Sim<void> {
    const view = this.#view;
    view.setReg(0, 0n);
    const map = this.maps.get(view.pointer(2));
    if (!map?.tail_call_target) reportNoMap(this.kernel.machine, view.pointer(2));
    const index = Number(BigInt.asUintN(32, view.reg(3)));
    if (index >= map.maxEntries || this.#tailCallCount >= MAX_TAIL_CALL_CNT) return;
    const found = map.tail_call_target(index);
    const addr = typeof found === 'number' ? found : yield* found;
    if (addr === 0) return;
    const prog = this.#runner.programs.get(addr);
    if (!prog) {
      // Freed with the last reference: what a reader must not see.
      this.memory.check(addr, bpf_prog.sizeBytes, false);
      assert(prog, 'the slot of a prog array holds no program');
    }
    this.#tailCallCount++;
    this.#guard?.entered(prog);
    this.prepared = this.#runner.prepare(prog);
    this.#programs[view.depth] = this.prepared;
    view.restart();
  }

  /** A number is sign-extended, or an address; below zero also where an error stands for one. */
  #setResult(callee: Callee, result: Result): void {
    if (typeof result === 'bigint') this.#view.setReg(0, result);
    else if (result === undefined) this.#view.setNumber(0, 0);
    else if (callee.isPointer) this.#view.setPointer(0, result);
    else this.#view.setNumber(0, result);
  }

  #insn() {
    const insn = this.prog.insns[this.#view.pc];
    assert(insn, `no instruction at slot ${this.#view.pc} of ${this.prog.name}`);
    return insn;
  }

  #site(): number {
    return this.prepared.siteAt(this.#view.pc);
  }

  /** Up to the next timer, if that comes before the end of the slice: it is on time. */
  #refuel(): void {
    const { mode, clock, cpu } = this.#engine;
    const timer = mode === 'timed' ? clock.first() : undefined;
    const leftNs = timer === undefined ? Infinity : timer.dueNs - cpu.nowNs;
    const insns = Math.min(SLICE_INSNS, Math.max(1, Math.ceil(leftNs / COST_NS.bpfInsn)));
    this.#view.fuel = insns;
    this.#fuelSeen = insns;
  }

  /** Moves the CPU's clock by what has been executed since, and by `costNs`. */
  #charge(costNs: number): void {
    const { fuel } = this.#view;
    this.#engine.cpu.nowNs += (this.#fuelSeen - fuel) * COST_NS.bpfInsn + costNs;
    this.#fuelSeen = fuel;
  }

  /** Innermost first. */
  #stack({ base, ceiling }: Activation, site: number): StackEntry[] {
    const view = this.#view;
    const entries: StackEntry[] = [];
    for (let depth = Math.min(view.depth, ceiling); depth >= base; depth--) {
      const program = this.#programs[depth] ?? this.prepared;
      const pc = depth === view.depth ? view.pc : view.savedPc(depth) - (depth < ceiling ? 1 : 0);
      const own = program.siteAt(pc);
      if (depth === view.depth && isOfKernel(site)) entries.push(entryAt(site));
      entries.push({ symbol: program.symbolAt(pc), site: own });
    }
    return entries;
  }
}

/** Whether a program's frame stands in a helper, which has none of its own. */
function isOfKernel(site: number): boolean {
  return site !== 0 && !siteOf(site).fn.startsWith('prog ');
}
