import { describe, expect, test } from 'vitest';
import type { Course } from '../../scenarios/protection/course.ts';
import { bohrbug } from './kit.ts';

interface Finding {
  readonly verdict: string;
  readonly expected: boolean;
  readonly failure: { readonly kind: string; readonly title: string } | null;
  readonly token: string;
  readonly traceHash: string;
  readonly virtualNs: number;
  readonly programs: readonly Course[];
}

describe('run bpf-bomb --policy', () => {
  test('none: the lockup report of R3, which is as expected', async () => {
    const { code, json } = await bohrbug(['run', 'bpf-bomb', '--policy', 'none', '--json']);
    expect(code).toBe(0);
    const found = json<Finding>();
    expect(found).toMatchObject({ verdict: 'failure', expected: true });
    expect(found.failure!.title).toMatch(/^watchdog: Watchdog detected hard LOCKUP on cpu \d$/);
  });

  test('record-kill: clean, and its token runs it again', async () => {
    const run = await bohrbug(['run', 'bpf-bomb', '--policy', 'record-kill', '--json']);
    expect(run.code).toBe(0);
    const found = run.json<Finding>();
    expect(found).toMatchObject({ verdict: 'clean', expected: true, failure: null });
    const again = await bohrbug(['replay', found.token, '--json']);
    expect(again.json<Finding>()).toMatchObject({ traceHash: found.traceHash, verdict: 'clean' });
    expect(again.json<Finding>().programs).toBeUndefined();
  });

  test('03 R36: what became of each program', async () => {
    const args = ['run', 'bpf-bomb', '--variant', 'reference', '--json', '--policy'];
    const killed = await bohrbug([...args, 'record-kill']);
    const { programs } = killed.json<Finding>();
    expect(programs).toHaveLength(1);
    expect(programs[0]).toMatchObject({
      program: 'reference',
      policy: 'record-kill',
      detectedBy: 'policy',
      leaked: '',
      failures: [],
      cpusLost: 0,
    });
    expect(programs[0]!.detectedAfterNs).toBeLessThanOrEqual(programs[0]!.stoppedAfterNs!);
    expect(programs[0]!.stoppedAfterNs).toBeLessThanOrEqual(1_000_000);
    expect(programs[0]!.operationsPerAcquire).toBeGreaterThan(0);
    expect(programs[0]!.seen).toMatch(/^ERROR: Killed at insn \d+ .* released: bpf_iter_num/);
    const hung = await bohrbug([...args, 'none']);
    expect(hung.json<Finding>().programs).toMatchObject([
      { policy: 'none', detectedBy: 'watchdog', stoppedAfterNs: null, leaked: '1 task_struct' },
    ]);
  });

  test('03 R36: the same as a table, before the outcome', async () => {
    const { out } = await bohrbug(['run', 'bpf-bomb', '--policy', 'record-kill']);
    expect(out).toMatch(/\n== what became of programs\n\nplain, record-kill: \d runs\n/);
    expect(out).toMatch(/\n {2}over after +\d+ us\n {2}left held +nothing\n/);
  });

  test('a timer for its source: interrupts are off, so nothing is found', async () => {
    const args = ['run', 'bpf-bomb', '--policy', 'record-kill:source=timer', '--json'];
    const { code, json } = await bohrbug(args);
    expect(code).toBe(1); // what is stated is that it is clean
    expect(json<Finding>().failure!.kind).toBe('hard-lockup');
  });

  test('for another program: this one runs on', async () => {
    const { json } = await bohrbug(['run', 'bpf-bomb', '--policy', 'other=record-kill', '--json']);
    expect(json<Finding>().verdict).toBe('failure');
  });

  test('bad input is one line', async () => {
    const { code, out, err } = await bohrbug(['run', 'bpf-bomb', '--policy', 'record-kil']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^bohrbug: no policy "record-kil", did you mean record-kill\?.*$/);
  });
});

describe('compare', () => {
  test('an unknown one is bad input', async () => {
    const { code, err } = await bohrbug(['compare', 'runtime-protecton']);
    expect(code).toBe(2);
    expect(err).toContain('did you mean runtime-protection?');
  });

  test('registered-writes: a matrix, a page, one JSON document', async () => {
    const shown = await bohrbug(['compare', 'registered-writes']);
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^ +regwrite +mmap-array +task-storage-mmap +uptr$/m);
    const json = await bohrbug(['compare', 'registered-writes', '--json']);
    expect(json.json<{ columns: string[] }>().columns).toHaveLength(4);
    const page = await bohrbug(['compare', 'registered-writes', '--markdown']);
    expect(page.out).toContain('| **page swapped** | -EFAULT | cannot | cannot | cannot |');
  });
});
