import { EVENT, PREEMPT } from './actors.ts';
import type { Clock } from './clock.ts';
import type { Fiber } from './fiber.ts';
import { nameHash, siteOf } from './site.ts';

/** What a step is, whatever its number: who takes it, where, and on what. */
export interface StepName {
  /** Of the fiber: `A`, `init/server#2`; of what is no step of a fiber, its own name. */
  readonly path: string;
  /** `close_fd:C2`, or '' */
  readonly site: string;
  /** Type, allocation site and ordinal of the object touched, or ''. */
  readonly object: string;
}

export type NameOf = (actor: number) => StepName;

/** In place of an actor: whoever is stepping at the moment. */
export const PRESENT = -1;

/** As much of the engine as names need. */
interface Named {
  readonly cpus: readonly { readonly fiber: Fiber | null }[];
  readonly sources: readonly { readonly name: string }[];
  readonly clock: Clock;
  readonly fiber: Fiber | null;
  readonly host: { objectName(addr: number): string };
}

/** What an actor is about to do, by name; of PRESENT, what is being done. */
export function nameOfActor(engine: Named, actor: number): StepName {
  if (actor >= EVENT) {
    const source = engine.sources[actor - EVENT] ?? engine.clock.first();
    return { path: source?.name ?? '', site: '', object: '' };
  }
  const cpu = engine.cpus[actor < PREEMPT ? actor : actor - PREEMPT];
  const fiber = actor === PRESENT ? engine.fiber : cpu!.fiber;
  if (!fiber) return { path: '', site: '', object: '' };
  if (actor >= PREEMPT) return { path: `preempt ${fiber.path}`, site: '', object: '' };
  const { site, addr } = fiber.pending;
  const object = addr > 0 ? engine.host.objectName(addr) : '';
  return { path: fiber.path, site: siteOf(site).name, object };
}

/**
 * A deviation told by names, as hashes: before which step of whom it comes, and who goes instead;
 * for what is no choice of who steps, of what kind it is, and the outcome. Counts are from 1.
 */
export interface NamedDeviation {
  readonly path: number;
  readonly site: number;
  /** The site's part behind the colon: it stays when the function is renamed or split. */
  readonly point: number;
  readonly object: number;
  /** The how manieth step of the path at this site on this object. */
  readonly nth: number;
  /** The how manieth at this site; of all its steps. */
  readonly nthAtSite: number;
  readonly nthStep: number;
  /** Path of who goes instead, or the outcome. */
  readonly target: number;
}

/** How closely a step must fit the name of a deviation, closest first. */
export const FITS = ['object', 'site', 'point', 'step'] as const;
export type Fit = (typeof FITS)[number];

/** Counts the steps of a run by their names. */
export class StepCounts {
  readonly #counts = new Map<string, number>();

  reset(): void {
    this.#counts.clear();
  }

  /** The step has been taken. */
  add(name: StepName): void {
    for (const key of keysOf(name)) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** What a deviation would be called that comes before the step, in favour of `target`. */
  deviation(name: StepName, target: number): NamedDeviation {
    const [nth, nthAtSite, , nthStep] = this.nths(name);
    const { path, site, object } = name;
    return {
      path: nameHash(path),
      site: nameHash(site),
      point: nameHash(pointOf(site)),
      object: nameHash(object),
      nth: nth!,
      nthAtSite: nthAtSite!,
      nthStep: nthStep!,
      target,
    };
  }

  /** Whether the step that `name` is about to take is the one that a deviation names. */
  fits(name: StepName, deviation: NamedDeviation, fit: Fit): boolean {
    if (nameHash(name.path) !== deviation.path) return false;
    const [nth, nthAtSite, nthAtPoint, nthStep] = this.nths(name);
    if (fit === 'step') return nthStep === deviation.nthStep;
    if (fit === 'point') {
      // Of a point by itself the how manieth is not on record: it is no less than at its site.
      return nameHash(pointOf(name.site)) === deviation.point && nthAtPoint! >= deviation.nthAtSite;
    }
    if (nameHash(name.site) !== deviation.site) return false;
    if (fit === 'site') return nthAtSite === deviation.nthAtSite;
    return nth === deviation.nth && nameHash(name.object) === deviation.object;
  }

  /** Counts that the step would have: by object, by site, by point, of all of the path. */
  nths(name: StepName): readonly number[] {
    return keysOf(name).map((key) => (this.#counts.get(key) ?? 0) + 1);
  }
}

function keysOf({ path, site, object }: StepName): readonly string[] {
  return [`${path} ${site} ${object}`, `${path} ${site}`, `${path} :${pointOf(site)}`, path];
}

function pointOf(site: string): string {
  return site.slice(site.indexOf(':') + 1);
}
