import { describe, expect, test } from 'vitest';
import { DEFAULT_BUDGETS } from '../../../bpf/protect/budgets.ts';
import { selectionOf } from '../../../bpf/protect/settings.ts';
import type { ToldKills } from '../../../bpf/protect/kill-info.ts';
import { BpfSandbox, type TestObject } from '../../../scenarios/bpf-object.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { compiledBytes } from '../../kit/compiled.ts';

const ETIMEDOUT = 110;
const EPERM = 1;
const SLEEPABLE_NS = 2_000_000;

/** A kernel under a policy, with some programs of killed.bpf.c loaded. */
function loaded(policy: string, ...names: readonly string[]): [BpfSandbox, TestObject] {
  const sandbox = new BpfSandbox({ bpf: { policy: selectionOf([policy]) } });
  const object = sandbox.openBytes(compiledBytes('killed', 'clang-22-v3'), 'killed');
  for (const name of names) object.object.program(name).isWanted = true;
  object.load();
  return [sandbox, object];
}

/** Nothing is left of a run: the references of init, and sections of the shell. */
function leftOf(sandbox: BpfSandbox): unknown {
  const { machine, tasks, cpus } = sandbox.kernel;
  return machine.memory.unwatched(() => [
    tasks.byPid(1)!.s.usage,
    cpus.all.map(({ preemptCount, irqsOff }) => [preemptCount, irqsOff]),
    machine.engine.failures.length,
  ]);
}

describe('03 R24: who is told of a kill', () => {
  test('a test run: the command succeeds, the program returns -ETIMEDOUT', () => {
    const [sandbox, { programs }] = loaded('record-kill:sleepable=2ms', 'test_run');
    const before = leftOf(sandbox);
    const { result, retval } = programs['test_run']!.run();
    expect([result, retval | 0]).toEqual([0, -ETIMEDOUT]);
    expect(leftOf(sandbox)).toEqual(before);
  });

  test('whoever asks for information: how often, where, what was held', () => {
    const [, { programs }] = loaded('record-kill:sleepable=2ms', 'test_run');
    const program = programs['test_run']!;
    program.run();
    program.run();
    const { count, held, runNs, detectedNs, deferred } = program.kills;
    expect(count).toBe(2);
    expect(held.map(({ class: cls }) => cls)).toEqual(['iterator', 'reference']);
    expect(runNs).toBeGreaterThan(SLEEPABLE_NS * 0.8);
    expect(runNs).toBeLessThanOrEqual(SLEEPABLE_NS);
    expect(detectedNs).toBeLessThanOrEqual(runNs);
    expect(deferred).toBe(0);
  });

  test("the reader of the program's error stream", () => {
    const [, { programs }] = loaded('record-kill:sleepable=2ms', 'test_run');
    programs['test_run']!.run();
    const text = programs['test_run']!.stream('stderr');
    expect(text).toMatch(
      /^ERROR: Killed at insn \d+ after \d+ ns: budget run of 2000000 ns used up; released: .*\n/,
    );
    expect(text).toContain('Call trace:\n');
  });

  test('a hook: tracing goes on, and file_open refuses or lets pass, as it is set', () => {
    const opens = (policy: string): number => {
      const [sandbox, { programs }] = loaded(policy, 'guarding');
      programs['guarding']!.attach();
      return sandbox.run((p) => p.open('/dev/null'));
    };
    expect(opens('record-kill:process=2ms')).toBe(-EPERM);
    expect(opens('record-kill:process=2ms,lsm=open')).toBeGreaterThanOrEqual(0);
    const [sandbox, { programs }] = loaded('record-kill:preempt-off=2ms', 'traced');
    programs['traced']!.attach();
    expect(sandbox.run((p) => p.getpid())).toBeGreaterThan(0);
    expect(programs['traced']!.kills.count).toBeGreaterThan(0);
  });

  test('after so many kills it is taken off, or runs no more', () => {
    const [sandbox, { programs }] = loaded('record-kill:preempt-off=2ms,after=detach@2', 'traced');
    const traced = programs['traced']!;
    traced.attach();
    for (let i = 0; i < 8; i++) sandbox.run((p) => p.getpid());
    expect(traced.kills.count).toBe(2);
    const [, other] = loaded('record-kill:sleepable=2ms,after=refuse@1', 'test_run');
    const refused = other.programs['test_run']!;
    expect([refused.run().retval | 0, refused.run().retval | 0]).toEqual([-ETIMEDOUT, -ETIMEDOUT]);
    expect([refused.kills.count, refused.runCount]).toEqual([1, 1]);
  });
});

describe('03 R21: what ends with a run', () => {
  test('all frames of the program, those of callbacks too, newest first', () => {
    const [sandbox, { programs }] = loaded('record-kill:sleepable=2ms', 'in_callback');
    const before = leftOf(sandbox);
    programs['in_callback']!.run();
    expect(programs['in_callback']!.kills.held.map(({ class: cls }) => cls)).toEqual([
      'iterator',
      'reference',
      'reference',
    ]);
    expect(leftOf(sandbox)).toEqual(before);
  });

  test('a program that it has called by a tail call', () => {
    const [sandbox, object] = loaded('record-kill:sleepable=2ms', 'tail_caller', 'tail_called');
    object.map('next').update(0, object.object.program('tail_called').fd);
    const before = leftOf(sandbox);
    const { result, retval } = object.programs['tail_caller']!.run();
    expect([result, retval | 0]).toEqual([0, -ETIMEDOUT]);
    expect(leftOf(sandbox)).toEqual(before);
  });

  test('not a program beneath it, nor one above', () => {
    const [, { programs }] = loaded('record-kill:process=2ms', 'above', 'beneath');
    programs['beneath']!.attach();
    expect(programs['above']!.run().retval).toBe(7);
    expect([programs['above']!.kills.count, programs['beneath']!.kills.count]).toEqual([0, 1]);
  });
});

test('03 R15: what is held may be held for less long than the program may run', () => {
  const [, { programs }] = loaded('record-kill:held-reference=1ms', 'held_too_long');
  programs['held_too_long']!.run();
  expect(programs['held_too_long']!.stream('stderr')).toContain('budget held-reference of 1000000');
});

test('03 R20: a release that may sleep is left to a worker where the run itself must not', () => {
  const [sandbox, { programs }] = loaded('record-kill:process=2ms,lsm=open', 'deferred');
  const round = (): number => {
    programs['deferred']!.attach();
    sandbox.run(function* (p) {
      p.ok(yield* p.close(p.ok(yield* p.open('/dev/zero'))));
    });
    programs['deferred']!.detach();
    expect(programs['deferred']!.stream('stderr')).toContain('released: bpf_iter_num, file');
    return sandbox.kernel.machine.slab.liveCount;
  };
  expect(round()).toBe(round()); // what the first one leaves is made once
  expect(programs['deferred']!.kills.deferred).toBe(2);
  expect(sandbox.kernel.workqueues.pending).toBe(0);
  expect(sandbox.kernel.machine.engine.failures).toEqual([]);
});

describe('03 R14: time off the CPU', () => {
  /** A program that runs for some 20 ms; another task wants its CPU all the while. */
  const killsBeside = (policy: string): ToldKills => {
    const selection = selectionOf([policy]);
    const sandbox = new BpfSandbox({ cpus: 1, bpf: { policy: selection } });
    const object = sandbox.openBytes(compiledBytes('killed', 'clang-22-v3'), 'killed');
    object.object.program('short_run').isWanted = true;
    object.load();
    const { fd } = object.object.program('short_run');
    sandbox.run(function* (p) {
      const work = function* (child: Proc): Sim<void> {
        for (let i = 0; i < 1_000; i++) yield* child.compute(100_000);
      };
      const other = p.ok(yield* p.fork(work, 'other'));
      const { result } = yield* p.calls.testRun(fd);
      p.ok(result);
      yield* p.wait(other);
    });
    return object.programs['short_run']!.kills;
  };

  test('does not count, unless that is asked for', () => {
    expect(killsBeside('record-kill:sleepable=30ms').count).toBe(0);
    expect(killsBeside('record-kill:sleepable=30ms,off-cpu=counts').count).toBe(1);
    expect(killsBeside('record-kill:sleepable=10ms').count).toBe(1);
  });

  test('03 R22: a kill that comes meanwhile is pending, and for how long is told', () => {
    const { count, detectedNs, runNs } = killsBeside('record-kill:sleepable=6ms,off-cpu=counts');
    expect(count).toBe(1);
    expect(detectedNs).toBeLessThan(6_000_000);
    expect(runNs - detectedNs).toBeGreaterThan(1_000_000);
  });
});

test('03 R22: a program that sleeps when it is asked to end sleeps no longer', () => {
  const policy = 'record-kill:sleepable=1ms,off-cpu=counts';
  const [sandbox, testObject] = loaded(policy, 'sleeps');
  const { programs, object } = testObject;
  const { userFault } = sandbox.kernel.mm;
  Object.defineProperty(userFault, 'ready', { get: () => false, set: () => {} }); // never comes
  sandbox.run(function* (p) {
    const page = p.mmap({ blocking: true });
    const ctxIn = new Uint8Array(8);
    new DataView(ctxIn.buffer).setBigUint64(0, BigInt(page), true);
    const run = yield* p.calls.testRun(object.program('sleeps').fd, { ctxIn });
    expect([run.result, run.retval | 0]).toEqual([0, -ETIMEDOUT]);
    expect(yield* p.peek(p.mmap(), 4)).toEqual(new Uint8Array(4)); // the caller goes on
  });
  const { count, detectedNs, runNs } = programs['sleeps']!.kills;
  expect(count).toBe(1);
  expect(testObject.variable('rounds')).toBe(0n); // not one instruction after the call
  expect(runNs - detectedNs).toBeLessThan(50_000);
  expect(sandbox.kernel.mm.blocked()).toEqual([]);
});

test('03 R13: operations on records are counted', () => {
  const [, { programs }] = loaded('record-kill', 'above');
  programs['above']!.run();
  expect(programs['above']!.kills).toMatchObject({ count: 0, operations: 2 });
});

test('03 R14: the default budgets', () => {
  expect(DEFAULT_BUDGETS.run).toEqual({
    nmi: 1e5,
    'irqs-off': 1e6,
    'preempt-off': 5e6,
    softirq: 1e7,
    process: 1e8,
    sleepable: 1e10,
  });
});

test('a policy for one program: the others are left alone', () => {
  const selection = selectionOf(['none', 'test_run=record-kill:sleepable=2ms']);
  const sandbox = new BpfSandbox({ bpf: { policy: selection } });
  const object = sandbox.openBytes(compiledBytes('killed', 'clang-22-v3'), 'killed');
  for (const name of ['test_run', 'above']) object.object.program(name).isWanted = true;
  object.load();
  expect(object.programs['test_run']!.run().retval | 0).toBe(-ETIMEDOUT);
  expect(object.programs['above']!.run().retval).toBe(7);
});

test.each([
  ['record-kil', /no policy "record-kil", did you mean record-kill\?/],
  ['record-kill:source=gpio', /option "source=gpio": expected source=nmi\|timer/],
  ['record-kill:nmi=0us', /option "nmi=0us"/],
  ['record-kill:after=detach', /option "after=detach"/],
  ['prog=', /no policy ""/],
])('--policy %s is bad input', (text, message) => {
  expect(() => selectionOf([text])).toThrow(message);
});
