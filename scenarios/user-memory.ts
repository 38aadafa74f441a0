import { Bug, InputError } from '../base/errors.ts';
import type { Machine } from '../kernel/machine.ts';
import type { UserMm } from '../kernel/mm/user-mm.ts';
import type { Task } from '../kernel/task.ts';
import type { Sim } from '../sim/request.ts';

export interface UserMemoryParts {
  readonly machine: Machine;
  readonly sched: { readonly current: Task };
  readonly mm: UserMm;
}

/** What each thread has of the arena of its address space, for the arguments of its calls. */
const SLICE_BYTES = 1_024;
/** What a thread maps where its slice is too small, or where the arena has no slice left. */
const AREA_BYTES = 65_536;
const ALIGN_BYTES = 8;

interface Area {
  readonly addr: number;
  readonly sizeBytes: number;
}

/** The threads of one address space take slices in the order in which they were made. */
export interface SliceCounter {
  next: number;
}

/**
 * Where a thread of user code puts the arguments of a system call, and finds the results. Writing
 * there is no step unless the page has to be copied first, after a fork.
 */
export class UserMemory {
  readonly #parts: UserMemoryParts;
  readonly #sliceIndex: number;
  readonly #areas: Area[] = [];
  #areaIndex = 0;
  #usedBytes = 0;

  constructor(parts: UserMemoryParts, sliceIndex: number) {
    this.#parts = parts;
    this.#sliceIndex = sliceIndex;
  }

  /** Forgets the arguments of the call before. */
  begin(): void {
    this.#areaIndex = 0;
    this.#usedBytes = 0;
  }

  /** The address of so many bytes that nothing else uses until begin(). */
  reserve(sizeBytes: number): number {
    const wanted = Math.ceil(sizeBytes / ALIGN_BYTES) * ALIGN_BYTES;
    for (;;) {
      const area = (this.#areas[this.#areaIndex] ??= this.#newArea(wanted));
      if (this.#usedBytes + wanted <= area.sizeBytes) {
        const addr = area.addr + this.#usedBytes;
        this.#usedBytes += wanted;
        return addr;
      }
      this.#areaIndex++;
      this.#usedBytes = 0;
    }
  }

  /** The address of a copy of `bytes`. */
  *put(bytes: Uint8Array): Sim<number> {
    const { mm } = this.#parts;
    const addr = this.reserve(bytes.length);
    if (mm.copy_to_user_nofault(addr, bytes) !== 0) yield* mm.userWrite(addr, bytes);
    return addr;
  }

  /** What stands at an address of an argument. */
  take(addr: number, sizeBytes: number): Uint8Array {
    const bytes = this.#parts.mm.copy_from_user_nofault(addr, sizeBytes);
    if (!bytes) throw new Bug(`arguments of a call are unmapped at ${addr.toString(16)}`);
    return bytes;
  }

  #newArea(sizeBytes: number): Area {
    const { mm, machine, sched } = this.#parts;
    const space = machine.memory.unwatched(() => sched.current.s.mm);
    const arena = mm.mmArena(space);
    const start = this.#sliceIndex * SLICE_BYTES;
    if (this.#areas.length === 0 && start + SLICE_BYTES <= arena.sizeBytes) {
      return { addr: arena.addr + start, sizeBytes: SLICE_BYTES };
    }
    // Twice as much each time, so that all areas together are not much more than the largest.
    const size = Math.max(AREA_BYTES, 2 ** Math.ceil(Math.log2(sizeBytes)));
    // Memory for arguments is no place to look for failing allocations: the calls are.
    const { faults } = machine;
    machine.faults = new Set();
    const addr = mm.mmap(space, size, { resident: true });
    machine.faults = faults;
    if (addr < 0) throw new InputError(`no user memory for arguments of ${size} bytes`);
    return { addr, sizeBytes: size };
  }
}

/** Little-endian 64-bit words, as structs of the system call interface are made of. */
export function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setBigInt64(i * 8, BigInt(value), true));
  return bytes;
}

export function ints(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setInt32(i * 4, value, true));
  return bytes;
}

export function intAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(at, true);
}

export function wordAt(bytes: Uint8Array, at: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(at, true));
}

/** A C string: one byte a character, and a NUL. */
export function cString(text: string): Uint8Array {
  return Uint8Array.from([...bytesOf(text), 0]);
}

export function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Uint8Array.from(data, (c) => c.charCodeAt(0) & 0xff) : data;
}

export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
