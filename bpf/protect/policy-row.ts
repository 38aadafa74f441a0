import type { Kernel } from '../../kernel/kernel.ts';
import type { Scratch } from '../attach/scratch.ts';
import type { Helper } from '../helpers/prototype.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import type { ReleaseCall } from './invocation.ts';
import type { Selection, Settings } from './settings.ts';
import type { TextPatcher } from './terminator.ts';
import type { KillNotes } from './kill-notes.ts';
import type { Policy } from './policy.ts';

/** What policies are made of in one kernel. */
export interface ProtectionParts {
  readonly kernel: Kernel;
  readonly scratch: Scratch;
  readonly selection: Selection;
  /** The helper or kfunc of that name. */
  readonly callee: (name: string) => Helper | undefined;
  readonly releaseCall: (prog: ExecProgram) => ReleaseCall;
  readonly patcher: TextPatcher;
  /** Takes the program off whatever it hangs on. */
  readonly detach: (prog: ExecProgram) => void;
  /** Adds a line to the program's error stream. */
  readonly report: (prog: ExecProgram, line: string) => void;
}

/** What a policy is made of. */
export interface PolicyParts extends ProtectionParts {
  readonly settings: Settings;
  readonly notes: KillNotes;
}

/** One policy, as it is chosen by name. */
export interface PolicyRow {
  /** One line. */
  readonly about: string;
  /** `kernel`: part of Linux 7.2, and so always there; `proposal`: posted, in no kernel. */
  readonly source: 'kernel' | 'proposal';
  /** What watches programs; absent: nothing does beyond what the kernel has anyway. */
  readonly make?: (parts: PolicyParts) => Policy;
}
