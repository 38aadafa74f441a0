import { describe, expect, test } from 'vitest';
import { BPF_KPTR_REF, BPF_LIST_HEAD, BPF_RB_ROOT } from '../../../bpf/btf/field-types.ts';
import type { BtfField, BtfRecord } from '../../../bpf/btf/record.ts';
import { idOf } from '../../../bpf/btf/resolve.ts';
import { NO_PREALLOC } from '../../../bpf/maps/flags.ts';
import type { BpfMap } from '../../../bpf/maps/map.ts';
import { MAP_TYPES } from '../../../bpf/maps/table.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { PROFILES, type Profile } from '../../../kernel/profile.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld } from '../../kit/fd-world.ts';
import { MapUser, requestOf, rest } from '../../kit/map-user.ts';

const AT = 8;

interface Shape {
  readonly name: string;
  readonly type: number;
  readonly flags?: number;
}

const SHAPES: readonly Shape[] = [
  { name: 'array', type: MAP_TYPE.ARRAY },
  { name: 'per-CPU array', type: MAP_TYPE.PERCPU_ARRAY },
  { name: 'hash', type: MAP_TYPE.HASH },
  { name: 'hash without elements', type: MAP_TYPE.HASH, flags: NO_PREALLOC },
  { name: 'LRU hash', type: MAP_TYPE.LRU_HASH },
];

function recordOf(field: Pick<BtfField, 'type' | 'size'> & Partial<BtfField>): BtfRecord {
  return {
    fieldMask: field.type,
    spinLockOff: -22,
    resSpinLockOff: -22,
    timerOff: -22,
    wqOff: -22,
    refcountOff: -22,
    taskWorkOff: -22,
    fields: [{ offset: AT, kptr: undefined, graphRoot: undefined, ...field }],
  };
}

function makeMap(w: FdWorld, shape: Shape, record: BtfRecord, valueSize: number): BpfMap {
  const { bpf, kernel } = w.world;
  const { type, flags = 0 } = shape;
  const attr = {
    ...requestOf({ type, flags, valueSize, maxEntries: 4 }),
    inner: undefined,
    spinLockOff: -1,
    record,
  };
  const ports = {} as never;
  return MAP_TYPES.get(type)!.create({ kernel, ports, maps: bpf.maps.registry }, attr)!;
}

/** Values of 16 bytes, the second half of which owns a task. */
function makeOwner(w: FdWorld, shape: Shape): BpfMap {
  const { btf } = w.world.bpf;
  const kptr = { btf, btfId: idOf(btf, 'task_struct', 'struct'), isKernel: true };
  return makeMap(w, shape, recordOf({ type: BPF_KPTR_REF, size: 8, kptr }), 16);
}

/** What becomes of a task that the value of key 1 owns: its references afterwards, of two. */
function references(
  profile: Profile,
  shape: Shape,
  act: (user: MapUser, map: BpfMap) => Sim<unknown>,
): number {
  let left = -1;
  const w: FdWorld = new FdWorld(
    {
      processes: {
        *A(p) {
          const { tasks, machine, sched } = w.kernel;
          const map = makeOwner(w, shape);
          const user = new MapUser(w.kernel, map);
          yield* user.update(1, 5n);
          const value = yield* user.find(1);
          const task = sched.current;
          const count = (): number => machine.memory.unwatched(() => task.s.usage);
          const before = count();
          tasks.get_task_struct(task);
          machine.memory.unwatched(() => machine.memory.setPtr(value + AT, task.addr));
          yield* act(user, map);
          yield* rest(p);
          left = count() - before;
          if (left > 0) tasks.put_task_struct(task);
        },
      },
    },
    { profile },
  );
  w.run();
  return left;
}

describe.each(PROFILES)('02 R17 to R20, %s', (profile) => {
  const isEager = profile === 'v6.1';

  test.each(SHAPES)('$name: what it owns goes with it', (shape) => {
    expect(references(profile, shape, (_, map) => map.map_free())).toBe(0);
  });

  test.each(SHAPES)('$name: a value is overwritten', (shape) => {
    const isReplaced = shape.flags === NO_PREALLOC;
    const left = isEager || isReplaced ? 0 : 1;
    expect(references(profile, shape, (user) => user.update(1, 6n))).toBe(left);
    expect(references(profile, shape, (user) => user.set(1, [6n, 7n]))).toBe(left);
  });

  test.each(SHAPES.slice(2))('$name: a key is deleted', (shape) => {
    const isFreed = shape.flags === NO_PREALLOC;
    const left = isEager || isFreed ? 0 : 1;
    expect(references(profile, shape, (user) => user.delete(1))).toBe(left);
    expect(references(profile, shape, (user) => user.pop(1))).toBe(left);
  });

  test('02 H6: the next key may inherit it', () => {
    let inherited = -1n;
    const hash = SHAPES[2]!;
    references(profile, hash, function* (user) {
      yield* user.delete(1);
      yield* user.update(2, 1n);
      inherited = user.at((yield* user.find(2)) + AT);
    });
    expect(inherited !== 0n).toBe(!isEager);
  });

  test('R5, R24: user space neither sees nor sets it', () => {
    let seen: unknown;
    const left = references(profile, SHAPES[0]!, function* (user) {
      seen = yield* user.copy(1);
    });
    expect(seen).toEqual([5n, 0n]);
    expect(left).toBe(1);
  });
});

test.each([
  [BPF_LIST_HEAD, 867],
  [BPF_RB_ROOT, 872],
])('a list or tree under a bpf_res_spin_lock is lost with a warning, %i', (type, line) => {
  const w: FdWorld = new FdWorld({
    processes: {
      *A() {
        const map = makeMap(w, { ...SHAPES[0]!, name: '' }, recordOf({ type, size: 16 }), 24);
        yield* map.map_free();
      },
    },
  });
  const title = `WARNING: kernel/bpf/syscall.c:${line} at bpf_obj_free_fields`;
  w.run([title, title, title, title]); // of each element: Linux says it once
});
