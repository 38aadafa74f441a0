import { expect, test } from 'vitest';
import { BPF_SPIN_LOCK } from '../../../bpf/maps/lock.ts';
import { MAP_TYPES } from '../../../bpf/maps/table.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { EEXIST, ENOENT } from '../../../kernel/errno.ts';
import { site } from '../../../sim/site.ts';
import { FdWorld } from '../../kit/fd-world.ts';
import { MapUser, requestOf } from '../../kit/map-user.ts';

const LOCK = 4;
const NOEXIST = 1;
const EXIST = 2;
const LOCK_SITE = site('test', 'lock');
const READ = site('test', 'read');
const UNLOCK_SITE = site('test', 'unlock');

test.each([
  ['array', MAP_TYPE.ARRAY, 0],
  ['hash', MAP_TYPE.HASH, 1],
])('BPF_F_LOCK on an %s waits for the lock in the value, which nobody copies', (_, type, key) => {
  const seen = new Set<bigint>();
  const w: FdWorld = new FdWorld({
    cpus: 2,
    processes: {
      *A(p) {
        const { kernel } = w;
        const { memory } = kernel.machine;
        const { maps } = w.world.bpf;
        const parts = { kernel, ports: {} as never, maps: maps.registry };
        const attr = { ...requestOf({ type, valueSize: 16 }), inner: undefined, spinLockOff: 8 };
        const map = MAP_TYPES.get(type)!.create(parts, attr)!;
        const user = new MapUser(kernel, map);
        if (type === MAP_TYPE.HASH) {
          expect(yield* user.set(key, [1n, 0n], LOCK | EXIST)).toBe(-ENOENT);
          expect(yield* user.set(key, [1n, 0n], LOCK)).toBe(0);
        }
        expect(yield* user.set(key, [1n, 0n], LOCK | NOEXIST)).toBe(-EEXIST);
        const value = yield* user.find(key);
        yield* kernel.spinlocks.spin_lock_irq(BPF_SPIN_LOCK, value + 8, LOCK_SITE);
        expect(yield* user.copy(key)).toEqual([type === MAP_TYPE.HASH ? 1n : 0n, 0n]);
        yield* kernel.spinlocks.spin_unlock_irq(BPF_SPIN_LOCK, value + 8, UNLOCK_SITE);
        yield* p.fork(function* () {
          const other = new MapUser(kernel, map);
          yield* other.set(key, [3n, 0xffn], LOCK | EXIST);
          seen.add(yield* kernel.atomics.read64(READ, value));
        });
        yield* kernel.spinlocks.spin_lock_irq(BPF_SPIN_LOCK, value + 8, LOCK_SITE);
        memory.setU64(value, 2n);
        expect(yield* kernel.atomics.read64(READ, value)).toBe(2n); // nobody comes between
        yield* kernel.spinlocks.spin_unlock_irq(BPF_SPIN_LOCK, value + 8, UNLOCK_SITE);
        while (!kernel.tasks.childrenOf(kernel.sched.current).every((child) => child.fiber.done)) {
          yield* p.nanosleep(1_000);
        }
        expect(memory.u32(value + 8)).toBe(0);
        expect((yield* user.copy(key, LOCK)) as readonly bigint[]).toHaveLength(2);
      },
    },
  });
  w.everyRun('random', () => undefined, 100);
  w.everyRun('exhaustive:2', () => undefined, 200);
  expect([...seen].toSorted()).toEqual([2n, 3n]);
});
