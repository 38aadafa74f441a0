import { PAGE_SHIFT, PAGE_SIZE, type Memory } from '../../kernel/memory.ts';
import { READ, RMW, WRITE, type Access } from '../../sim/request.ts';
import type { Insn } from '../isa/insn.ts';
import { ATOMIC } from './alu.ts';
import { bpfFrame } from './frame.ts';

const { off } = bpfFrame;

/**
 * What engines know of an arena: page tables of two levels over the low 32 bits of an address, as
 * x86 has without PAE. An entry is an offset in memory, or 0: then nothing is there. A missing
 * second level reads as one without pages, since page 0 of memory is never given out.
 */
export interface ArenaSpace {
  /** Offset of the first level. */
  readonly tables: number;
  /** The upper half of an address as user space has it. */
  readonly userHigh: number;
}

/** Entries of one level. */
export const ARENA_ENTRIES = PAGE_SIZE / 4;
/** One table of the second level covers so much: 4 MiB. */
export const ARENA_TABLE_SHIFT = PAGE_SHIFT + 10;

/** Where the entry for a page stands: of the first level where there is no second. */
export function arenaEntry(memory: Memory, tables: number, low: number): number {
  const first = tables + (low >>> ARENA_TABLE_SHIFT) * 4;
  const table = memory.rawU32(first);
  return table === 0 ? first : table + ((low >>> PAGE_SHIFT) & (ARENA_ENTRIES - 1)) * 4;
}

/** The offset of a byte, or 0 where there is no page. */
function arenaByte(memory: Memory, tables: number, low: number): number {
  const page = memory.rawU32(arenaEntry(memory, tables, low));
  return page === 0 ? 0 : page + (low % PAGE_SIZE);
}

/** The offset of an access that is all in one page, and that is there; else 0. */
export function arenaPlace(memory: Memory, tables: number, addr: bigint, size: number): number {
  if (addr >> 32n !== 0n) return 0;
  const low = Number(addr);
  return (low % PAGE_SIZE) + size > PAGE_SIZE ? 0 : arenaByte(memory, tables, low);
}

export type ArenaInsn = Extract<Insn, { readonly arena?: true }> & { readonly arena: true };

/** Whether an instruction is an access to an arena. */
export function isArenaInsn(insn: Insn): insn is ArenaInsn {
  return 'arena' in insn && insn.arena === true;
}

/** The address, as the register has it, and how it is touched. */
interface Touch {
  readonly addr: bigint;
  readonly kind: Access;
}

export function arenaTouch(memory: Memory, frame: number, insn: ArenaInsn): Touch {
  const isLoad = insn.kind === 'ldx' || insn.kind === 'load_acquire';
  const base = memory.rawLoad(frame + off.regs + 8 * (isLoad ? insn.src : insn.dst), 8);
  const kind = isLoad ? READ : insn.kind === 'atomic' ? RMW : WRITE;
  return { addr: BigInt.asUintN(64, base + BigInt(insn.off)), kind };
}

/** The register that an access reads into, or -1. bpf_atomic_load_reg() */
function loadReg(insn: ArenaInsn): number {
  if (insn.kind === 'ldx' || insn.kind === 'load_acquire') return insn.dst;
  if (insn.kind !== 'atomic' || !insn.fetch) return -1;
  return insn.op === 'cmpxchg' ? 0 : insn.src;
}

/**
 * Does the access that an engine has left for. False: a page of it is not there: what would
 * have been read is 0, and nothing is written. arch/x86/net/bpf_jit_comp.c: ex_handler_bpf()
 */
export function finishArenaAccess(memory: Memory, frame: number, insn: ArenaInsn): boolean {
  const { addr, kind } = arenaTouch(memory, frame, insn);
  const places = placesOf(memory, memory.rawU32(frame + off.arena), addr, insn.size);
  const into = loadReg(insn);
  const reg = (r: number): bigint => memory.rawLoad(frame + off.regs + 8 * r, 8);
  const setReg = (r: number, value: bigint): void =>
    memory.rawStore(frame + off.regs + 8 * r, 8, value);
  if (places === undefined) {
    if (into >= 0) setReg(into, 0n);
    return false;
  }
  // A search hears of both pages.
  memory.marked(() => places.forEach((place) => memory.check(place, 1, kind !== READ)));
  const cut = (value: bigint): bigint => BigInt.asUintN(8 * insn.size, value);
  const old = load(memory, places);
  if (insn.kind === 'st') store(memory, places, BigInt(insn.imm));
  if (insn.kind === 'stx' || insn.kind === 'store_release') store(memory, places, reg(insn.src));
  if (insn.kind === 'atomic') {
    store(memory, places, ATOMIC[insn.op](old, cut(reg(insn.src)), cut(reg(0))));
  }
  const isSigned = insn.kind === 'ldx' && insn.mode === 'memsx';
  if (into >= 0) setReg(into, isSigned ? BigInt.asIntN(8 * insn.size, old) : old);
  return true;
}

/** The offset of each byte; undefined where one is not there. */
function placesOf(
  memory: Memory,
  tables: number,
  addr: bigint,
  size: number,
): readonly number[] | undefined {
  if (addr >> 32n !== 0n || (addr + BigInt(size - 1)) >> 32n !== 0n) return undefined;
  const places = Array.from({ length: size }, (_, i) =>
    arenaByte(memory, tables, Number(addr) + i),
  );
  return places.includes(0) ? undefined : places;
}

function load(memory: Memory, places: readonly number[]): bigint {
  let value = 0n;
  for (const place of places.toReversed()) value = (value << 8n) | memory.rawLoad(place, 1);
  return value;
}

function store(memory: Memory, places: readonly number[], value: bigint): void {
  for (const [i, place] of places.entries()) memory.rawStore(place, 1, value >> BigInt(8 * i));
}
