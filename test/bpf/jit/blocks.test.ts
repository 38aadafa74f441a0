import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isStop, targetOf, unitsOf, type Cut } from '../../../bpf/jit/blocks.ts';
import type { Insn, Insns } from '../../../bpf/isa/insn.ts';
import { randomPrograms } from '../../kit/random-bpf.ts';

const cuts: readonly Cut[] = [false, true].flatMap((fine) =>
  [false, true].map((stepping) => ({ fine, stepping })),
);

/** The slots at which a block begins. */
function begins(insns: Insns, subprogs: readonly number[], cut: Cut): Set<number> {
  const units = unitsOf(insns, subprogs, cut);
  return new Set(units.flatMap(({ blocks }) => blocks.map(({ first }) => first)));
}

test('units and blocks follow each other without a gap, and count every instruction once', () => {
  fc.assert(
    fc.property(randomPrograms, fc.constantFrom(...cuts), ({ insns, subprogs }, cut) => {
      let slot = 0;
      let count = 0;
      for (const unit of unitsOf(insns, subprogs, cut)) {
        expect(unit.first).toBe(slot);
        for (const [i, block] of unit.blocks.entries()) {
          expect(block.first).toBe(slot);
          expect(unit.blockAt[slot - unit.first]).toBe(i);
          expect(insns[slot]).not.toBeNull();
          slot = block.end;
          count += block.count;
        }
        expect(unit.end).toBe(slot);
      }
      expect(slot).toBe(insns.length);
      expect(count).toBe(insns.filter((insn) => insn !== null).length);
    }),
    { numRuns: 200, seed: 9669 },
  );
});

test('a block begins wherever a jump goes, behind each call, and in fine mode at each stop', () => {
  fc.assert(
    fc.property(randomPrograms, fc.boolean(), ({ insns, subprogs }, fine) => {
      const found = begins(insns, subprogs, { fine, stepping: false });
      for (const [slot, insn] of insns.entries()) {
        if (!insn) continue;
        const target = targetOf(insn, slot);
        if (target !== undefined) expect(found).toContain(target);
        if (insn.kind === 'call') expect(found).toContain(slot + 1);
        if (fine && isStop(insn)) expect(found).toContain(slot);
      }
    }),
    { numRuns: 200, seed: 9669 },
  );
});

test('no unit ends between the halves of an ld_imm64, however they fall', () => {
  const wide: Insn = { kind: 'ld_imm64', from: 'value', dst: 1, imm: 1, next: 2 };
  for (const lead of [0, 1]) {
    const insns: (Insn | null)[] = Array.from({ length: lead }, () => ({ kind: 'exit' }));
    while (insns.length < 5_000) insns.push(wide, null);
    for (const cut of cuts) {
      for (const { first } of unitsOf(insns, [0], cut)) expect(insns[first]).not.toBeNull();
    }
  }
});
