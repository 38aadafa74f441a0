import { expect, test } from 'vitest';
import type { BpfMap } from '../../../bpf/maps/map.ts';
import { TaskStorageMap } from '../../../bpf/maps/task-storage.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { EBADF, EEXIST, ENOENT } from '../../../kernel/errno.ts';
import type { Task } from '../../../kernel/task.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld } from '../../kit/fd-world.ts';
import { isFreed, MapUser, requestOf, rest } from '../../kit/map-user.ts';

const NOEXIST = 1;
const EXIST = 2;

/** Made past bpf(2), which asks for types. */
function makeStorage(w: FdWorld): TaskStorageMap {
  const { kernel, bpf } = w.world;
  const { maps } = bpf;
  const attr = {
    ...requestOf({ type: MAP_TYPE.TASK_STORAGE, flags: 1, maxEntries: 0 }),
    inner: undefined,
    spinLockOff: -1,
  };
  const ports = {
    taskFromPidfd: (fd: number) => kernel.fs.pidfds.pidfd_get_task(fd),
  } as unknown as ConstructorParameters<typeof TaskStorageMap>[0]['ports'];
  const map = TaskStorageMap.create({ kernel, ports, maps: maps.registry }, attr)!;
  maps.registry.set(map.addr, map);
  return map as TaskStorageMap;
}

/** What a program of the current task does. */
function* mine(w: FdWorld, map: TaskStorageMap, make: bigint | null): Sim<number> {
  const { kernel } = w;
  const { memory, slab } = kernel.machine;
  const value = slab.kzalloc(8);
  memory.unwatched(() => memory.setU64(value, make ?? 0n));
  kernel.rcu.rcu_read_lock();
  const found = yield* map.bpf_task_storage_get(kernel.sched.current.addr, value, make !== null);
  kernel.rcu.rcu_read_unlock();
  kernel.kasan.free(value);
  return found;
}

test('a value is made once, found by its pidfd, and freed with its task', () => {
  let kept = 0;
  const w: FdWorld = new FdWorld({
    processes: {
      *A(p) {
        const map = makeStorage(w);
        const user = new MapUser(w.kernel, map);
        const pid = yield* p.fork(function* (child) {
          expect(yield* mine(w, map, null)).toBe(0);
          kept = yield* mine(w, map, 7n);
          expect(yield* mine(w, map, 9n)).toBe(kept);
          expect(user.at(kept)).toBe(7n);
          yield* child.nanosleep(50_000_000);
        });
        yield* p.nanosleep(10_000_000);
        const fd = p.ok(yield* p.sys('pidfd_open', pid, 0));
        expect(yield* user.copy(fd)).toEqual([7n]);
        expect(yield* user.set(fd, [8n], NOEXIST)).toBe(-EEXIST);
        expect(yield* user.set(fd, [8n], EXIST)).toBe(0);
        expect(yield* user.copy(fd)).toEqual([8n]);
        yield* rest(p);
        expect(isFreed(w.kernel, kept)).toBe(true); // replaced
        p.ok(yield* p.sys('wait4', pid, 0, 0, 0));
        yield* rest(p);
        expect(yield* user.copy(fd)).toBe(-ENOENT);
        expect(yield* user.copy(99)).toBe(-EBADF);
        expect([...w.kernel.machine.slab.live('bpf_local_storage')]).toEqual([]);
      },
    },
  });
  w.run();
});

test('the caches of a task lead to its values of several maps', () => {
  const w: FdWorld = new FdWorld({
    processes: {
      *A(p) {
        const maps = Array.from({ length: 20 }, () => makeStorage(w));
        expect(maps.map(({ cacheIdx }) => cacheIdx % 16)).toEqual(maps.map((_, i) => i % 16));
        const found: number[] = [];
        for (const [i, map] of maps.entries()) found.push(yield* mine(w, map, BigInt(i)));
        for (const [i, map] of maps.entries()) expect(yield* mine(w, map, null)).toBe(found[i]);
        for (const map of maps) {
          w.kernel.rcu.rcu_read_lock();
          expect(yield* map.bpf_task_storage_delete(w.kernel.sched.current.addr)).toBe(0);
          w.kernel.rcu.rcu_read_unlock();
          expect(yield* mine(w, map, null)).toBe(0);
        }
        yield* rest(p);
        expect([...w.kernel.machine.slab.live('bpf_local_storage')]).toEqual([]);
      },
    },
  });
  w.run();
});

/** Each ends in its own way with the value of the task that A makes. */
const ENDS: readonly (readonly [string, (w: FdWorld, map: BpfMap, task: number) => Sim<void>])[] = [
  ['the map', (_, map) => map.map_free()],
  [
    'a delete',
    function* (w, map, task) {
      w.kernel.rcu.rcu_read_lock();
      yield* (map as TaskStorageMap).bpf_task_storage_delete(task);
      w.kernel.rcu.rcu_read_unlock();
    },
  ],
];

test.each(ENDS)('the task and %s may end at once', (_, end) => {
  let met = 0;
  const w: FdWorld = new FdWorld({
    cpus: 2,
    processes: {
      *A(p) {
        const map = makeStorage(w);
        const { kernel } = w;
        let task: Task | undefined;
        yield* p.fork(function* () {
          yield* mine(w, map, 5n);
          task = kernel.sched.current;
          kernel.tasks.get_task_struct(task);
        });
        for (let i = 0; i < 20 && !task; i++) yield* p.nanosleep(1_000);
        if (!task) return;
        const isAlive = kernel.tasks.byPid(task.pid) === task;
        if (isAlive) met++;
        yield* end(w, map, task.addr);
        kernel.tasks.put_task_struct(task);
      },
    },
  });
  const after = (): void => {
    expect([...w.kernel.machine.slab.live('bpf_local_storage')]).toEqual([]);
  };
  w.everyRun('random', after, 200);
  w.everyRun('exhaustive:2', after, 200);
  expect(met).toBeGreaterThan(20);
});
