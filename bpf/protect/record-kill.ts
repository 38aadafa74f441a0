import { assert } from '../../base/assert.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { Task } from '../../kernel/task.ts';
import type { Scratch } from '../attach/scratch.ts';
import type { Helper } from '../helpers/prototype.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { effectOf } from './effects.ts';
import { failValue } from './fail-value.ts';
import type { KillNotes } from './kill-notes.ts';
import type { Invocation, KillPolicy, ReleaseCall } from './invocation.ts';
import { PAIRS_MAX } from './pairs.ts';
import type { Guard, GuardedRun, Policy } from './policy.ts';
import { RecordGuard } from './record-guard.ts';
import { HeldRecord } from './record.ts';
import type { Settings } from './settings.ts';

const MUTATED_ROOM = 8;

export interface RecordKillParts {
  readonly kernel: Kernel;
  readonly scratch: Scratch;
  readonly notes: KillNotes;
  /** The helper or kfunc of that name. */
  readonly callee: (name: string) => Helper | undefined;
  readonly releaseCall: (prog: ExecProgram) => ReleaseCall;
  /** Takes the program off whatever it hangs on. */
  readonly detach: (prog: ExecProgram) => void;
}

/**
 * Every invocation keeps a record of what it holds; one that overruns its budget is ended at its
 * next kill point, and what it holds is given back. Spec 03 sections 2 to 4.
 */
export class RecordKill implements Policy, KillPolicy {
  readonly settings: Settings;
  readonly #parts: RecordKillParts;
  /** Invocations under way, by whose context they run in, innermost last. */
  readonly #guards = new Map<unknown, Invocation[]>();
  /** The bug of H6: one record for each task, whoever runs there. */
  readonly #taskRecords = new Map<unknown, HeldRecord | null>();
  /** Whether one of its own bugs is switched on. */
  readonly isMutated: boolean;
  readonly heldNs = new Float64Array(PAIRS_MAX);

  constructor(parts: RecordKillParts, settings: Settings) {
    this.#parts = parts;
    this.settings = settings;
    const { mutations } = parts.kernel.machine;
    this.isMutated = [...mutations].some((name) => name.startsWith('record-kill.'));
  }

  is(mutation: string): boolean {
    return this.isMutated && this.#parts.kernel.machine.mutated(mutation);
  }

  /** What acquires must have something that releases. Spec 03 R7. */
  admit(prog: ExecProgram): string | undefined {
    for (const [slot, helper] of prog.calls) {
      const effect = effectOf(helper, prog.xchgTypes?.get(slot));
      if (effect?.kind !== 'unpaired') continue;
      return `insn ${slot}: ${helper.name}() acquires what nothing is declared to release\n`;
    }
    return undefined;
  }

  mayRun(prog: ExecProgram): boolean {
    const { after } = this.settings;
    if (after.what !== 'refuse') return true;
    return this.#parts.notes.killsOf(prog) < after.kills;
  }

  failValue(prog: ExecProgram, isTestRun: boolean): bigint {
    return failValue(prog, isTestRun, this.settings);
  }

  enter(run: GuardedRun): Guard {
    const guard = new RecordGuard(this, run, this.settings);
    const owner = run.kernel.cpus.context;
    const guards = this.#guards.get(owner);
    if (guards) guards.push(guard);
    else this.#guards.set(owner, [guard]);
    if (owner instanceof Task && owner.isCutShort) this.#cut(owner); // this one may sleep
    if (this.isMutated) this.#taskRecords.set(run.kernel.cpus.this.current, guard.record);
    return guard;
  }

  left(guard: Invocation): void {
    const owner = guard.run.kernel.cpus.context;
    const guards = this.#guards.get(owner) ?? [];
    assert(guards.at(-1) === guard, 'an invocation ends that is not the innermost');
    guards.pop();
    if (guards.length === 0) this.#guards.delete(owner);
    if (this.isMutated) this.#taskRecords.set(guard.run.kernel.cpus.this.current, null);
    const beneath = guards.at(-1);
    if (owner instanceof Task && (owner.isCutShort || beneath?.detection.isKilled)) {
      this.#cut(owner);
    }
    this.#parts.notes.ran(guard.run.prog, guard.record?.operations ?? 0);
  }

  asked(guard: Invocation): void {
    if (guard.context !== 'sleepable') return;
    for (const [owner, guards] of this.#guards) {
      if (owner instanceof Task && guards.includes(guard)) this.#cut(owner);
    }
  }

  /**
   * A task sleeps no longer while the invocation that it runs is asked to end; one beneath that is
   * asked to end has to wait. By an interrupt: who asks may be one that cannot wake. Spec 03 R22.
   */
  #cut(task: Task): void {
    if (this.#mustCut(task) === task.isCutShort) return;
    const { irqs, signals } = this.#parts.kernel;
    if (task.isCutShort) signals.cutShort(task, false);
    else {
      irqs.raiseShort(this.#cpuOf(task), 'irq_work', () => {
        signals.cutShort(task, this.#mustCut(task));
      });
    }
  }

  #mustCut(task: Task): boolean {
    const guard = this.#guards.get(task)?.at(-1);
    return guard !== undefined && guard.detection.isKilled && !guard.releases.hasBegun;
  }

  #cpuOf(task: Task): number {
    return this.#parts.kernel.machine.memory.unwatched(() => task.s.cpu);
  }

  /** Where the guard's invocation writes down what it holds. */
  recordOf(guard: Invocation): HeldRecord | null {
    if (!this.is('record-kill.per-task')) return guard.record;
    return this.#taskRecords.get(guard.run.kernel.cpus.this.current) ?? null;
  }

  /** Sched.hooks.onSwitch */
  switched(prev: unknown, next: unknown, nowNs: number): void {
    if (this.#guards.size === 0) return;
    for (const guard of this.#guards.get(prev) ?? []) guard.detection.left(nowNs);
    for (const guard of this.#guards.get(next) ?? []) guard.detection.cameBack(nowNs);
  }

  take(prog: number, capacity: number): HeldRecord {
    const { kernel, scratch } = this.#parts;
    // What a bug keeps must have room too.
    const room = this.isMutated ? 2 * capacity + MUTATED_ROOM : capacity;
    return new HeldRecord(kernel.machine.memory, scratch, prog, room);
  }

  give({ addr, sizeBytes }: HeldRecord): void {
    this.#parts.scratch.give(addr, sizeBytes);
  }

  releaseOf(name: string): Helper {
    const helper = this.#parts.callee(name);
    assert(helper, `${name}() does not run here`);
    return helper;
  }

  releaseCall(prog: ExecProgram): ReleaseCall {
    return this.#parts.releaseCall(prog);
  }

  /** Everything is given back: what user space is told, and the value that the run ends with. */
  concluded(guard: Invocation): bigint {
    const { notes, detach } = this.#parts;
    const { prog, isTestRun } = guard.run;
    const kills = notes.killed(guard);
    const { after } = this.settings;
    if (after.what === 'detach' && kills === after.kills) detach(prog);
    return this.failValue(prog, isTestRun);
  }

  reset(): void {
    this.#guards.clear();
    this.#taskRecords.clear();
  }
}
