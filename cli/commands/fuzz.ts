import { resolve } from 'node:path';
import { InputError } from '../../base/errors.ts';
import { EXIT, type Command, type Io } from '../command.ts';
import type { FuzzFailure } from '../fuzz-failure.ts';
import type { FuzzOutcome } from '../fuzz.ts';
import * as options from '../options.ts';
import { count, duration, thousands } from '../render/status.ts';

const SUMMARY = 'random programs, each along many schedules; shrinks what it finds';
const EXAMPLE = 'bohrbug fuzz --mutate dup2.skip-reserved --max-time 1m --corpus corpus';

/** There is one: system calls of processes and threads about descriptors. */
const CAMPAIGN = 'descriptors';
const RUNS_MAX = 100_000;

interface Flags {
  readonly runs?: number;
  readonly maxTime?: number;
  readonly jobs: number;
  readonly seed: number;
  readonly corpus?: string;
  readonly mutate?: readonly string[];
  readonly shard?: { readonly index: number; readonly of: number };
  readonly json?: boolean;
}

export const fuzzCommand: Command = {
  name: 'fuzz',
  summary: SUMMARY,
  async run(args, io) {
    const command = options
      .budgetOptions(options.seedOption(options.parser('fuzz', SUMMARY, EXAMPLE, io)))
      .argument('[campaign]', CAMPAIGN, CAMPAIGN)
      .option('--mutate <name>', 'a change to the kernel; may be repeated', options.mutationFlag)
      .option('--jobs <n>', 'threads', options.wholeFlag('--jobs', 1), 1)
      .option('--corpus <dir>', 'a folder that keeps the campaign: it goes on where it stopped')
      .option('--shard <i/n>', 'the i-th of n parts of the campaign, from 1', shardFlag)
      .option('--json', 'one JSON document');
    const parsed = options.parse(command, args);
    if (parsed === undefined) return EXIT.expected;
    const [campaign = CAMPAIGN] = parsed.args;
    if (campaign !== CAMPAIGN) throw options.unknown('campaign', campaign, [CAMPAIGN]);
    const flags = parsed.opts<Flags>();
    const beganMs = io.nowMs();
    const outcome = await run(flags, io);
    const wallMs = Math.round(io.nowMs() - beganMs);
    if (flags.json) io.out(JSON.stringify(jsonOf(outcome, flags, wallMs)));
    else io.out(textOf(outcome, wallMs));
    return outcome.failures.length === 0 ? EXIT.expected : EXIT.unexpected;
  },
};

async function run(flags: Flags, io: Io): Promise<FuzzOutcome> {
  const { fuzz } = await import('../fuzz.ts');
  const { CampaignFolder } = await import('../fuzz-state.ts');
  const { runs, maxTime, jobs, seed, corpus, mutate: mutations = [] } = flags;
  const shardOf = flags.shard ?? { index: 0, of: 1 };
  return fuzz(
    {
      seed,
      mutations,
      jobs,
      shardOf,
      shard: `${shardOf.index + 1}/${shardOf.of}`,
      runsMax: runs ?? (maxTime === undefined ? RUNS_MAX : Infinity),
      timeMaxMs: maxTime ?? Infinity,
      folder: corpus === undefined ? undefined : new CampaignFolder(resolve(io.cwd, corpus)),
    },
    io,
  );
}

function shardFlag(text: string): { index: number; of: number } {
  const [, index, of] = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text) ?? [];
  if (index !== undefined && Number(index) <= Number(of)) {
    return { index: Number(index) - 1, of: Number(of) };
  }
  throw new InputError(`--shard ${text}: expected 1/4, say: a part and how many there are`);
}

function jsonOf({ state, failures, interrupted }: FuzzOutcome, flags: Flags, wallMs: number) {
  const { runs, nextUnit: programs, pairs, corpus } = state;
  return {
    campaign: CAMPAIGN,
    seed: flags.seed,
    mutations: flags.mutate ?? [],
    interrupted,
    programs,
    runs,
    pairs: pairs.length,
    corpus: corpus.length,
    failures,
    wallMs,
  };
}

export function failureLines({ title, calls, deviations, minimal, ...failure }: FuzzFailure) {
  const size = `${count(calls, 'call')}, ${count(deviations, 'deviation')}`;
  return [
    title,
    `  ${size}${minimal ? ', none of which can be left out' : ''}: ${failure.program}`,
    `  bohrbug replay ${failure.shrunkToken}`,
    '',
  ];
}

function textOf({ state, failures, interrupted }: FuzzOutcome, wallMs: number): string {
  const did = `${thousands(state.nextUnit)} programs, ${count(state.runs, 'run')}`;
  const seen = `${state.pairs.length} pairs of places, ${state.corpus.length} in the corpus`;
  const end = `${did}, ${seen}: ${count(failures.length, 'failure')}, ${duration(wallMs)}`;
  return [...failures.flatMap(failureLines), interrupted ? `${end}, interrupted` : end].join('\n');
}
