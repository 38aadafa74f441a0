import { Timer } from '../../sim/clock.ts';
import type { Cpu } from '../../sim/host.ts';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { HeldClass } from './pairs.ts';
import { pairAt } from './pairs.ts';
import type { Detected, Invocation } from './invocation.ts';
import { bpf_held_record, type HeldRecord } from './record.ts';

const DET2 = site('bpf_prog_watchdog', 'DET2');

/** A call may be under way when a budget is used up: it is asked for so much earlier. */
const MARGIN_NS = 50_000;
const MARGIN_SHARE = 5;

/** Looks after a budget that has been found not to be used up yet, at the earliest. */
const AGAIN_NS = 1_000;

/** Why an invocation is asked to end. */
export type Reason = RunReason | HeldReason | 'kill-at';
type RunReason = 'run';
type HeldReason = `held-${HeldClass}`;

/**
 * Watches the budgets of one invocation: one timer, set for whichever is used up first. Virtual
 * run time counts, without what the task spends off its CPU. Spec 03 R14 to R17.
 */
export class Detection implements Detected {
  /** Somebody has asked the invocation to end. */
  isKilled = false;
  reason: Reason = 'run';
  /** Run time at which it was asked to, and at which its budget was used up. */
  requestedNs = 0;
  readonly #guard: Invocation;
  readonly #timer: Timer;
  readonly #beganNs: number;
  readonly #cpu: Cpu;
  readonly #heldNs: Float64Array;
  #offCpuNs = 0;
  /** When it would have begun, had it never left its CPU. */
  #zeroNs: number;
  /** When the task left its CPU; -1 while it is on it. */
  #leftAtNs = -1;
  /** Run time at which the first budget is used up. */
  #dueNs: number;
  #isArmed = false;
  /** The CPU has been told, and has yet to listen: it is not told again. */
  #isTold = false;

  constructor(guard: Invocation) {
    this.#guard = guard;
    const { engine } = guard.run.kernel.machine;
    this.#cpu = engine.cpu;
    this.#beganNs = engine.cpu.nowNs;
    this.#zeroNs = this.#beganNs;
    this.#heldNs = guard.policy.heldNs;
    this.#dueNs = before(guard.settings.budgets.run[guard.context]);
    this.#timer = new Timer(`budget of ${guard.run.prog.name}`, () => this.#fired());
  }

  get budgetNs(): number {
    const { budgets } = this.#guard.settings;
    if (!this.reason.startsWith('held-')) return budgets.run[this.#guard.context];
    return budgets.held[this.reason.slice('held-'.length) as HeldClass];
  }

  /** How long the invocation has run. */
  runNs(): number {
    const nowNs = this.#leftAtNs >= 0 ? this.#leftAtNs : this.#cpu.nowNs;
    return Math.max(0, nowNs - this.#beganNs - this.#offCpuNs);
  }

  /** From here on time may pass. */
  arm(): void {
    if (this.#isArmed || this.#isTold) return;
    this.#isArmed = true;
    this.#set();
  }

  stop(): void {
    if (this.#isArmed) this.#clock.cancel(this.#timer);
    this.#isArmed = false;
  }

  /** Something of that pair is held from now on. */
  held(pair: number, atNs: number): void {
    const { budgets } = this.#guard.settings;
    const heldNs = (this.#heldNs[pair] ||= before(budgets.held[pairAt(pair).class]));
    const dueNs = atNs + heldNs;
    if (dueNs >= this.#dueNs) return;
    this.#dueNs = dueNs;
    if (this.#isArmed) this.#set();
  }

  /** The same of the newest entry, at once: no time is handed from function to function. */
  stamp(record: HeldRecord, top: number, pair: number): void {
    const atNs = this.#cpu.nowNs - this.#zeroNs;
    record.stamp(top, atNs);
    if (atNs + this.#heldNs[pair]! < this.#dueNs) this.held(pair, atNs);
  }

  /** The task has left its CPU, or is back. Sched.hooks.onSwitch */
  left(nowNs: number): void {
    if (this.#guard.settings.countsOffCpu) return;
    this.#leftAtNs = nowNs;
    if (this.#isArmed) this.#clock.cancel(this.#timer);
  }

  cameBack(nowNs: number): void {
    if (this.#leftAtNs < 0) return;
    this.#offCpuNs += nowNs - this.#leftAtNs;
    this.#zeroNs = this.#beganNs + this.#offCpuNs;
    this.#leftAtNs = -1;
    if (this.#isArmed) this.#set();
  }

  request(reason: Reason): void {
    if (this.isKilled) return;
    this.isKilled = true;
    this.reason = reason;
    this.requestedNs = this.runNs();
    const { record, run, policy } = this.#guard;
    const { memory } = run.kernel.machine;
    if (record) memory.setU32(record.addr + bpf_held_record.off.kill, 1);
    policy.asked(this.#guard);
  }

  get #clock() {
    return this.#guard.run.kernel.machine.engine.clock;
  }

  #set(): void {
    this.#clock.arm(this.#timer, this.#beganNs + this.#offCpuNs + this.#dueNs);
  }

  /** DET1. Elsewhere than in simulated time a budget may be used up at any moment. */
  #fired(): void {
    const { run } = this.#guard;
    const isTimed = run.kernel.machine.engine.mode === 'timed';
    const reason = isTimed ? this.#exceeded() : 'run';
    if (reason === undefined) return; // set anew
    this.#isArmed = false;
    this.#isTold = true;
    this.reason = reason;
    this.#interrupt(reason);
  }

  /** The budget that is used up; undefined: none, and the timer is set for the next one. */
  #exceeded(): Reason | undefined {
    const { budgets } = this.#guard.settings;
    const runNs = this.runNs();
    let dueNs = before(budgets.run[this.#guard.context]);
    let reason: Reason = 'run';
    const { record } = this.#guard;
    for (let i = 0; record && i < record.count; i++) {
      const { pair, atNs } = record.at(i);
      const cls = pairAt(pair).class;
      const heldNs = before(budgets.held[cls]);
      if (atNs + heldNs >= dueNs) continue;
      dueNs = atNs + heldNs;
      reason = `held-${cls}`;
    }
    this.#dueNs = dueNs;
    if (runNs >= dueNs) return reason;
    this.#clock.arm(this.#timer, this.#timer.dueNs + Math.max(AGAIN_NS, dueNs - runNs));
    return undefined;
  }

  /** The CPU is told, by whatever can reach it. Spec 03 R17. */
  #interrupt(reason: Reason): void {
    const { run, settings, context } = this.#guard;
    const { irqs, cpus } = run.kernel;
    const request = (): void => this.request(reason);
    if (context === 'nmi') {
      // NMIs do not nest: another CPU must see it.
      const other = cpus.all.find(({ id }) => id !== run.cpuId);
      if (other) irqs.raiseShort(other.id, 'bpf_prog_watchdog', request);
    } else if (settings.source === 'timer') {
      irqs.raiseShort(run.cpuId, 'bpf_prog_watchdog', request);
    } else {
      const nmi = function* (): Sim<void> {
        yield* step(DET2);
        request();
      };
      irqs.raise(run.cpuId, 'bpf_prog_watchdog', nmi, { nmi: true });
    }
  }
}

/** When to ask, for the invocation to be over within its budget. */
function before(budgetNs: number): number {
  return budgetNs - Math.min(MARGIN_NS, budgetNs / MARGIN_SHARE);
}
