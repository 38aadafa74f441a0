import { Command as Parser, CommanderError } from 'commander';
import { InputError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { selectionOf } from '../bpf/protect/settings.ts';
import { FAULT_KINDS, faultByName, type FaultKind } from '../kernel/faults.ts';
import { MUTATIONS } from '../kernel/mutations.ts';
import { PROFILES, type Profile } from '../kernel/profile.ts';
import { MEMORY_MODELS, type MemoryModelName } from '../sim/memory-model.ts';
import type { Io } from './command.ts';
import { foreignOption, type ForeignFlags } from './foreign.ts';

/** Flags, arguments and help of one command; `example` is what its help ends with. */
export function parser(name: string, summary: string, example: string, io: Io): Parser {
  return new Parser(`bohrbug ${name}`)
    .description(summary)
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', `\nExample:\n  $ ${example}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: () => {},
      getOutHelpWidth: () => 100,
      getOutHasColors: () => false,
    });
}

/** Parses `args`; undefined where help was asked for, which has then been shown. */
export function parse(command: Parser, args: readonly string[]): Parser | undefined {
  try {
    return command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    const message = error.message.replace(/^error: /, '').replaceAll(/\s*\n\(?/g, ', ');
    throw new InputError(
      `${command.name().replace('bohrbug ', '')}: ${message.replace(/\)$/, '')}`,
    );
  }
}

export interface SubjectFlags extends ForeignFlags {
  readonly variant?: string;
  readonly profile?: Profile;
  readonly mutate?: readonly string[];
  readonly fault?: readonly FaultKind[];
  readonly policy?: readonly string[];
  readonly memoryModel?: MemoryModelName;
}

/** What is run. */
export function subjectOptions(command: Parser): Parser {
  return foreignOption(command)
    .argument('<scenario>', 'a name that `bohrbug list` shows, or a path to a .ts or .js file')
    .option('--variant <name>', "one of the scenario's variants (default: its first)")
    .option('--profile <name>', `the kernel's version: ${PROFILES.join(', ')}`, profileFlag)
    .option('--mutate <name>', 'a change to the kernel; may be repeated', mutationFlag)
    .option('--fault <kind>', `something that may go wrong: ${FAULT_KINDS.join(', ')}`, faultFlag)
    .option(
      '--policy <policy>',
      'what stops programs that overrun: NAME[:option,…], PROGRAM=NAME for one; may be repeated',
      policyFlag,
    )
    .option(
      '--memory-model <name>',
      "sc, tso or weak (default: the variant's, or sc)",
      memoryModelFlag,
    );
}

export function seedOption(command: Parser): Parser {
  return command.option('--seed <n>', 'where randomness starts', wholeFlag('--seed', 0), 1);
}

export function budgetOptions(command: Parser): Parser {
  return command
    .option('--runs <n>', 'runs after which to stop', wholeFlag('--runs', 1))
    .option('--max-time <time>', 'time after which to stop: 500ms, 10s, 2m, 1h', timeFlag);
}

export function wholeFlag(flag: string, least: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (value >= least && Number.isSafeInteger(value)) return value;
    throw new InputError(`${flag} ${text}: expected a whole number from ${least}`);
  };
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds; a number by itself is seconds. */
export function timeFlag(text: string): number {
  const [, amount, unit = 's'] = /^(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)?$/.exec(text) ?? [];
  const value = Number(amount) * UNITS_MS[unit]!;
  if (value > 0) return value;
  throw new InputError(`--max-time ${text}: expected a time such as 500ms, 10s, 2m or 1h`);
}

export function profileFlag(text: string): Profile {
  const profile = PROFILES.find((name) => name === text);
  if (profile !== undefined) return profile;
  throw unknown('profile', text, PROFILES);
}

export function mutationFlag(text: string, before: readonly string[] = []): string[] {
  const names = MUTATIONS.map(({ name }) => name);
  if (names.includes(text)) return [...new Set([...before, text])];
  throw unknown('mutation', text, names);
}

function faultFlag(text: string, before: readonly FaultKind[] = []): FaultKind[] {
  return [...new Set([...before, faultByName(text)])];
}

function policyFlag(text: string, before: readonly string[] = []): string[] {
  selectionOf([text]); // complains before any work
  return [...before, text];
}

function memoryModelFlag(text: string): MemoryModelName {
  const name = MEMORY_MODELS.find((known) => known === text);
  if (name !== undefined) return name;
  throw unknown('memory model', text, MEMORY_MODELS);
}

/** `no profile "v7.1", did you mean v7.2? (there are v6.1, v7.2)` */
export function unknown(what: string, text: string, names: readonly string[]): InputError {
  const meant = nearest(text, names);
  const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
  const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
  return new InputError(`no ${what} ${shown}${hint} (there are ${names.join(', ')})`);
}
