import { expect, test } from 'vitest';
import { BPF_LOG_FIXED, VerifierLog } from '../../../bpf/verifier/report/log.ts';

const KEPT = 1 << 24;
const LINE = `${'x'.repeat(1023)}\n`;

function filled(level: number): VerifierLog {
  const log = new VerifierLog(level);
  log.print('begin\n');
  for (let i = 0; i < (4 * KEPT) / LINE.length; i++) log.print(LINE);
  log.print('end\n');
  return log;
}

test('what came after a position is forgotten, also in the middle of a text', () => {
  const log = new VerifierLog(1);
  log.print('abc');
  log.print('defg');
  log.reset(5);
  expect(log.text()).toBe('abcde');
  log.reset(3);
  log.print('!');
  expect(log.text()).toBe('abc!');
  expect(log.longest).toBe(8);
});

test('of an endless log the end is kept', () => {
  const log = filled(2);
  const text = log.text();
  expect(text.length).toBeGreaterThanOrEqual(KEPT - LINE.length);
  expect(text.length).toBeLessThanOrEqual(2 * KEPT);
  expect(text.endsWith('end\n')).toBe(true);
  expect(log.longest).toBe(log.position + 1);
  log.reset(6);
  log.print('new\n');
  expect(log.text()).toBe('new\n');
});

test('or the begin, where that is asked for', () => {
  const text = filled(2 | BPF_LOG_FIXED).text();
  expect(text.startsWith('begin\n')).toBe(true);
  expect(text.length).toBeLessThan(2 * KEPT);
});
