import { InputError } from '../../base/errors.ts';
import { FAULT_KINDS, type FaultKind } from '../../kernel/faults.ts';
import { DEFAULT_PROFILE, PROFILES, type Profile } from '../../kernel/profile.ts';
import { CALLS, SPAWNS } from './calls.ts';
import { PROGRAM_PREFIX } from './prefix.ts';

/** A call of CALLS; or one of SPAWNS, whose body is what the new task does; or `exec`. */
export interface Op {
  readonly call: string;
  readonly args: readonly number[];
  readonly body?: readonly Op[];
}

/** System calls of a few processes, as data. */
export interface Program {
  readonly profile: Profile;
  readonly cpus: number;
  /** Whether the processes start with one table among them. */
  readonly shared: boolean;
  /** What may go wrong. */
  readonly faults: readonly FaultKind[];
  /** What each of the processes A, B and C does. */
  readonly processes: readonly (readonly Op[])[];
}

export const PROCESS_NAMES = ['A', 'B', 'C'] as const;

/** In the order of FAULT_KINDS. */
const FAULT_LETTERS: Readonly<Record<FaultKind, string>> = {
  'alloc-fail': 'f',
  eintr: 'i',
  'short-copy': 'c',
  'major-fault': 'p',
  'lock-timeout': 't',
};

function lettersOf(faults: readonly FaultKind[]): string {
  const letters = FAULT_KINDS.filter((kind) => faults.includes(kind));
  return letters.map((kind) => FAULT_LETTERS[kind]).join('');
}

const CPUS_MAX = 8;
const OPS_MAX = 200;
const DEPTH_MAX = 8;
const ARGS_MAX = 4;
const ARG_MAX = 1_000_000;

export function hasBody(call: string): boolean {
  return Object.hasOwn(SPAWNS, call) || call === 'exec';
}

const SLOW = ['closemount_slow', 'prog_run'];

/** Without what cannot be had: a page of the user's that no failing allocation leaves there. */
export function sane(program: Program): Program {
  const isSlow = (body: readonly Op[]): boolean =>
    body.some(({ call, body: inner = [] }) => SLOW.includes(call) || isSlow(inner));
  if (!program.processes.some(isSlow)) return program;
  return { ...program, faults: program.faults.filter((kind) => kind !== 'alloc-fail') };
}

/** How many calls there are, in all bodies. */
export function callCount({ processes }: Pick<Program, 'processes'>): number {
  const count = (body: readonly Op[]): number =>
    body.reduce((sum, op) => sum + 1 + count(op.body ?? []), 0);
  return processes.reduce((sum, body) => sum + count(body), 0);
}

/**
 * The program as one word, which names it as a scenario: `fuzz/v7.2/2s/A/close.1/fork/-exit.0/B/…`:
 * profile; CPUs, `s` for a shared table, FAULT_LETTERS; then each process and its calls, a dash
 * for each body that they stand in.
 */
export function programRef(program: Program): string {
  const { profile, cpus, shared, faults, processes } = program;
  const how = `${cpus}${shared ? 's' : ''}${lettersOf(faults)}`;
  const words = processes.flatMap((body, i) => [PROCESS_NAMES[i]!, ...wordsOf(body, '')]);
  return `${PROGRAM_PREFIX}${[profile, how, ...words].join('/')}`;
}

function wordsOf(body: readonly Op[], dashes: string): string[] {
  return body.flatMap(({ call, args, body: inner = [] }) => [
    `${dashes}${[call, ...args].join('.')}`,
    ...wordsOf(inner, `${dashes}-`),
  ]);
}

/** The program that such a word names. An InputError says which part of it is wrong. */
export function parseProgramRef(ref: string): Program {
  const wrong = (what: string): InputError => new InputError(`program ${shorten(ref)}: ${what}`);
  const [profileName, how, ...words] = ref.slice(PROGRAM_PREFIX.length).split('/');
  // A version has a dot, which parts nothing here.
  const profile = PROFILES.find((name) => name === profileName);
  if (profile === undefined) throw wrong(`kernel '${profileName}', expected ${DEFAULT_PROFILE}`);
  const told = /^([1-9]\d?)(s?)([a-z]*)$/.exec(how ?? '');
  const faults = FAULT_KINDS.filter((kind) => told?.[3]?.includes(FAULT_LETTERS[kind]));
  const isTold = told !== null && lettersOf(faults) === told[3];
  if (!isTold || Number(told[1]) > CPUS_MAX) throw wrong(`'${how}', expected 2s, say: CPUs, flags`);
  const processes: Op[][] = [];
  let open: Op[][] = [];
  if (words.length > OPS_MAX) throw wrong(`${words.length} calls, at most ${OPS_MAX}`);
  for (const word of words) {
    const name = PROCESS_NAMES[processes.length];
    if (word === name) {
      processes.push([]);
      open = [processes.at(-1)!];
      continue;
    }
    const depth = word.length - word.replace(/^-+/, '').length;
    const body = open[depth];
    if (!body || depth > DEPTH_MAX) throw wrong(`'${word}' stands in no body`);
    const op = parseOp(word.slice(depth), wrong);
    body.push(op);
    open = [...open.slice(0, depth + 1), ...(op.body ? [op.body as Op[]] : [])];
  }
  if (processes.length === 0) throw wrong('no process, expected /A/…');
  return { profile, cpus: Number(told[1]), shared: told[2] !== '', faults, processes };
}

function parseOp(word: string, wrong: (what: string) => InputError): Op {
  const [call, ...texts] = word.split('.') as [string, ...string[]];
  if (!Object.hasOwn(CALLS, call) && !hasBody(call)) throw wrong(`no call '${call}'`);
  const args = texts.map(Number);
  const isFine = (text: string) => /^\d{1,7}$/.test(text) && Number(text) <= ARG_MAX;
  if (texts.length > ARGS_MAX || !texts.every(isFine)) throw wrong(`arguments of '${word}'`);
  return { call, args, ...(hasBody(call) && { body: [] }) };
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

// For people

export function programText({ processes }: Pick<Program, 'processes'>): string {
  return processes.flatMap((body, i) => [PROCESS_NAMES[i]!, ...linesOf(body, '  ')]).join('\n');
}

function linesOf(body: readonly Op[], indent: string): string[] {
  return body.flatMap(({ call, args, body: inner = [] }) => [
    indent + [call, ...args].join(' '),
    ...linesOf(inner, `${indent}  `),
  ]);
}
