/** Faults as choices: each way to go wrong by itself, along one schedule. */
import { describe, expect, test } from 'vitest';
import { EFAULT, errnoText } from '../../kernel/errno.ts';
import type { FaultKind } from '../../kernel/faults.ts';
import { scenario, type Body } from '../../scenarios/dsl.ts';
import { exploreScenario, replayToken } from '../../scenarios/outcome.ts';
import { findScenario } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { FailNth } from '../../sim/strategies/fail-nth.ts';

/** What a process notes as `got`, over all runs of one fault each; none of them may fail. */
function outcomes(kind: FaultKind, A: Body, others: Record<string, Body> = {}): unknown[] {
  const about = 'one fault a run';
  const world = new World(
    scenario({ name: 'faulty', about, faults: [kind], processes: { A, ...others } }),
  );
  const strategy = new FailNth();
  const seen: unknown[] = [];
  for (let run = 0; strategy.begin(run); run++) {
    expect(world.run(strategy).failures.map(({ text }) => text)).toEqual([]);
    strategy.end();
    seen.push(world.notes.get('got'));
  }
  return seen;
}

describe('eintr', () => {
  const sleeper: Body = function* (p) {
    const [reader, writer] = p.ok(yield* p.pipe());
    const child = p.ok(
      yield* p.fork(function* (c) {
        c.ok(yield* c.write(writer, 'x'));
      }),
    );
    const got = yield* p.read(reader, 1);
    p.note('got', typeof got === 'number' ? errnoText(got) : got.length);
    yield* p.wait(child);
  };

  test('ends a read that sleeps, with -EINTR and nothing read', () => {
    expect([...new Set(outcomes('eintr', sleeper))]).toEqual([1, '-EINTR']);
  });
});

test('a token says which faults there were', () => {
  const outcome = exploreScenario(findScenario('ping-pong'), { faults: ['short-copy'] });
  expect(outcome.kinds).toEqual(['invariant']);
  expect(outcome.lines.some(({ text }) => text.startsWith('short-copy: copy_'))).toBe(true);
  expect(replayToken(outcome.token!).failure).toEqual(outcome.failure);
});

describe('short-copy', () => {
  test('pipe2() that cannot say its descriptors leaves none open', () => {
    const opened = outcomes('short-copy', function* (p) {
      const result = yield* p.pipe();
      p.note('got', typeof result === 'number' ? result : 'opened');
      p.check(typeof result !== 'number' || (yield* p.close(3)) === -9, 'nothing is left open');
    });
    expect(opened).toEqual(['opened', -EFAULT, -EFAULT]);
  });

  test('a write() of which half can be read is -EFAULT', () => {
    const written = outcomes('short-copy', function* (p) {
      const pair = yield* p.pipe();
      if (typeof pair !== 'number') p.note('got', yield* p.write(pair[1], 'abcdef'));
    });
    expect(new Set(written)).toEqual(new Set([6, undefined, -EFAULT]));
  });
});

describe('major-fault', () => {
  const writer: Body = function* (p) {
    const [reader, end] = p.ok(yield* p.pipe());
    p.note('got', yield* p.write(end, 'abcdef'));
    p.ok(yield* p.read(reader, 6));
  };

  test('a copy waits for its page, and then goes on as if nothing had been', () => {
    const written = outcomes('major-fault', writer);
    expect(written.length).toBeGreaterThan(2);
    expect(new Set(written)).toEqual(new Set([6]));
  });

  test('what a call holds meanwhile is said', () => {
    const world = new World(
      scenario({ name: 'slow', about: '', faults: ['major-fault'], processes: { A: writer } }),
    );
    world.detailed = true;
    const strategy = new FailNth();
    const said: string[] = [];
    for (let run = 0; strategy.begin(run); run++) {
      world.run(strategy);
      strategy.end();
      said.push(...world.trace.lines.map(({ text }) => text));
    }
    expect(said.filter((text) => text.includes('not resident, blocks; holds'))).not.toEqual([]);
  });
});
