import { expect, test } from 'vitest';
import { InputError } from '../../base/errors.ts';
import { MUTATIONS } from '../../kernel/mutations.ts';
import { findScenario, SCENARIOS } from '../../scenarios/registry.ts';

test('every scenario has a name of its own, and is found by it', () => {
  const names = SCENARIOS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const scenario of SCENARIOS) expect(findScenario(scenario.name)).toBe(scenario);
});

test('an unknown name suggests the nearest', () => {
  expect(() => findScenario('viro-plane')).toThrow(InputError);
  expect(() => findScenario('viro-plane')).toThrow('did you mean viro-plain?');
  expect(() => findScenario('zzzzzzzzzzzzzzz')).toThrow('bohrbug list');
});

/** By spec: the numbers of its hazards that have a scenario. */
const HAZARDS: Readonly<Record<string, readonly number[]>> = {
  '00': [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  '03': [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  '05': [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
};

test('each hazard of the specs has one scenario, with what is found and what is clean', () => {
  const hazards = SCENARIOS.flatMap(({ hazard }) => hazard ?? []);
  expect(hazards.toSorted()).toEqual(
    Object.entries(HAZARDS)
      .flatMap(([spec, numbers]) => numbers.map((number) => `${spec}-H${number}`))
      .toSorted(),
  );
  for (const { hazard, variants, name } of SCENARIOS) {
    if (hazard === undefined) continue;
    expect(Object.keys(variants), name).toEqual(expect.arrayContaining(['bad', 'good']));
    expect(variants['bad']!.expect, name).not.toEqual([]);
    expect(variants['good']!.expect, name).toEqual([]);
  }
});

test('a variant named good is clean, one named bad is not', () => {
  for (const { name, variants } of SCENARIOS) {
    for (const [key, variant] of Object.entries(variants)) {
      if (key.startsWith('good')) expect(variant.expect, `${name} ${key}`).toEqual([]);
      if (key.startsWith('bad')) expect(variant.expect, `${name} ${key}`).not.toEqual([]);
    }
  }
});

test('every mutation of the table is used by a scenario of its hazard', () => {
  for (const { name, kind, hazard } of MUTATIONS) {
    if (kind === 'feature') continue; // comparisons ask for those as well
    const users = SCENARIOS.filter(({ variants }) =>
      Object.values(variants).some(({ mutations }) => mutations.includes(name)),
    );
    // Of a requirement, not a hazard: any scenario.
    const wanted = /^\d\d-H/.test(hazard) ? hazard : users[0]?.hazard;
    expect(users.length, name).toBeGreaterThan(0);
    expect(
      users.map((user) => user.hazard),
      name,
    ).toContain(wanted);
  }
});
