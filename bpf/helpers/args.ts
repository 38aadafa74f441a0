import type { BpfMap } from '../maps/map.ts';
import { Dynptr } from '../objects/dynptr.ts';
import { reportNoMap } from '../vm/fault.ts';
import type { ArgType, Call } from './prototype.ts';

function arg<T>(decode: (call: Call, reg: number) => T): ArgType<T> {
  return { decode };
}

/** A kernel address as a memory offset: 0 for NULL, below zero where it points nowhere. */
const address = (call: Call, reg: number): number => call.memory.rawPtr(reg);
const low = (call: Call, reg: number): number => call.memory.rawU32(reg);

function mapAt(call: Call, reg: number): BpfMap {
  const addr = call.memory.rawPtr(reg);
  return call.maps.get(addr) ?? reportNoMap(call.kernel.machine, addr);
}

/** A map argument that must be of one kind, as its own class. */
export function mapOf<T extends BpfMap>(Class: abstract new (...given: never[]) => T): ArgType<T> {
  return arg((call, reg) => {
    const map = mapAt(call, reg);
    return map instanceof Class ? map : reportNoMap(call.kernel.machine, map.addr);
  });
}

/** A struct bpf_dynptr, on the program's stack. */
export const dynptr: ArgType<Dynptr> = arg(
  (call, reg) => new Dynptr(call.memory, address(call, reg)),
);

/**
 * How arguments come out of registers, by Linux's enum bpf_arg_type without the ARG_. Wild pointers
 * are found by the memory, as a report.
 */
export const args = {
  constMapPtr: arg(mapAt),
  mapKey: arg(address),
  mapValue: arg(address),
  mapValueOrNull: arg(address),
  mem: arg(address),
  memOrNull: arg(address),
  uninitMem: arg(address),
  /** Of the memory argument before it, in bytes. */
  constSize: arg(low),
  constSizeOrZero: arg(low),
  constAllocSizeOrZero: arg(low),
  ringbufMem: arg(address),
  ctx: arg(address),
  constStr: arg(address),
  /** The slot at which the callback begins. */
  func: arg(low),
  stackOrNull: arg(address),
  spinLock: arg(address),
  btfId: arg(address),
  /** Of any value: the whole register, unsigned. */
  anything: arg((call, reg) => call.memory.rawLoad(reg, 8)),
  /** The same, of which only the low 32 bits count: signed. */
  int: arg((call, reg) => call.memory.rawU32(reg) | 0),
  /** The same, unsigned. */
  u32: arg(low),
} as const;
