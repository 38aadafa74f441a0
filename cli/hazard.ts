import type { Profile } from '../kernel/profile.ts';
import type { Scenario } from '../scenarios/index.ts';
import { loadCatalog } from './catalog.ts';
import type { Io } from './command.ts';
import { makeStrategy } from './plan.ts';
import { search, shrinkFound } from './search.ts';
import { scheduleToken, worldOf, type Subject } from './subject.ts';

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

/** Searches every variant of a hazard. */
export async function hazardRow(
  scenario: Scenario,
  options: HazardOptions,
  io: Io,
): Promise<HazardRow> {
  const beganMs = io.nowMs();
  const variants: VariantRow[] = [];
  for (const variantName of Object.keys(scenario.variants)) {
    variants.push(await searchVariant(scenario, variantName, options, io));
  }
  const bad = variants.find(({ expectedKinds }) => expectedKinds.length > 0);
  const good = variants.find(({ expectedKinds }) => expectedKinds.length === 0);
  return {
    hazard: scenario.hazard!,
    name: scenario.name,
    profile: options.profile ?? scenario.profile,
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
    wallMs: Math.round(io.nowMs() - beganMs),
  };
}

async function searchVariant(
  scenario: Scenario,
  variantName: string,
  options: HazardOptions,
  io: Io,
): Promise<VariantRow> {
  const catalog = await loadCatalog();
  const variant = scenario.variants[variantName]!;
  const subject: Subject = {
    catalog,
    scenario,
    ref: scenario.name,
    variantName,
    variant,
    profile: options.profile ?? variant.profile ?? scenario.profile,
    extraMutations: [],
  };
  const world = worldOf(subject, 'explore');
  const outcome = await search(
    {
      subject,
      world,
      strategy: makeStrategy(options.strategy, options.seed),
      runsMax: options.runsMax,
      timeMaxMs: options.timeMaxMs,
      isFound: catalog.isFound(variant),
      label: `${scenario.hazard} ${variantName}`,
    },
    io,
  );
  const { found, exhausted, runs } = outcome;
  const row = { variant: variantName, expectedKinds: variant.expect, exhausted, runs };
  if (found === undefined) {
    const ok = variant.expect.length === 0 && !io.isInterrupted();
    return { ...row, kinds: [], ok, shrunkToken: null };
  }
  const { result } = await shrinkFound(subject, world, found, io);
  return {
    ...row,
    kinds: [...new Set(result.failures.map(({ kind }) => kind))],
    ok: catalog.expected(variant, found.result),
    shrunkToken: scheduleToken(subject, 'explore', result.schedule),
  };
}
