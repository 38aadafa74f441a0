import type { Sched } from '../../kernel/sched.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { KillNotes } from './kill-notes.ts';
import { POLICIES } from './policies.ts';
import type { ProtectionParts } from './policy-row.ts';
import type { Policy } from './policy.ts';
import type { PolicyName } from './names.ts';
import type { Settings } from './settings.ts';

/** Which policy watches which program of one kernel. */
export class Protection {
  readonly notes: KillNotes;
  /** Whether any program may be watched: then programs tell more of themselves. */
  readonly isOn: boolean;
  readonly #parts: ProtectionParts;
  readonly #policies = new Map<Settings, Policy | undefined>();

  constructor(parts: ProtectionParts) {
    this.#parts = parts;
    const { selection, kernel } = parts;
    this.notes = new KillNotes(kernel, parts.report);
    for (const settings of [selection.all, ...selection.byProgram.values()]) {
      this.#policies.set(
        settings,
        POLICIES[settings.policy].make?.({ ...parts, settings, notes: this.notes }),
      );
    }
    this.isOn = [...this.#policies.values()].some((policy) => policy !== undefined);
  }

  of({ name }: ExecProgram): Policy | undefined {
    const { selection } = this.#parts;
    return this.#policies.get(selection.byProgram.get(name) ?? selection.all);
  }

  nameOf({ name }: ExecProgram): PolicyName {
    const { selection } = this.#parts;
    return (selection.byProgram.get(name) ?? selection.all).policy;
  }

  get policies(): readonly Policy[] {
    return [...this.#policies.values()].filter((policy) => policy !== undefined);
  }

  /** Policies hear of switches of tasks: time off the CPU is not a program's. Before boot. */
  hear({ hooks }: Sched): void {
    const { policies } = this;
    const before = hooks.onSwitch;
    hooks.onSwitch = (cpu, prev, next) => {
      before(cpu, prev, next);
      for (const policy of policies) policy.switched?.(prev, next, cpu.sim.nowNs);
    };
  }

  reset(): void {
    for (const policy of this.policies) policy.reset?.();
  }
}
