import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import {
  dynptrTypeStr,
  btfTypeName,
  iterStateStr,
  iterTypeStr,
  regTypeStr,
} from '../values/reg-names.ts';
import type { FuncState, VerifierState } from '../state.ts';
import { INVALID_SLOT, type StackSlot } from '../values/stack.ts';
import * as t from '../types.ts';

const U16_MAX = 0xffffn;
const S16_MAX = 0x7fffn;
const S16_MIN = -0x8000n;
const U64_MAX = (1n << 64n) - 1n;
const S64_MAX = (1n << 63n) - 1n;
const S64_MIN = -(1n << 63n);
const S32_MAX = 0x7fff_ffff;
const S32_MIN = -0x8000_0000;
const U32_MAX = 0xffff_ffff;
/** By STACK_*. */
const SLOT_CHARS = ['?', 'r', 'm', '0', 'd', 'i', 'f', 'p'] as const;
const BPF_DYNPTR_NR_SLOTS = 2;
/** Where what follows an instruction begins. BPF_LOG_ALIGNMENT, BPF_LOG_MIN_ALIGNMENT */
const LOG_ALIGNMENT = 40;
const LOG_MIN_ALIGNMENT = 8;

/** `%#llx` as the kernel prints it, of the 64 bits: zero has a prefix too. */
export function hex64(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

/** Small numbers in decimal. verbose_unum() */
export function unumText(value: bigint): string {
  return value <= U16_MAX ? value.toString() : hex64(value);
}

/** verbose_snum() */
export function snumText(value: bigint): string {
  return value >= S16_MIN && value <= S16_MAX ? value.toString() : hex64(value);
}

/** `(0x0; 0xff)`, or the constant. tnum_strn() */
export function tnumText({ value, mask }: { value: bigint; mask: bigint }): string {
  if (mask !== 0n) return `(${hex64(value)}; ${hex64(mask)})`;
  if (value <= U16_MAX) return value.toString();
  const signed = BigInt.asIntN(64, value);
  return signed >= S16_MIN && signed <= S16_MAX ? signed.toString() : hex64(value);
}

interface Bound {
  readonly name: string;
  readonly value: bigint;
  omit: boolean;
}

/** `smin=0,smax=umax=255,…`: equal bounds stand together. print_scalar_ranges() */
function rangesText(reg: Reg): string {
  const { s } = reg;
  const low = (value: number): bigint =>
    value >= Number(S16_MIN) && value <= Number(S16_MAX) ? BigInt(value) : BigInt(value >>> 0);
  const bounds: Bound[] = [
    { name: 'smin', value: s.smin, omit: s.smin === S64_MIN },
    { name: 'smax', value: s.smax, omit: s.smax === S64_MAX },
    { name: 'umin', value: s.umin, omit: s.umin === 0n },
    { name: 'umax', value: s.umax, omit: s.umax === U64_MAX },
    { name: 'smin32', value: low(s.s32min), omit: s.s32min === S32_MIN },
    { name: 'smax32', value: low(s.s32max), omit: s.s32max === S32_MAX },
    { name: 'umin32', value: BigInt(s.u32min), omit: s.u32min === 0 },
    { name: 'umax32', value: BigInt(s.u32max), omit: s.u32max === U32_MAX },
  ];
  const isNegative = ({ name, value }: Bound): boolean =>
    name.startsWith('s') && BigInt.asIntN(64, value) < 0n;
  const parts: string[] = [];
  bounds.forEach((bound, i) => {
    if (bound.omit) return;
    let names = `${bound.name}=`;
    for (let j = i + 2; j < bounds.length; j += 2) {
      const other = bounds[j]!;
      const isSame = BigInt.asUintN(64, other.value) === BigInt.asUintN(64, bound.value);
      if (other.omit || !isSame || isNegative(other) !== isNegative(bound)) continue;
      other.omit = true;
      names += `${other.name}=`;
    }
    const value = bound.value;
    parts.push(names + (bound.name.startsWith('s') ? snumText(value) : unumText(value)));
  });
  return parts.join(',');
}

function isMapPointer(type: number): boolean {
  const base = t.baseType(type);
  return base === t.CONST_PTR_TO_MAP || base === t.PTR_TO_MAP_KEY || base === t.PTR_TO_MAP_VALUE;
}

/** `scalar(umax=255)`, `fp-8`, `map_value(map=m,ks=4,vs=8)`. print_reg_state() */
export function regText(reg: Reg, frameno: number): string {
  const { type, s } = reg;
  const head = type === t.SCALAR_VALUE && reg.precise ? 'P' : '';
  if (type === t.SCALAR_VALUE && s.isConst) return head + snumText(BigInt.asIntN(64, s.value));
  let text = head + regTypeStr(type);
  if (type === t.PTR_TO_ARENA) return text;
  if (type === t.PTR_TO_STACK) {
    if (frameno !== reg.frameno) text += `[${reg.frameno}]`;
    if (s.isConst) return text + snumText(BigInt.asIntN(64, s.value) + BigInt(reg.delta));
  }
  if (t.baseType(type) === t.PTR_TO_BTF_ID) text += btfTypeName(reg.btf!, reg.btfId);
  return `${text}(${attributes(reg).join(',')})`;
}

function attributes(reg: Reg): string[] {
  const { type, s } = reg;
  const parts: string[] = [];
  const isLinked = reg.id >= t.BPF_ADD_CONST32;
  const delta = isLinked ? `${reg.delta < 0 ? '' : '+'}${reg.delta}` : '';
  if (reg.id !== 0) parts.push(`id=${reg.id & t.ID_MASK}${delta}`);
  if (reg.parentId !== 0) parts.push(`parent_id=${reg.parentId}`);
  if (t.isNonOwningRef(type)) parts.push('non_own_ref');
  if (isMapPointer(type) && reg.map) {
    if (reg.map.name !== '') parts.push(`map=${reg.map.name}`);
    parts.push(`ks=${reg.map.keySize},vs=${reg.map.valueSize}`);
  }
  if (type !== t.SCALAR_VALUE && reg.delta !== 0) {
    parts.push(`off=${snumText(BigInt(reg.delta))}`);
  }
  if (t.isPktPointer(type)) parts.push(`r=${unumText(BigInt.asUintN(64, BigInt(reg.range)))}`);
  if (t.baseType(type) === t.PTR_TO_MEM) parts.push(`sz=${unumText(BigInt(reg.memSize))}`);
  if (type === t.CONST_PTR_TO_DYNPTR) parts.push(`type=${dynptrTypeStr(reg.dynptrType)}`);
  if (s.isConst) {
    if (s.value !== 0n) parts.push(`imm=${snumText(BigInt.asIntN(64, s.value))}`);
    return parts;
  }
  const ranges = rangesText(reg);
  if (ranges !== '') parts.push(ranges);
  if (s.tnum.value !== 0n || s.tnum.mask !== U64_MAX) parts.push(`var_off=${tnumText(s.tnum)}`);
  return parts;
}

/** A slot's text, without a leading blank; '' where nothing is said of it. */
function slotText(slot: StackSlot, spi: number, frame: FuncState): string {
  const top = slot.typeAt(t.BPF_REG_SIZE - 1);
  const at = `fp${(-spi - 1) * t.BPF_REG_SIZE}`;
  const { reg } = slot;
  switch (top) {
    case t.STACK_SPILL:
      return `${at}=${charsOf(slot, t.STACK_SPILL)}${regText(reg, frame.frameno)}`;
    case t.STACK_DYNPTR: {
      const parts = [];
      if (reg.id !== 0) parts.push(`id=${reg.id}`);
      if (reg.parentId !== 0) parts.push(`parent_id=${reg.parentId}`);
      return `${at}=dynptr_${dynptrTypeStr(reg.dynptrType)}(${parts.join(',')})`;
    }
    case t.STACK_ITER: {
      if (reg.id === 0) return '';
      const state = iterStateStr(reg.iterState);
      const type = iterTypeStr(reg.btf, reg.btfId);
      return `${at}=iter_${type}(id=${reg.id},state=${state},depth=${reg.iterDepth})`;
    }
    default:
      return `${at}=${charsOf(slot, -1)}`;
  }
}

/** What the bytes hold, from the lowest address up to the first of type `end`. */
function charsOf(slot: StackSlot, end: number): string {
  let text = '';
  for (let i = 0; i < t.BPF_REG_SIZE && slot.typeAt(i) !== end; i++) {
    text += SLOT_CHARS[slot.typeAt(i)]!;
  }
  return text;
}

function isEmpty(slot: StackSlot): boolean {
  for (let i = 0; i < t.BPF_REG_SIZE; i++) {
    const type = slot.typeAt(i);
    if (type !== t.STACK_INVALID && type !== t.STACK_POISON) return false;
  }
  return true;
}

/** One line, ` R0=1 R10=fp0 fp-8=r`, a blank in front and its end. print_verifier_state() */
export function printVerifierState(
  env: VerifierEnv,
  state: VerifierState,
  frameno: number,
  printAll: boolean,
): void {
  if (!env.log.isOn) return;
  const frame = state.frames[frameno]!;
  let text = frame.frameno > 0 ? ` frame${frame.frameno}:` : '';
  frame.regs.forEach((reg, i) => {
    if (reg.type === t.NOT_INIT) return;
    if (!printAll && ((env.scratchedRegs >>> i) & 1) === 0) return;
    text += ` R${i}=${regText(reg, frame.frameno)}`;
  });
  text += stackText(env, frame, printAll);
  const refs = state.refs.filter(({ id }) => id !== 0).map(({ id }) => id);
  if (state.refs[0]?.id) text += ` refs=${refs.join(',')}`;
  if (frame.inCallbackFn) text += ' cb';
  if (frame.inAsyncCallbackFn) text += ' async_cb';
  env.verbose(`${text}\n`);
  if (!printAll) markVerifierStateClean(env);
}

function stackText(env: VerifierEnv, frame: FuncState, printAll: boolean): string {
  let text = '';
  for (let spi = 0; spi < frame.stack.length; spi++) {
    if (!printAll && ((env.scratchedSlots >> BigInt(spi)) & 1n) === 0n) continue;
    let slot = frame.stack[spi] ?? INVALID_SLOT;
    if (isEmpty(slot)) continue;
    if (slot.typeAt(t.BPF_REG_SIZE - 1) === t.STACK_DYNPTR) {
      spi += BPF_DYNPTR_NR_SLOTS - 1; // the first of its slots says what it is
      slot = frame.stack[spi] ?? INVALID_SLOT;
    }
    const said = slotText(slot, spi, frame);
    if (said !== '') text += ` ${said}`;
  }
  return text;
}

/** Behind the instruction that led here, if that was printed last. print_insn_state() */
export function printInsnState(env: VerifierEnv, state: VerifierState, frameno: number): void {
  const { log } = env;
  if (!log.isOn) return;
  if (env.prevLogPos !== 0 && env.prevLogPos === log.position) {
    log.reset(env.prevLogPos - 1);
    env.verbose(`${' '.repeat(Math.max(1, vlogAlignment(env.prevInsnPrintPos)))};`);
  } else {
    env.verbose(`${env.insnIdx}:`);
  }
  printVerifierState(env, state, frameno, false);
}

/** bpf_vlog_alignment() */
export function vlogAlignment(position: number): number {
  const least = Math.max(position + LOG_MIN_ALIGNMENT / 2, LOG_ALIGNMENT);
  return Math.ceil(least / LOG_MIN_ALIGNMENT) * LOG_MIN_ALIGNMENT - position - 1;
}

/** Nothing has been accessed since. mark_verifier_state_clean() */
export function markVerifierStateClean(env: VerifierEnv): void {
  env.scratchedRegs = 0;
  env.scratchedSlots = 0n;
}

const ALL_SLOTS = U64_MAX;

/** All is to be printed. mark_verifier_state_scratched() */
export function markVerifierStateScratched(env: VerifierEnv): void {
  env.scratchedRegs = -1;
  env.scratchedSlots = ALL_SLOTS;
}

/** verifier_state_scratched() */
export function verifierStateScratched(env: VerifierEnv): boolean {
  return env.scratchedRegs !== 0 || env.scratchedSlots !== 0n;
}
