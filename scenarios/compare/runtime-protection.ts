import { POLICY_NAMES, type PolicyName } from '../../bpf/protect/names.ts';
import { POLICIES } from '../../bpf/protect/policies.ts';
import { errnoText } from '../../kernel/errno.ts';
import type { RunResult } from '../../sim/model.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import { scenario } from '../dsl.ts';
import { loader, type Bomb } from '../protection/bomb.ts';
import { Courses, type Course } from '../protection/course.ts';
import { World } from '../world.ts';
import { BOMB_KINDS, TRIALS, type BombKind, type Trial } from './rivals.ts';

/** What became of one bomb under one policy: measured in one run in simulated time. Spec 03 R36. */
export interface TrialResult extends Omit<Course, 'policy' | 'runCount'> {
  /** What is special about this trial; '' nothing. */
  readonly where: string;
  /** The last line of the verifier's log, where the kernel did not load the program; '' it did. */
  readonly rejected: string;
  /** How others who wanted what it held came out of it: -ETIMEDOUT, say; '' nobody did. */
  readonly waiters: string;
}

export interface PolicyRow {
  readonly policy: PolicyName;
  readonly about: string;
  readonly source: 'kernel' | 'proposal';
  readonly trials: Readonly<Record<BombKind, readonly TrialResult[]>>;
}

export interface RuntimeProtection {
  readonly comparison: 'runtime-protection';
  readonly rows: readonly PolicyRow[];
}

/** Tries every policy with every bomb. `only`: those policies. */
export function compareRuntimeProtection(
  only: readonly PolicyName[] = POLICY_NAMES,
): RuntimeProtection {
  const rows = only.map((policy): PolicyRow => {
    const { about, source } = POLICIES[policy];
    const trials = Object.fromEntries(
      BOMB_KINDS.map((kind) => [kind, TRIALS[policy][kind].map((each) => tried(policy, each))]),
    ) as Record<BombKind, TrialResult[]>;
    return { policy, about, source, trials };
  });
  return { comparison: 'runtime-protection', rows };
}

function worldOf(policy: PolicyName, bomb: Bomb): World {
  const made = scenario({
    name: 'compared-bomb',
    about: bomb.program,
    cpus: 2,
    timed: true,
    stepsMax: 2_000_000,
    processes: { loader: loader(bomb) },
  });
  return new World(made, { policy: [policy] });
}

function tried(policy: PolicyName, { bomb, where = '' }: Trial): TrialResult {
  const world = worldOf(policy, bomb);
  const courses = new Courses(world);
  const result = world.run(new Stay());
  const course = courses.all(result).find(({ program }) => program === bomb.program);
  return {
    ...(course ?? neverRan(bomb.program, result)),
    where,
    rejected: rejection(result),
    waiters: waitersOf(world, bomb),
  };
}

function neverRan(program: string, { failures }: RunResult): Omit<Course, 'policy' | 'runCount'> {
  return {
    program,
    detectedBy: 'nobody',
    detectedAfterNs: null,
    stoppedAfterNs: null,
    leaked: '',
    failures: [],
    cpusLost: 0,
    seen: failures[0]?.title.split('\n')[0] ?? '',
    operationsPerAcquire: 0,
    longestHolds: [],
  };
}

/** The loader ends where the verifier refuses: its log is what breaks the run. */
function rejection({ failures }: RunResult): string {
  const found = failures.find(({ title }) => title.includes('is not loaded'));
  const lines = found?.title.trim().split('\n') ?? [];
  return lines.at(-1)?.startsWith('processed') ? lines.at(-2)! : (lines.at(-1) ?? '');
}

/** What the last of those who wanted the lock has got. */
function waitersOf(world: World, { also = [] }: Bomb): string {
  if (!also.includes('waiter')) return '';
  const waited = world.notes.get('waited');
  return typeof waited === 'number' ? errnoText(waited) : '';
}
