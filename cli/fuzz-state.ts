import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.ts';
import { fingerprintOf } from '../base/hash.ts';
import { FRESH, type CampaignState } from '../scenarios/fuzz/campaign.ts';
import type { FuzzFailure, Unshrunk } from './fuzz-failure.ts';
import { codeHash, packageVersion } from './package.ts';

/** What must be the same for a campaign to go on where it stopped. */
export interface CampaignIdentity {
  readonly seed: number;
  readonly mutations: readonly string[];
  readonly shard: string;
}

interface StateFile extends CampaignIdentity {
  readonly bohrbug: string;
  readonly state: CampaignState;
  readonly failures: readonly FuzzFailure[];
  /** Found, and not yet made simple when this was written. */
  readonly unshrunk?: readonly Unshrunk[];
}

const STATE = 'campaign.json';

/** A folder that holds a campaign: its state, and its failures as files that replay takes. */
export class CampaignFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    try {
      mkdirSync(join(path, 'failures'), { recursive: true });
    } catch (error) {
      throw new InputError(`--corpus ${path}: ${(error as Error).message}`);
    }
  }

  /** Where the campaign stopped; undefined where there is none yet. */
  load(identity: CampaignIdentity): Pick<StateFile, 'state' | 'failures' | 'unshrunk'> {
    const saved = readState(this.path);
    if (!saved) return { state: FRESH, failures: [] };
    const same = (what: keyof CampaignIdentity) =>
      JSON.stringify(saved[what]) === JSON.stringify(identity[what]);
    for (const what of ['seed', 'mutations', 'shard'] as const) {
      if (same(what)) continue;
      const found = JSON.stringify(saved[what]);
      throw new InputError(`--corpus ${this.path}: a campaign with ${what} ${found}, not this one`);
    }
    return saved;
  }

  /** Written aside and then put in place, so that a kill leaves the old or the new. */
  save(
    identity: CampaignIdentity,
    state: CampaignState,
    failures: readonly FuzzFailure[],
    unshrunk: readonly Unshrunk[] = [],
  ): void {
    const { seed, mutations, shard } = identity;
    const bohrbug = packageVersion();
    const left = unshrunk.length > 0 ? { unshrunk } : {};
    const content: StateFile = { bohrbug, seed, mutations, shard, state, failures, ...left };
    this.#write(STATE, `${JSON.stringify(content)}\n`);
  }

  /** The failure as a file that replay takes, and a test of it; the file's path. */
  saveFailure(failure: FuzzFailure): string {
    const name = `${failure.kind}-${fingerprintOf(failure.key).slice(0, 8)}`;
    const content = { bohrbug: packageVersion(), codeHash: codeHash(), ...failure };
    this.#write(`failures/${name}.json`, `${JSON.stringify(content, null, 2)}\n`);
    this.#write(`failures/${name}.test.ts`, testOf(failure));
    return join(this.path, 'failures', `${name}.json`);
  }

  #write(name: string, text: string): void {
    const path = join(this.path, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
}

/** The state in a campaign's folder. An InputError says what is wrong with it. */
export function readState(folder: string): StateFile | undefined {
  const path = join(folder, STATE);
  if (!existsSync(path)) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
  if (!isState(content)) throw new InputError(`${path}: not the state of a campaign`);
  return content;
}

/** Whether every part is there that is used; programs in it are looked at when they are run. */
function isState(content: unknown): content is StateFile {
  const file = content as StateFile;
  const state = file?.state;
  return (
    isCount(file?.seed) &&
    isListOf(file.mutations, 'string') &&
    typeof file.shard === 'string' &&
    isCount(state?.nextUnit) &&
    isCount(state.runs) &&
    isListOf(state.pairs, 'number') &&
    isListOf(state.corpus, 'string') &&
    isListOf(state.keys, 'string') &&
    isListOf(file.failures, 'object') &&
    file.failures.every(isFailure) &&
    isListOf(file.unshrunk ?? [], 'object') &&
    (file.unshrunk ?? []).every(isUnshrunk)
  );
}

function isUnshrunk(found: Unshrunk): boolean {
  const { key, program, unit, schedule } = found ?? {};
  return (
    isListOf([key, program], 'string') &&
    isCount(unit) &&
    Array.isArray(schedule?.at) &&
    Array.isArray(schedule.skip) &&
    schedule.at.every(isCount) &&
    schedule.skip.every(isCount)
  );
}

function isFailure(failure: FuzzFailure): boolean {
  const { key, kind, title, text, program, foundIn, shrunkToken, traceHash } = failure ?? {};
  const words = [key, kind, title, text, program, foundIn, shrunkToken, traceHash];
  return (
    isListOf(words, 'string') &&
    /^[a-z-]+$/.test(kind) &&
    [failure.calls, failure.deviations, failure.unit].every(isCount)
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isListOf(value: unknown, type: 'number' | 'object' | 'string'): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === type);
}

/** A test that fails as long as the failure is there. */
function testOf({ title, shrunkToken }: FuzzFailure): string {
  return `import { expect, test } from 'vitest';
import { replayToken } from 'bohrbug';
import 'bohrbug/vitest';

test(${JSON.stringify(title)}, () => {
  expect(
    replayToken(
      ${JSON.stringify(shrunkToken)},
    ),
  ).toBeClean();
});
`;
}
