import { InputError } from '../base/errors.ts';
import type { PolicyName } from '../bpf/protect/names.ts';
import { selectionOf } from '../bpf/protect/settings.ts';
import { FAILURE_KINDS, type FailureKind } from '../sim/failure.ts';
import { MEMORY_MODELS, type MemoryModelName } from '../sim/memory-model.ts';
import type { Sim } from '../sim/request.ts';
import { FAULT_KINDS, type FaultKind } from '../kernel/faults.ts';
import { NR_CPUS } from '../kernel/cpu.ts';
import { DEFAULT_PROFILE, PROFILES, type Profile } from '../kernel/profile.ts';
import { MUTATIONS } from '../kernel/mutations.ts';
import type { Proc } from './proc.ts';

/** What a process does: a generator that calls `yield* p.close(6)`. Its number is the exit code. */
export type Body = (p: Proc) => Sim<number | void>;

/** One way to run a scenario, and what must come of it. */
export interface Variant {
  readonly about: string;
  /** Deliberate bugs, or fixes, of the kernel: kernel/mutations.ts. */
  readonly mutations: readonly string[];
  /** Where it differs from the scenario's. */
  readonly profile?: Profile;
  readonly cpus?: number;
  /** How marked accesses may be seen where nobody says otherwise; default `sc`. */
  readonly memoryModel?: MemoryModelName;
  /** What stops programs that overrun, as --policy says it; none: nothing does. */
  readonly policy: readonly string[];
  /** What is stated instead where somebody asks for another policy, by its name. */
  readonly expectUnder: Readonly<
    Partial<Record<PolicyName, Pick<Variant, 'expect'> & Partial<Pick<Variant, 'also'>>>>
  >;
  /** The failures that must be found; none: every schedule is clean. */
  readonly expect: readonly FailureKind[];
  /** Other failures of the same bug, that some schedules show first or as well. */
  readonly also: readonly FailureKind[];
}

/** A named question put to the state: false is a failure of kind `invariant`. */
export type Invariants = Readonly<Record<string, (view: WorldView) => boolean>>;

/** What invariants may look at. */
export interface WorldView {
  /** Whatever setup() or the processes put there; fresh for each run. */
  readonly notes: Map<string, unknown>;
  /**
   * What wait4() reports of each process that has ended, by its path: exit code << 8, or signal.
   */
  readonly exits: ReadonlyMap<string, number>;
}

export interface ScenarioDefinition {
  /** Lower case with dashes: what the command line and tokens call it. */
  readonly name: string;
  /** One line. */
  readonly about: string;
  /** The hazard of the specs that it reproduces: `00-H1`. */
  readonly hazard?: string;
  /** Default: one for each process. */
  readonly cpus?: number;
  readonly profile?: Profile;
  /**
   * Runs first, alone, as init (pid 1). Processes are forked by `yield* init.start('A')`, and
   * inherit what init has open at that point; those not started by then are, at its end.
   */
  readonly setup?: (init: Proc) => Sim<void>;
  /** By name: A on CPU 0, the next on CPU 1, and so on. */
  readonly processes: Readonly<Record<string, Body>>;
  /** Programs that can be executed, by path. */
  readonly images?: Readonly<Record<string, Body>>;
  /** By name; the first is the default. Without any: one called `only`, which must be clean. */
  readonly variants?: Readonly<Record<string, Partial<Variant> & Pick<Variant, 'about'>>>;
  /** Checked at the end of each run that has no failure. */
  readonly finally?: Invariants;
  /** Checked after each system call. */
  readonly always?: Invariants;
  /** Steps after which a run counts as endless; default 200,000. */
  readonly stepsMax?: number;
  /** What may go wrong, as a choice at each place where it can: kernel/faults.ts. */
  readonly faults?: readonly FaultKind[];
  /** Whether the race monitor listens; default false. */
  readonly races?: boolean;
  /**
   * Whether it is about time: what a search makes of it is its one run in simulated time, in which
   * the watchdogs live. Default false.
   */
  readonly timed?: boolean;
}

export interface Scenario extends Omit<ScenarioDefinition, 'variants'> {
  readonly cpus: number;
  readonly profile: Profile;
  readonly variants: Readonly<Record<string, Variant>>;
  readonly defaultVariant: string;
  /** Marks what scenario() has checked. */
  readonly isScenario: true;
}

/** Processes of one scenario: each takes a task, a table and an address space in 32 MiB. */
const PROCESSES_MAX = 64;

/**
 * Checks a scenario and fills in its defaults. Throws InputError: what is wrong, and what is
 * expected.
 */
export function scenario(definition: ScenarioDefinition): Scenario {
  const { name } = definition;
  expect(
    typeof name === 'string' && /^[a-z0-9][a-z0-9-]{0,63}$/.test(name),
    `scenario name ${show(name)}: expected lower-case letters, digits and dashes`,
  );
  const wrong = (what: string): string => `scenario ${name}: ${what}`;
  expect(typeof definition.about === 'string', wrong('about is missing: expected one line'));
  const processes = Object.keys(definition.processes ?? {});
  expect(processes.length >= 1, wrong('no processes'));
  expect(
    processes.length <= PROCESSES_MAX,
    wrong(`${processes.length} processes, expected at most ${PROCESSES_MAX}`),
  );
  for (const [key, body] of Object.entries(definition.processes)) {
    expect(/^[A-Za-z_]\w{0,14}$/.test(key), wrong(`process name ${show(key)}: expected a word`));
    expect(typeof body === 'function', wrong(`process ${key} is no function`));
  }
  const cpus = definition.cpus ?? Math.min(processes.length, NR_CPUS);
  expect(
    Number.isInteger(cpus) && cpus >= 1 && cpus <= NR_CPUS,
    wrong(`cpus ${show(cpus)}, expected 1 to ${NR_CPUS}`),
  );
  for (const kind of definition.faults ?? []) {
    const known = FAULT_KINDS.join(', ');
    expect(FAULT_KINDS.includes(kind), wrong(`faults: ${show(kind)}, expected any of ${known}`));
  }
  const profile = definition.profile ?? DEFAULT_PROFILE;
  expect(
    (PROFILES as readonly string[]).includes(profile),
    wrong(`profile ${show(profile)}, expected ${PROFILES.join(' or ')}`),
  );
  const variants: Record<string, Variant> = {};
  const given = Object.entries(definition.variants ?? { only: { about: 'as it stands' } });
  expect(given.length >= 1, wrong('no variants, expected none at all or one or more'));
  for (const [key, variant] of given) variants[key] = checkVariant(wrong, key, variant);
  return { ...definition, cpus, profile, variants, defaultVariant: given[0]![0], isScenario: true };
}

function checkVariant(
  wrong: (what: string) => string,
  key: string,
  variant: Partial<Variant> & Pick<Variant, 'about'>,
): Variant {
  const mutations = variant.mutations ?? [];
  for (const mutation of mutations) {
    expect(
      MUTATIONS.some((row) => row.name === mutation),
      wrong(`variant ${key}: unknown mutation ${show(mutation)}`),
    );
  }
  const kinds = variant.expect ?? [];
  const also = variant.also ?? [];
  for (const kind of [...kinds, ...also]) {
    expect(
      (FAILURE_KINDS as readonly string[]).includes(kind),
      wrong(`variant ${key}: unknown failure kind ${show(kind)}`),
    );
  }
  const { profile, memoryModel, policy = [], expectUnder = {}, cpus = 1 } = variant;
  expect(
    Number.isInteger(cpus) && cpus >= 1 && cpus <= NR_CPUS,
    wrong(`variant ${key}: cpus ${show(cpus)}, expected 1 to ${NR_CPUS}`),
  );
  selectionOf(policy); // complains
  expect(
    memoryModel === undefined || MEMORY_MODELS.includes(memoryModel),
    wrong(`variant ${key}: memoryModel ${show(memoryModel)}, expected ${MEMORY_MODELS.join(', ')}`),
  );
  expect(
    profile === undefined || PROFILES.includes(profile),
    wrong(`variant ${key}: profile ${show(profile)}, expected ${PROFILES.join(' or ')}`),
  );
  return {
    about: variant.about,
    mutations,
    policy,
    expectUnder,
    expect: kinds,
    also,
    ...(profile ? { profile } : {}),
    ...(variant.cpus === undefined ? {} : { cpus: variant.cpus }),
    ...(memoryModel ? { memoryModel } : {}),
  };
}

function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InputError(message);
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 40)}'` : String(value);
}
