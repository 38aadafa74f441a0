import { expect, test } from 'vitest';
import { assemble } from '../../bpf/isa/asm.ts';
import { encodeProgram } from '../../bpf/isa/encode.ts';
import { MAP_TYPE, PROG_TYPE } from '../../bpf/uapi.ts';
import { scenario, type Body } from '../../scenarios/dsl.ts';
import { exploreScenario, replayToken } from '../../scenarios/outcome.ts';
import { findScenario, SCENARIOS } from '../../scenarios/registry.ts';
import { decodeToken } from '../../sim/token.ts';

const NOT_SC = ['tso', 'weak'] as const;
const SB = findScenario('store-buffering');

test('a store that another CPU does not see yet is a deviation like any other', () => {
  const outcome = exploreScenario(SB, { variant: 'bad' });
  expect(outcome.kinds).toEqual(['invariant']);
  expect(outcome.result!.schedule.at.length).toBe(2);
  expect(outcome.lines.map(({ text }) => text)).toContain("CPU0's store is not seen yet");
  expect(decodeToken(outcome.token!).header.memoryModel).toBe('tso');
  const again = replayToken(outcome.token!);
  expect(again.failure).toEqual(outcome.failure);
  expect(again.result!.traceHash).toBe(outcome.result!.traceHash);
});

test('under sc there is none', () => {
  for (const strategy of ['auto', 'dpor', 'random']) {
    expect(exploreScenario(SB, { variant: 'sc', strategy }).verdict).toBe('clean');
  }
  for (const memoryModel of NOT_SC) {
    expect(exploreScenario(SB, { variant: 'sc', memoryModel }).kinds).toEqual(['invariant']);
  }
});

/** What is about time is run in simulated time, where no store is seen late. */
const VARIANTS = SCENARIOS.filter(({ timed }) => !timed).flatMap((scenario) =>
  Object.entries(scenario.variants).flatMap(([variant, { expect: kinds, memoryModel }]) =>
    NOT_SC.map((model) => ({ scenario, variant, kinds, model, own: memoryModel ?? 'sc' })),
  ),
);
const BAD = VARIANTS.filter(({ kinds, own }) => kinds.length > 0 && own === 'sc');
const CLEAN = VARIANTS.filter(({ kinds, own, scenario }) => {
  return kinds.length === 0 && (own !== 'sc' || scenario !== SB);
});

test.each(CLEAN.map((row) => [row.scenario.name, row.variant, row.model, row] as const))(
  '%s %s is clean under %s too',
  (_name, variant, memoryModel, { scenario }) => {
    for (const strategy of ['random', 'auto']) {
      const outcome = exploreScenario(scenario, { variant, memoryModel, strategy, runs: 60 });
      expect([outcome.failure?.title, outcome.token]).toEqual([undefined, undefined]);
    }
  },
);

test.each(BAD.map((row) => [row.scenario.name, row.variant, row.model, row] as const))(
  '%s %s is found under %s too',
  (_name, variant, memoryModel, { scenario, kinds }) => {
    const outcome = exploreScenario(scenario, { variant, memoryModel, runs: 3_000 });
    expect(outcome.kinds).toEqual(expect.arrayContaining([...kinds]));
  },
);

/**
 * Message passing: the writer fills one of two cells, then says which; the reader looks which it
 * is, then into it, at an address made of what it saw, or at one that it knows anyway.
 */
const CELL = 16;
const INDEX = 8;
const WRITER = `
  r1 = 0 ll
  *(u64 *)(r1 +${CELL}) = 7
  r2 = 0
  r2 = atomic64_fetch_add((u64 *)(r1 +24), r2)
  *(u64 *)(r1 +${INDEX}) = ${CELL}
  r0 = 0
  exit`;
const READER = (at: 'dependent' | 'known') => `
  r1 = 0 ll
  r6 = *(u64 *)(r1 +${INDEX})
  r6 &= ${CELL}
  r2 = r1
  r2 += ${at === 'dependent' ? 'r6' : CELL}
  r0 = *(u64 *)(r2 +0)
  r6 <<= 8
  r0 |= r6
  exit`;

function messagePassing(at: 'dependent' | 'known') {
  const code = (text: string, map: number): Uint8Array =>
    encodeProgram(
      assemble(text).map((insn) =>
        insn?.kind === 'ld_imm64' ? { ...insn, from: 'map_value', imm: map, next: 0 } : insn,
      ),
    );
  const runs = (text: string): Body =>
    function* (p) {
      const { calls } = p;
      const type = PROG_TYPE.RAW_TRACEPOINT;
      const insns = code(text, 30);
      const { fd } = yield* calls.progLoad({ type, insns, license: 'GPL', name: 'mp' });
      const { retval } = yield* calls.testRun(p.ok(fd));
      p.note(p.path, retval);
    };
  return scenario({
    name: 'message-passing',
    about: 'what is reached through an index is there',
    *setup(init) {
      const fd = yield* init.calls.mapCreate({
        type: MAP_TYPE.ARRAY,
        keySize: 4,
        valueSize: 32,
        maxEntries: 1,
      });
      init.ok(yield* init.dup2(init.ok(fd), 30));
    },
    processes: { writer: runs(WRITER), reader: runs(READER(at)) },
    finally: { 'the cell is filled': ({ notes }) => notes.get('reader') !== CELL << 8 },
  });
}

test.each([
  ['known', 'sc', 'clean'],
  ['known', 'tso', 'clean'],
  ['known', 'weak', 'failure'],
  ['dependent', 'weak', 'clean'],
] as const)('BPF: an address that is %s, under %s: %s', (at, memoryModel, verdict) => {
  for (const strategy of ['random', 'auto']) {
    const options = { memoryModel, strategy, runs: 1_500 };
    expect(exploreScenario(messagePassing(at), options).verdict).toBe(verdict);
  }
});

test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
  '%s: two runs of one schedule are the same under weak',
  (_name, scenario) => {
    const options = { memoryModel: 'weak', strategy: 'twice:random', runs: 15 } as const;
    expect(exploreScenario(scenario, options).kinds).not.toContain('divergence');
  },
);
