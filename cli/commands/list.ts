import pc from 'picocolors';
import { POLICY_NAMES } from '../../bpf/protect/names.ts';
import type { POLICIES } from '../../bpf/protect/policies.ts';
import { FAULTS } from '../../kernel/faults.ts';
import { MUTATIONS } from '../../kernel/mutations.ts';
import { DEFAULT_PROFILE, PROFILES } from '../../kernel/profile.ts';
import type { Scenario } from '../../scenarios/index.ts';
import { ABOUT_MODELS, MEMORY_MODELS } from '../../sim/memory-model.ts';
import { STRATEGIES } from '../../sim/strategies/by-name.ts';
import { EXIT, type Command, type Io } from '../command.ts';
import { parse, parser } from '../options.ts';
import { table } from '../render/text.ts';

const SUMMARY =
  'scenarios with their variants, strategies, profiles, mutations, policies, faults and memory ' +
  'models';

const MODELS = MEMORY_MODELS.map((name) => ({ name, about: ABOUT_MODELS[name] }));

type Policies = typeof POLICIES;

export const listCommand: Command = {
  name: 'list',
  summary: 'scenarios, strategies, profiles, mutations, policies, faults, memory models',
  async run(args, io) {
    const flags = parse(
      parser('list', SUMMARY, 'bohrbug list --json', io).option('--json', 'one JSON document'),
      args,
    )?.opts<{ json?: boolean }>();
    if (flags === undefined) return EXIT.expected;
    const { SCENARIOS: scenarios } = await io.loadRegistry();
    const { POLICIES } = await import('../../bpf/protect/policies.ts');
    io.out(
      flags.json
        ? JSON.stringify(listJson(scenarios, POLICIES))
        : listText(scenarios, POLICIES, io),
    );
    return EXIT.expected;
  },
};

function listJson(scenarios: readonly Scenario[], policies: Policies) {
  return {
    scenarios: scenarios.map((scenario) => ({
      name: scenario.name,
      about: scenario.about,
      hazard: scenario.hazard ?? null,
      cpus: scenario.cpus,
      profile: scenario.profile,
      variants: Object.entries(scenario.variants).map(([name, variant]) => ({
        name,
        about: variant.about,
        mutations: variant.mutations,
        profile: variant.profile ?? scenario.profile,
        expect: variant.expect,
      })),
    })),
    strategies: STRATEGIES.map(({ name, usage, about }) => ({ name, usage, about })),
    profiles: PROFILES.map((name) => ({ name, default: name === DEFAULT_PROFILE })),
    mutations: MUTATIONS,
    policies: POLICY_NAMES.map((name) => {
      const { source, about } = policies[name];
      return { name, source, about };
    }),
    faults: FAULTS,
    memoryModels: MODELS,
  };
}

function listText(scenarios: readonly Scenario[], policies: Policies, io: Io): string {
  const { bold, dim } = pc.createColors(io.hasColor);
  const section = (title: string, rows: readonly (readonly string[])[]) => [
    bold(title),
    ...table(rows).map((line) => `  ${line}`),
    '',
  ];
  const heads = table(scenarios.map(({ name, hazard = '', about }) => [name, hazard, about]));
  const indent = ' '.repeat(4);
  return [
    bold('Scenarios'),
    ...scenarios.flatMap(({ variants }, i) => [
      `  ${heads[i]!}`,
      ...table(
        Object.entries(variants).map(([name, variant]) => [
          name,
          expectationOf(variant.expect),
          variant.about,
        ]),
      ).map((line) => dim(indent + line)),
    ]),
    '',
    ...section(
      'Strategies',
      STRATEGIES.map(({ usage, about }) => [usage, about]),
    ),
    ...section(
      'Profiles',
      PROFILES.map((name) => [name, name === DEFAULT_PROFILE ? 'the default' : '']),
    ),
    ...section(
      'Mutations',
      MUTATIONS.map((row) => [row.name, row.kind, row.hazard, row.about]),
    ),
    ...section(
      'Policies',
      POLICY_NAMES.map((name) => [name, policies[name].source, policies[name].about]),
    ),
    ...section(
      'Faults',
      FAULTS.map(({ name, about }) => [name, about]),
    ),
    ...section(
      'Memory models',
      MODELS.map(({ name, about }) => [name, about]),
    ),
  ]
    .join('\n')
    .trimEnd();
}

function expectationOf(kinds: readonly string[]): string {
  return kinds.length === 0 ? 'clean' : kinds.join(', ');
}
