import { InputError } from '../../base/errors.ts';
import { PROFILES } from '../../kernel/profile.ts';
import { findScenario } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { memoryModelByName, type MemoryModelName } from '../../sim/memory-model.ts';
import { primaryFailure, type RunResult } from '../../sim/model.ts';
import { Replay } from '../../sim/strategies/replay.ts';
import { decodeToken, encodeToken, type ScheduleToken, type TokenHeader } from '../../sim/token.ts';

/** The header of a registered scenario's variant, run as it states. */
export function headerOf(
  scenario: string,
  variant: string,
  memoryModel: MemoryModelName = 'sc',
): TokenHeader {
  const found = findScenario(scenario);
  const profile = found.variants[variant]!.profile ?? found.profile;
  const mode = found.timed ? 'timed' : 'explore';
  return { scenario, variant, profile, mutations: [], mode, memoryModel };
}

export function tokenOf(header: TokenHeader, { schedule }: RunResult): string {
  return encodeToken({ form: 'schedule', header, schedule });
}

/** Whether it names a run of a scenario about time: there are not many, and they are long. */
export function isTimed(token: string): boolean {
  return decodeToken(token).header.mode === 'timed';
}

/** A world, and the schedule that a token names. */
export class TokenRun {
  readonly world: World;
  readonly #token: ScheduleToken;

  constructor(text: string) {
    const token = decodeToken(text);
    if (token.form !== 'schedule') throw new InputError(`${text}: expected a schedule`);
    const { scenario, variant, profile, mutations, mode, memoryModel } = token.header;
    this.#token = token;
    this.world = new World(findScenario(scenario), {
      variant,
      mutations,
      mode,
      memoryModel: memoryModelByName(memoryModel),
      profile: PROFILES.find((name) => name === profile)!,
    });
  }

  run(): RunResult {
    const replay = new Replay(this.#token.schedule);
    replay.begin(0);
    return this.world.run(replay);
  }
}

/** A row of test/data/tokens.txt: the token, its trace hash, all kinds of failures, the title. */
export function tokenRow(token: string): string {
  const result = new TokenRun(token).run();
  const kinds = [...new Set(result.failures.map(({ kind }) => kind))].join();
  return [token, result.traceHash, kinds, primaryFailure(result)?.title ?? '-'].join(' ');
}
