import type { Machine } from './machine.ts';
import {
  KASAN_PAGE_REDZONE,
  KASAN_SLAB_FREE,
  KASAN_SLAB_REDZONE,
  KASAN_SLAB_TYPESAFE_FREE,
  KASAN_STACK_LEFT,
  PAGE_SIZE,
} from './memory.ts';
import { pointerText, RULE } from './oops.ts';
import type { AllocNote } from './note.ts';
import type { HeapObject } from './slab.ts';
import type { FailureKind } from '../sim/failure.ts';

/** What the shadow byte says went wrong, in mm/kasan/report_generic.c's words. */
function bugOf(shadow: number, wasUsed: boolean): { kind: FailureKind; word: string } {
  switch (shadow) {
    case KASAN_SLAB_FREE:
    case KASAN_SLAB_TYPESAFE_FREE:
      return { kind: 'use-after-free', word: 'slab-use-after-free' };
    case KASAN_SLAB_REDZONE:
    case KASAN_PAGE_REDZONE:
      return { kind: 'out-of-bounds', word: 'slab-out-of-bounds' };
    case KASAN_STACK_LEFT:
      return { kind: 'out-of-bounds', word: 'stack-out-of-bounds' };
    default:
      if (shadow < 8) return { kind: 'out-of-bounds', word: 'slab-out-of-bounds' };
      if (wasUsed) return { kind: 'use-after-free', word: 'use-after-free' };
      return { kind: 'bad-access', word: 'wild-memory-access' };
  }
}

/** The memory's fault handler. mm/kasan/report.c: kasan_report(), arch/x86/mm/fault.c */
export class Kasan {
  readonly #machine: Machine;
  /** Whether the context is in an RCU read section: then type-stable freed memory may be read. */
  inReadSection: () => boolean = () => false;

  constructor(machine: Machine) {
    this.#machine = machine;
    const { memory } = machine;
    memory.onFault = (addr, size, write, shadow) => this.#fault(addr, size, write, shadow);
    memory.tolerates = (shadow) => shadow === KASAN_SLAB_TYPESAFE_FREE && this.inReadSection();
  }

  /** Frees, or reports what is wrong with the pointer. mm/kasan/common.c: kasan_slab_free() */
  free(addr: number): void {
    const { slab } = this.#machine;
    if (addr === 0 || slab.free(addr)) return;
    const object = slab.objectOf(addr);
    const word = object?.freed && object.addr === addr ? 'double-free' : 'invalid-free';
    this.#report(
      'double-free',
      `BUG: KASAN: ${word} in ${this.#function()}`,
      `Free of addr ${pointerText(addr)} by task ${this.#machine.who()}`,
      addr,
      object,
    );
  }

  #fault(addr: number, size: number, write: boolean, shadow: number): void {
    if (addr >= 0 && addr < PAGE_SIZE) return this.#null(addr, write);
    const { slab } = this.#machine;
    const object = addr < 0 ? undefined : slab.objectOf(addr);
    const { kind, word } = bugOf(shadow, slab.wasUsed(addr));
    this.#report(
      kind,
      `BUG: KASAN: ${word} in ${this.#function()}`,
      `${write ? 'Write' : 'Read'} of size ${size} at addr ${pointerText(addr)} ` +
        `by task ${this.#machine.who()}`,
      addr,
      object,
    );
  }

  #null(addr: number, write: boolean): void {
    const machine = this.#machine;
    const address = addr.toString(16).padStart(16, '0');
    machine.fail({
      kind: 'bad-access',
      title: `BUG: kernel NULL pointer dereference, address: ${address}`,
      lines: [
        `#PF: supervisor ${write ? 'write' : 'read'} access in kernel mode`,
        `#PF: error_code(0x000${write ? 2 : 0}) - not-present page`,
        ...machine.traceLines(),
      ],
    });
  }

  #function(): string {
    return this.#machine.stack()[0]?.symbol.name ?? 'boot';
  }

  #report(
    kind: FailureKind,
    title: string,
    what: string,
    addr: number,
    object: HeapObject | undefined,
  ): void {
    const machine = this.#machine;
    machine.fail({
      kind,
      title,
      lines: [
        what,
        '',
        ...machine.traceLines(),
        '',
        ...(object ? objectLines(object, addr) : []),
        ...(addr >= 0 ? this.#shadowLines(addr) : []),
        RULE,
      ],
      objects: object ? [{ type: object.cache, addr: object.addr }] : [],
    });
  }

  /** Five rows of sixteen shadow bytes, the buggy one marked. print_memory_metadata() */
  #shadowLines(addr: number): string[] {
    const lines = ['Memory state around the buggy address:'];
    const middle = addr - (addr % 128);
    for (let row = middle - 256; row <= middle + 256; row += 128) {
      if (row < 0) continue;
      const bytes: string[] = [];
      for (let i = 0; i < 16; i++) {
        bytes.push(
          this.#machine.memory
            .shadowAt(row + i * 8)
            .toString(16)
            .padStart(2, '0'),
        );
      }
      lines.push(`${row === middle ? '>' : ' '}${pointerText(row)}: ${bytes.join(' ')}`);
      if (row === middle) lines.push(' '.repeat(19 + ((addr % 128) >> 3) * 3) + '^');
    }
    return lines;
  }
}

function noteLines(title: string, note: AllocNote): string[] {
  return [
    `${title} by task ${note.pid} on cpu ${note.cpu}:`,
    ...note.stack.map((line) => ` ${line}`),
    '',
  ];
}

/** mm/kasan/report.c: describe_object(), describe_object_addr() */
function objectLines(object: HeapObject, addr: number): string[] {
  const { sizeBytes, freed } = object;
  const end = object.addr + sizeBytes;
  let where = `${addr - object.addr} bytes inside of`;
  if (addr < object.addr) where = `${object.addr - addr} bytes to the left of`;
  else if (addr >= end) where = `${addr - end} bytes to the right of`;
  return [
    ...noteLines('Allocated', object.allocated),
    ...(freed ? noteLines('Freed', freed) : []),
    `The buggy address belongs to the object at ${pointerText(object.addr)}`,
    ` which belongs to the cache ${object.cache} of size ${object.cacheBytes}`,
    `The buggy address is located ${where}`,
    ` ${freed ? 'freed' : 'allocated'} ${sizeBytes}-byte region ` +
      `[${pointerText(object.addr)}, ${pointerText(end)})`,
    '',
  ];
}
