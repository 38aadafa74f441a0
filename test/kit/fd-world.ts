import { expect } from 'vitest';
import type { Kernel } from '../../kernel/kernel.ts';
import { PROFILES, type Profile } from '../../kernel/profile.ts';
import { scenario, type Body, type ScenarioDefinition } from '../../scenarios/dsl.ts';
import { World, type WorldOptions } from '../../scenarios/world.ts';
import { explore, type Outcome } from '../../sim/explore.ts';
import type { RunResult } from '../../sim/model.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';

/** Rows of a table, each in both profiles. */
export function inBoth<Row extends readonly unknown[]>(rows: readonly Row[]): [Profile, ...Row][] {
  return PROFILES.flatMap((profile) => rows.map((row): [Profile, ...Row] => [profile, ...row]));
}

/** A scenario of one test, with a look into the tables of whoever is running. */
export class FdWorld {
  readonly world: World;

  constructor(definition: Omit<ScenarioDefinition, 'name' | 'about'>, options: WorldOptions = {}) {
    this.world = new World(scenario({ name: 'test', about: 'a test', ...definition }), options);
    this.world.detailed = true;
  }

  get kernel(): Kernel {
    return this.world.kernel;
  }

  /** The current task's descriptor table. */
  get files(): number {
    return this.kernel.machine.memory.unwatched(() => this.kernel.sched.current.s.files);
  }

  /** The file that the current task has as `fd`, or 0. */
  file(fd: number): number {
    return this.kernel.fs.tables.slot(this.files, fd);
  }

  /** References of that file. */
  refs(fd: number): number {
    return this.kernel.fs.files.count(this.file(fd));
  }

  /** Slots of the current task's table. */
  get size(): number {
    return this.kernel.machine.memory.unwatched(
      () => this.kernel.fs.tables.tableOf(this.files).max_fds,
    );
  }

  /** One run: without failures, or with those of the given titles. */
  run(titles: readonly (string | RegExp)[] = [], strategy = 'stay'): RunResult {
    const plan = strategyByName(strategy, { seed: 1 });
    plan.begin(0);
    const result = this.world.run(plan);
    const found = result.failures.map(({ title }) => title);
    expect(found, result.failures[0]?.text).toHaveLength(titles.length);
    titles.forEach((title, i) => expect(found[i]).toMatch(title));
    return result;
  }

  /** Runs until something is found; detailed traces are not kept. */
  explore(strategy: string, runsMax = 2_000): Outcome {
    this.world.detailed = false;
    const outcome = explore(this.world, {
      strategy: strategyByName(strategy, { seed: 5 }),
      runsMax,
    });
    this.world.detailed = true;
    return outcome;
  }

  /** Every run of a strategy, each without a failure; `after` looks at what it left. */
  everyRun(strategy: string, after: (result: RunResult) => void, runsMax = 2_000): number {
    const plan = strategyByName(strategy, { seed: 5 });
    let run = 0;
    for (; run < runsMax && plan.begin(run); run++) {
      const result = this.world.run(plan);
      plan.end(result.choiceCount);
      expect(result.failures.map(({ text }) => text)).toEqual([]);
      after(result);
    }
    return run;
  }

  /** The points of the last run whose groups are in `groups`: `CT` for C1 to C9 and T1 to T10. */
  points(groups: string, path?: string): string[] {
    const pattern = new RegExp(`:([${groups}]\\d+)$`);
    return this.sites(pattern, path).map((site) => pattern.exec(site)![1]!);
  }

  /** The sites of the last run's steps that match. */
  sites(pattern: RegExp, path?: string): string[] {
    return this.world.trace.lines
      .filter((line) => line.kind === 'step' && (path === undefined || line.path === path))
      .map(({ site }) => site)
      .filter((site) => pattern.test(site));
  }

  /** The objects touched at a point, in the order of the last run. */
  objects(site: string): string[] {
    return this.world.trace.lines
      .filter((line) => line.kind === 'step' && line.site === site)
      .map(({ object }) => object);
  }
}

/** One process, alone, along one schedule without a failure. */
export function solo(
  profile: Profile,
  body: (p: Parameters<Body>[0], w: FdWorld) => ReturnType<Body>,
): FdWorld {
  const w: FdWorld = new FdWorld({ processes: { A: (p) => body(p, w) } }, { profile });
  w.run();
  return w;
}
