import { InputError } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import { DEFAULT_BUDGETS, RUN_CONTEXTS, type Budgets, type RunContext } from './budgets.ts';
import { HELD_CLASSES, type HeldClass } from './pairs.ts';
import { POLICY_NAMES, type PolicyName } from './names.ts';

/** Who notices that a budget is used up. Spec 03 R17. */
export const SOURCES = ['nmi', 'timer'] as const;
export type Source = (typeof SOURCES)[number];

/** What becomes of a program that has been killed so often. Spec 03 R24. */
export type AfterKills =
  | { readonly what: 'keep' }
  | { readonly what: 'detach' | 'refuse'; readonly kills: number };

/** A policy with its options. */
export interface Settings {
  readonly policy: PolicyName;
  readonly budgets: Budgets;
  readonly source: Source;
  /** Whether time off the CPU counts. Spec 03 R14. */
  readonly countsOffCpu: boolean;
  /** LSM programs that were killed: refuse with -EPERM, or let pass with 0. */
  readonly lsmFails: 'closed' | 'open';
  readonly after: AfterKills;
  /** Whether the places where kfuncs are called are on record. Spec 03 R34. */
  readonly hasKfuncSites: boolean;
  /** Kills at the n-th kill point of each run, from 1: for tests. 0: never. */
  readonly killAt: number;
}

/** Of all programs, and of some by name. */
export interface Selection {
  readonly all: Settings;
  readonly byProgram: ReadonlyMap<string, Settings>;
}

export function settingsOf(policy: PolicyName, options: Partial<Settings> = {}): Settings {
  return {
    budgets: DEFAULT_BUDGETS,
    source: 'nmi',
    countsOffCpu: false,
    lsmFails: 'closed',
    after: { what: 'keep' },
    hasKfuncSites: true,
    killAt: 0,
    ...options,
    policy,
  };
}

export const NO_POLICY: Selection = { all: settingsOf('none'), byProgram: new Map() };

/**
 * `record-kill`, `record-kill:source=timer,irqs-off=2ms`, and for one program `bomb=none`: each
 * text is one --policy. Throws InputError.
 */
export function selectionOf(texts: readonly string[]): Selection {
  let { all } = NO_POLICY;
  const byProgram = new Map<string, Settings>();
  for (const text of texts) {
    const [, program, rest] = /^(?:([\w.]+)=)?(.*)$/s.exec(text)!;
    const settings = parsed(rest!);
    if (program === undefined) all = settings;
    else byProgram.set(program, settings);
  }
  return { all, byProgram };
}

function parsed(text: string): Settings {
  const [name, options] = text.split(':', 2);
  const policy = POLICY_NAMES.find((known) => known === name);
  if (policy === undefined) throw unknownPolicy(name!);
  let settings = settingsOf(policy);
  for (const option of options === undefined ? [] : options.split(',')) {
    settings = withOption(settings, option);
  }
  return settings;
}

function unknownPolicy(name: string): InputError {
  const meant = nearest(name, POLICY_NAMES);
  const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
  return new InputError(
    `no policy ${JSON.stringify(name.slice(0, 40))}${hint} (there are ${POLICY_NAMES.join(', ')})`,
  );
}

const BUDGETS = [...RUN_CONTEXTS, ...HELD_CLASSES.map((cls) => `held-${cls}`)];
const OPTIONS =
  'source=nmi|timer, off-cpu=counts|excluded, lsm=closed|open, after=keep|detach@N|refuse@N, ' +
  'kfunc-sites=recorded|none, ' +
  `kill-at=N, and a time for any of ${BUDGETS.join(', ')}`;

function withOption(settings: Settings, text: string): Settings {
  const [key = '', value = ''] = text.split('=', 2);
  const bad = new InputError(`--policy option ${JSON.stringify(text)}: expected ${OPTIONS}`);
  switch (key) {
    case 'source':
      return { ...settings, source: oneOf(SOURCES, value, bad) };
    case 'off-cpu':
      return {
        ...settings,
        countsOffCpu: oneOf(['counts', 'excluded'] as const, value, bad) === 'counts',
      };
    case 'lsm':
      return { ...settings, lsmFails: oneOf(['closed', 'open'] as const, value, bad) };
    case 'after':
      return { ...settings, after: afterOf(value, bad) };
    case 'kfunc-sites': {
      const isRecorded = oneOf(['recorded', 'none'] as const, value, bad) === 'recorded';
      return { ...settings, hasKfuncSites: isRecorded };
    }
    case 'kill-at':
      return { ...settings, killAt: whole(value, bad) };
    default:
      return { ...settings, budgets: withBudget(settings.budgets, key, value, bad) };
  }
}

function oneOf<T extends string>(values: readonly T[], text: string, bad: InputError): T {
  const found = values.find((value) => value === text);
  if (found === undefined) throw bad;
  return found;
}

function whole(text: string, bad: InputError): number {
  if (!/^\d{1,9}$/.test(text)) throw bad;
  return Number(text);
}

function afterOf(text: string, bad: InputError): AfterKills {
  if (text === 'keep') return { what: 'keep' };
  const [what, kills] = text.split('@', 2);
  if ((what !== 'detach' && what !== 'refuse') || kills === undefined) throw bad;
  return { what, kills: Math.max(1, whole(kills, bad)) };
}

const UNITS_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

function withBudget(budgets: Budgets, key: string, text: string, bad: InputError): Budgets {
  const [, amount, unit] = /^(\d{1,9})(ns|us|ms|s)$/.exec(text) ?? [];
  if (amount === undefined || Number(amount) === 0) throw bad;
  const ns = Number(amount) * UNITS_NS[unit!]!;
  const context = RUN_CONTEXTS.find((known: RunContext) => known === key);
  if (context) return { ...budgets, run: { ...budgets.run, [context]: ns } };
  const held = HELD_CLASSES.find((known: HeldClass) => `held-${known}` === key);
  if (!held) throw bad;
  return { ...budgets, held: { ...budgets.held, [held]: ns } };
}
