import { Timer } from '../../sim/clock.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Result } from '../helpers/prototype.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import type { KillNotes } from './kill-notes.ts';
import type { PolicyRow } from './policy-row.ts';
import type { Guard, GuardedCall, GuardedRun, Policy } from './policy.ts';
import { Terminator } from './terminator.ts';

const TERMINATE = site('bpf_prog_termination_worker', 'patch');
const SECOND_NS = 1e9;
/** Three quarters of the soft lockup's 20 s. */
const STUCK_NS = 15 * SECOND_NS;
/** How often the soft lockup's timer looks. kernel/watchdog.c: set_sample_period() */
const SAMPLE_NS = 4 * SECOND_NS;

/** Spec 03 R34. */
export const fastPath: PolicyRow = {
  about: "calls that may return NULL do so in a stuck program's text: it ends by its own code",
  source: 'proposal',
  make: ({ kernel, patcher, settings, notes }) =>
    new FastPath(kernel, new Terminator(kernel, patcher, settings), notes),
};

/** Finds programs that keep a CPU from switching, in the timer of the soft lockup watchdog. */
class FastPath implements Policy {
  readonly kernel: Kernel;
  readonly terminator: Terminator;
  readonly notes: KillNotes;

  constructor(kernel: Kernel, terminator: Terminator, notes: KillNotes) {
    this.kernel = kernel;
    this.terminator = terminator;
    this.notes = notes;
  }

  mayRun(prog: ExecProgram): boolean {
    return !this.terminator.isTerminated(prog);
  }

  failValue(prog: ExecProgram, isTestRun: boolean): bigint {
    return this.terminator.failValue(prog, isTestRun);
  }

  enter(run: GuardedRun): Guard {
    return new StuckGuard(this, run);
  }

  reset(): void {
    this.terminator.reset();
  }
}

/** One run: keeps no record, and is never stopped from outside. */
class StuckGuard implements Guard {
  readonly isStopping = false;
  readonly isCounting = false;
  readonly isDue = false;
  readonly recordsAfter = true;
  readonly #policy: FastPath;
  readonly #run: GuardedRun;
  readonly #beganNs: number;
  readonly #timer: Timer;
  #isRaised = false;

  constructor(policy: FastPath, run: GuardedRun) {
    this.#policy = policy;
    this.#run = run;
    this.#beganNs = policy.kernel.machine.engine.cpu.nowNs;
    this.#timer = new Timer(`watchdog for ${run.prog.name}`, () => this.#sampled(), true);
  }

  stopsHere(): boolean {
    return false;
  }

  after(_callee: GuardedCall, _pc: number, result: Result | Sim<Result>): Result | Sim<Result> {
    return result;
  }

  around({ helper }: GuardedCall): Result | Sim<Result> {
    return helper.invoke(this.#run.call, this.#run.args);
  }

  began(): void {
    const { engine } = this.#policy.kernel.machine;
    if (this.#timer.armed || this.#isRaised || engine.mode !== 'timed') return;
    engine.clock.arm(this.#timer, this.#beganNs + SAMPLE_NS);
  }

  mark(): number {
    return 0;
  }

  *unwind(): Sim<void> {}

  *killed(): Sim<bigint> {
    return 0n;
  }

  left(): undefined {
    this.#policy.kernel.machine.engine.clock.cancel(this.#timer);
    if (this.#policy.terminator.isTerminated(this.#run.prog)) {
      this.#policy.notes.ended(this.#run.prog, this.#runNs());
    }
  }

  entered(): void {}

  #runNs(): number {
    return this.#policy.kernel.cpus.all[this.#run.cpuId]!.sim.nowNs - this.#beganNs;
  }

  /** The timer's interrupt, which waits where interrupts are off. */
  #sampled(): void {
    this.#isRaised = true;
    const { irqs } = this.#policy.kernel;
    irqs.raiseShort(this.#run.cpuId, 'watchdog_timer_fn', () => this.#looked());
  }

  #looked(): void {
    this.#isRaised = false;
    const { cpus, machine, workqueues } = this.#policy.kernel;
    const cpu = cpus.all[this.#run.cpuId]!;
    const { nowNs } = cpu.sim;
    const stuckNs = nowNs - (cpu.isOpen ? nowNs : Math.max(cpu.openAtNs, this.#beganNs));
    if (stuckNs < STUCK_NS) {
      machine.engine.clock.arm(this.#timer, nowNs + SAMPLE_NS);
      return;
    }
    const { prog } = this.#run;
    const { terminator } = this.#policy;
    this.#policy.notes.detected(prog, this.#runNs());
    workqueues.queue_unbound('bpf_prog_termination_worker', function* () {
      yield* step(TERMINATE);
      terminator.terminate(prog);
    });
  }
}
