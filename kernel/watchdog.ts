import { Timer } from '../sim/clock.ts';
import { placeOf, stackOf, type Fiber } from '../sim/fiber.ts';
import type { Round } from '../sim/livelock.ts';
import { Oops, type Failure } from '../sim/failure.ts';
import { siteOf } from '../sim/site.ts';
import type { ExecContext, HeldLock } from './context.ts';
import type { KernelCpu } from './cpu.ts';
import { onCpu, type Irqs } from './irq.ts';
import type { Machine, Report } from './machine.ts';
import { pointerText, stackLines } from './oops.ts';
import type { Sched } from './sched.ts';
import {
  TASK_DEAD,
  TASK_INTERRUPTIBLE,
  TASK_NOLOAD,
  TASK_RUNNING,
  TASK_UNINTERRUPTIBLE,
  TASK_WAKEKILL,
  type Task,
} from './task.ts';

const SECOND_NS = 1_000_000_000;
/** kernel/watchdog.c: watchdog_thresh, in seconds; also the period of the NMI. */
export const WATCHDOG_THRESH = 10;
/** How long a CPU may go without being able to switch tasks. get_softlockup_thresh() */
const SOFT_LOCKUP_SECONDS = 2 * WATCHDOG_THRESH;
/** How often each CPU's timer looks. set_sample_period() */
const SAMPLE_NS = (SOFT_LOCKUP_SECONDS * SECOND_NS) / 5;
/** The watchdog counts in units of 2^30 ns: why the usual report says 22s. get_timestamp() */
const UNIT_NS = 2 ** 30;
/** Of a round, in a report. */
const ROUND_SITES_MAX = 12;
/** kernel/hung_task.c: sysctl_hung_task_timeout_secs */
export const HUNG_TASK_SECONDS = 120;
const HUNG_TASK_NS = HUNG_TASK_SECONDS * SECOND_NS;

interface CpuWatch {
  readonly hrtimer: Timer;
  readonly nmi: Timer;
  /** When the CPU was last known to be able to switch. watchdog_touch_ts */
  touchedNs: number;
  /** The timer interrupt waits to be taken. */
  raised: boolean;
  interruptCount: number;
  /** interruptCount at the last NMI; -1: the CPU has switched since, so do not judge. */
  savedCount: number;
  /** The report on the CPU's present lockup, of either kind. Each is made once. */
  report: Failure | null;
}

const UNTOUCHED = { touchedNs: 0, raised: false, interruptCount: 0, savedCount: -1, report: null };

/**
 * Soft lockup, hard lockup and hung task detectors, in timed mode. They watch CPUs that are busy,
 * and keep no run alive. kernel/watchdog.c, watchdog_hld.c, hung_task.c
 */
export class Watchdogs {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #irqs: Irqs;
  readonly #tasks: () => Iterable<Task>;
  readonly #watches: readonly CpuWatch[];
  readonly #khungtaskd: Timer;
  /** When each task last left a CPU. */
  readonly #leftAtNs = new Map<Task, number>();
  readonly #reported = new Set<Task>();

  /** `tasks` gives every task there is, kernel threads included, in order of creation. */
  constructor(machine: Machine, sched: Sched, irqs: Irqs, tasks: () => Iterable<Task>) {
    this.#machine = machine;
    this.#sched = sched;
    this.#irqs = irqs;
    this.#tasks = tasks;
    this.#watches = sched.cpus.all.map((cpu) => ({
      hrtimer: new Timer(`watchdog ${cpu.id}`, () => this.#sampled(cpu), true),
      nmi: new Timer(`NMI watchdog ${cpu.id}`, () => this.#nmi(cpu), true),
      ...UNTOUCHED,
    }));
    this.#khungtaskd = new Timer('khungtaskd', () => this.#check_hung_tasks(), true);
  }

  reset(): void {
    for (const watch of this.#watches) Object.assign(watch, UNTOUCHED);
    this.#leftAtNs.clear();
    this.#reported.clear();
  }

  /** For Sched.hooks.onSwitch. */
  switched(cpu: KernelCpu, prev: Task | null, next: Task | null): void {
    if (this.#machine.engine.mode !== 'timed') return;
    if (prev) this.#leftAtNs.set(prev, cpu.sim.nowNs);
    const watch = this.#watches[cpu.id]!;
    watch.savedCount = -1;
    watch.report = null;
    if (!next) return;
    const { clock } = this.#machine.engine;
    if (!watch.hrtimer.armed) {
      watch.touchedNs = cpu.sim.nowNs;
      clock.arm(watch.hrtimer, cpu.sim.nowNs + SAMPLE_NS);
    }
    if (!watch.nmi.armed) clock.arm(watch.nmi, cpu.sim.nowNs + WATCHDOG_THRESH * SECOND_NS);
    if (!this.#khungtaskd.armed) clock.arm(this.#khungtaskd, cpu.sim.nowNs + HUNG_TASK_NS);
  }

  /** The present CPU is slow for a good reason. */
  touch_softlockup_watchdog(): void {
    const { cpu } = this.#machine.engine;
    this.#watches[cpu.id]!.touchedNs = cpu.nowNs;
  }

  touch_nmi_watchdog(): void {
    this.#watches[this.#machine.engine.cpu.id]!.savedCount = -1;
    this.touch_softlockup_watchdog();
  }

  /** Tasks that have neither ended nor may run: asleep, or spinning. Daemons are left out. */
  blockedTasks(): Task[] {
    return this.#machine.memory.unwatched(() =>
      [...this.#tasks()].filter((task) => !task.daemon && isBlocked(task)),
    );
  }

  /** The report on a blocked task; where it is in a circle of lock waits, on that. */
  hungTaskReport(task: Task): Report {
    return this.#machine.memory.unwatched(() => this.#report(task));
  }

  #report(task: Task): Report {
    const blocked = this.blockedTasks();
    const circle = circleFrom(task, blocked);
    const lines = [
      `task ${nameOf(task)} blocked for more than ${HUNG_TASK_SECONDS} seconds.`,
      ...blocked.flatMap((each) => this.#taskLines(each, blocked)),
      ...lockLines(this.#tasks()),
    ];
    if (circle) {
      const names = [...circle, circle[0]!].map(nameOf).join(' -> ');
      return {
        kind: 'deadlock',
        title: `BUG: deadlock: ${names}`,
        lines,
        sites: sitesOf(circle),
        fatal: true,
      };
    }
    if (this.#missedWakeUp(task)) {
      const title = `BUG: missed wake-up: ${nameOf(task)} sleeps, and what it waits for has come`;
      return { kind: 'hung-task', title, lines, sites: sitesOf([task]), fatal: true };
    }
    const slept = (task.s.__state & TASK_INTERRUPTIBLE) !== 0;
    return {
      kind: slept ? 'deadlock' : 'hung-task',
      title: slept
        ? `BUG: deadlock: ${nameOf(task)} sleeps and nothing is left to wake it`
        : `INFO: ${lines.shift()!}`,
      lines,
      sites: sitesOf([task]),
      fatal: true,
    };
  }

  /** Whether it would go on, were it to look again: then whoever changed that did not wake it. */
  #missedWakeUp({ waitsFor }: Task): boolean {
    try {
      return waitsFor?.() === true;
    } catch (error) {
      if (error instanceof Oops) return false; // on memory that is gone: it would not go on
      throw error;
    }
  }

  /**
   * For the end of a run: what keeps tasks from ending, or undefined where none is left blocked.
   * Circles of locks first, then who missed a wake-up, uninterruptible sleepers, and all others.
   */
  deadlockReport(): Report | undefined {
    const blocked = this.blockedTasks();
    const worst =
      blocked.find((task) => circleFrom(task, blocked)) ??
      this.#machine.memory.unwatched(() => blocked.find((task) => this.#missedWakeUp(task))) ??
      blocked.find((task) => this.#isUninterruptible(task)) ??
      blocked[0];
    return worst && this.hungTaskReport(worst);
  }

  /**
   * The run did not end in as many steps as it may take. Where all who were left go round the same
   * steps again and again, although each had its turns, it never will.
   */
  overrunReport(rounds: readonly Round[] | undefined): Failure {
    const { stepsMax, trace } = this.#machine.engine;
    const limit = `the run did not end within ${stepsMax} steps`;
    const base = { kind: 'hung-task', objects: [], fatal: true, step: trace.stepCount } as const;
    if (rounds === undefined) {
      return { ...base, title: 'INFO: the run did not end', text: `INFO: ${limit}`, sites: [] };
    }
    const names = rounds.map((round) => this.#nameOfPid(round.fiber));
    const title = `INFO: ${names.length > 1 ? 'livelock' : 'endless loop'}: ${names.join(', ')}`;
    const lines = rounds.map(({ sites }, i) => {
      const shown = sites.slice(0, ROUND_SITES_MAX).join(' ');
      const rest = sites.length > ROUND_SITES_MAX ? ' …' : '';
      return `${names[i]!} goes through this again and again: ${shown}${rest}`;
    });
    const places = new Set(rounds.flatMap(({ sites }) => sites));
    const sites = [...places].toSorted().slice(0, ROUND_SITES_MAX);
    return { ...base, title, text: [title, limit, ...lines].join('\n  '), sites };
  }

  #nameOfPid(pid: number): string {
    const task = [...this.#tasks()].find((one) => one.pid === pid);
    return task ? nameOf(task) : `pid ${pid}`;
  }

  // The per-CPU timer.

  #sampled(cpu: KernelCpu): void {
    const watch = this.#watches[cpu.id]!;
    const { clock } = this.#machine.engine;
    if (cpu.sim.fiber === null) return;
    clock.arm(watch.hrtimer, Math.max(cpu.sim.nowNs, watch.hrtimer.dueNs) + SAMPLE_NS);
    if (watch.raised) return;
    watch.raised = true;
    this.#irqs.raiseShort(cpu.id, 'watchdog_timer_fn', () => {
      watch.raised = false;
      watch.interruptCount++;
      this.#watchdog_timer_fn(cpu, watch);
    });
  }

  /** Where the CPU can switch, the stopper thread would: it touches the time stamp. */
  #watchdog_timer_fn(cpu: KernelCpu, watch: CpuWatch): void {
    const nowNs = cpu.sim.nowNs;
    watch.touchedNs = Math.max(watch.touchedNs, cpu.isOpen ? nowNs : cpu.openAtNs);
    const touched = Math.floor(watch.touchedNs / UNIT_NS);
    const now = Math.floor(nowNs / UNIT_NS);
    if (now <= touched + SOFT_LOCKUP_SECONDS) {
      watch.report = null;
      return;
    }
    const { pid, comm } = cpu.current ?? { pid: 0, comm: `swapper/${cpu.id}` };
    this.#lockedUp(cpu, watch, {
      kind: 'soft-lockup',
      title:
        `watchdog: BUG: soft lockup - CPU#${cpu.id} stuck for ${now - touched}s! ` +
        `[${comm}:${pid}]`,
      lines: this.#machine.traceLines(),
      ...(cpu.sim.fiber ? { sites: [waitPlaceOf(cpu.sim.fiber)] } : {}),
    });
  }

  // The NMI: comes even where interrupts are off.

  #nmi(cpu: KernelCpu): void {
    const watch = this.#watches[cpu.id]!;
    if (cpu.sim.fiber === null || !watch.hrtimer.armed) return;
    const { clock } = this.#machine.engine;
    clock.arm(watch.nmi, Math.max(cpu.sim.nowNs, watch.nmi.dueNs) + WATCHDOG_THRESH * SECOND_NS);
    // None comes while another is in progress: who loops in there is for others to find.
    if ((cpu.sim.fiber.owner as ExecContext).kind === 'nmi') return;
    const stuck = watch.savedCount === watch.interruptCount;
    watch.savedCount = watch.interruptCount;
    if (!stuck && watch.report?.kind === 'hard-lockup') watch.report = null;
    if (stuck) onCpu(this.#machine.engine, cpu.sim, () => this.#hardLockup(cpu, watch));
  }

  /** watchdog_hardlockup_check(); in 6.1 watchdog_overflow_callback(), with another prefix */
  #hardLockup(cpu: KernelCpu, watch: CpuWatch): void {
    const prefix = this.#machine.profile === 'v6.1' ? 'NMI watchdog' : 'watchdog';
    this.#lockedUp(cpu, watch, {
      kind: 'hard-lockup',
      title: `${prefix}: Watchdog detected hard LOCKUP on cpu ${cpu.id}`,
      lines: this.#machine.traceLines(),
      ...(cpu.sim.fiber ? { sites: [waitPlaceOf(cpu.sim.fiber)] } : {}),
    });
  }

  /**
   * A lockup is a warning: the other CPUs go on. With the one that leaves none that does, or once
   * the last has nothing left to do, the run ends: nothing else will ever happen.
   */
  #lockedUp(cpu: KernelCpu, watch: CpuWatch, report: Report): void {
    const { engine } = this.#machine;
    const isEnd = !this.#sched.cpus.all.some((other) => other !== cpu && this.#goesOn(other));
    if (watch.report === null) {
      this.#machine.fail({ ...report, fatal: isEnd });
      watch.report = engine.failures.at(-1)!;
    } else if (isEnd) {
      const at = engine.failures.indexOf(watch.report);
      engine.failures[at] = { ...watch.report, fatal: true };
      engine.stop();
    }
  }

  /** Whether a CPU does something, or will: as far as anybody knows. */
  #goesOn({ id, sim, queue, isOpen }: KernelCpu): boolean {
    if (this.#watches[id]!.report !== null) return false;
    if (sim.fiber !== null) return !(sim.fiber.spinning && isOpen);
    return queue.length > 0 || this.#machine.engine.clock.foregroundCount > 0;
  }

  // Hung tasks.

  /** check_hung_uninterruptible_tasks(): a warning a task; the run goes on. */
  #check_hung_tasks(): void {
    const { engine } = this.#machine;
    const { dueNs } = this.#khungtaskd;
    if (this.#sched.cpus.all.some(({ sim }) => sim.fiber !== null && !sim.fiber.spinning)) {
      engine.clock.arm(this.#khungtaskd, dueNs + HUNG_TASK_NS);
    }
    for (const task of this.#tasks()) {
      const leftAtNs = this.#leftAtNs.get(task);
      if (task.fiber.done || this.#reported.has(task) || leftAtNs === undefined) continue;
      if (dueNs - leftAtNs < HUNG_TASK_NS || !this.#isUninterruptible(task)) continue;
      this.#reported.add(task);
      this.#machine.fail({ ...this.hungTaskReport(task), fatal: false });
    }
  }

  /** Whether neither a signal nor the lack of work explains its sleep. */
  #isUninterruptible(task: Task): boolean {
    const state = this.#machine.memory.unwatched(() => task.s.__state);
    return (state & TASK_UNINTERRUPTIBLE) !== 0 && (state & (TASK_WAKEKILL | TASK_NOLOAD)) === 0;
  }

  /** sched_show_task(), and what it waits for */
  #taskLines(task: Task, blocked: readonly Task[]): string[] {
    const { s } = task;
    const parent =
      s.real_parent === 0
        ? 0
        : ([...this.#tasks()].find(({ addr }) => addr === s.real_parent)?.pid ?? 0);
    return [
      `task:${task.comm.padEnd(15)} state:${stateLetter(task)} stack:0     ` +
        `pid:${String(task.pid).padEnd(5)} tgid:${String(s.tgid).padEnd(5)} ` +
        `ppid:${String(parent).padEnd(6)} flags:0x${s.flags.toString(16).padStart(8, '0')}`,
      ` waits for ${this.#waitsFor(task, blocked)}`,
      'Call Trace:',
      ' <TASK>',
      ...stackLines(stackOf(task.fiber)).map((line) => ` ${line}`),
      ' </TASK>',
    ];
  }

  #waitsFor(task: Task, blocked: readonly Task[]): string {
    const lock = wantedLock(task);
    if (lock) {
      const owner =
        blocked.find((other) => holds(other, lock.addr)) ??
        [...this.#tasks()].find((other) => holds(other, lock.addr));
      const held = owner ? `held by task ${nameOf(owner)}` : 'held by nobody it can wait for';
      return `${lock.className} (${pointerText(lock.addr)}), ${held}`;
    }
    const queue = task.s.wait_head;
    if (queue === 0) return `a wake-up in ${waitPlaceOf(task.fiber)}`;
    const object = this.#machine.slab.objectOf(queue);
    const where = object ? `in ${object.cache} ${object.allocated.site}#${object.ordinal}` : '';
    return `wait queue ${pointerText(queue)} ${where}`.trimEnd();
  }
}

const nameOf = (task: Task): string => `${task.comm}:${task.pid}`;

function isBlocked(task: Task): boolean {
  if (task.fiber.done || task.s.exit_state !== 0) return false;
  const state = task.s.__state;
  if ((state & TASK_DEAD) !== 0) return false;
  return state === TASK_RUNNING
    ? task.fiber.spinning
    : (state & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)) !== 0;
}

function holds(task: Task, addr: number): boolean {
  return task.held.some((lock) => lock.addr === addr && !lock.waiting);
}

/** The lock that the task waits for. */
function wantedLock(task: Task): HeldLock | undefined {
  return task.held.find(({ waiting }) => waiting);
}

/** The tasks that wait for each other's locks, if `task` is one of them; it comes first. */
function circleFrom(task: Task, blocked: readonly Task[]): Task[] | undefined {
  const circle = [task];
  for (;;) {
    const lock = wantedLock(circle.at(-1)!);
    const owner = lock && blocked.find((other) => holds(other, lock.addr));
    if (!owner) return undefined;
    if (owner === task) return circle;
    if (circle.includes(owner)) return undefined;
    circle.push(owner);
  }
}

/** Stable name of where a fiber waits or spins, outside the scheduler. get_wchan() */
function waitPlaceOf(fiber: Fiber): string {
  if (fiber.spinning) return siteOf(fiber.pending.site).name;
  const at = stackOf(fiber).find(({ site }) => site !== 0);
  return at ? siteOf(at.site).name : placeOf(fiber);
}

/** Stable names of where tasks wait, in order of pid: one deadlock has one identity. */
function sitesOf(tasks: readonly Task[]): string[] {
  return tasks.toSorted((a, b) => a.pid - b.pid).map((task) => waitPlaceOf(task.fiber));
}

/** task_state_to_char() */
function stateLetter(task: Task): string {
  const state = task.s.__state;
  if (state === TASK_RUNNING) return 'R';
  return (state & TASK_INTERRUPTIBLE) !== 0 ? 'S' : 'D';
}

/** debug_show_all_locks() */
function lockLines(tasks: Iterable<Task>): string[] {
  const lines: string[] = [];
  for (const task of tasks) {
    const { length } = task.held;
    if (length === 0 || task.fiber.done) continue;
    lines.push(`${length} lock${length > 1 ? 's' : ''} held by ${task.comm}/${task.pid}:`);
    task.held.forEach((lock, i) =>
      lines.push(
        ` #${i}: ${pointerText(lock.addr)} ` +
          `(${lock.className})${lock.waiting ? ', waiting' : ''}`,
      ),
    );
  }
  return lines.length === 0 ? [] : ['', 'Showing all locks held in the system:', ...lines];
}
