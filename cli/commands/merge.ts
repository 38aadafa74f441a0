import { resolve } from 'node:path';
import { InputError } from '../../base/errors.ts';
import type { CampaignState } from '../../scenarios/fuzz/campaign.ts';
import { EXIT, type Command } from '../command.ts';
import type { CampaignIdentity } from '../fuzz-state.ts';
import * as options from '../options.ts';
import { count } from '../render/status.ts';
import { failureLines } from './fuzz.ts';

const SUMMARY = 'the findings of the parts of a campaign in one folder, each failure once';
const EXAMPLE = 'bohrbug merge shard-1 shard-2 -o all';

interface Flags {
  readonly output: string;
  readonly json?: boolean;
}

export const mergeCommand: Command = {
  name: 'merge',
  summary: SUMMARY,
  async run(args, io) {
    const command = options
      .parser('merge', SUMMARY, EXAMPLE, io)
      .argument('<dirs...>', 'folders that fuzz --corpus wrote')
      .requiredOption('-o, --output <dir>', 'where the failures go')
      .option('--json', 'one JSON document');
    const parsed = options.parse(command, args);
    if (parsed === undefined) return EXIT.expected;
    const flags = parsed.opts<Flags>();
    const { CampaignFolder, readState } = await import('../fuzz-state.ts');
    const parts = parsed.args.map((dir) => {
      const state = readState(resolve(io.cwd, dir));
      if (!state) throw new InputError(`${dir}: no campaign in it`);
      return state;
    });
    // The simplest of each, and of equals the one that comes first in the order of names.
    const failures = parts
      .flatMap((part) => part.failures)
      .toSorted(
        (a, b) =>
          a.key.localeCompare(b.key, 'en') ||
          a.calls - b.calls ||
          a.deviations - b.deviations ||
          a.shrunkToken.localeCompare(b.shrunkToken, 'en'),
      )
      .filter((failure, i, all) => failure.key !== all[i - 1]?.key);
    const identity = identityOf(parsed.args, parts);
    const folder = new CampaignFolder(resolve(io.cwd, flags.output));
    for (const failure of failures) folder.saveFailure(failure);
    const unshrunk = parts.flatMap((part) => part.unshrunk ?? []);
    folder.save(identity, mergedState(parts.map(({ state }) => state)), failures, unshrunk);
    if (unshrunk.length > 0) {
      const found = count(unshrunk.length, 'failure');
      io.err(`bohrbug: merge: ${found} not yet made simple: fuzz on these folders goes on with it`);
    }
    const runs = parts.reduce((sum, { state }) => sum + state.runs, 0);
    if (flags.json) io.out(JSON.stringify({ parts: parts.length, runs, failures }));
    else {
      const end = `${count(parts.length, 'part')}, ${count(runs, 'run')}`;
      io.out([...failures.flatMap(failureLines), `${end}: ${failures.length} failures`].join('\n'));
    }
    return failures.length === 0 ? EXIT.expected : EXIT.unexpected;
  },
};

/** What the parts are parts of: of one seed, and of one kernel. */
function identityOf(dirs: readonly string[], parts: readonly CampaignIdentity[]): CampaignIdentity {
  const { seed, mutations } = parts[0]!;
  const said = (part: CampaignIdentity) =>
    `seed ${part.seed}, mutations ${part.mutations.join(' ') || 'none'}`;
  for (const [i, part] of parts.entries()) {
    if (said(part) === said(parts[0]!)) continue;
    throw new InputError(`${dirs[i]}: ${said(part)}, but ${dirs[0]}: ${said(parts[0]!)}`);
  }
  return { seed, mutations, shard: 'merged' };
}

function mergedState(states: readonly CampaignState[]): CampaignState {
  const all = <T>(of: (state: CampaignState) => readonly T[]): T[] => [
    ...new Set(states.flatMap(of)),
  ];
  return {
    nextUnit: Math.max(...states.map(({ nextUnit }) => nextUnit)),
    runs: states.reduce((sum, { runs }) => sum + runs, 0),
    pairs: all(({ pairs }) => pairs),
    corpus: all(({ corpus }) => corpus),
    keys: all(({ keys }) => keys),
  };
}
