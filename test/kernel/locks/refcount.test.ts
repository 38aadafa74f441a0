import { expect, test } from 'vitest';
import { site } from '../../../sim/site.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { LockKernel, runs } from '../../kit/lock-kernel.ts';

const GET = site('get_thing', 'get');
const PUT = site('put_thing', 'put');

/** The value after one operation on a counter that held `before`, and what was said. */
function after(
  before: number,
  operation: 'refcount_inc' | 'refcount_inc_not_zero' | 'refcount_dec_and_test',
) {
  const kernel = new LockKernel();
  const { memory } = kernel.machine;
  const addr = kernel.words();
  memory.setU32(addr, before);
  let result: unknown;
  kernel.spawn('A', function* () {
    result = yield* kernel.refcounts[operation](GET, addr);
  });
  const said = kernel.run().map(({ kind, title }) => `${kind}: ${title}`);
  return { value: memory.u32(addr), result, said };
}

const SATURATED = 0xc000_0000;

test.each([
  ['refcount_inc', 1, 2, undefined, []],
  ['refcount_inc_not_zero', 1, 2, true, []],
  ['refcount_inc_not_zero', 0, 0, false, []],
  ['refcount_dec_and_test', 2, 1, false, []],
  ['refcount_dec_and_test', 1, 0, true, []],
  [
    'refcount_inc',
    0,
    SATURATED,
    undefined,
    ['refcount-add-on-zero: refcount_t: addition on 0; use-after-free.'],
  ],
  [
    'refcount_inc',
    0x7fff_ffff,
    SATURATED,
    undefined,
    ['refcount-saturated: refcount_t: saturated; leaking memory.'],
  ],
  [
    'refcount_inc_not_zero',
    SATURATED,
    SATURATED,
    true,
    ['refcount-saturated: refcount_t: saturated; leaking memory.'],
  ],
  [
    'refcount_dec_and_test',
    0,
    SATURATED,
    false,
    ['refcount-underflow: refcount_t: underflow; use-after-free.'],
  ],
  [
    'refcount_dec_and_test',
    SATURATED,
    SATURATED,
    false,
    ['refcount-underflow: refcount_t: underflow; use-after-free.'],
  ],
] as const)('%s of %i gives %i', (operation, before, value, result, said) => {
  expect(after(before, operation)).toEqual({ value, result, said });
});

test('a warning names the place and lets the run go on', () => {
  const kernel = new LockKernel();
  const addr = kernel.words();
  let wentOn = false;
  kernel.spawn('A', function* () {
    yield* kernel.refcounts.refcount_dec_and_test(PUT, addr);
    wentOn = true;
  });
  const [failure] = kernel.run();
  expect(wentOn).toBe(true);
  expect(failure).toMatchObject({
    sites: ['put_thing:put'],
    fatal: false,
    objects: [{ type: 'kmalloc-64' }],
  });
  expect(failure!.text).toContain('at lib/refcount.c:28 refcount_warn_saturate');
});

test('of two that drop the last references, exactly one is told so, in any schedule', () => {
  for (const { failures, log } of runs(new Bounded(), (kernel, log) => {
    const addr = kernel.words();
    kernel.machine.memory.setU32(addr, 2);
    for (const name of ['A', 'B']) {
      kernel.spawn(name, function* () {
        if (yield* kernel.refcounts.refcount_dec_and_test(PUT, addr)) log.push(name);
      });
    }
    kernel.spawn('C', function* () {
      if (!(yield* kernel.refcounts.refcount_inc_not_zero(GET, addr))) return;
      if (yield* kernel.refcounts.refcount_dec_and_test(PUT, addr)) log.push('C');
    });
  })) {
    expect(failures).toEqual([]);
    expect(log).toHaveLength(1);
  }
});
