import { describe, expect, test } from 'vitest';
import { EEXIST, EFAULT, EINVAL, ENOENT, EOPNOTSUPP, EPERM } from '../../../kernel/errno.ts';
import { TASK_SIZE } from '../../../kernel/mm/structs.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { intAt } from '../../../scenarios/user-memory.ts';
import { event, register, TAG, unregister } from '../../../scenarios/writes/registered.ts';
import registered from '../../../scenarios/writes/registered.bpf.o';
import type { Sim } from '../../../sim/request.ts';
import { solo } from '../../kit/fd-world.ts';
import { FIXED, PATCH, type RegisteredWorld, withRegions } from '../../kit/registered-world.ts';

const PAGE = 4_096;
/** Where the specs' small addresses would be: nothing has to be mapped there to be registered. */
const LOW = 0x1000;

const both = describe.each([
  ['the patch', PATCH],
  ['fixed', FIXED],
]);

function* intFrom(p: Proc, addr: number): Sim<number> {
  return intAt((yield* p.peek(addr, 4))!, 0);
}

/** Whether a write would be allowed, where nothing need be mapped: not -EPERM. */
function* mayWrite(p: Proc, addr: number, size: number, tag: number): Sim<boolean> {
  return (yield* event(p, { addr, size, tag })) !== -EPERM;
}

test('05 R3, R8: a kernel without it knows neither the options nor the helper', () => {
  solo('v7.2', function* (p) {
    expect(yield* register(p, p.mmap(), 8)).toBe(-EINVAL);
    expect(yield* unregister(p, p.mmap(), 8)).toBe(-EINVAL);
    const object = p.openObject(registered, 'registered.bpf.o');
    let text = '';
    try {
      yield* object.load();
    } catch (error) {
      text = String(error);
    }
    expect(text).toContain('invalid func unknown#212');
  });
});

both('%s', (_name, mutations) => {
  test('05 R4: checks of prctl, in order', () => {
    withRegions(mutations, function* (p) {
      const at = p.mmap();
      const rows: readonly (readonly [args: readonly number[], result: number])[] = [
        [[0, 8, TAG], -EFAULT],
        [[at, 0, TAG], -EFAULT],
        [[0, 0, TAG], -EFAULT],
        [[-8, 8, TAG], -EFAULT],
        [[TASK_SIZE - 8, 9, TAG], -EFAULT],
        [[at, -1, TAG], -EFAULT],
        [[at, 8, 2 ** 32 + 5, 77, 88], 0], // what is not used may be anything; the tag is 5
        [[at, 4, TAG], -EEXIST],
        [[0, 8, TAG], -EFAULT],
        [[TASK_SIZE - 8, 8, 0], 0], // nothing is mapped there
      ];
      for (const [[start = 0, ...more], result] of rows) {
        expect(yield* p.prctl(71, start, ...more), `${start} ${more}`).toBe(result);
      }
      expect(yield* event(p, { addr: at, tag: 5 })).toBe(0);
      expect(yield* event(p, { addr: at, tag: TAG })).toBe(-EPERM);
    });
  });

  test('05 R4: in the source, and not configured', () => {
    withRegions([...mutations, 'regwrite.not-configured'], function* (p) {
      expect(yield* register(p, 0, 0)).toBe(-EOPNOTSUPP);
      expect(yield* unregister(p, 8, 8)).toBe(-EOPNOTSUPP);
    });
  });

  test('05 R5: only exactly what was registered can be unregistered', () => {
    withRegions(mutations, function* (p, world) {
      const at = p.mmap();
      expect(yield* unregister(p, at, 64)).toBe(-ENOENT);
      for (const off of [128, 0, 256]) p.ok(yield* register(p, at + off, 64));
      expect(yield* unregister(p, at, 63)).toBe(-ENOENT);
      expect(yield* unregister(p, at + 1, 63)).toBe(-ENOENT);
      expect(yield* unregister(p, at, 64)).toBe(0);
      expect(yield* unregister(p, at, 64)).toBe(-ENOENT);
      expect(world.regionsOf(world.current)!.regions).toEqual([
        [at + 128, 64, TAG],
        [at + 256, 64, TAG],
      ]);
      expect(yield* event(p, { addr: at })).toBe(-EPERM);
      expect(yield* event(p, { addr: at + 256 })).toBe(0);
    });
  });

  test('05 R6: of one thread, by start, with twice the room where it is needed', () => {
    withRegions(mutations, function* (p, world) {
      const at = p.mmap();
      const capacities: number[] = [];
      const order = [4, 1, 3, 0, 2];
      for (const i of order) {
        p.ok(yield* register(p, at + 16 * i, 8, i));
        capacities.push(world.regionsOf(world.current)!.capacity);
      }
      expect(capacities).toEqual([1, 2, 4, 4, 8]);
      expect(world.regionsOf(world.current)!.regions).toEqual(
        [0, 1, 2, 3, 4].map((i) => [at + 16 * i, 8, i]),
      );
    });
  });

  test('05 R9: what is not in a region, or has another tag, is not written', () => {
    withRegions(mutations, function* (p) {
      const at = p.mmap();
      p.ok(yield* register(p, at + 8, 8, TAG));
      const rows: readonly (readonly [off: number, size: number, tag: number, result: number])[] = [
        [8, 8, TAG, 0],
        [12, 4, TAG, 0],
        [7, 1, TAG, -EPERM],
        [7, 2, TAG, -EPERM],
        [15, 2, TAG, -EPERM],
        [16, 1, TAG, -EPERM],
        [8, 8, TAG + 1, -EPERM],
        [8, 8, 0, -EPERM],
      ];
      for (const [off, size, tag, result] of rows) {
        p.ok(yield* p.poke(at, new Uint8Array(32)));
        const wish = { addr: at + off, size, tag, value: 0x7f };
        expect(yield* event(p, wish), `${off} ${size} ${tag}`).toBe(result);
        const expected = new Uint8Array(32);
        if (result === 0) expected[off] = 0x7f;
        expect(yield* p.peek(at, 32)).toEqual(expected);
      }
      p.ok(yield* register(p, at + 64, 8, 0));
      for (const tag of [0, 1, TAG]) {
        expect(yield* event(p, { addr: at + 64, tag })).toBe(0); // any tag
      }
    });
  });

  test('05 R12: one write lies in one region', () => {
    withRegions(mutations, function* (p) {
      const at = p.mmap();
      p.ok(yield* register(p, at, 8));
      p.ok(yield* register(p, at + 8, 8));
      expect(yield* event(p, { addr: at + 4, size: 8 })).toBe(-EPERM);
      expect(yield* event(p, { addr: at, size: 8 })).toBe(0);
      expect(yield* event(p, { addr: at + 8, size: 8 })).toBe(0);
    });
  });

  test('05 R22: munmap knows nothing of regions', () => {
    withRegions(mutations, function* (p) {
      const at = p.mmap();
      p.ok(yield* register(p, at, 64));
      p.ok(yield* p.munmap(at, PAGE));
      expect(yield* event(p, { addr: at })).toBe(-EFAULT);
      expect(yield* register(p, at, 64)).toBe(-EEXIST);
      expect(yield* unregister(p, at, 64)).toBe(0);
    });
  });
});

describe('the patch searches an order that is none', () => {
  test('05 R7: any overlap is taken, but for equal starts', () => {
    withRegions(PATCH, function* (p) {
      expect(yield* register(p, LOW, 24, 7)).toBe(0);
      expect(yield* register(p, LOW + 8, 1, 9)).toBe(0);
      expect(yield* register(p, LOW + 16, 24, 11)).toBe(0);
      expect(yield* register(p, LOW, 1, 1)).toBe(-EEXIST);
    });
  });

  test.each([
    ['outer first', false],
    ['inner first', true],
  ])('05 R14: a nested region hides the outer, %s', (_name, isReversed) => {
    withRegions(PATCH, function* (p) {
      const regions: readonly (readonly [number, number, number])[] = [
        [0x1000, 24, 7],
        [0x1008, 1, 9],
      ];
      for (const region of isReversed ? regions.toReversed() : regions) {
        p.ok(yield* register(p, ...region));
      }
      expect(yield* mayWrite(p, 0x1000, 4, 7)).toBe(true);
      expect(yield* mayWrite(p, 0x100a, 4, 7)).toBe(false);
      expect(yield* mayWrite(p, 0x1008, 1, 7)).toBe(false);
      expect(yield* mayWrite(p, 0x1008, 1, 9)).toBe(true);
    });
  });

  test('05 R15: a start that is there already is accepted', () => {
    withRegions(PATCH, function* (p, world) {
      for (const [start, size] of [
        [0xff0, 8],
        [0x1000, 24],
        [0x1008, 4],
      ] as const) {
        expect(yield* register(p, start, size)).toBe(0);
      }
      expect(yield* register(p, 0x1008, 1)).toBe(0);
      const starts = world.regionsOf(world.current)!.regions.map(([start]) => start);
      expect(starts.filter((start) => start === 0x1008)).toHaveLength(2);
    });
  });

  test('05 R16: an inner region cannot be unregistered before the outer', () => {
    withRegions(PATCH, function* (p) {
      for (const [start, size] of [
        [0xfff, 1],
        [0x1000, 24],
        [0x1001, 1],
      ] as const) {
        expect(yield* register(p, start, size)).toBe(0);
      }
      expect(yield* unregister(p, 0x1001, 1)).toBe(-ENOENT);
      expect(yield* unregister(p, 0x1000, 24)).toBe(0);
      expect(yield* unregister(p, 0x1001, 1)).toBe(0);
    });
  });

  test('05 R17: fixed, nothing overlaps, and each region is found', () => {
    withRegions(FIXED, function* (p) {
      expect(yield* register(p, LOW, 24, 7)).toBe(0);
      for (const [off, size] of [
        [8, 1],
        [0, 24],
        [23, 9],
        [-8, 9],
        [-8, 64],
      ] as const) {
        expect(yield* register(p, LOW + off, size, 9), `${off} ${size}`).toBe(-EEXIST);
      }
      expect(yield* register(p, LOW + 24, 8, 9)).toBe(0);
      expect(yield* register(p, LOW - 8, 8, 0)).toBe(0);
      expect(yield* mayWrite(p, LOW + 10, 4, 7)).toBe(true);
      expect(yield* mayWrite(p, LOW + 24, 8, 9)).toBe(true);
      expect(yield* mayWrite(p, LOW - 8, 8, 9)).toBe(true);
      expect(yield* mayWrite(p, LOW + 20, 8, 9)).toBe(false);
    });
  });
});

describe('05 R35: what the patch came with tests for', () => {
  both('%s', (_name, mutations) => {
    test('several regions: neighbours to the left and right stay as they are', () => {
      withRegions(mutations, function* (p) {
        const at = p.mmap();
        const count = 5;
        for (let i = 0; i < count; i++) p.ok(yield* register(p, at + 4 * i, 4, TAG + i));
        for (let i = 0; i < count; i++) {
          p.ok(yield* p.poke(at, new Uint8Array(4 * count)));
          expect(yield* event(p, { addr: at + 4 * i, tag: TAG + i, value: 42 })).toBe(0);
          for (let other = 0; other < count; other++) {
            expect(yield* intFrom(p, at + 4 * other)).toBe(other === i ? 42 : 0);
          }
        }
        for (let i = 0; i < count; i++) p.ok(yield* unregister(p, at + 4 * i, 4));
        expect(yield* event(p, { addr: at })).toBe(-EPERM);
      });
    });

    test('two hundred regions, put in and taken out in other orders', () => {
      const body = function* (p: Proc, world: RegisteredWorld): Sim<void> {
        const at = p.mmap({ sizeBytes: 200 * 8 });
        const orderBy = (step: number): number[] =>
          Array.from({ length: 200 }, (_, i) => (i * step) % 200);
        for (const i of orderBy(77)) p.ok(yield* register(p, at + 8 * i, 4, i + 1));
        const { capacity, regions } = world.regionsOf(world.current)!;
        expect(capacity).toBe(256);
        expect(regions.map(([start]) => start)).toEqual(orderBy(1).map((i) => at + 8 * i));
        for (const i of orderBy(13)) {
          expect(yield* event(p, { addr: at + 8 * i, tag: i + 1, value: i })).toBe(0);
          expect(yield* event(p, { addr: at + 8 * i + 4, tag: i + 1 })).toBe(-EPERM);
        }
        for (const i of orderBy(1)) expect(yield* intFrom(p, at + 8 * i)).toBe(i);
        for (const i of orderBy(131)) expect(yield* unregister(p, at + 8 * i, 4)).toBe(0);
        expect(world.regionsOf(world.current)!.regions).toEqual([]);
      };
      withRegions(mutations, body, { stepsMax: 4_000_000 });
    });
  });
});
