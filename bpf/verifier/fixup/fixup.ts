import { FUNC, funcIdName } from '../../helpers/func-ids.ts';
import type { Helper } from '../../helpers/prototype.ts';
import { unsimulated } from '../../helpers/unsimulated.ts';
import type { Insn, Insns, LoadMode } from '../../isa/insn.ts';
import { NO_USER_CONV } from '../../maps/flags.ts';
import type { ArenaSpace } from '../../vm/arena.ts';
import { removeDeadCode, sanitizeDeadCode, type Compacted } from './dead-code.ts';
import type { VerifierEnv } from '../env.ts';
import { inlineCalls, isHelper } from './inline.ts';
import type { InsnAux } from '../insn-aux.ts';
import {
  MEM_ALLOC,
  MEM_RDONLY,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TO_STACK,
  PTR_UNTRUSTED,
} from '../types.ts';

/** What a simulated kernel can do of what the verifier knows. */
export interface FixupWorld {
  helper(id: number): Helper | undefined;
  /** By the id of its function in the kernel's BTF. */
  kfunc(btfId: number): Helper | undefined;
}

/** What is run of a program that the verifier has accepted. */
export interface Accepted {
  /** For the engines: nothing dead, no names, loads that may fault marked. */
  readonly insns: Insns;
  /** The same as it is shown: arguments, not rows, of what does not run here. */
  readonly xlated: Insns;
  /** First slots of the functions, ascending. */
  readonly subprogs: readonly number[];
  /** By slot of the call: what it calls. */
  readonly calls: ReadonlyMap<number, Helper>;
  /** By slot: 1 where an access is to the program's own stack, however it is come to. */
  readonly ownStack: Uint8Array;
  /** By slot: what it was of the program as loaded. */
  readonly was: readonly number[];
  /** The other way: where that is, or what came behind it. */
  readonly now: Int32Array;
  /** Bytes of stack of the main function. */
  readonly stackDepth: number;
  /** Bytes of the context that it reaches to. */
  readonly ctxBytes: number;
  /** Of the arena that it uses. */
  readonly arena: ArenaSpace | undefined;
  /** The most that it holds at once; what each bpf_kptr_xchg() exchanges, by slot. */
  readonly heldMax: number;
  readonly xchgTypes: ReadonlyMap<number, string>;
  /** Where the function begins that is called with what is thrown; -1: there is none. */
  readonly exceptionCallback: number;
  /** Slots where the code that stands for a bpf_loop() calls its callback. */
  readonly loopCalls: readonly number[];
}

/** No other pointer on any path. */
const OWN_STACK = 1 << PTR_TO_STACK;

/** Loads through these read zero where they fault. bpf_convert_ctx_accesses() */
const PROBED: ReadonlySet<number> = new Set([
  PTR_TO_BTF_ID,
  PTR_TO_BTF_ID | PTR_UNTRUSTED,
  PTR_TO_BTF_ID | MEM_ALLOC | PTR_UNTRUSTED,
  PTR_TO_MEM | MEM_RDONLY | PTR_UNTRUSTED,
]);

/**
 * From what was verified to what is run: without dead code (of unprivileged programs it stays, as
 * jumps to themselves), code in the place of some calls, loads of pointers that nobody vouches for
 * as probing ones, the row of what each other call calls. Contexts are plain memory here, as
 * programs see them, so that accesses to them stay as they are. The second half of bpf_check()
 */
export function fixup(env: VerifierEnv, world: FixupWorld): Accepted {
  const { insns: left, was, now, stackDepth } = inlineCalls(env, withoutDead(env));
  const calls = new Map<number, Helper>();
  const xlated: (Insn | null)[] = [];
  const insns = left.map((insn, slot) => {
    const shown = insn && resolved(insn, slot, env.aux[was[slot]!]!, env);
    xlated.push(shown && dumped(shown));
    if (!shown) return null;
    const missing = missingIn(shown);
    const aux = env.aux[was[slot]!]!;
    const isThere = missing === undefined;
    const called = isThere ? calledBy(env, shown, world, aux) : unsimulated(missing);
    const { objectType } = aux;
    const row = objectType ? (called?.bound?.(objectType) ?? called) : called;
    if (row) calls.set(slot, row);
    return isThere ? shown : NO_CALL;
  });
  const ownStack = Uint8Array.from(was, (slot) =>
    env.aux[slot]!.accessTypes === OWN_STACK ? 1 : 0,
  );
  return {
    insns,
    xlated,
    subprogs: startsOf(env, now),
    calls,
    ownStack,
    was,
    now,
    stackDepth,
    ctxBytes: env.maxCtxOffset,
    arena: env.arena?.arenaSpace?.(),
    heldMax: env.heldMax,
    xchgTypes: new Map(
      [...calls.keys()]
        .map((slot): [number, string] => [slot, env.aux[was[slot]!]!.xchgType])
        .filter(([, type]) => type !== ''),
    ),
    exceptionCallback: exceptionCallbackOf(env, now),
    loopCalls: [...insns.entries()].flatMap(([slot, insn]) => {
      const call = env.insns[was[slot]!];
      const isInside = insn?.kind === 'call' && insn.target === 'subprog';
      return isInside && call?.kind === 'call' && isHelper(call, FUNC.loop) ? [slot] : [];
    }),
  };
}

function withoutDead(env: VerifierEnv): Compacted {
  const isAlive = (slot: number): boolean => (env.aux[slot]?.seen ?? 0) !== 0;
  if (env.bpfCapable) return removeDeadCode(env.insns, isAlive);
  const insns = sanitizeDeadCode(env.insns, isAlive);
  const was = insns.map((_, slot) => slot);
  return { insns, was, now: Int32Array.from([...was, insns.length]) };
}

function exceptionCallbackOf(env: VerifierEnv, now: Int32Array): number {
  const { exceptionCallbackSubprog: callback, subprogs } = env;
  return callback === 0 ? -1 : now[subprogs[callback]!.start]!;
}

/** Functions of which nothing is left have no start. adjust_subprog_starts_after_remove() */
function startsOf({ subprogs, subprogCnt }: VerifierEnv, now: Int32Array): number[] {
  const starts: number[] = [];
  for (let i = 0; i < subprogCnt; i++) {
    const start = now[subprogs[i]!.start]!;
    if (start < now[subprogs[i + 1]!.start]!) starts.push(start);
  }
  return starts;
}

/** Without names, and with loads that may fault as such. */
function resolved(insn: Insn, slot: number, aux: InsnAux, { arena }: VerifierEnv): Insn {
  if (aux.ptrType === PTR_TO_ARENA) return { ...insn, arena: true } as Insn;
  switch (insn.kind) {
    case 'alu':
      return aux.needsZext ? { ...insn, wide: false } : insn;
    case 'addr_space_cast':
      return insn.as === 1 || (arena!.flags & NO_USER_CONV) !== 0 ? lowHalf(insn) : insn;
    case 'ld_imm64':
      if (insn.from !== 'func') return { ...insn, from: 'value' };
      return { ...insn, from: 'value', imm: slot + 1 + insn.imm, next: 0 };
    case 'ldx':
      return PROBED.has(aux.ptrType) ? { ...insn, mode: probing(insn.mode) } : insn;
    default:
      return insn;
  }
}

/** From the arena's address space: the low half is the address. */
function lowHalf({ dst, src }: Extract<Insn, { kind: 'addr_space_cast' }>): Insn {
  return { kind: 'alu', op: 'mov', wide: false, dst, src: { reg: src } };
}

/** As user space is shown it: bpf_insn_prepare_dump() */
function dumped(insn: Insn): Insn {
  const isPlain =
    insn.kind === 'st' || insn.kind === 'stx' || (insn.kind === 'ldx' && insn.mode === 'mem');
  if (!isPlain || !insn.arena) return insn;
  const { arena: _, ...rest } = insn;
  return rest;
}

function probing(mode: LoadMode): LoadMode {
  return mode === 'memsx' ? 'probe_memsx' : 'probe_mem';
}

/** The row of a helper or kfunc. */
function calledBy(
  env: VerifierEnv,
  insn: Insn,
  world: FixupWorld,
  { nonSleepable }: InsnAux,
): Helper | undefined {
  if (insn.kind !== 'call' || insn.target === 'subprog') return undefined;
  const { target, imm } = insn;
  if (target === 'helper') return world.helper(imm) ?? unsimulated(`${funcIdName(imm)}()`, imm);
  const row = world.kfunc(imm);
  if (!row) return unsimulated(`${env.kernelBtf.types[imm]?.name}()`);
  return (nonSleepable && row.nonSleepable) || row;
}

/** In the place of what no engine has, so that its row is come to. */
const NO_CALL: Insn = { kind: 'call', target: 'helper', imm: 0, off: 0 };
/** BPF_REG_PARAMS */
const PARAMS = 11;

/** What of an instruction no engine has. */
function missingIn(insn: Insn): string | undefined {
  switch (insn.kind) {
    case 'gotox':
      return 'an indirect jump';
    case 'ldx':
      return insn.src === PARAMS ? 'an argument on the stack' : undefined;
    case 'st':
    case 'stx':
      return insn.dst === PARAMS ? 'an argument on the stack' : undefined;
    default:
      return undefined;
  }
}
