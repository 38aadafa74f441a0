import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { EngineMaker } from '../../../bpf/vm/engine.ts';
import { ACCESS, EXIT, FAULT, FUEL, HELPER, bpfFrame } from '../../../bpf/vm/frame.ts';
import { jit } from '../../../bpf/jit/jit.ts';
import { interp } from '../../../bpf/vm/interp.ts';
import { BpfWorld, type Stop } from '../../kit/bpf-world.ts';
import { arenaForms, everyForm, formOf } from '../../kit/bpf-forms.ts';
import { randomPrograms, type RandomProgram } from '../../kit/random-bpf.ts';

const { off } = bpfFrame;
const CASES = Number(process.env['BOHRBUG_ENGINE_CASES'] ?? 1_500);
const SEED = 9669;
vi.setConfig({ testTimeout: 120_000 + 20 * CASES });

/** The engines that must agree with the reference. */
const OTHERS: readonly EngineMaker[] = [jit];

const reference = new BpfWorld();
const other = new BpfWorld();

/** The stops as text, so that a difference reads well. */
function textOf(stops: readonly Stop[]): string[] {
  return stops.map(({ status, frame, buffer, arena, calls }) =>
    [status, hex(frame.subarray(0, off.stack)), hex(buffer), hex(arena), calls.length].join(' '),
  );
}

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

function agrees(program: RandomProgram, makers: readonly EngineMaker[]): void {
  const expected = reference.run(program, [interp]);
  const found = other.run(program, makers);
  if (!isSame(found, expected)) {
    expect(textOf(found)).toEqual(textOf(expected));
    expect(found).toEqual(expected);
  }
  if (!reference.isReset() || !other.isReset()) expect.fail('a write was not marked');
}

function isSame(a: readonly Stop[], b: readonly Stop[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      (stop, i) =>
        stop.status === b[i]!.status &&
        equalBytes(stop.frame, b[i]!.frame) &&
        equalBytes(stop.buffer, b[i]!.buffer) &&
        equalBytes(stop.arena, b[i]!.arena) &&
        stop.calls.join() === b[i]!.calls.join(),
    )
  );
}

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);

describe('an engine does what the reference does, at any point of preemption', () => {
  test.each(OTHERS.map((maker) => [maker.name, maker] as const))('%s alone', (_, maker) => {
    fc.assert(
      fc.property(randomPrograms, (program) => agrees(program, [maker])),
      { numRuns: CASES, seed: SEED },
    );
  });

  test('taking turns within a run', () => {
    fc.assert(
      fc.property(randomPrograms, (program) => agrees(program, [interp, ...OTHERS])),
      { numRuns: Math.ceil(CASES / 4), seed: SEED + 1 },
    );
  });
});

/** Not merely stopped after too many instructions. */
const hasEnded = ({ status, frame }: Stop): boolean =>
  status === FAULT || (status === EXIT && frame[off.depth] === 0);

test('where a run is cut makes no difference to its end', () => {
  const whole = [{ fuel: 1 << 20, fine: false, countdown: 0 }];
  fc.assert(
    fc.property(randomPrograms, (program) => {
      const cut = reference.run(program, [interp]).at(-1)!;
      const uncut = other.run({ ...program, pieces: whole }, [interp]).at(-1)!;
      if (!hasEnded(cut) || !hasEnded(uncut)) return;
      for (const { frame } of [cut, uncut]) frame.fill(0, off.fuel, off.countdown + 4);
      expect(textOf([cut])).toEqual(textOf([uncut]));
    }),
    { numRuns: Math.ceil(CASES / 4), seed: SEED + 2 },
  );
});

test('random programs run every form of instruction, and stop in every way', () => {
  const executed = new Set<string>();
  const statuses = new Set<number>();
  for (const program of fc.sample(randomPrograms, { numRuns: 1_000, seed: SEED })) {
    const each = { ...program, pieces: [{ fuel: 1, fine: false, countdown: 0 }] };
    let pc = 0;
    for (const { status, frame } of reference.run(each, [interp])) {
      const insn = program.insns[pc];
      if (insn && status !== FAULT) executed.add(formOf(insn));
      pc = new DataView(frame.buffer).getUint32(off.pc, true);
    }
    for (const { status } of reference.run(program, [interp])) statuses.add(status);
  }
  expect([...executed].toSorted()).toEqual([...everyForm(), ...arenaForms()].toSorted());
  expect([...statuses].toSorted()).toEqual([EXIT, FUEL, HELPER, FAULT, ACCESS]);
});
