import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bug } from '../../base/errors.ts';
import {
  DIRECT_MAP_HIGH,
  KASAN_PAGE_FREE,
  KASAN_SLAB_FREE,
  KASAN_SLAB_REDZONE,
  Memory,
  PAGE_SIZE,
} from '../../kernel/memory.ts';

const SIZE = 64 << 10;
const BASE = 2 * PAGE_SIZE;

interface Fault {
  readonly addr: number;
  readonly size: number;
  readonly write: boolean;
  readonly shadow: number;
}

class Faulted extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(`fault at ${fault.addr}`);
    this.fault = fault;
  }
}

function memoryWith(sizeBytes: number): Memory {
  const memory = new Memory(SIZE);
  memory.onFault = (addr, size, write, shadow) => {
    throw new Faulted({ addr, size, write, shadow });
  };
  memory.unpoison(BASE, sizeBytes);
  return memory;
}

function faultOf(act: () => unknown): Fault | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof Faulted) return error.fault;
    throw error;
  }
  return undefined;
}

/** Every accessor: its size, values that must survive, and how it reads and writes. */
const ACCESSORS = [
  { name: 'u8', size: 1, values: [0, 0x80, 0xff] },
  { name: 'u16', size: 2, values: [0, 0x8000, 0xffff] },
  { name: 'u32', size: 4, values: [0, 0x8000_0000, 0xffff_ffff] },
  { name: 's32', size: 4, values: [0, -1, -(2 ** 31), 2 ** 31 - 1] },
  { name: 'u64', size: 8, values: [0n, 1n << 63n, 2n ** 64n - 1n] },
  {
    name: 'long',
    size: 8,
    values: [0, -1, 2 ** 47, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  },
  { name: 'ptr', size: 8, values: [0, 8, BASE, 0xffff_fff0, -9, -4095] },
] as const;

type Value = number | bigint;
const reader = (memory: Memory, name: string): ((addr: number) => Value) => {
  const methods = memory as unknown as Record<string, (addr: number) => Value>;
  return (addr) => methods[name]!(addr);
};
const writer = (memory: Memory, name: string): ((addr: number, value: Value) => void) => {
  const methods = memory as unknown as Record<string, (addr: number, value: Value) => void>;
  const setter = `set${name[0]!.toUpperCase()}${name.slice(1)}`;
  return (addr, value) => methods[setter]!(addr, value);
};

describe.each(ACCESSORS)('$name', ({ name, size, values }) => {
  test('reads what was written, aligned or not, and changes nothing beside', () => {
    const memory = memoryWith(64);
    for (const addr of [BASE + 16, BASE + 17, BASE + 21, BASE + 23]) {
      for (const value of values) {
        memory.fill(BASE, 64, 0xa5);
        writer(memory, name)(addr, value);
        expect(reader(memory, name)(addr)).toBe(value);
        expect(memory.u8(addr - 1)).toBe(0xa5);
        expect(memory.u8(addr + size)).toBe(0xa5);
      }
    }
  });

  test('faults on the first byte that is forbidden, and on both sides of a granule', () => {
    const memory = memoryWith(20);
    for (let at = BASE - size; at < BASE + 24; at++) {
      const allowed = at >= BASE && at + size <= BASE + 20;
      const read = faultOf(() => reader(memory, name)(at));
      const write = faultOf(() => writer(memory, name)(at, values[0]));
      expect(read === undefined, `read at ${at - BASE}`).toBe(allowed);
      expect(write === undefined, `write at ${at - BASE}`).toBe(allowed);
      if (write) expect(write.write).toBe(true);
    }
  });

  test('faults outside memory', () => {
    const memory = memoryWith(8);
    for (const addr of [-8, -1, SIZE - size + 8, SIZE, 2 ** 31, 2 ** 32, 2 ** 32 + BASE + 4096]) {
      expect(
        faultOf(() => reader(memory, name)(addr)),
        `${addr}`,
      ).toBeDefined();
      expect(
        faultOf(() => writer(memory, name)(addr, values[0])),
        `${addr}`,
      ).toBeDefined();
    }
  });
});

describe('pointers', () => {
  test('stand in the direct map, as a program sees them', () => {
    const memory = memoryWith(16);
    memory.setPtr(BASE, BASE);
    expect(memory.u64(BASE)).toBe((BigInt(DIRECT_MAP_HIGH) << 32n) | BigInt(BASE));
    memory.setPtr(BASE, -14);
    expect(memory.u64(BASE)).toBe(2n ** 64n - 14n);
    memory.setPtr(BASE, 0);
    expect(memory.u64(BASE)).toBe(0n);
  });

  test('that point nowhere read below zero', () => {
    const memory = memoryWith(16);
    for (const wild of [0x6b6b_6b6b_6b6b_6b6bn, 0x7fff_f7ff_0000n, 0xffff_ffff_0000_0000n]) {
      memory.setU64(BASE, wild);
      expect(memory.ptr(BASE)).toBeLessThan(-4095);
    }
  });
});

describe('ranges', () => {
  test('texts are cut and padded', () => {
    const memory = memoryWith(32);
    memory.fill(BASE, 32, 0xff);
    memory.setChars(BASE, 8, 'abc');
    expect([...memory.copyOut(BASE, 9)]).toEqual([97, 98, 99, 0, 0, 0, 0, 0, 255]);
    memory.setChars(BASE, 4, 'abcdef');
    expect(memory.chars(BASE, 4)).toBe('abc');
    memory.copyIn(BASE, Uint8Array.of(120, 121, 122, 120));
    expect(memory.chars(BASE, 4)).toBe('xyzx');
  });

  test('are checked to the byte, from either end', () => {
    const memory = memoryWith(29);
    const bytes = new Uint8Array(30);
    for (const [act, write] of [
      [() => memory.copyOut(BASE, 30), false],
      [() => memory.copyIn(BASE, bytes), true],
      [() => memory.fill(BASE, 30, 1), true],
      [() => memory.copy(BASE + 8, BASE, 22), true],
      [() => memory.copy(BASE, BASE + 8, 22), false],
      [() => memory.chars(BASE, 30), false],
    ] as const) {
      expect(faultOf(act)).toMatchObject({ write });
    }
    expect(faultOf(() => memory.copyOut(BASE - 1, 4))).toMatchObject({ shadow: KASAN_PAGE_FREE });
  });

  test('copy as memmove', () => {
    const memory = memoryWith(16);
    memory.copyIn(BASE, Uint8Array.of(1, 2, 3, 4));
    memory.copy(BASE + 1, BASE, 4);
    expect([...memory.copyOut(BASE, 5)]).toEqual([1, 1, 2, 3, 4]);
  });
});

describe('the shadow', () => {
  test('tells why', () => {
    const memory = memoryWith(64);
    memory.poison(BASE + 8, 8, KASAN_SLAB_FREE);
    memory.poison(BASE + 16, 8, KASAN_SLAB_REDZONE);
    expect(faultOf(() => memory.u8(BASE + 8))?.shadow).toBe(KASAN_SLAB_FREE);
    expect(faultOf(() => memory.u8(BASE + 16))?.shadow).toBe(KASAN_SLAB_REDZONE);
    expect(faultOf(() => memory.u8(BASE + 24))).toBeUndefined();
    memory.unpoison(BASE + 8, 5);
    expect(memory.shadowAt(BASE + 12)).toBe(5);
    expect(faultOf(() => memory.u8(BASE + 13))?.shadow).toBe(5);
  });

  test('a handler that returns allows the access', () => {
    const memory = memoryWith(8);
    memory.setU32(BASE, 7);
    memory.poison(BASE, 8, KASAN_SLAB_FREE);
    memory.onFault = () => {};
    expect(memory.u32(BASE)).toBe(7);
    expect(() => memory.u32(SIZE)).toThrow(Bug);
  });

  test('the watcher hears of every access but the unwatched and the raw', () => {
    const memory = memoryWith(16);
    const heard: [number, number, boolean][] = [];
    memory.onAccess = (...what) => void heard.push(what);
    memory.u32(BASE);
    memory.setU64(BASE + 8, 1n);
    memory.unwatched(() => memory.setU32(BASE, 2));
    memory.rawU32(BASE);
    memory.copyOut(BASE, 12);
    expect(heard).toEqual([
      [BASE, 4, false],
      [BASE + 8, 8, true],
      [BASE, 8, false],
      [BASE + 8, 4, false],
    ]);
    expect(() => memory.unwatched(() => memory.u8(0))).toThrow(Faulted);
    expect(memory.onAccess).not.toBeNull();
  });
});

describe('engines', () => {
  test('are allowed exactly what faults nobody, and nobody hears of the question', () => {
    const memory = memoryWith(20);
    const heard: number[] = [];
    for (const addr of [-8, -1, SIZE - 4, SIZE, 2 ** 32 + BASE]) {
      expect(memory.allows(addr, 8)).toBe(false);
    }
    for (let addr = BASE - 9; addr < BASE + 24; addr++) {
      for (const size of [1, 2, 4, 8, 16]) {
        memory.onAccess = null;
        const isFault = faultOf(() => memory.check(addr, size, false)) !== undefined;
        memory.onAccess = (at) => void heard.push(at);
        expect(memory.allows(addr, size), `${size} bytes at ${addr - BASE}`).toBe(!isFault);
      }
    }
    expect(heard).toEqual([]);
  });

  test('may do what is tolerated, as the accessors may', () => {
    const memory = memoryWith(8);
    memory.poison(BASE, 8, KASAN_SLAB_FREE);
    expect(memory.allows(BASE, 4)).toBe(false);
    memory.tolerates = (shadow) => shadow === KASAN_SLAB_FREE;
    expect(memory.allows(BASE, 4)).toBe(true);
    expect(memory.u32(BASE)).toBe(0);
    expect(faultOf(() => memory.u32(BASE + 8))).toBeDefined();
  });

  test('find the shadow and the pages written to behind the memory', () => {
    const memory = memoryWith(PAGE_SIZE + 3);
    const bytes = new Uint8Array(memory.wasm.buffer);
    for (let at = 0; at < SIZE; at += 8) {
      expect(bytes[memory.shadowBase + at / 8]).toBe(memory.shadowAt(at));
    }
    const dirty = (): number[] =>
      [...bytes.subarray(memory.dirtyBase, memory.dirtyBase + SIZE / PAGE_SIZE)].flatMap(
        (byte, page) => (byte === 0 ? [] : [page]),
      );
    memory.checkpoint();
    expect(dirty()).toEqual([]);
    memory.beforeWrite(5 * PAGE_SIZE - 2, 4);
    bytes[5 * PAGE_SIZE] = 77;
    memory.setU8(BASE, 1);
    expect(dirty()).toEqual([2, 4, 5]);
    memory.rollback();
    expect(dirty()).toEqual([]);
    expect(bytes[5 * PAGE_SIZE]).toBe(0);
  });
});

describe('rollback', () => {
  const pages = SIZE / PAGE_SIZE;

  function snapshot(memory: Memory): string {
    const bytes = memory.rawCopyOut(0, SIZE);
    const shadow: number[] = [];
    for (let at = 0; at < SIZE; at += 8) shadow.push(memory.shadowAt(at));
    return `${Buffer.from(bytes).toString('base64')} ${shadow.join()}`;
  }

  const addr = fc.integer({ min: 0, max: SIZE - 64 });
  const change = fc.oneof(
    fc.record({ kind: fc.constantFrom('setU8', 'setU16', 'setU32', 'setLong', 'setPtr'), addr }),
    fc.record({
      kind: fc.constantFrom(
        'fill',
        'copyIn',
        'copy',
        'setChars',
        'rawFill',
        'rawCopy',
        'rawCopyIn',
        'setRawU32',
        'poison',
        'unpoison',
        'setU64',
      ),
      addr,
    }),
  );

  function apply(memory: Memory, { kind, addr: at }: { kind: string; addr: number }): void {
    const aligned = at & ~7;
    switch (kind) {
      case 'setU64':
        return memory.setU64(at, 0x0123_4567_89ab_cdefn);
      case 'fill':
        return memory.fill(at, 50, 0x77);
      case 'rawFill':
        return memory.rawFill(at, 50, 0x78);
      case 'copyIn':
        return memory.copyIn(at, new Uint8Array(60).fill(3));
      case 'rawCopyIn':
        return memory.rawCopyIn(at, new Uint8Array(60).fill(4));
      case 'copy':
        return memory.copy(at, SIZE - 1 - at, 1);
      case 'rawCopy':
        return memory.rawCopy(at, 100, 64);
      case 'setChars':
        return memory.setChars(at, 16, 'text');
      case 'setRawU32':
        return memory.setRawU32(aligned, 9);
      case 'poison':
        return memory.poison(aligned, 32, KASAN_SLAB_FREE);
      case 'unpoison':
        return memory.unpoison(aligned, 29);
      default:
        return (memory as unknown as Record<string, (a: number, v: number) => void>)[kind]!(at, 99);
    }
  }

  test('restores every byte and every shadow byte, again and again', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 12 }),
        fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 3 }),
        (before, runs) => {
          const memory = new Memory(SIZE);
          memory.onFault = () => {};
          for (const one of before) apply(memory, one);
          memory.checkpoint();
          const was = snapshot(memory);
          for (const run of runs) {
            for (const one of run) apply(memory, one);
            memory.rollback();
            expect(snapshot(memory) === was).toBe(true);
          }
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });

  test('goes back to the latest checkpoint', () => {
    const memory = memoryWith(8);
    memory.checkpoint();
    memory.setU32(BASE, 1);
    memory.checkpoint();
    memory.setU32(BASE, 2);
    memory.rollback();
    expect(memory.u32(BASE)).toBe(1);
  });

  test('copies only the pages that were written', () => {
    const memory = new Memory(SIZE);
    memory.unpoison(0, SIZE);
    memory.checkpoint();
    expect(memory.dirtyPageCount).toBe(0);
    for (let i = 0; i < pages; i += 4) memory.setU8(i * PAGE_SIZE, 1);
    memory.u64(PAGE_SIZE);
    expect(memory.dirtyPageCount).toBe(pages / 4);
    memory.setU64(2 * PAGE_SIZE - 4, 1n);
    expect(memory.dirtyPageCount).toBe(pages / 4 + 2);
    memory.rollback();
    expect(memory.dirtyPageCount).toBe(0);
  });
});
