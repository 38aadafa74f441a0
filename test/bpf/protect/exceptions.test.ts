import { describe, expect, test } from 'vitest';
import { checkTimedMayGoto, countMayGoto } from '../../../bpf/vm/timed-goto.ts';
import { ENGINE_CHOICES, type EngineChoice } from '../../../bpf/vm/select.ts';
import { BpfSandbox, type TestObject } from '../../../scenarios/bpf-object.ts';
import { compiledBytes } from '../../kit/compiled.ts';

// What programs left behind on Linux 7.2: streams, results and return values.

function loaded(engine: EngineChoice = 'auto'): [BpfSandbox, TestObject] {
  const sandbox = new BpfSandbox({ bpf: { engine } });
  const object = sandbox.openBytes(compiledBytes('exceptions', 'clang-22-v3'), 'exceptions');
  return [sandbox, object.load()];
}

const resultsOf = (object: TestObject): number[] => {
  const bytes = object.variable('results');
  return [0, 1, 2, 3].map((i) => Number(BigInt.asIntN(32, bytes >> BigInt(32 * i))));
};

describe('03 R32: streams', () => {
  test('two for each program, read by its descriptor, and read once', () => {
    const [sandbox, object] = loaded();
    const { prints, fills } = object.programs;
    expect(prints!.run().retval).toBe(0);
    expect(resultsOf(object)).toEqual([0, 0, -2, -22]);
    expect(prints!.stream('stdout')).toBe('-7 and abc\n');
    expect(prints!.stream('stderr')).toBe('-7 and abc\n');
    expect(prints!.stream('stdout')).toBe('');
    const { fd } = object.object.program('prints');
    expect(sandbox.run((p) => p.calls.streamRead(fd, 3, 16))).toBe(-2);
    expect(fills!.stream('stdout')).toBe('');
  });

  test('100,000 bytes, then -ENOSPC', () => {
    const [, object] = loaded();
    object.programs['fills']!.run();
    expect(resultsOf(object).slice(0, 2)).toEqual([-28, 1999]);
    expect(object.programs['fills']!.stream('stdout').length).toBe(1999 * 50);
  });

  test('they go with the program', () => {
    const sandbox = new BpfSandbox();
    const round = (): number => {
      const object = sandbox.openBytes(compiledBytes('exceptions', 'clang-22-v3'), 'exceptions');
      object.load().programs['prints']!.run();
      object.destroy();
      return sandbox.kernel.machine.slab.liveCount;
    };
    expect(round()).toBe(round());
  });
});

test.each(ENGINE_CHOICES)('03 R29: what is thrown ends the program (%s)', (engine) => {
  const [, object] = loaded(engine);
  const { throws, throws_to_callback } = object.programs;
  expect(throws!.run().retval).toBe(0x1234);
  expect(Number(object.variable('reached'))).toBe(3);
  expect(throws_to_callback!.run().retval).toBe(42);
  expect(Number(object.variable('reached'))).toBe(11);
});

describe('03 R30: may_goto', () => {
  test.each(['auto', 'jit'] as const)('all loops of a frame end by the clock (%s)', (engine) => {
    const [, object] = loaded(engine);
    const program = object.programs['loops_in_frames']!;
    const { durationNs } = program.run();
    const rounds = ['first', 'second', 'third'].map((name) => Number(object.variable(name)));
    // The first check only notes the time, so each frame takes one refill more than it needs.
    for (const count of [rounds[0]!, rounds[2]!]) expect(count % 0xffff).toBe(0);
    expect(rounds[1]).toBe(0);
    expect(rounds[0]).toBeGreaterThan(2 * 0xffff);
    const text = program.stream('stderr');
    expect(text.match(/^ERROR: Timeout detected for may_goto instruction$/gm)).toHaveLength(2);
    expect(text).toContain('_loops_in_frames+');
    expect(text).toContain('  while (may_go_on()) @ exceptions.bpf.c:');
    expect(durationNs).toBeGreaterThanOrEqual(0);
  });

  test('where nobody looks at the clock, as in v6.1: 8,388,608 times', () => {
    const view = { loops: 0xffff, loopsSince: 0n };
    let taken = 0;
    for (let left = 0xffff; left > 0; left = view.loops & 0xffff) {
      taken += left;
      countMayGoto(view as unknown as Parameters<typeof countMayGoto>[0]);
    }
    expect(taken).toBe(8_388_608);
  });

  test('a frame that has been asked before is over after a quarter of a second', () => {
    const view = { loops: 1, loopsSince: 0n };
    const ask = (ns: number): boolean =>
      checkTimedMayGoto(view as unknown as Parameters<typeof checkTimedMayGoto>[0], ns);
    expect([ask(5e9), view.loops & 0xffff]).toEqual([false, 0xffff]);
    expect([ask(5e9 + 249_999_999), view.loops & 0xffff]).toEqual([false, 0xffff]);
    expect([ask(5e9 + 250_000_000), view.loops & 0xffff]).toEqual([true, 0]);
  });
});
