export {
  scenario,
  type Invariants,
  type Scenario,
  type ScenarioDefinition,
  type Variant,
  type WorldView,
} from './dsl.ts';
export type { Body } from './dsl.ts';
export { expected, isFound } from './judge.ts';
export {
  exploreScenario,
  replayToken,
  type ExploreScenarioOptions,
  type ScenarioOutcome,
} from './outcome.ts';
export { Proc } from './proc.ts';
export { findScenario, SCENARIOS } from './registry.ts';
export * from '../kernel/errno.ts';
export * from '../kernel/fs/uapi.ts';
export {
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_THREAD,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  SIGCHLD,
  SIGKILL,
  SIGSEGV,
  WNOHANG,
} from '../kernel/process/uapi.ts';
export { World, type WorldOptions } from './world.ts';
