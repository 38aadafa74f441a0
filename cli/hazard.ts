import type { Profile } from '../kernel/profile.ts';
import type { Scenario } from '../scenarios/index.ts';
import type { RunResult } from '../sim/model.ts';
import type { World } from './catalog.ts';
import type { Io } from './command.ts';
import { planOf } from './plan.ts';
import { rerun, search, shrinkFound } from './search.ts';
import { scheduleToken, worldOf, type Mode, type Subject } from './subject.ts';

/** What came of searching one variant. */
export interface VariantRow {
  readonly variant: string;
  /** What it states; empty: every schedule is clean. */
  readonly expectedKinds: readonly string[];
  /** What was found; empty: clean. */
  readonly kinds: readonly string[];
  readonly ok: boolean;
  readonly exhausted: boolean;
  readonly runs: number;
  readonly shrunkToken: string | null;
  readonly wallMs: number;
}

/** A hazard; with --json, a line. */
export interface HazardRow {
  readonly hazard: string;
  readonly name: string;
  readonly profile: string;
  /** The first variant that states failures; null where there is none. */
  readonly bad:
    | (Pick<VariantRow, 'expectedKinds' | 'runs' | 'shrunkToken'> & {
        readonly found: boolean;
      })
    | null;
  /** The first variant that states a clean run. */
  readonly good: (Pick<VariantRow, 'exhausted' | 'runs'> & { readonly clean: boolean }) | null;
  /** Whether all variants came out as stated. */
  readonly ok: boolean;
  readonly variants: readonly VariantRow[];
  readonly wallMs: number;
}

export interface HazardOptions {
  readonly runsMax: number;
  readonly timeMaxMs: number;
  readonly seed: number;
  readonly profile?: Profile;
  readonly strategy?: string;
}

/** A hazard's row, from those of its variants. */
export function hazardRow(
  scenario: Scenario,
  variants: readonly VariantRow[],
  profile: Profile | undefined,
): HazardRow {
  const bad = variants.find(({ expectedKinds }) => expectedKinds.length > 0);
  const good = variants.find(({ expectedKinds }) => expectedKinds.length === 0);
  return {
    hazard: scenario.hazard!,
    name: scenario.name,
    profile: profile ?? scenario.profile,
    bad:
      bad === undefined
        ? null
        : {
            expectedKinds: bad.expectedKinds,
            found: bad.ok,
            runs: bad.runs,
            shrunkToken: bad.shrunkToken,
          },
    good:
      good === undefined
        ? null
        : {
            clean: good.kinds.length === 0,
            exhausted: good.exhausted,
            runs: good.runs,
          },
    ok: variants.every(({ ok }) => ok),
    variants,
    wallMs: variants.reduce((sum, { wallMs }) => sum + wallMs, 0),
  };
}

/** One variant to search. */
export interface VariantTask {
  readonly scenario: string;
  readonly variant: string;
  readonly options: HazardOptions;
}

/** What a thread that has searched one says. */
export type Answer =
  | { readonly row: VariantRow }
  | { readonly error: Error; readonly isInput: boolean };

export async function searchVariant(task: VariantTask, io: Io): Promise<VariantRow> {
  const { variant: variantName, options } = task;
  const beganMs = io.nowMs();
  const catalog = await io.loadCatalog();
  const scenario = catalog.findScenario(task.scenario);
  const variant = scenario.variants[variantName]!;
  const subject: Subject = {
    catalog,
    scenario,
    ref: scenario.name,
    variantName,
    variant,
    profile: options.profile ?? variant.profile ?? scenario.profile,
    extraMutations: [],
    extraFaults: [],
    policy: [],
    memoryModel: variant.memoryModel ?? 'sc',
  };
  const { mode, strategy } = planOf(subject, options.strategy, options.seed);
  const world = worldOf(subject, mode);
  const outcome = await search(
    {
      subject,
      world,
      strategy,
      runsMax: options.runsMax,
      timeMaxMs: options.timeMaxMs,
      isFound: catalog.isFound(variant),
      label: `${scenario.hazard} ${variantName}`,
    },
    io,
  );
  const { found } = outcome;
  const shrunk =
    found && mode === 'explore'
      ? (await shrinkFound(subject, world, found, io)).result
      : found?.result;
  return {
    variant: variantName,
    expectedKinds: variant.expect,
    kinds: [...new Set(shrunk?.failures.map(({ kind }) => kind))],
    ok: found
      ? catalog.expected(variant, found.result)
      : variant.expect.length === 0 && !io.isInterrupted(),
    exhausted: outcome.exhausted,
    runs: outcome.runs,
    shrunkToken: shrunk ? tokenOf(subject, world, mode, shrunk) : null,
    wallMs: Math.round(io.nowMs() - beganMs),
  };
}

const NAMELESS = { names: [] };

function tokenOf(subject: Subject, world: World, mode: Mode, { schedule }: RunResult): string {
  const { names } = schedule.at.length > 0 ? rerun(subject, world, { schedule }) : NAMELESS;
  return scheduleToken(subject, mode, schedule, names);
}
