import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { POLICY_NAMES, type PolicyName } from '../../../bpf/protect/names.ts';
import { comparisonMarkdown } from '../../../cli/render/comparison.ts';
import { protectionTables } from '../../../scenarios/compare/protection-tables.ts';
import {
  compareRuntimeProtection,
  type PolicyRow,
  type TrialResult,
} from '../../../scenarios/compare/runtime-protection.ts';

const MS = 1e6;
const SECOND = 1e9;

/** Each policy is tried once, for all tests here. */
const tried = new Map<PolicyName, PolicyRow>();
function trialsOf(policy: PolicyName): PolicyRow['trials'] {
  let row = tried.get(policy);
  if (!row) tried.set(policy, (row = compareRuntimeProtection([policy]).rows[0]!));
  return row.trials;
}

/** It runs on, and the watchdogs say so. */
function expectLockup(trial: TrialResult, kind = 'hard-lockup'): void {
  expect(trial).toMatchObject({ detectedBy: 'watchdog', stoppedAfterNs: null, failures: [kind] });
}

function expectOver({ stoppedAfterNs, leaked, failures }: TrialResult, from: number, to: number) {
  expect(stoppedAfterNs).toBeGreaterThanOrEqual(from);
  expect(stoppedAfterNs).toBeLessThanOrEqual(to);
  expect([leaked, failures]).toEqual(['', []]);
}

describe('03 R37: what becomes of the bomb', () => {
  test.each(['none', 'streams'] as const)(
    '%s: lockup, and what is held is held for ever',
    (name) => {
      const { plain, reference, lock } = trialsOf(name);
      for (const [trial] of [plain, reference, lock]) {
        expectLockup(trial!);
        expect(trial!.cpusLost).toBe(1);
      }
      expect([plain[0]!.leaked, reference[0]!.leaked, lock[0]!.leaked]).toEqual([
        '',
        '1 task_struct',
        '1 bpf_spin_lock',
      ]);
    },
  );

  test('record-kill: killed within its millisecond, released, unlocked', () => {
    const { plain, reference, lock } = trialsOf('record-kill');
    for (const [trial] of [plain, reference, lock]) {
      expectOver(trial!, 0.8 * MS, MS);
      expect(trial).toMatchObject({ detectedBy: 'policy', cpusLost: 0 });
      expect(trial!.seen).toMatch(/^ERROR: Killed at insn \d+ after/);
    }
  });

  test('throw: does not fire; where something is held the load is rejected', () => {
    const { plain, reference, lock } = trialsOf('throw');
    expectLockup(plain[0]!);
    expect(reference[0]!.rejected).toBe('bpf_throw would lead to reference leak');
    expect(lock[0]!.rejected).toBe('function calls are not allowed while holding a lock');
  });

  test('timed-goto: nothing for loops as they are; rewritten, over after 250 ms and more', () => {
    const { plain, reference, lock } = trialsOf('timed-goto');
    expectLockup(plain[0]!);
    for (const trial of [plain[1]!, reference[0]!, lock[0]!])
      expectOver(trial, 250 * MS, 5 * SECOND);
    const held = lock[0]!.longestHolds.find(({ type }) => type === 'bpf_spin_lock');
    expect(held!.ns).toBeGreaterThanOrEqual(250 * MS);
  });

  test('res-lock: does not fire; who waits gets -ETIMEDOUT, who holds runs on', () => {
    const { plain, reference, lock } = trialsOf('res-lock');
    expectLockup(plain[0]!);
    expect(reference).toEqual([]);
    expect(lock[0]).toMatchObject({ waiters: '-ETIMEDOUT', leaked: '1 bpf_res_spin_lock' });
    expect(lock[0]!.stoppedAfterNs).toBeNull();
  });

  test('arena-fault: each fault is told of, and the program runs on', () => {
    const { plain } = trialsOf('arena-fault');
    expectLockup(plain[0]!);
    expect(plain[0]!.seen).toBe('ERROR: Arena READ access at unmapped address 0x100000000000');
  });

  test('fast-path: over by its own code after 15 s and more; not with interrupts off', () => {
    const { plain, reference, lock } = trialsOf('fast-path');
    expectLockup(plain[0]!);
    for (const trial of [plain[1]!, reference[0]!, lock[0]!]) {
      expectOver(trial, 15 * SECOND, 20 * SECOND);
      expect(trial.detectedAfterNs).toBeGreaterThanOrEqual(15 * SECOND);
    }
  });

  test('terminate-cmd: over once user space has asked for it', () => {
    const { plain, reference, lock } = trialsOf('terminate-cmd');
    for (const [trial] of [plain, reference, lock]) expectOver(trial!, SECOND, 2 * SECOND);
  });
});

test('03 R36: only a record costs something at each acquire', () => {
  for (const policy of POLICY_NAMES) {
    const cost = Math.max(
      ...Object.values(trialsOf(policy))
        .flat()
        .map((t) => t.operationsPerAcquire),
    );
    if (policy === 'record-kill') expect(cost).toBeGreaterThan(1);
    else expect(cost).toBe(0);
  }
});

test('docs/COMPARISONS.md shows what comes out', () => {
  const rows = POLICY_NAMES.map(
    (policy) => tried.get(policy) ?? compareRuntimeProtection([policy]).rows[0]!,
  );
  const page = readFileSync(new URL('../../../docs/COMPARISONS.md', import.meta.url), 'utf8');
  expect(page).toContain(
    comparisonMarkdown(protectionTables({ comparison: 'runtime-protection', rows })).trimEnd(),
  );
});
