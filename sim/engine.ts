import { assert } from '../base/assert.ts';
import { Bug } from '../base/errors.ts';
import { EVENT, PREEMPT } from './actors.ts';
import { ABANDON, type Choice } from './choice.ts';
import { Clock, type Timer } from './clock.ts';
import { requestCostNs } from './cost.ts';
import { Oops, type Failure } from './failure.ts';
import { Frame, placeOf, type Fiber } from './fiber.ts';
import { Cpu, type EventSource, type Host, type Monitor } from './host.ts';
import { cpuKey, TIMERS_KEY } from './keys.ts';
import { FAIR_STEPS, roundsIn } from './livelock.ts';
import type { MemoryModel } from './memory-model.ts';
import type { RunResult } from './model.ts';
import { nameOfActor } from './names.ts';
import type { Ordering } from './ordering.ts';
import {
  BLOCK,
  CALL,
  READ,
  SPIN,
  TAIL,
  WAIT,
  WRITE,
  type Access,
  type Foreseeing,
  type Gate,
  type Request,
} from './request.ts';
import type { Schedule } from './schedule.ts';
import { RoundRobin } from './strategies/round-robin.ts';
import type { Observer, Strategy } from './strategy.ts';
import { Trace } from './trace.ts';
import { Trampolines } from './trampoline.ts';

export const CPUS_MAX = PREEMPT;

/** How long CPUs may do nothing but spin before the run is over: longer than any watchdog waits. */
const STUCK_NS_MAX = 300e9;

/** `explore`: the strategy says who steps. `timed`: the CPU with the least time does. */
export type Mode = 'explore' | 'timed';

/**
 * Runs fibers on CPUs, one request at a time, and asks the strategy wherever more than one thing
 * could happen next. Between two requests a fiber runs alone.
 */
export class Engine {
  readonly cpus: readonly Cpu[];
  readonly clock = new Clock();
  readonly trace = new Trace();
  readonly trampolines = new Trampolines();
  readonly sources: EventSource[] = [];
  readonly monitors: Monitor[] = [];
  ordering: Ordering | null = null;
  /** null: memory is sequentially consistent. */
  memoryModel: MemoryModel | null = null;
  host!: Host;
  mode: Mode = 'explore';
  /** Whether a timer may fire before everything else has come to rest (explore mode). */
  earlyTimers = true;
  /** Whether CPUs may ever be preemptible. */
  preemption = true;
  stepsMax = 200_000;
  /** How many more a run may take after that, in turns that are fair. */
  fairSteps = FAIR_STEPS;

  /** The CPU and fiber being stepped. */
  cpu: Cpu;
  fiber: Fiber | null = null;
  /** Whether what happens now is no step of a fiber: a timer, an event. */
  inEvent = false;
  failures: Failure[] = [];
  choiceCount = 0;
  /** Whether the strategy gave the run up: it shows nothing that others do not. */
  abandoned = false;

  #strategy: Strategy | null = null;
  /** Who chooses once the run has had all its steps. */
  #fair: RoundRobin | null = null;
  #observer: Observer | null = null;
  #stopped = false;
  /** Timed mode: the last step, where every CPU only spins since, and its time. */
  #stuckAtStep = -1;
  #stuckSinceNs = 0;
  /** Who stepped last, -1 before the first step. */
  #lastActor = -1;
  #at: number[] = [];
  #skip: number[] = [];
  readonly #options = new Int32Array(3 * CPUS_MAX);
  readonly #choice: Choice;

  constructor(cpuCount: number) {
    assert(cpuCount >= 1 && cpuCount <= CPUS_MAX, `${cpuCount} CPUs`);
    this.cpus = Array.from({ length: cpuCount }, (_, id) => new Cpu(id));
    this.cpu = this.cpus[0]!;
    this.clock.onChange = () => this.touch(TIMERS_KEY, WRITE);
    this.#choice = {
      index: 0,
      kind: 'sched',
      count: 0,
      options: this.#options,
      stay: 0,
      isForced: false,
      requestOf: (actor) => this.cpus[actor]?.fiber?.pending ?? null,
      nameOf: (actor) => nameOfActor(this, actor),
    };
  }

  /** Back to the state before the first step. The host puts its fibers on the CPUs after this. */
  reset(nowNs = 0): void {
    for (const cpu of this.cpus) {
      cpu.nowNs = nowNs;
      cpu.fiber = null;
      cpu.preemptible = false;
      cpu.resched = false;
      cpu.switched = false;
    }
    for (const source of this.sources) source.ready = false;
    this.clock.reset();
    this.trace.reset();
    this.failures = [];
    this.choiceCount = 0;
    this.abandoned = false;
    this.fiber = null;
    this.cpu = this.cpus[0]!;
    this.#stopped = false;
    this.#stuckAtStep = -1;
    this.#lastActor = -1;
    this.#at = [];
    this.#skip = [];
  }

  /** Steps until the host says that the run is over, a fatal failure, or stepsMax. */
  run(strategy: Strategy): void {
    this.#strategy = strategy;
    this.#observer = this.mode === 'explore' ? (strategy.observer ?? null) : null;
    this.memoryModel?.begin();
    this.#fair = null;
    let stepsMax = this.trace.stepCount + this.stepsMax;
    while (!this.#stopped) {
      if (this.trace.stepCount >= stepsMax) {
        if (this.#overruns()) break;
        stepsMax += this.fairSteps;
      }
      const more = this.mode === 'timed' ? this.#timed() : this.#explored();
      if (!more) break;
    }
    for (const { id, fiber } of this.#observer ? this.cpus : []) {
      if (fiber?.gate?.isOpen === false) this.#observer!.stuck(id, fiber.pending);
    }
    this.#strategy = null;
    this.#observer = null;
    this.fiber = null;
  }

  /**
   * Has the fiber of a CPU run to its first request, which is no step: for a host whose fibers
   * have nothing before it that others could see.
   */
  start(cpu: Cpu): void {
    this.cpu = cpu;
    this.fiber = cpu.fiber;
    this.#resume(cpu, cpu.fiber!);
    this.fiber = null;
  }

  /** How the run went. */
  result(): RunResult {
    return {
      failures: this.failures,
      schedule: this.schedule(),
      choiceCount: this.choiceCount,
      stepCount: this.trace.stepCount,
      traceHash: this.trace.digest(),
      virtualNs: this.nowNs(),
      abandoned: this.abandoned,
    };
  }

  /** What this run did differently from staying. */
  schedule(): Schedule {
    return { at: this.#at, skip: this.#skip };
  }

  /** Ends the run after the present step. */
  stop(): void {
    this.#stopped = true;
    this.#observer?.stopped?.();
  }

  /** Tells a search that goes by dependency of what the present step touches beside memory. */
  touch(key: number, access: Access): void {
    this.#observer?.touched(key, 1, access);
    this.memoryModel?.touched(key, access);
  }

  /** The outcome, from 0 to count-1, of what is not who steps: 0 where nothing interferes. */
  decide(kind: string, count: number): number {
    if (count < 2 || !this.#strategy) return 0;
    for (let i = 0; i < count; i++) this.#options[i] = i;
    return this.#choose(kind, count, 0);
  }

  /** A remark on the present step, for the detailed trace. */
  note(text: string): void {
    if (this.trace.detailed) this.#line('note', '', text);
  }

  /** Lets every fiber go on that spins on `addr`: what it waits for may have come. */
  unspin(addr: number): void {
    for (const cpu of this.cpus) {
      const fiber = cpu.fiber;
      if (fiber?.spinning && fiber.pending.addr === addr) {
        fiber.spinning = false;
        if (cpu.nowNs < this.cpu.nowNs) cpu.nowNs = this.cpu.nowNs;
      }
    }
  }

  /** The latest clock of all CPUs. */
  nowNs(): number {
    return this.cpus.reduce((latest, cpu) => Math.max(latest, cpu.nowNs), 0);
  }

  /**
   * Whether the run is over for having had all its steps. First it has some more in turns that are
   * fair, for it may have waited for somebody who was given none. Musuvathi, Qadeer: Fair stateless
   * model checking, PLDI 2008.
   */
  #overruns(): boolean {
    this.#observer?.cutShort();
    this.#observer = null;
    if (this.mode === 'explore' && this.#fair === null && this.fairSteps > 0) {
      this.#fair = new RoundRobin();
      return false;
    }
    const failure = this.host.overrun(roundsIn(this.trace));
    if (failure) this.failures.push(failure);
    return true;
  }

  #choose(kind: string, count: number, stay: number, isForced = false): number {
    const choice = this.#choice;
    choice.kind = kind;
    choice.count = count;
    choice.stay = stay;
    choice.isForced = isForced;
    if (this.#fair) return this.#fair.choose(choice);
    choice.index = this.choiceCount++;
    const pick = this.#strategy!.choose(choice);
    if (pick !== stay) {
      if (pick === ABANDON) {
        this.abandoned = true;
        this.#stopped = true;
        return stay;
      }
      if (!(pick >= 0 && pick < count)) {
        throw new Bug(`${this.#strategy!.name} picked ${pick} of ${count}`);
      }
      this.#at.push(choice.index);
      this.#skip.push(pick > stay ? pick - stay : pick - stay + count);
    }
    return pick;
  }

  #explored(): boolean {
    const options = this.#options;
    const cpus = this.cpus;
    let count = 0;
    let stay = 0;
    let isForced = true;
    for (let i = 0; i < cpus.length; i++) {
      const fiber = cpus[i]!.fiber;
      if (fiber !== null && !fiber.spinning && (fiber.gate === null || fiber.gate.isOpen)) {
        if (i === this.#lastActor) {
          stay = count;
          isForced = false;
        }
        options[count++] = i;
      }
    }
    const running = count;
    for (let i = 0; this.preemption && i < cpus.length; i++) {
      if (cpus[i]!.preemptible && !cpus[i]!.switched) options[count++] = PREEMPT + i;
    }
    for (let i = 0; i < this.sources.length; i++) {
      if (this.sources[i]!.ready) options[count++] = EVENT + i;
    }
    const timer = this.clock.first();
    if (timer && (running === 0 || (this.earlyTimers && !timer.background))) {
      if (count === 0 || !timer.background) options[count++] = EVENT + this.sources.length;
    }
    if (count === 0) return this.host.idle();
    if (running === 0 && this.clock.foregroundCount === 0 && timer?.background && count === 1) {
      return this.host.idle();
    }
    const pick = count === 1 ? 0 : this.#choose('sched', count, stay, isForced);
    if (this.abandoned) return false;
    const actor = options[pick]!;
    if (this.#observer === null) {
      this.#act(actor);
    } else {
      if (!this.#observer.acting(actor, options, count, this.#choice.nameOf)) {
        this.abandoned = true;
        return false;
      }
      const request = actor < PREEMPT ? cpus[actor]!.fiber!.pending : null;
      this.#act(actor);
      this.#observer.acted(request);
    }
    return true;
  }

  #act(actor: number): void {
    if (actor < PREEMPT) {
      this.#lastActor = actor;
      this.#step(this.cpus[actor]!);
      return;
    }
    this.trace.mix(actor, 0);
    if (actor < EVENT) {
      const cpu = this.cpus[actor - PREEMPT]!;
      this.#lastActor = cpu.id;
      cpu.switched = true;
      this.touch(cpuKey(cpu.id), WRITE);
      this.#guarded(cpu, () => this.host.preempt(cpu));
    } else if (actor < EVENT + this.sources.length) {
      const source = this.sources[actor - EVENT]!;
      if (this.trace.detailed) this.#line('event', '', source.name);
      this.#guarded(this.cpu, () => source.fire());
    } else {
      this.#fireTimer();
    }
  }

  #timed(): boolean {
    let next: Cpu | null = null;
    for (const cpu of this.cpus) {
      if (cpu.fiber === null || cpu.fiber.spinning) continue;
      if (next === null || cpu.nowNs < next.nowNs) next = cpu;
    }
    const timer = this.clock.first();
    if (timer && (next === null ? this.#isAwaited(timer) : timer.dueNs <= next.nowNs)) {
      this.#fireTimer();
      return true;
    }
    for (const source of this.sources) {
      if (source.ready && next === null) {
        this.#guarded(this.cpu, () => source.fire());
        return true;
      }
    }
    if (next === null) return this.host.idle();
    if (next.resched && next.preemptible) this.#guarded(next, () => this.host.preempt(next));
    else this.#step(next);
    return true;
  }

  /** Whether the run waits for the timer: for any in the foreground, or while a CPU spins. */
  #isAwaited(timer: Timer): boolean {
    if (this.clock.foregroundCount > 0) return true;
    if (this.cpus.every(({ fiber }) => fiber === null)) return false;
    const { stepCount } = this.trace;
    if (this.#stuckAtStep !== stepCount) {
      this.#stuckAtStep = stepCount;
      this.#stuckSinceNs = this.nowNs();
    }
    return timer.dueNs - this.#stuckSinceNs < STUCK_NS_MAX;
  }

  /** Time does not pass on an idle CPU: it takes part from when the timer is due. */
  #fireTimer(): void {
    const timer = this.clock.first()!;
    const { dueNs } = timer;
    if (this.trace.detailed) this.#line('event', '', timer.name);
    for (const cpu of this.cpus) {
      const waits = cpu.fiber === null || cpu.fiber.spinning || this.mode === 'explore';
      if (cpu.nowNs < dueNs && waits) cpu.nowNs = dueNs;
    }
    this.#guarded(this.cpu, () => this.clock.fireFirst());
  }

  #guarded(cpu: Cpu, act: () => void): void {
    this.cpu = cpu;
    this.fiber = cpu.fiber;
    for (let i = 0; i < this.monitors.length; i++) this.monitors[i]!.event?.();
    this.inEvent = true;
    this.memoryModel?.agree();
    try {
      act();
    } catch (error) {
      this.#caught(error);
    } finally {
      this.inEvent = false;
    }
  }

  #step(cpu: Cpu): void {
    const fiber = cpu.fiber!;
    const request = fiber.pending;
    this.cpu = cpu;
    this.fiber = fiber;
    fiber.stepCount++;
    if (this.preemption) this.#observer?.touched(cpuKey(cpu.id), 1, READ);
    fiber.gate = null;
    cpu.nowNs += requestCostNs[request.kind * 4 + request.access]!;
    this.trace.step(cpu.id, fiber.ordinal, request.site, request.addr, request.access);
    cpu.switched = false;
    if (request.site !== 0) fiber.top.site = request.site;
    if (this.trace.detailed) this.#stepLine(request);
    if (this.memoryModel !== null) this.memoryModel.step(cpu.id, fiber, request);
    try {
      for (let i = 0; i < this.monitors.length; i++) this.monitors[i]!.step(cpu, fiber, request);
      this.#resume(cpu, fiber);
    } catch (error) {
      if (this.#caught(error)) return;
      fiber.done = true;
      this.host.finished(cpu, fiber);
    }
  }

  #stepLine(request: Request): void {
    const object = request.addr === 0 ? '' : this.host.objectName(request.addr);
    this.#line('step', object, '');
  }

  #line(kind: 'step' | 'event' | 'note', object: string, text: string): void {
    const { cpu, fiber, trace } = this;
    const path = fiber?.path ?? '';
    trace.line({
      step: trace.stepCount - 1,
      cpu: cpu.id,
      path,
      pid: fiber?.ordinal ?? 0,
      atNs: cpu.nowNs,
      kind,
      site: fiber ? placeOf(fiber) : '',
      object,
      nth: trace.nth(path, object),
      choice: this.choiceCount - 1,
      text,
    });
  }

  /** Runs the fiber up to its next request. */
  #resume(cpu: Cpu, fiber: Fiber): void {
    let frame = fiber.top;
    for (;;) {
      if (frame.symbol.module !== '') this.host.returnedInto(frame);
      const result = frame.gen.next(fiber.sent);
      fiber.sent = undefined;
      if (result.done) {
        if (frame.parent === null) {
          fiber.done = true;
          this.host.finished(cpu, fiber);
          return;
        }
        fiber.sent = result.value;
        frame = frame.parent;
        fiber.top = frame;
        continue;
      }
      const request = result.value;
      if (request.kind === CALL) {
        const call = this.trampolines.isAny ? this.trampolines.through(request) : request;
        frame = new Frame(call.gen!, call.symbol!, call.a === TAIL ? frame.parent : frame);
        fiber.top = frame;
        continue;
      }
      fiber.pending = request;
      if (request.kind === BLOCK) this.host.blocked(cpu, fiber);
      else if (request.kind === SPIN) fiber.spinning = true;
      else if (request.kind === WAIT) fiber.gate = gateOf(request);
      return;
    }
  }

  /** Whether the failure ends the run; else it ends only the fiber. */
  #caught(error: unknown): boolean {
    if (!(error instanceof Oops)) throw error;
    this.failures.push(error.failure);
    if (error.failure.fatal) {
      this.#stopped = true;
      this.#observer?.cutShort();
    }
    return error.failure.fatal;
  }
}

function gateOf(request: Request): Gate {
  return (request.target as Foreseeing).gateOf(request);
}
