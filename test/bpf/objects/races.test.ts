import { describe, expect, test } from 'vitest';
import type { BpfObject } from '../../../bpf/user/object.ts';
import type { Sim } from '../../../sim/request.ts';
import { compiledBytes } from '../../kit/compiled.ts';
import { FdWorld } from '../../kit/fd-world.ts';

/** What each of two CPUs runs at once: programs of an object, with their contexts. */
interface Pair {
  readonly name: 'graph' | 'handles' | 'walks';
  readonly what: string;
  readonly runs: readonly (readonly [string, ...number[]])[];
}

const PAIRS: readonly Pair[] = [
  {
    name: 'graph',
    what: 'two push and pop',
    runs: [
      ['box_ops', 0, 5, 2],
      ['box_ops', 8, 3, 2],
    ],
  },
  {
    name: 'graph',
    what: 'one adds, the other takes out of tree and list',
    runs: [
      ['item_ops', 8, 16, 2],
      ['item_ops', 24, 3, 2, 3],
    ],
  },
  {
    name: 'graph',
    what: 'what is in the tree is put into the list from both sides',
    runs: [
      ['item_ops', 8, 3, 7],
      ['item_ops', 7, 3],
    ],
  },
  { name: 'handles', what: 'both exchange in an array', runs: [['in_array'], ['in_array']] },
  { name: 'handles', what: 'both exchange in a hash', runs: [['in_late_hash'], ['in_late_hash']] },
  {
    name: 'handles',
    what: 'both exchange in an LRU hash',
    runs: [['in_lru_hash'], ['in_lru_hash']],
  },
  { name: 'walks', what: 'both walk over mappings', runs: [['mappings'], ['mappings']] },
];

const RUNS = 5;

function* run(object: BpfObject, [name, ...ops]: Pair['runs'][number]): Sim<void> {
  const ctxIn = new Uint8Array(48).fill(0xff);
  ctxIn.set(ops);
  const { result } = yield* object.program(name).testRun(ops.length > 0 ? { ctxIn } : {});
  if (result !== 0) throw new Error(`${name}: ${result}`);
}

function live(w: FdWorld): string[] {
  return [...w.kernel.machine.slab.live()].map(({ cache }) => cache).toSorted();
}

describe.each(['random', 'pct'])('by %s', (strategy) => {
  test.each(PAIRS)('$name: $what', ({ name, runs }) => {
    let isBusy = false;
    const w: FdWorld = new FdWorld({
      cpus: 2,
      processes: {
        *A(p) {
          const object = p.openObject(compiledBytes(name, 'clang-22-v3'), name);
          yield* object.load();
          const pids: number[] = [];
          for (const each of isBusy ? runs : []) {
            pids.push(yield* p.fork(() => run(object, each)));
          }
          for (const pid of pids) p.ok(yield* p.sys('wait4', pid, 0, 0, 0));
          yield* object.destroy();
        },
      },
    });
    w.run();
    const idle = live(w);
    isBusy = true;
    expect(w.everyRun(strategy, () => expect(live(w)).toEqual(idle), RUNS)).toBe(RUNS);
  });
});
