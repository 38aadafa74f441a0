/** The public names of the engine and the search: `bohrbug/sim`. */
export { Engine, type Mode } from './engine.ts';
export type { Cpu, EventSource, Host, Monitor } from './host.ts';
export { EVENT, PREEMPT } from './actors.ts';
export type { Choice, ChoiceKind } from './choice.ts';
export { explore, Exploration, defaultPlan } from './explore.ts';
export { FAILURE_KINDS, type Failure, type FailureKind, keyOf } from './failure.ts';
export { primaryFailure, type Model, type RunResult } from './model.ts';
export { access, block, kernelFunction, kernelText, step, type Sim } from './request.ts';
export { STAY, type Schedule } from './schedule.ts';
export { shrink } from './shrink.ts';
export { site } from './site.ts';
export { STRATEGIES, strategyByName } from './strategies/by-name.ts';
export { Replay } from './strategies/replay.ts';
export type { Strategy } from './strategy.ts';
export { decodeToken, encodeToken, type Token } from './token.ts';
export type { Trace, TraceLine } from './trace.ts';
