/** What the commands need of scenarios/: with it comes the whole kernel, so it is loaded late. */
export type Catalog = typeof import('../scenarios/index.ts');
export type World = InstanceType<Catalog['World']>;

export function loadCatalog(): Promise<Catalog> {
  return import('../scenarios/index.ts');
}
