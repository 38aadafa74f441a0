import type * as scenarios from '../scenarios/index.ts';

/** What the commands need of scenarios/: with it comes the whole kernel, so it is loaded late. */
export type Catalog = typeof scenarios;
export type World = scenarios.World;

export function loadCatalog(): Promise<Catalog> {
  return import('../scenarios/index.ts');
}

/** As much of it as can be had without the kernel. */
export type Registry = Pick<Catalog, 'SCENARIOS' | 'findScenario'>;

export function loadRegistry(): Promise<Registry> {
  return import('../scenarios/registry.ts');
}
