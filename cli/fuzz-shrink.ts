import { callCount, parseProgramRef, programRef } from '../scenarios/fuzz/program.ts';
import { shrinkProgram } from '../scenarios/fuzz/shrink-program.ts';
import type { ProgramWorlds } from '../scenarios/fuzz/worlds.ts';
import { primaryFailure } from '../sim/model.ts';
import { NamingReplay } from '../sim/strategies/named-replay.ts';
import { Replay } from '../sim/strategies/replay.ts';
import { encodeToken } from '../sim/token.ts';
import type { FuzzFailure, Unshrunk } from './fuzz-failure.ts';

/** The failure from as little as it can be had from, with the token that runs it. */
export function simplest(
  found: Unshrunk,
  worlds: ProgramWorlds,
  mutations: readonly string[],
): FuzzFailure {
  const program = parseProgramRef(found.program);
  const replay = new Replay(found.schedule);
  replay.begin(0);
  const asFound = worlds.model(program).run(replay);
  const shrunk = shrinkProgram(worlds, { program, result: asFound });
  const { schedule, traceHash } = shrunk.result;
  const naming = new NamingReplay(schedule);
  naming.begin(0);
  worlds.model(shrunk.program).run(naming);
  const ref = programRef(shrunk.program);
  const { profile } = shrunk.program;
  const usual = { variant: 'only', mode: 'explore', memoryModel: 'sc' } as const;
  const header = { scenario: ref, profile, mutations, ...usual };
  const named = naming.named.length > 0 ? { names: naming.named } : {};
  const { kind, title, text } = primaryFailure(shrunk.result)!;
  return {
    key: found.key,
    kind,
    title,
    text,
    program: ref,
    mutations,
    traceHash,
    calls: callCount(shrunk.program),
    deviations: schedule.at.length,
    minimal: shrunk.minimal,
    shrunkToken: encodeToken({ form: 'schedule', header, schedule, ...named }),
    unit: found.unit,
    foundIn: found.program,
  };
}
