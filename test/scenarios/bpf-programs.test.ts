/** Drawn BPF programs: bpf(2) takes them all, and both engines give the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeProgram } from '../../bpf/isa/encode.ts';
import type { Insn } from '../../bpf/isa/insn.ts';
import { MAP_TYPE, PROG_TYPE } from '../../bpf/uapi.ts';
import { scenario, type Body } from '../../scenarios/dsl.ts';
import {
  bpfPrograms,
  DRAWN_KEY_BYTES,
  DRAWN_VALUE_BYTES,
  type BpfProgram,
} from '../../scenarios/fuzz/bpf-programs.ts';
import { World } from '../../scenarios/world.ts';
import { Stay } from '../../sim/strategies/stay.ts';

const DRAWN = fc.sample(bpfPrograms(), { seed: 7, numRuns: 150 });

const codeFor = ({ insns }: BpfProgram, map: number): Uint8Array =>
  encodeProgram(
    insns.map((insn): Insn | null =>
      insn?.kind === 'ld_imm64' && insn.from === 'map_fd' ? { ...insn, imm: map } : insn,
    ),
  );

/** Loads and runs each, all on one map; notes what bpf(2) and the programs give. */
const loader: Body = function* (p) {
  const { calls } = p;
  const map = p.ok(
    yield* calls.mapCreate({
      type: MAP_TYPE.HASH,
      keySize: DRAWN_KEY_BYTES,
      valueSize: DRAWN_VALUE_BYTES,
      maxEntries: 2,
    }),
  );
  const type = PROG_TYPE.RAW_TRACEPOINT;
  const seen: unknown[] = [];
  for (const program of DRAWN) {
    const insns = codeFor(program, map);
    const { fd } = yield* calls.progLoad({ type, insns, license: 'GPL', name: 'drawn' });
    const { result, retval } = yield* calls.testRun(fd);
    const values: unknown[] = [];
    for (const key of [0, 1, 2]) {
      values.push(yield* calls.mapLookup(map, Uint8Array.of(key, 0, 0, 0), DRAWN_VALUE_BYTES));
    }
    seen.push({ isLoaded: fd >= 0, result, retval, values });
    yield* p.close(fd);
  }
  p.note('seen', seen);
};

const runs = (['interp', 'jit'] as const).map((engine) => {
  const world = new World(
    scenario({ name: 'drawn', about: 'programs that were drawn', processes: { A: loader } }),
    { mode: 'timed', bpf: { engine } },
  );
  const { failures } = world.run(new Stay());
  return { failures, seen: world.notes.get('seen') as Record<string, unknown>[] };
});

test('all are loaded and run', () => {
  const [{ failures, seen } = runs[1]!] = runs;
  expect(failures.map(({ text }) => text)).toEqual([]);
  expect(seen.length).toBe(DRAWN.length);
  expect(seen.filter(({ isLoaded, result }) => isLoaded !== true || result !== 0)).toEqual([]);
  // They are not all alike.
  expect(new Set(seen.map(({ retval }) => retval)).size).toBeGreaterThan(40);
});

test('the compiler gives what the interpreter gives', () => {
  expect(runs[1]!.seen).toEqual(runs[0]!.seen);
});

test('they shrink to the shortest', () => {
  const { counterexample } = fc.check(
    fc.property(bpfPrograms(), ({ usesMap }) => !usesMap),
    { seed: 3 },
  );
  expect(counterexample![0].insns.length).toBeLessThanOrEqual(10);
});
