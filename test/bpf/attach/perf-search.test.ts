import { describe, expect, test } from 'vitest';
import * as perf from '../../../bpf/uapi-perf.ts';
import { EBUSY, EDEADLK } from '../../../kernel/errno.ts';
import { OVERFLOWS_MAX } from '../../../kernel/pmu.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { compiledBytes } from '../../kit/compiled.ts';
import { FdWorld } from '../../kit/fd-world.ts';

/** The variables of the object, for the process that inherits it. */
const DATA = 30;
const SET_NAME = 15;

interface Seen {
  readonly calls: number;
  /** What the last update of a map in a sample gave. */
  readonly update: number;
}

/** A process that has its name changed, which a program looks at, under samples of cycles. */
function sampled(): { readonly w: FdWorld; readonly seen: Seen[] } {
  const seen: Seen[] = [];
  const at: Record<string, number> = {};
  const w: FdWorld = new FdWorld({
    cpus: 1,
    *setup(init) {
      const object = init.openObject(compiledBytes('hooks', 'clang-22-v3'), 'hooks.bpf.o');
      for (const name of ['sample', 'outer']) object.program(name).isWanted = true;
      yield* object.load();
      const { fd, spec, valueBytes } = object.mapOf('calls');
      at['size'] = valueBytes;
      for (const name of ['calls', 'seen']) at[name] = spec.variables.get(name)!.offsetBytes;
      const event = { type: perf.PERF_TYPE_HARDWARE, config: 0, sample: 3_000_000 };
      const counter = init.ok(yield* init.calls.perfEventOpen({ ...event, pid: -1, cpu: 0 }));
      yield* object.program('outer').attach();
      yield* object.program('sample').attachPerfEvent(counter);
      init.ok(yield* init.dup2(fd, DATA));
    },
    processes: {
      *A(p: Proc): Sim<void> {
        yield* p.prctl(SET_NAME, 'other');
        const value = p.ok<Uint8Array>(
          yield* p.calls.mapLookup(DATA, new Uint8Array(4), at['size']!),
        );
        const view = new DataView(value.slice().buffer);
        const long = (offset: number): number => Number(view.getBigInt64(offset, true));
        seen.push({ calls: long(at['calls']!), update: long(at['seen']! + 32) });
      },
    },
  });
  return { w, seen };
}

describe('03 R3: in a search a counter overflows at any moment', () => {
  test('not where nobody chooses that, and a few times at most', () => {
    const { w, seen } = sampled();
    w.run();
    w.run();
    expect(seen).toEqual([
      { calls: 0, update: 0 },
      { calls: 0, update: 0 },
    ]);
    w.everyRun('exhaustive', () => {}, 60);
    w.everyRun('random', () => {}, 30);
    const counts = new Set(seen.map(({ calls }) => calls));
    expect([...counts].sort()).toEqual([0, 1, OVERFLOWS_MAX]);
  });

  test('in the middle of an update of the same bucket too: its own update is refused then', () => {
    const { w, seen } = sampled();
    w.everyRun('exhaustive', () => {}, 200);
    const results = new Set(seen.map(({ update }) => update));
    expect([...results]).toContain(0);
    const refused = [...results].filter((result) => result < 0);
    expect(refused.length).toBeGreaterThan(0);
    expect([-EDEADLK, -EBUSY]).toEqual(expect.arrayContaining(refused));
  });

  test('every run is the same twice', () => {
    const { w } = sampled();
    expect(w.explore('twice', 40).runs).toBe(40);
  });

  test('the search ends', () => {
    const { w } = sampled();
    const { verdict, exhausted } = w.explore('dpor', 3_000);
    expect({ verdict, exhausted }).toEqual({ verdict: 'clean', exhausted: true });
  });
});
