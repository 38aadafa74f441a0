export {
  scenario, type Invariants, type Scenario, type ScenarioDefinition, type Variant, type WorldView,
} from './dsl.ts';
export type { Body } from './dsl.ts';
export { expected, isFound } from './judge.ts';
export { Proc } from './proc.ts';
export { findScenario, SCENARIOS } from './registry.ts';
export { World, type WorldOptions } from './world.ts';
