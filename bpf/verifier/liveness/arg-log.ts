import { type ArgState, MAX_ARG_SPILL_SLOTS, MAX_STACK_ARG_SLOTS } from './arg-state.ts';
import { argIsFp, type ArgTrack, argTrackEq, argTrackText } from './arg-track.ts';
import type { VerifierEnv } from '../env.ts';
import { insnText } from '../report/insn-text.ts';
import type { FuncInstance } from './stack-liveness.ts';
import { insnSlots } from '../passes/successors.ts';
import { MAX_BPF_REG } from '../types.ts';

/** `  3: (7b) *(u64 *)(r10 -8) = r1`, the number three wide, as passes list a program. */
export function listedInsn(env: VerifierEnv, insnIdx: number): string {
  return insnText(env, insnIdx).replace(/^\d+/, (number) => number.padStart(3));
}

/** `subprog#1 name` */
export function subprogText(env: VerifierEnv, subprog: number): string {
  const { name } = env.subprogs[subprog]!;
  return `subprog#${subprog}${name === '' ? '' : ` ${name}`}`;
}

function slotName(slot: number): string {
  return `fp-${(slot + 1) * 8}`;
}

/** Register, argument on the stack, or slot of the stack: as the log names it. */
function regName(index: number): string {
  return index < MAX_BPF_REG ? `r${index}` : `sa${index - MAX_BPF_REG}`;
}

/** What an instruction makes of registers and slots. arg_track_log() */
export function logArgChanges(
  env: VerifierEnv,
  insnIdx: number,
  before: ArgState,
  after: ArgState,
): void {
  const changes: string[] = [];
  const compare = (from: readonly ArgTrack[], to: readonly ArgTrack[], name: NameOf): void => {
    for (let i = 0; from !== to && i < from.length; i++) {
      if (argTrackEq(from[i]!, to[i]!)) continue;
      changes.push(`\t${name(i)}: ${argTrackText(from[i]!)} -> ${argTrackText(to[i]!)}`);
    }
  };
  compare(before.regs, after.regs, regName);
  compare(before.stack, after.stack, slotName);
  if (changes.length > 0) env.verbose(`${listedInsn(env, insnIdx)}${changes.join('')}\n`);
}

type NameOf = (index: number) => string;

/** Two ways meet and know different things. `index` below zero: -1 is slot 0. */
export function logArgJoin(
  env: VerifierEnv,
  at: { readonly insnIdx: number; readonly target: number; readonly index: number },
  old: ArgTrack,
  other: ArgTrack,
  joined: ArgTrack,
): void {
  const name = at.index >= 0 ? regName(at.index) : slotName(-at.index - 1);
  const texts = [old, other, joined].map(argTrackText);
  env.verbose(
    `arg JOIN insn ${at.insnIdx} -> ${at.target} ${name}: ` +
      `${texts[0]} + ${texts[1]} => ${texts[2]}\n`,
  );
}

/** A function, with what its loads, stores and calls know of. print_subprog_arg_access() */
export function logSubprogArgs(
  env: VerifierEnv,
  { subprog, start, insnCnt }: FuncInstance,
  states: readonly (ArgState | undefined)[],
): void {
  if (!env.log.isVerbose) return;
  env.verbose(`${subprogText(env, subprog)}:\n`);
  for (let i = 0; i < insnCnt; i += insnSlots(env.insns[start + i]!)) {
    const line = listedInsn(env, start + i);
    const state = isMemoryOrCall(env, start + i) ? states[i] : undefined;
    const known = state ? knownIn(state) : '';
    env.verbose(`${line}${known === '' ? '' : ` //${known}`}\n`);
  }
}

/** Of the classes LDX and STX, and calls. */
function isMemoryOrCall(env: VerifierEnv, insnIdx: number): boolean {
  switch (env.insns[insnIdx]?.kind) {
    case 'ldx':
    case 'stx':
    case 'atomic':
    case 'bad_atomic':
    case 'load_acquire':
    case 'store_release':
    case 'call':
      return true;
    default:
      return false;
  }
}

function knownIn({ regs, stack }: ArgState): string {
  let text = '';
  const add = (at: ArgTrack, name: string): void => {
    if (argIsFp(at)) text += ` ${name}=${argTrackText(at)}`;
  };
  for (let r = 0; r < MAX_BPF_REG - 1; r++) add(regs[r]!, regName(r));
  for (let i = 0; i < MAX_STACK_ARG_SLOTS; i++) {
    add(regs[MAX_BPF_REG + i]!, regName(MAX_BPF_REG + i));
  }
  for (let slot = 0; slot < MAX_ARG_SPILL_SLOTS; slot++) add(stack[slot]!, slotName(slot));
  return text;
}
