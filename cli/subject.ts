import { faultsOfHeader, type FaultKind } from '../kernel/faults.ts';
import type { Profile } from '../kernel/profile.ts';
import { PROFILES } from '../kernel/profile.ts';
import { PROGRAM_PREFIX } from '../scenarios/fuzz/prefix.ts';
import type { Scenario, Variant } from '../scenarios/index.ts';
import { policyHeader, policyOfHeader, underPolicy } from '../scenarios/policy.ts';
import { memoryModelByName, type MemoryModelName } from '../sim/memory-model.ts';
import { encodeToken, type Token, type TokenHeader } from '../sim/token.ts';
import type { NamedDeviation } from '../sim/names.ts';
import type { Schedule } from '../sim/schedule.ts';
import type { Catalog, World } from './catalog.ts';
import type { Io } from './command.ts';
import { guarded } from './guard.ts';
import { unknown, type SubjectFlags } from './options.ts';
import {
  checkedScenario,
  isScenarioPath,
  loadScenario,
  type LoadedScenario,
} from './scenario-file.ts';

export type Mode = TokenHeader['mode'];

/** What is run: a scenario in one of its variants, in one kernel. */
export interface Subject {
  readonly catalog: Catalog;
  readonly scenario: Scenario;
  /** What the user calls it, and tokens: a registered name or a path. */
  readonly ref: string;
  /** Of the user's file; undefined for what is registered. */
  readonly sourceHash?: string;
  readonly variantName: string;
  readonly variant: Variant;
  readonly profile: Profile;
  /** Those that were asked for, on top of the variant's own. */
  readonly extraMutations: readonly string[];
  /** Those that were asked for, on top of the scenario's own. */
  readonly extraFaults: readonly FaultKind[];
  readonly memoryModel: MemoryModelName;
  /** What was asked for to stop programs that overrun; none: what the variant says. */
  readonly policy: readonly string[];
}

export async function subjectOf(
  ref: string,
  flags: SubjectFlags,
  io: Io,
  /** Told as soon as it is known what will run: before the kernel is loaded. */
  announce: (chosen: Omit<Subject, 'catalog'>) => void = () => {},
): Promise<Subject> {
  const loaded = await loadedOf(ref, io);
  const { scenario } = loaded;
  const variantName = flags.variant ?? scenario.defaultVariant;
  if (!Object.hasOwn(scenario.variants, variantName)) {
    const what = `variant of ${scenario.name}:`;
    throw unknown(what, variantName, Object.keys(scenario.variants));
  }
  const { policy = [] } = flags;
  const variant = underPolicy(scenario.variants[variantName]!, policy);
  const chosen = {
    ...loaded,
    ref,
    variantName,
    variant,
    profile: flags.profile ?? variant.profile ?? scenario.profile,
    extraMutations: (flags.mutate ?? []).filter((name) => !variant.mutations.includes(name)),
    extraFaults: flags.fault ?? [],
    memoryModel: flags.memoryModel ?? variant.memoryModel ?? 'sc',
    policy,
  };
  announce(chosen);
  return { ...chosen, catalog: await io.loadCatalog() };
}

/** A program by its own name, a file, or one that is registered. */
async function loadedOf(
  ref: string,
  io: Io,
): Promise<Partial<LoadedScenario> & { scenario: Scenario }> {
  if (ref.startsWith(PROGRAM_PREFIX)) {
    const { programScenario } = await import('../scenarios/fuzz/worlds.ts');
    return { scenario: programScenario(ref) };
  }
  if (isScenarioPath(ref)) return loadChecked(ref, await io.loadCatalog(), io);
  return { scenario: (await io.loadRegistry()).findScenario(ref) };
}

async function loadChecked(path: string, catalog: Catalog, io: Io): Promise<LoadedScenario> {
  const { scenario, sourceHash } = await loadScenario(path, io);
  return { scenario: checkedScenario(scenario, path, catalog.scenario), sourceHash };
}

/** What a token was made of. */
export async function subjectOfToken(header: TokenHeader, io: Io): Promise<Subject> {
  const { scenario, variant, mutations } = header;
  const memoryModel = memoryModelByName(header.memoryModel);
  const fault = faultsOfHeader(header);
  const profile = PROFILES.find((name) => name === header.profile);
  if (profile === undefined) throw unknown('profile', header.profile, PROFILES);
  const policy = policyOfHeader(header);
  const flags = { variant, profile, mutate: mutations, fault, memoryModel, policy };
  return subjectOf(scenario, flags, io);
}

/** A kernel with the scenario set up in it. */
export function worldOf(subject: Subject, mode: Mode): World {
  const { catalog, scenario, variantName, profile, extraMutations, memoryModel } = subject;
  const { extraFaults: faults, policy } = subject;
  const options = {
    variant: variantName,
    profile,
    mutations: extraMutations,
    mode,
    memoryModel,
    faults,
    policy,
  };
  return guarded(
    () => new catalog.World(scenario, options),
    () => `the setup of scenario ${scenario.name}`,
  );
}

/** `process A of scenario x`: who runs in the world at this moment. */
export function runningIn(world: World, subject: Subject): string {
  const path = world.kernel.machine.engine.fiber?.path;
  const scenario = `scenario ${subject.scenario.name}`;
  return path === undefined ? scenario : `process ${path} of ${scenario}`;
}

function headerOf(subject: Subject, mode: Mode): TokenHeader {
  const { ref, variantName, profile, extraMutations, extraFaults, memoryModel } = subject;
  const options = {
    ...(extraFaults.length > 0 ? { faults: extraFaults.join() } : {}),
    ...policyHeader(subject.policy),
  };
  return {
    scenario: ref,
    variant: variantName,
    profile,
    mutations: extraMutations,
    mode,
    memoryModel,
    ...(Object.keys(options).length > 0 ? { options } : {}),
  };
}

/** With the names of its deviations, where there are any, so that it survives an edit. */
export function scheduleToken(
  subject: Subject,
  mode: Mode,
  schedule: Schedule,
  names: readonly NamedDeviation[] = [],
): string {
  const header = headerOf(subject, mode);
  const named = names.length > 0 ? { names } : {};
  return encodeToken({ form: 'schedule', header, schedule, ...named });
}

/** A run by its number, which is short however long the run. */
export function seedToken(
  subject: Subject,
  mode: Mode,
  how: Pick<Token & { form: 'seed' }, 'strategy' | 'seed' | 'run'>,
): string {
  return encodeToken({ form: 'seed', header: headerOf(subject, mode), ...how });
}
