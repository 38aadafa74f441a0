/** Runs that do not come to their end: sleepers that nobody wakes, and loops. */
import { describe, expect, test } from 'vitest';
import { scenario, type Body } from '../../scenarios/dsl.ts';
import { exploreScenario, replayToken } from '../../scenarios/outcome.ts';
import { findScenario } from '../../scenarios/registry.ts';

describe('a missed wake-up', () => {
  test('is told from a sleep that nothing was to end, in one deviation', () => {
    const outcome = exploreScenario(findScenario('missed-wakeup'), { variant: 'bad' });
    expect(outcome.failure).toMatchObject({
      kind: 'hung-task',
      title: 'BUG: missed wake-up: A:101 sleeps, and what it waits for has come',
    });
    expect(outcome.result!.schedule.at.length).toBeLessThanOrEqual(2);
    expect(replayToken(outcome.token!).failure).toEqual(outcome.failure);
  });

  test('is none where what is waited for never comes', () => {
    const alone = scenario({
      name: 'alone',
      about: 'nobody writes',
      processes: {
        *A(p) {
          p.ok(yield* p.read(p.ok(yield* p.eventfd()), 8));
        },
      },
    });
    expect(exploreScenario(alone).failure!.title).toBe(
      'BUG: deadlock: A:101 sleeps and nothing is left to wake it',
    );
  });
});

/** A asks until B has been there. */
const WAITING = scenario({
  name: 'waiting',
  about: 'A goes round until B has run',
  processes: {
    *A(p) {
      while (p.noted('ready') !== true) yield* p.sched_yield();
    },
    *B(p) {
      yield* p.getpid();
      p.note('ready', true);
    },
  },
  stepsMax: 500,
});

/** Raises its flag, and lowers it as long as the other's is up: after you. */
const polite = (own: string, other: string): Body =>
  function* (p) {
    for (;;) {
      p.note(own, true);
      yield* p.getpid();
      const isAlone = p.noted(other) !== true;
      yield* p.getpid();
      p.note(own, false);
      if (isAlone) return;
      yield* p.getpid();
    }
  };

describe('a run that has had all its steps goes on in turns', () => {
  test('which ends it, if it only waited for one who was given none', () => {
    const outcome = exploreScenario(WAITING, { strategy: 'stay' });
    expect([outcome.verdict, outcome.runs]).toEqual(['clean', 1]);
  });

  test('or shows a livelock, by those in it and the places that they go round', () => {
    const afterYou = scenario({
      name: 'after-you',
      about: 'two that let each other go first',
      processes: { A: polite('a', 'b'), B: polite('b', 'a') },
      stepsMax: 500,
    });
    const { failure, token } = exploreScenario(afterYou, { strategy: 'round-robin' });
    expect(failure).toMatchObject({ kind: 'hung-task', title: 'INFO: livelock: A:101, B:102' });
    expect(failure!.sites).toEqual(['do_syscall_64:enter']);
    expect(replayToken(token!, afterYou).failure).toEqual(failure);
  });

  test('or an endless loop', () => {
    const loop: Body = function* (p) {
      for (;;) yield* p.getpid();
    };
    const endless = scenario({
      name: 'endless',
      about: 'one that goes on for ever, and one that ends',
      processes: { A: loop, B: (p) => p.getpid() },
      stepsMax: 500,
    });
    const { failure } = exploreScenario(endless, { strategy: 'random' });
    expect(failure!.title).toBe('INFO: endless loop: A:101');
    expect(failure!.text).toContain('A:101 goes through this again and again: do_syscall_64:enter');
  });
});
