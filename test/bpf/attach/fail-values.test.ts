import { describe, expect, test } from 'vitest';
import { selectionOf } from '../../../bpf/protect/settings.ts';
import * as perf from '../../../bpf/uapi-perf.ts';
import { EINVAL, EPERM } from '../../../kernel/errno.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { compiledBytes } from '../../kit/compiled.ts';

const MS = 1_000_000;
const DEV = '/dev/null';

/** What `work` gives in a sandbox with a policy, with these programs attached but for `answer`. */
function under<T>(
  policy: string,
  names: readonly string[],
  work: (p: Proc) => Sim<T>,
  { answer = 0, cpus = 2 } = {},
): T {
  const sandbox = new BpfSandbox({ cpus, bpf: { policy: selectionOf([policy]) } });
  return sandbox.run(function* (p) {
    const object = p.openObject(compiledBytes('hooks', 'clang-22-v3'), 'hooks.bpf.o');
    object.set('process', yield* p.getpid());
    object.set('answer', answer);
    for (const name of names) object.program(name).isWanted = true;
    yield* object.load();
    for (const name of names) yield* object.program(name).attach();
    return yield* work(p);
  });
}

function* opens(p: Proc): Sim<number> {
  const fd = yield* p.open(DEV);
  return fd < 0 ? fd : 1;
}

const prctl = (p: Proc): Sim<number> => p.prctl(9_999);

describe('03 R24: a program that is killed fails its hook as is configured', () => {
  // Killed at its first kill point: it calls a helper before anything else.
  test.each([
    ['none', 'on_file_open', opens, 1],
    ['record-kill:kill-at=1', 'on_file_open', opens, -EPERM],
    ['record-kill:kill-at=1,lsm=closed', 'on_file_open', opens, -EPERM],
    ['record-kill:kill-at=1,lsm=open', 'on_file_open', opens, 1],
    ['record-kill:kill-at=1', 'on_task_prctl', prctl, -EPERM],
    ['record-kill:kill-at=1,lsm=open', 'on_task_prctl', prctl, -EINVAL],
    // What traces has no say: 0, and fmod_ret leaves the function to itself.
    ['record-kill:kill-at=1', 'modify', opens, 1],
    ['none', 'modify', opens, -5],
  ])('%s, %s', (policy, name, call, given) => {
    expect(under(policy, [name], call)).toBe(given);
  });

  test.each([
    ['after=keep', [-EPERM, -EPERM]],
    ['after=refuse@1', [-EPERM, -EPERM]], // it is not run any more, and fails all the same
    ['after=refuse@1,lsm=open', [1, 1]],
    ['after=detach@1', [-EPERM, 1]],
  ] as const)('%s: before and after', (after, given) => {
    const results = under(`record-kill:kill-at=1,${after}`, ['on_file_open'], function* (p) {
      const first = yield* opens(p);
      yield* p.nanosleep(MS); // for the worker that detaches
      return [first, yield* opens(p)];
    });
    expect(results).toEqual(given);
  });

  test('others on the same hook still refuse', () => {
    const policy = 'record-kill:kill-at=1,lsm=open';
    const only = (text: string): number => under(text, ['on_file_open', 'second'], opens);
    expect(only('none')).toBe(-11);
    expect(only(`on_file_open=${policy}`)).toBe(-11);
  });
});

describe('03 R14, R17: in an NMI', () => {
  /** Calls, and those that came to their end. */
  function lingering(policy: string, cpus: number): readonly [number, number] {
    return under(
      policy,
      [],
      function* (p) {
        const object = p.openObject(compiledBytes('hooks', 'clang-22-v3'), 'hooks.bpf.o');
        object.program('lingers').isWanted = true;
        yield* object.load();
        const type = perf.PERF_TYPE_HARDWARE;
        const event = p.ok(yield* p.calls.perfEventOpen({ type, config: 0, sample: 3 * MS }));
        if (cpus > 1) yield* p.fork((other) => other.compute(100 * MS));
        yield* object.program('lingers').attachPerfEvent(event);
        yield* p.compute(5 * MS);
        yield* object.program('lingers').detach();
        const word = function* (name: string, i: number): Sim<number> {
          const bytes = yield* object.mapOf(name).variable(name);
          return Number(new DataView(bytes.slice().buffer).getBigInt64(8 * i, true));
        };
        return [yield* word('calls', 0), yield* word('seen', 7)] as const;
      },
      { cpus },
    );
  }

  test('another CPU notices that the budget is used up; where there is none, nobody does', () => {
    const [calls, ended] = lingering('none', 2);
    expect(calls).toBeGreaterThanOrEqual(4);
    expect(ended).toBe(calls);
    const [watched, survived] = lingering('record-kill', 2);
    expect(watched).toBeGreaterThanOrEqual(4);
    expect(survived).toBe(0);
    const [alone, unseen] = lingering('record-kill', 1);
    expect(unseen).toBe(alone);
  });
});
