import type * as scenarios from '../scenarios/index.ts';

/** What the commands need of scenarios/: with it comes the whole kernel, so it is loaded late. */
export type Catalog = typeof scenarios;
export type World = scenarios.World;
export type Scenario = scenarios.Scenario;

export function loadCatalog(): Promise<Catalog> {
  return import('../scenarios/index.ts');
}

/** As much as can be had without the kernel. */
export async function loadScenarios(): Promise<readonly Scenario[]> {
  return (await import('../scenarios/registry.ts')).SCENARIOS;
}
