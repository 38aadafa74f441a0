import type { BpfMap } from '../maps/map.ts';
import { reportNoMap } from '../vm/fault.ts';
import type { ArgType, Call } from './prototype.ts';

function arg<T>(kind: string, decode: (call: Call, reg: number) => T): ArgType<T> {
  return { kind, decode };
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
  return arg('const_map_ptr', (call, reg) => {
    const map = mapAt(call, reg);
    return map instanceof Class ? map : reportNoMap(call.kernel.machine, map.addr);
  });
}

/**
 * How arguments come out of registers, by Linux's enum bpf_arg_type without the ARG_. What the
 * checker lets through of wild pointers is found by the memory, as a report.
 */
export const args = {
  constMapPtr: arg('const_map_ptr', mapAt),
  mapKey: arg('ptr_to_map_key', address),
  mapValue: arg('ptr_to_map_value', address),
  mapValueOrNull: arg('ptr_to_map_value|ptr_maybe_null', address),
  mem: arg('ptr_to_mem', address),
  memOrNull: arg('ptr_to_mem|ptr_maybe_null', address),
  uninitMem: arg('ptr_to_uninit_mem', address),
  /** Of the memory argument before it, in bytes. */
  constSize: arg('const_size', low),
  constSizeOrZero: arg('const_size_or_zero', low),
  constAllocSizeOrZero: arg('const_alloc_size_or_zero', low),
  ringbufMem: arg('ptr_to_ringbuf_mem', address),
  ctx: arg('ptr_to_ctx', address),
  constStr: arg('ptr_to_const_str', address),
  /** The slot at which the callback begins. */
  func: arg('ptr_to_func', low),
  stackOrNull: arg('ptr_to_stack|ptr_maybe_null', address),
  spinLock: arg('ptr_to_spin_lock', address),
  btfId: arg('ptr_to_btf_id', address),
  /** Of any value: the whole register, unsigned. */
  anything: arg('anything', (call, reg) => call.memory.rawLoad(reg, 8)),
  /** The same, of which only the low 32 bits count: signed. */
  int: arg('anything', (call, reg) => call.memory.rawU32(reg) | 0),
  /** The same, unsigned. */
  u32: arg('anything', low),
} as const;
