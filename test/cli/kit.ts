/** What the tests of the command line share: an io that collects, and small scenarios. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalog, loadRegistry, type Catalog } from '../../cli/catalog.ts';
import { dispatch } from '../../cli/dispatch.ts';
import type { ExitCode, Io } from '../../cli/command.ts';
import { InputError } from '../../base/errors.ts';
import { expected, isFound } from '../../scenarios/judge.ts';
import type { FailureKind } from '../../sim/failure.ts';
import type { Model } from '../../sim/model.ts';
import type { Strategy } from '../../sim/strategy.ts';
import type { TraceLine } from '../../sim/trace.ts';
import { abba, independent, lostUpdate } from '../kit/toy.ts';

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
  /** stdout, parsed. */
  json<T = Record<string, unknown>>(): T;
}

/** Where commands run that are not told where: what they keep there goes with this process. */
const CWD = mkdtempSync(join(tmpdir(), 'bohrbug-cli-'));
process.on('exit', () => rmSync(CWD, { recursive: true, force: true }));

/** The command line, as a shell would call it. */
export async function bohrbug(args: readonly string[], overrides: Partial<Io> = {}): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    status: () => {},
    isTerminal: false,
    hasColor: false,
    width: 100,
    cwd: CWD,
    nowMs: () => performance.now(),
    isInterrupted: () => false,
    loadRegistry,
    loadCatalog,
    readStdin: () => Promise.resolve(new Uint8Array()),
    mapStacks: () => process.setSourceMapsEnabled(true),
    ...overrides,
  };
  const code = await dispatch(args, io);
  const text = out.join('\n');
  return { code, out: text, err: err.join('\n'), json: () => JSON.parse(text) };
}

// A catalog in the place of scenarios/: toys instead of kernels

interface FakeVariant {
  readonly about: string;
  readonly mutations: readonly string[];
  readonly policy: readonly string[];
  readonly expect: readonly FailureKind[];
}

interface FakeScenario {
  readonly name: string;
  readonly about: string;
  readonly hazard?: string;
  readonly cpus: number;
  readonly profile: 'v7.2';
  readonly variants: Record<string, FakeVariant>;
  readonly defaultVariant: string;
  readonly isScenario: true;
  readonly models: Record<string, () => Model>;
}

function fake(
  name: string,
  kinds: readonly FailureKind[],
  bad: () => Model,
  hazard?: string,
): FakeScenario {
  return {
    name,
    about: `the toy ${name}`,
    cpus: 2,
    profile: 'v7.2',
    defaultVariant: 'bad',
    isScenario: true,
    ...(hazard && { hazard }),
    variants: {
      bad: { about: 'fails', mutations: [], policy: [], expect: kinds },
      good: { about: 'is clean', mutations: [], policy: [], expect: [] },
    },
    models: { bad, good: () => independent([3, 3]) },
  };
}

const FAKES: readonly FakeScenario[] = [
  fake('lost-update', ['invariant'], () => lostUpdate(2), '00-H2'),
  fake('abba', ['deadlock'], abba, '00-H10'),
  fake('not-there', ['leak'], () => independent([2, 2])),
];

class FakeWorld implements Model {
  detailed = false;
  readonly trace = { lines: [] as TraceLine[] };
  readonly tracePipe: readonly string[] = [];
  readonly kernel = {
    machine: {
      engine: { fiber: { path: 'A' } },
      klog: { lines: [{ level: 4, atNs: 1_500, cpu: 1, text: 'careful' }] },
    },
  };
  readonly #model: Model;

  constructor(scenario: FakeScenario, options: { variant: string }) {
    this.#model = scenario.models[options.variant]!();
  }

  run(strategy: Strategy) {
    const result = this.#model.run(strategy);
    const { failures } = result;
    this.trace.lines = !this.detailed
      ? []
      : failures.map(({ title, sites }, i) => ({
          step: i,
          cpu: 0,
          path: 'A',
          pid: 101,
          atNs: i,
          kind: 'report',
          site: sites[0]!,
          object: '',
          nth: 0,
          choice: 0,
          text: title,
        }));
    return result;
  }
}

async function loadFakes(): Promise<Catalog> {
  const findScenario = (name: string) => {
    const found = FAKES.find((scenario) => scenario.name === name);
    if (found) return found;
    throw new InputError(`no scenario ${name}`);
  };
  const catalog = { SCENARIOS: FAKES, findScenario, World: FakeWorld, expected, isFound };
  // As much of it as commands use.
  return catalog as unknown as Catalog;
}

/** The command line with toys for scenarios. */
export function bohrbugWithFakes(
  args: readonly string[],
  overrides: Partial<Io> = {},
): Promise<Ran> {
  return bohrbug(args, {
    loadRegistry: loadFakes,
    loadCatalog: loadFakes,
    ...overrides,
  });
}
