/** `bohrbug/vitest`: what its matchers say. The examples in docs show them at work. */
import '../../cli/api/vitest.ts';
import { expect, test } from 'vitest';
import { exploreScenario, replayToken } from '../../scenarios/outcome.ts';
import { findScenario } from '../../scenarios/registry.ts';
import type { FailureKind } from '../../sim/failure.ts';

const bad = exploreScenario(findScenario('autofs-closemount'), { variant: 'bad' });
const good = exploreScenario(findScenario('synchronous-close'), { variant: 'good' });

function messageOf(act: () => void): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

test('a failure that should not be is told in full, and how to see it again', () => {
  const message = messageOf(() => expect(bad).toBeClean());
  expect(message).toContain('BUG: KASAN: slab-use-after-free in autofs_dev_ioctl');
  expect(message).toContain('Call Trace:');
  expect(message).toMatch(/CPU\d .*CPU\d/);
  expect(message).toContain(`bohrbug replay ${bad.token}`);
});

test('kinds are told apart, and a misspelt one is pointed out', () => {
  expect(bad).toFailWith('use-after-free');
  expect(bad).not.toFailWith('deadlock');
  expect(messageOf(() => expect(bad).toFailWith('deadlock'))).toContain('expected deadlock');
  const odd = 'use-after-fre' as FailureKind;
  expect(() => expect(bad).toFailWith(odd)).toThrow('did you mean use-after-free?');
});

test('a clean outcome is clean, and exhausted where it is', () => {
  expect(good).toBeClean();
  expect(good).toBeExhausted();
  expect(messageOf(() => expect(good).not.toBeExhausted())).toContain('not covered');
});

test('a token runs the same again', () => {
  const again = replayToken(bad.token!);
  expect(again.result!.traceHash).toBe(bad.result!.traceHash);
  expect(again).toFailWith('use-after-free');
});
