import { expect, test } from 'vitest';
import * as flag from '../../../bpf/maps/flags.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { EBUSY, EDEADLK, ENOMEM, ETIMEDOUT } from '../../../kernel/errno.ts';
import { scenario } from '../../../scenarios/dsl.ts';
import { Sandbox } from '../../../scenarios/sandbox.ts';
import { World } from '../../../scenarios/world.ts';
import { Timer } from '../../../sim/clock.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { makeMap, MapUser, type MapShape } from '../../kit/map-user.ts';

const KEY = 7;
const STEP_NS = 5;
const SWEEP_NS = 700;

/**
 * Updates one key as the task does, while an NMI on the same CPU does so too, as late as it takes
 * to come in between any two steps. What the NMI's updates gave.
 */
function interrupted(shape: MapShape, options: ConstructorParameters<typeof Sandbox>[0] = {}) {
  const sandbox = new Sandbox({ cpus: 1, ...options });
  const { kernel, bpf } = sandbox;
  const { engine } = kernel.machine;
  const gave = new Map<number, number>();
  const left = sandbox.run(function* () {
    const map = yield* makeMap(bpf.maps, { maxEntries: 64, ...shape });
    const [task, nmi] = [new MapUser(kernel, map), new MapUser(kernel, map)];
    let latest = 0n;
    function* handler() {
      latest += 2n;
      const result = yield* nmi.update(KEY, latest);
      gave.set(result, (gave.get(result) ?? 0) + 1);
    }
    for (let ns = 0; ns < SWEEP_NS; ns += STEP_NS) {
      const timer = new Timer('perf', () => kernel.irqs.raise(0, 'perf', handler, { nmi: true }));
      engine.clock.arm(timer, engine.cpu.nowNs + ns);
      expect(yield* task.update(KEY, 1n)).toBe(0);
      while (timer.armed || kernel.cpus.this.inInterrupt) yield* kernel.timers.__udelay(STEP_NS);
    }
    const value = yield* task.read(KEY);
    expect(value === 1n || (value! <= latest && value! % 2n === 0n)).toBe(true);
    // Every element is there still, for whoever wants it.
    for (let key = 100; key < 400; key++) {
      expect(yield* task.update(key, 3n)).toBe(
        key < 163 || shape.type === MAP_TYPE.LRU_HASH ? 0 : -7,
      );
    }
    const keys = yield* task.keys();
    for (const key of keys) expect(yield* task.delete(key)).toBe(0);
    return keys.length;
  });
  const { preemptCount, irqsOff } = kernel.cpus.all[0]!;
  expect([preemptCount, irqsOff, kernel.rqspinlocks.held.of(0).count]).toEqual([0, 0, 0]);
  return { gave, left };
}

const HASHES: readonly (readonly [string, MapShape])[] = [
  ['preallocated', { type: MAP_TYPE.HASH }],
  ['not preallocated', { type: MAP_TYPE.HASH, flags: flag.NO_PREALLOC }],
  ['per CPU', { type: MAP_TYPE.PERCPU_HASH }],
];

test.each(HASHES)('03 R31: an NMI that comes to a locked bucket is told so, %s', (_, shape) => {
  const { gave, left } = interrupted(shape);
  expect([...gave.keys()].toSorted((a, b) => b - a)).toEqual([0, -EDEADLK]);
  expect(gave.get(-EDEADLK)).toBeGreaterThan(1);
  expect(left).toBe(64);
});

test.each(HASHES)('03 R31: in v6.1 it is busy, %s', (_, shape) => {
  const { gave, left } = interrupted(shape, { profile: 'v6.1' });
  expect([...gave.keys()].toSorted((a, b) => b - a)).toEqual([0, -EBUSY]);
  expect(gave.get(-EBUSY)).toBeGreaterThan(1);
  expect(left).toBe(64);
});

test('03 R31: lists of free elements cannot be locked either: there is no memory', () => {
  const { gave, left } = interrupted({ type: MAP_TYPE.LRU_HASH });
  const results = [...gave.keys()].toSorted((a, b) => b - a);
  expect(results).toEqual([0, -ENOMEM, -EDEADLK]);
  expect(left).toBeGreaterThan(32);
});

/** What two updates of one key at once give, in any schedule of few deviations. */
function together(faults: readonly 'lock-timeout'[]): string[] {
  const outcomes = new Set<string>();
  const world = new World(
    scenario({
      name: 'updates',
      about: '',
      faults,
      *setup(init) {
        const request = { type: MAP_TYPE.HASH, keySize: 4, valueSize: 8, maxEntries: 4 };
        init.note('map', init.ok(yield* init.calls.mapCreate({ name: 'm', ...request })));
      },
      processes: Object.fromEntries(
        ['A', 'B'].map((name) => [
          name,
          function* (p) {
            const value = new Uint8Array(8).fill(1);
            p.note(
              name,
              yield* p.calls.mapUpdate(p.noted('map') as number, new Uint8Array(4), value),
            );
          },
        ]),
      ),
    }),
    {},
  );
  const strategy = new Bounded({ bound: 2 });
  while (strategy.begin()) {
    expect(world.run(strategy).failures).toEqual([]);
    strategy.end(world.kernel.machine.engine.choiceCount);
    outcomes.add([world.notes.get('A'), world.notes.get('B')].join(' '));
  }
  return [...outcomes].toSorted();
}

test('03 R31: an update times out where that is a fault that may be, and else never', () => {
  expect(together([])).toEqual(['0 0']);
  expect(together(['lock-timeout'])).toEqual([`0 -${ETIMEDOUT}`, '0 0']);
});
