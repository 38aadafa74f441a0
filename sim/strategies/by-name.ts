import { InputError } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import type { MemoryModelName } from '../memory-model.ts';
import type { Strategy } from '../strategy.ts';
import { Auto } from './auto.ts';
import { Bounded } from './bounded.ts';
import { Dpor } from './dpor.ts';
import { FailNth } from './fail-nth.ts';
import { Pct, PCT_DEPTH_MAX, PCT_LENGTH_MAX } from './pct.ts';
import { Pos } from './pos.ts';
import { Random } from './random.ts';
import { RoundRobin } from './round-robin.ts';
import { Stay } from './stay.ts';
import { Surw } from './surw.ts';
import { Twice } from './twice.ts';

export interface StrategyOptions {
  /** A whole number from 0. */
  readonly seed: number;
  /** Of what is to be run; default `sc`. */
  readonly memoryModel?: MemoryModelName;
}

/** A row of `bohrbug list`. */
export interface StrategyRow {
  readonly name: string;
  /** The name with its parameters: `pct:DEPTH[:LENGTH]`. */
  readonly usage: string;
  readonly about: string;
  /** Whether (name, seed, run) makes a run again. Where not, a token must hold the deviations. */
  readonly bySeed: boolean;
}

interface Entry extends StrategyRow {
  /** `parameters` is what stood behind the colon, undefined where there was none. */
  make(parameters: string | undefined, options: StrategyOptions): Strategy;
}

const BOUND_MAX = 1_000_000;

const ENTRIES: readonly Entry[] = [
  {
    name: 'auto',
    usage: 'auto',
    about: 'fewest deviations first; then also dpor, pct:3, surw, pos and random, in turn',
    bySeed: false,
    make: plain('auto', (options) => new Auto(options)),
  },
  {
    name: 'stay',
    usage: 'stay',
    about: 'one run in which nothing interferes',
    bySeed: true,
    make: plain('stay', () => new Stay()),
  },
  {
    name: 'round-robin',
    usage: 'round-robin',
    about: 'one run in which every step preempts',
    bySeed: true,
    make: plain('round-robin', () => new RoundRobin()),
  },
  {
    name: 'random',
    usage: 'random',
    about: 'every option equally likely',
    bySeed: true,
    make: plain('random', ({ seed }) => new Random(seed)),
  },
  {
    name: 'pct',
    usage: 'pct:DEPTH[:LENGTH]',
    about: 'random priorities with DEPTH - 1 changes in LENGTH choices: deep bugs with known odds',
    bySeed: true,
    make: makePct,
  },
  {
    name: 'pos',
    usage: 'pos',
    about: 'partial order sampling: of two steps that conflict, either comes first with even odds',
    bySeed: true,
    make: plain('pos', ({ seed }) => new Pos(seed)),
  },
  {
    name: 'surw',
    usage: 'surw',
    about: 'selectively uniform random walk: all orders of the steps on one object, evenly',
    bySeed: false,
    make: plain('surw', ({ seed }) => new Surw(seed)),
  },
  {
    name: 'exhaustive',
    usage: 'exhaustive[:BOUND]',
    about: 'every schedule once, fewest deviations first; with BOUND, none with more',
    bySeed: false,
    make: makeBounded,
  },
  {
    name: 'preemptions',
    usage: 'preemptions[:BOUND]',
    about: 'the same by preemptions: a switch away from who cannot go on does not count',
    bySeed: false,
    make: makePreemptions,
  },
  {
    name: 'dpor',
    usage: 'dpor[:source][:ordered]',
    about:
      'every behaviour once, schedules that differ in independent steps being one: optimal, or ' +
      'with source sets; ordered: additions do not change places either',
    bySeed: false,
    make: makeDpor,
  },
  {
    name: 'fail-nth',
    usage: 'fail-nth',
    about: 'nothing interferes but one fault a run: each that can happen once, by itself',
    bySeed: false,
    make: plain('fail-nth', () => new FailNth()),
  },
  {
    name: 'twice',
    usage: 'twice[:STRATEGY]',
    about: 'each schedule of STRATEGY (random) run twice and compared: the determinism check',
    bySeed: true,
    make: makeTwice,
  },
];

/** What `bohrbug list` shows. */
export const STRATEGIES: readonly StrategyRow[] = ENTRIES;

/** The strategy that a text such as `pct:3` names. An InputError says what there is instead. */
export function strategyByName(text: string, options: StrategyOptions): Strategy {
  const [name, parameters] = split(text);
  return entryOf(name).make(parameters, options);
}

/** Whether a run of this strategy can be made again from its name, the seed and its number. */
export function isBySeed(text: string): boolean {
  const [name, parameters] = split(text);
  const entry = entryOf(name);
  if (name === 'twice' && parameters !== undefined) return isBySeed(parameters);
  return entry.bySeed;
}

function entryOf(name: string): Entry {
  const entry = ENTRIES.find((row) => row.name === name);
  if (entry) return entry;
  const names = ENTRIES.map((row) => row.name);
  const meant = nearest(name, names);
  const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
  throw new InputError(`no strategy ${quote(name)}${hint} (there are ${names.join(', ')})`);
}

/** What stands before the first colon, and what after it. */
function split(text: string): [string, string | undefined] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}

function plain(name: string, make: (options: StrategyOptions) => Strategy): Entry['make'] {
  return (parameters, options) => {
    if (parameters === undefined) return make(options);
    throw new InputError(`strategy ${name} takes no parameter, found ${quote(parameters)}`);
  };
}

function makePct(parameters: string | undefined, options: StrategyOptions): Strategy {
  const [depthText, lengthText] = split(parameters ?? '3');
  const depth = integer('pct: DEPTH', depthText, 1, PCT_DEPTH_MAX);
  const { seed } = options;
  if (lengthText === undefined) return new Pct({ seed, depth });
  return new Pct({ seed, depth, length: integer('pct: LENGTH', lengthText, 1, PCT_LENGTH_MAX) });
}

function makeBounded(parameters: string | undefined): Strategy {
  if (parameters === undefined) return new Bounded();
  return new Bounded({ bound: integer('exhaustive: BOUND', parameters, 0, BOUND_MAX) });
}

function makePreemptions(parameters: string | undefined): Strategy {
  if (parameters === undefined) return new Bounded({ preemptions: true });
  const bound = integer('preemptions: BOUND', parameters, 0, BOUND_MAX);
  return new Bounded({ bound, preemptions: true });
}

function makeDpor(parameters: string | undefined, options: StrategyOptions): Strategy {
  const { memoryModel = 'sc' } = options;
  if (memoryModel !== 'sc') {
    throw new InputError(`strategy dpor knows the memory model sc only, found ${memoryModel}`);
  }
  const words = parameters?.split(':') ?? [];
  const odd = words.find((word) => word !== 'source' && word !== 'ordered');
  if (odd !== undefined) {
    throw new InputError(`strategy dpor: ${quote(odd)}, expected source or ordered`);
  }
  return new Dpor({
    sets: words.includes('source') ? 'source' : 'optimal',
    commuting: !words.includes('ordered'),
  });
}

function makeTwice(parameters: string | undefined, options: StrategyOptions): Strategy {
  const inner = parameters ?? 'random';
  if (split(inner)[0] === 'twice') throw new InputError('strategy twice cannot hold another twice');
  return new Twice(strategyByName(inner, options));
}

function integer(what: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new InputError(`strategy ${what} is ${quote(text)}, expected ${least} to ${most}`);
}

/** A user's text in a message: on one line, and not too long. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
