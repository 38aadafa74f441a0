import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  FILE_REF_DEAD,
  FILE_REF_NOREF,
  FILE_REF_RELEASED,
  FILE_REF_SATURATED,
} from '../../../kernel/locks/file-ref.ts';
import type { Profile } from '../../../kernel/profile.ts';
import { step, type Sim } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { LockKernel, runs } from '../../kit/lock-kernel.ts';

const GET = site('user', 'get');
const PUT = site('user', 'put');
const FREE = site('user', 'free');

type Operation = 'get' | 'put' | 'put_close' | 'inc';

/** One operation on a count whose memory holds `before`. */
function after(before: bigint, operation: Operation, profile: Profile = 'v7.2') {
  const kernel = new LockKernel({ profile });
  const { memory } = kernel.machine;
  const addr = kernel.words();
  memory.setU64(addr, before);
  let result: unknown;
  kernel.spawn('A', function* () {
    result = yield* kernel.refs[operation](GET, addr);
    expect(kernel.cpus.this.preemptCount).toBe(0);
  });
  const said = kernel.run().map(({ kind, title }) => `${kind}: ${title}`);
  return { value: memory.u64(addr), result, said };
}

const MAXREF = 0x7fff_ffff_ffff_ffffn;
const IMBALANCED = 'refcount-underflow: imbalanced put on file reference count';
const RELEASED = 'refcount-add-on-zero: file_ref_inc() on a released file reference';
const SATURATED = 'refcount-saturated: file reference saturated; leaking memory';

test.each([
  // R7
  ['get', 0n, 1n, true, []],
  ['get', FILE_REF_NOREF, 0n, true, []],
  ['get', FILE_REF_DEAD, FILE_REF_DEAD, false, []],
  ['get', FILE_REF_RELEASED, FILE_REF_DEAD, false, []],
  ['get', MAXREF, FILE_REF_SATURATED, true, [SATURATED]],
  // R8
  ['put', 1n, 0n, false, []],
  ['put', 0n, FILE_REF_DEAD, true, []],
  ['put', FILE_REF_DEAD, FILE_REF_DEAD, false, [IMBALANCED]],
  ['put', FILE_REF_SATURATED, FILE_REF_SATURATED, false, []],
  // R9
  ['put_close', 0n, FILE_REF_DEAD, true, []],
  ['put_close', 1n, 0n, false, []],
  ['put_close', FILE_REF_DEAD, FILE_REF_DEAD, false, [IMBALANCED]],
  // R10
  ['inc', 0n, 1n, undefined, []],
  ['inc', MAXREF, MAXREF + 1n, undefined, []],
  ['inc', FILE_REF_DEAD, FILE_REF_DEAD + 1n, undefined, [RELEASED]],
  ['inc', FILE_REF_NOREF, 0n, undefined, [RELEASED]],
] as const)('00 R6-R10: %s on %s gives %s', (operation, before, value, result, said) => {
  expect(after(before, operation)).toEqual({ value, result, said });
});

test.each([
  ['get', 1n, 2n, true, []],
  ['get', 0n, 0n, false, []],
  ['put', 2n, 1n, false, []],
  ['put', 1n, 0n, true, []],
  ['put', 0n, FILE_REF_NOREF, false, [IMBALANCED]],
  ['put_close', 1n, 0n, true, []],
  ['inc', 1n, 2n, undefined, []],
  ['inc', 0n, 1n, undefined, ['refcount-add-on-zero: get_file() on a file count of 0']],
] as const)('00 R5: in v6.1 %s on %s gives %s', (operation, before, value, result, said) => {
  expect(after(before, operation, 'v6.1')).toEqual({ value, result, said });
});

test.each(['v6.1', 'v7.2'] as const)('%s: count() is the number of references', (profile) => {
  const kernel = new LockKernel({ profile });
  const addr = kernel.words();
  kernel.refs.init(addr, 3);
  expect(kernel.refs.count(addr)).toBe(3);
  kernel.machine.memory.setU64(addr, profile === 'v7.2' ? FILE_REF_DEAD : 0n);
  expect(kernel.refs.count(addr)).toBe(0);
});

test('00 R8: a get between the decrement and the exchange keeps the file alive', () => {
  const ends = new Set<string>();
  const strategy = new Bounded();
  for (const { failures, log } of runs(strategy, (kernel, log) => {
    const addr = kernel.words();
    kernel.refs.init(addr, 1);
    kernel.spawn('A', function* () {
      if (yield* kernel.refs.put(PUT, addr)) log.push('A frees');
    });
    kernel.spawn('B', function* () {
      if (!(yield* kernel.refs.get(GET, addr))) return void log.push('B fails');
      log.push('B gets');
      if (yield* kernel.refs.put(PUT, addr)) log.push('B frees');
    });
  })) {
    expect(failures).toEqual([]);
    ends.add(log.toSorted().join(', '));
  }
  expect(strategy.exhausted).toBe(true);
  // Where the get came in between, either put may be the one that meets NOREF.
  expect([...ends].toSorted()).toEqual(['A frees, B fails', 'A frees, B gets', 'B frees, B gets']);
});

test('00 R8: the put is not preempted between its two operations', () => {
  for (const { failures, log } of runs(
    new Bounded(),
    (kernel, log) => {
      const addr = kernel.words();
      kernel.refs.init(addr, 1);
      kernel.spawn('A', function* () {
        yield* kernel.refs.put(PUT, addr);
      });
      kernel.spawn('B', function* () {
        const got = yield* kernel.refs.get(GET, addr);
        log.push(got ? `got ${kernel.refs.count(addr)}` : 'dead');
        if (got) yield* kernel.refs.put(PUT, addr);
      });
    },
    Infinity,
    { cpuCount: 1 },
  )) {
    expect(failures).toEqual([]);
    // On one CPU nobody can come in between: a get sees it alive, with A's reference, or dead.
    expect(['got 2', 'dead']).toContain(log[0]);
  }
});

/** A user of one file: each `g` is a get, each `p` a put of what it has. It ends by putting all. */
function* user(
  kernel: LockKernel,
  addr: number,
  script: readonly Operation[],
  has: number,
  freed: () => void,
): Sim<void> {
  let mine = has;
  function* drop(operation: 'put' | 'put_close'): Sim<void> {
    mine--;
    if (!(yield* kernel.refs[operation](PUT, addr))) return;
    yield* step(FREE);
    freed();
  }
  for (const operation of script) {
    if (operation === 'get') {
      if (yield* kernel.refs.get(GET, addr)) mine++;
    } else if (mine > 0) {
      if (operation === 'inc') {
        mine++;
        yield* kernel.refs.inc(GET, addr);
      } else yield* drop(operation);
    }
  }
  while (mine > 0) yield* drop(mine % 2 === 0 ? 'put' : 'put_close');
}

describe.each(['v6.1', 'v7.2'] as const)('%s', (profile) => {
  const operation = fc.constantFrom<Operation>('get', 'put', 'put_close', 'inc');
  const scripts = fc.array(fc.array(operation, { maxLength: 6 }), { minLength: 2, maxLength: 3 });

  test('whatever tasks do that put what they got, the file is freed exactly once', () => {
    fc.assert(
      fc.property(scripts, fc.nat(), (each, seed) => {
        for (const { failures, log } of runs(
          new Random(seed),
          (kernel, log) => {
            const addr = kernel.words();
            kernel.refs.init(addr, each.length - 1); // the last begins with none
            each.forEach((script, i) => {
              const has = i < each.length - 1 ? 1 : 0;
              kernel.spawn(`T${i}`, () => user(kernel, addr, script, has, () => log.push('freed')));
            });
          },
          4,
          { profile, cpuCount: 2 },
        )) {
          expect(failures).toEqual([]);
          expect(log).toEqual(['freed']);
        }
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  test('and so in every schedule of a small case', () => {
    const strategy = new Bounded();
    for (const { failures, log } of runs(
      strategy,
      (kernel, log) => {
        const addr = kernel.words();
        kernel.refs.init(addr, 1);
        kernel.spawn('A', () => user(kernel, addr, ['inc'], 1, () => log.push('freed')));
        kernel.spawn('B', () => user(kernel, addr, ['get'], 0, () => log.push('freed')));
      },
      Infinity,
      { profile },
    )) {
      expect(failures).toEqual([]);
      expect(log).toEqual(['freed']);
    }
    expect(strategy.exhausted).toBe(true);
  });
});
