import { BPF_FUNC_tail_call } from '../uapi.ts';
import { kernelSymbol, site, type KernelSymbol } from '../../sim/site.ts';
import type { Helper } from '../helpers/prototype.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { effectOf, type Effect } from '../protect/effects.ts';
import { dependentAccesses } from './dependency.ts';
import type { EngineOf } from './select.ts';
import { jumpTarget } from './subprogs.ts';

/** What an engine finds at a call. */
export interface Callee {
  readonly helper: Helper;
  /** Its result is an address. */
  readonly isPointer: boolean;
  readonly isTailCall: boolean;
  /** Where the call stands. */
  readonly site: number;
  /** What it does to what the program holds. */
  readonly effect: Effect | undefined;
}

/** What the runner keeps of a program between its runs: nothing that a run could change. */
export class Prepared {
  readonly prog: ExecProgram;
  engine: EngineOf;
  /** By slot. */
  readonly callees: readonly (Callee | undefined)[];
  /** Of the main program and its subprograms, by index. */
  readonly symbols: readonly KernelSymbol[];
  readonly #sites: Int32Array;
  #killPoints: Uint8Array | undefined;
  #dependent: ReadonlySet<number> | undefined;

  constructor(prog: ExecProgram, engine: EngineOf) {
    this.prog = prog;
    this.engine = engine;
    this.#sites = new Int32Array(prog.insns.length);
    this.callees = prog.insns.map((insn, slot) => {
      const helper = prog.calls.get(slot);
      if (!helper || insn?.kind !== 'call') return undefined;
      return {
        helper,
        isPointer: helper.isPointer,
        isTailCall: insn.target === 'helper' && helper.id === BPF_FUNC_tail_call,
        site: this.siteAt(slot),
        effect: effectOf(helper, prog.xchgTypes?.get(slot)),
      };
    });
    this.symbols = prog.subprogs.map((_, i) => {
      const name = prog.subprogNames[i] || (i === 0 ? prog.name : '');
      const tag = i === 0 ? prog.tag : (prog.subprogTags?.[i] ?? prog.tag);
      const isWhole = name.startsWith('bpf_prog_');
      return kernelSymbol(isWhole ? name : `bpf_prog_${tag}${name && '_'}${name}`);
    });
  }

  /** Runs go on with other instructions, at the slots where they are. text_poke() */
  patch(engine: EngineOf): void {
    this.engine = engine;
  }

  /** Whether the address of the access there depends on an earlier load. */
  isDependent(pc: number): boolean {
    return (this.#dependent ??= dependentAccesses(this.prog)).has(pc);
  }

  /** Whether a run may be ended in front of the instruction there. Spec 03 R18. */
  isKillPoint(pc: number): boolean {
    return (this.#killPoints ??= killPointsOf(this.prog))[pc] === 1;
  }

  /** Stable: `prog on_switch:insn 12`. */
  siteAt(pc: number): number {
    return (this.#sites[pc] ||= site(`prog ${this.prog.name}`, `insn ${pc}`));
  }

  /** The main program's or subprogram's symbol that holds `pc`. */
  symbolAt(pc: number): KernelSymbol {
    const index = this.prog.subprogs.findLastIndex((start) => start <= pc);
    return this.symbols[Math.max(index, 0)]!;
  }
}

/** By slot: 1 in front of calls, behind them, at jumps back, and where functions begin. */
function killPointsOf({ insns, subprogs }: ExecProgram): Uint8Array {
  const points = new Uint8Array(insns.length + 1);
  for (const start of subprogs) points[start] = 1;
  for (const [slot, insn] of insns.entries()) {
    if (insn?.kind === 'call') points[slot] = points[slot + 1] = 1;
    else if (insn && (jumpTarget(insn, slot) ?? slot + 1) <= slot) points[slot] = 1;
  }
  return points;
}
