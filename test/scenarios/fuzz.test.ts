/** Programs as data, campaigns over them, and what is left of a failing one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../base/errors.ts';
import { explore } from '../../sim/explore.ts';
import { primaryFailure } from '../../sim/model.ts';
import { Auto } from '../../sim/strategies/auto.ts';
import { Dpor } from '../../sim/strategies/dpor.ts';
import { cases, smallPrograms } from '../../scenarios/fuzz/arbitraries.ts';
import {
  afterRound,
  FRESH,
  nextRound,
  runUnit,
  type CampaignState,
} from '../../scenarios/fuzz/campaign.ts';
import { callCount, parseProgramRef, programRef } from '../../scenarios/fuzz/program.ts';
import { shrinkProgram } from '../../scenarios/fuzz/shrink-program.ts';
import { programScenario, ProgramWorlds } from '../../scenarios/fuzz/worlds.ts';
import { World } from '../../scenarios/world.ts';

describe('a program as one word', () => {
  test('says all of it', () => {
    fc.assert(
      fc.property(fc.oneof(smallPrograms, cases), (program) => {
        const { profile, cpus, shared, faults, processes } = program;
        const same = { profile, cpus, shared, faults, processes };
        expect(parseProgramRef(programRef(program))).toEqual(same);
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  test('runs as it does among other programs', () => {
    const worlds = new ProgramWorlds();
    for (const program of fc.sample(smallPrograms, { seed: 5, numRuns: 12 })) {
      const options = { strategy: new Auto({ seed: 1 }), runsMax: 4, isFound: () => false };
      const among = explore(worlds.model(program), options);
      const alone = new World(programScenario(programRef(program)));
      const strategy = new Auto({ seed: 1 });
      expect(explore(alone, { ...options, strategy }).steps).toBe(among.steps);
    }
  });

  test.each([
    ['fuzz/', "kernel ''"],
    ['fuzz/v7.2', 'expected 2s'],
    ['fuzz/v7.2/9', 'expected 2s'],
    ['fuzz/v7.2/2', 'no process'],
    ['fuzz/v7.2/2/close.1', 'stands in no body'],
    ['fuzz/v7.2/2/A/--close.1', 'stands in no body'],
    ['fuzz/v7.2/2/A/nope', "no call 'nope'"],
    ['fuzz/v7.2/2/A/close.1e3', 'arguments of'],
    ['fuzz/v7.2/2/A/__proto__', "no call '__proto__'"],
    [`fuzz/v7.2/2/A${'/close.1'.repeat(1_000)}`, 'at most 200'],
  ])('%s is refused', (ref, message) => {
    expect(() => parseProgramRef(ref)).toThrow(InputError);
    expect(() => parseProgramRef(ref)).toThrow(message);
  });
});

/** So many rounds of a campaign; the failures found, by key. */
function campaign(mutations: readonly string[], rounds: number, from: CampaignState = FRESH) {
  const worlds = new ProgramWorlds({ mutations });
  let state = from;
  const found = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    // The order in which units are done does not matter.
    const units = nextRound(state, 1).toReversed();
    const after = afterRound(
      state,
      units.map((unit) => runUnit(unit, worlds)),
    );
    ({ state } = after);
    for (const { key, program } of after.found) found.set(key, program);
  }
  return { state, found };
}

describe('a campaign', () => {
  test('goes on from its state as if it had not stopped', () => {
    const whole = campaign([], 2);
    const half = campaign([], 1);
    const rest = campaign([], 1, JSON.parse(JSON.stringify(half.state)) as CampaignState);
    expect(rest.state).toEqual(whole.state);
    expect([...half.found, ...rest.found]).toEqual([...whole.found]);
  }, 60_000);

  test('shards do not do the same units', () => {
    const seeds = [0, 1, 2].flatMap((index) =>
      nextRound(FRESH, 1, { index, of: 3 }).map(({ seed }) => seed),
    );
    expect(new Set(seeds).size).toBe(seeds.length);
  });
});

describe('shrinking a program with its schedule', () => {
  test.each([
    [
      'dup2.skip-reserved',
      'fuzz/v7.2/3s/A/eventfd.0.0/close.1/dup.0/B/fcntl.0.1.0/dup2.0.1/C/read.2/fork/-close.0',
      4,
    ],
    [
      'fdget.hoist-slot',
      'fuzz/v7.2/3s/A/setuid/fcntl.1.5.0/B/close.1/dup.0/fork/-close.2/C/read.2/pipe.0',
      3,
    ],
  ])(
    '%s',
    (mutation, ref, callsMax) => {
      const worlds = new ProgramWorlds({ mutations: [mutation] });
      const program = parseProgramRef(ref);
      const { found } = explore(worlds.model(program), {
        strategy: new Auto({ seed: 1, fewestFirst: 2_000 }),
        runsMax: 4_000,
        isFound: ({ failures }) => failures.some(({ kind }) => kind !== 'borrow-rule'),
      });
      const shrunk = shrinkProgram(worlds, { program, result: found!.result });
      expect(primaryFailure(shrunk.result)!.kind).toBe(primaryFailure(found!.result)!.kind);
      expect(callCount(shrunk.program), programRef(shrunk.program)).toBeLessThanOrEqual(callsMax);
      expect(shrunk.result.schedule.at.length).toBeLessThanOrEqual(4);
      expect(shrunk.minimal).toBe(true);
    },
    60_000,
  );
});

test('which page comes next depends on how many are waited for: DPOR sees that', () => {
  const program = parseProgramRef(
    'fuzz/v7.2/3/A/closemount_slow.6.6/eventfd.0.0/dup2.0.0/B/closemount_slow.6.6/dup2.0.1/' +
      'closemount_slow.6.1/C/dup2.1.0/dup2.0.1/dup2.1.0/closemount_slow.6.6',
  );
  const worlds = new ProgramWorlds({ mutations: ['close_fd.synchronous'] });
  const { runs } = explore(worlds.model(program), {
    strategy: new Dpor(),
    runsMax: 300,
    isFound: () => false,
  });
  expect(runs).toBe(300);
});
