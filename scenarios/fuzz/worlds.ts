import type { Model, RunResult } from '../../sim/model.ts';
import type { Sim } from '../../sim/request.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';
import { Replay } from '../../sim/strategies/replay.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import {
  CLONE_FILES,
  CLOSE_RANGE_UNSHARE,
  O_CREAT,
  O_NONBLOCK,
  O_RDWR,
} from '../../kernel/fs/uapi.ts';
import { SOCK_STREAM } from '../../kernel/fs/unix-structs.ts';
import { FD_MAX } from '../common.ts';
import { scenario, type Body, type Scenario } from '../dsl.ts';
import type { Proc } from '../proc.ts';
import { World } from '../world.ts';
import type { Case } from './arbitraries.ts';
import { FIRST } from './call-row.ts';
import { CALLS, NAMED_FILE, SPAWNS } from './calls.ts';
import { parseProgramRef, PROCESS_NAMES, type Op, type Program } from './program.ts';

/** Bodies that one run may execute: a program has fewer. */
const IMAGES_MAX = 128;

export interface ProgramWorldOptions {
  readonly mutations?: readonly string[];
  /** Whether data races are failures too. */
  readonly races?: boolean;
}

/** One kind of world, and what is left there when processes have done nothing. */
interface Home {
  readonly world: World;
  readonly idle: ReadonlyMap<string, number>;
}

/**
 * Worlds whose processes do what the present program says. Setup does not depend on it, so one
 * world serves every program with its profile, CPUs, number of processes and so on.
 */
export class ProgramWorlds {
  readonly #options: ProgramWorldOptions;
  readonly #homes = new Map<string, Home>();
  #program: Running = runningOf([]);

  constructor(options: ProgramWorldOptions = {}) {
    this.#options = options;
  }

  /** The same kernels, in which nothing has run yet. */
  fresh(): ProgramWorlds {
    return new ProgramWorlds(this.#options);
  }

  /** The run that a case asks for. */
  run(drawn: Case): RunResult {
    const strategy = strategyByName(drawn.strategy, { seed: drawn.seed });
    strategy.begin(0);
    const result = this.model(drawn).run(strategy);
    strategy.end(result.choiceCount);
    return result;
  }

  replay(drawn: Case, { schedule }: RunResult): RunResult {
    const replay = new Replay(schedule);
    replay.begin(0);
    return this.model(drawn).run(replay);
  }

  /** The program of a case, to be run along any schedule. */
  model(drawn: Program): Model {
    const { world } = this.#homeOf(drawn);
    const program = runningOf(drawn.processes);
    return {
      run: (strategy) => {
        this.#program = program;
        return world.run(strategy);
      },
    };
  }

  /**
   * What the run just made has left behind, now that every process has exited: nothing, but for
   * sockets that only messages to each other hold. Those wait for the next collection in Linux too.
   */
  leftBy(drawn: Program): string[] {
    const { world, idle } = this.#homeOf(drawn);
    if (world.kernel.fs.inFlight().length > 0) return [];
    return [...census(world)].flatMap(([what, count]) => {
      const more = count - (idle.get(what) ?? 0);
      return more > 0 ? [`${more} objects left: ${what}`] : [];
    });
  }

  #homeOf(drawn: Program): Home {
    const { profile, cpus, shared, faults, processes } = drawn;
    const key = [profile, cpus, shared, ...faults, processes.length].join();
    let home = this.#homes.get(key);
    if (!home) {
      const world = this.#world(drawn);
      this.#program = runningOf(processes.map(() => []));
      world.run(new Stay());
      this.#homes.set(key, (home = { world, idle: census(world) }));
    }
    return home;
  }

  #world(shape: Program): World {
    const { mutations = [], races = false } = this.#options;
    return new World({ ...shapedScenario(shape, () => this.#program), races }, { mutations });
  }
}

/** The program as a scenario of its own, by the name that programRef() gives it. */
export function programScenario(ref: string): Scenario {
  const program = parseProgramRef(ref);
  const running = runningOf(program.processes);
  return { ...shapedScenario(program, () => running), name: ref };
}

/** A program, and the bodies in it that are executed: `/bin/3` is the fourth. */
interface Running {
  readonly processes: Program['processes'];
  readonly executed: readonly Op[];
}

function runningOf(processes: Program['processes']): Running {
  const executed: Op[] = [];
  const visit = (body: readonly Op[]): void => {
    for (const op of body) {
      if (op.call === 'exec') executed.push(op);
      visit(op.body ?? []);
    }
  };
  for (const body of processes) visit(body);
  return { processes, executed };
}

/** A program takes some hundreds; what goes on for this long goes on for ever. */
const STEPS_MAX = 20_000;

/** A scenario of that shape, whose processes do what the program of the moment says. */
function shapedScenario(shape: Program, present: () => Running): Scenario {
  const { profile, cpus, shared, faults, processes } = shape;
  const names = PROCESS_NAMES.slice(0, processes.length);
  const bodies = names.map((name, i): [string, Body] => [
    name,
    (p) => perform(p, present().processes[i]!, present()),
  ]);
  const images = Array.from({ length: IMAGES_MAX }, (_, i): [string, Body] => [
    `/bin/${i}`,
    (p) => perform(p, present().executed[i]!.body!, present()),
  ]);
  return scenario({
    name: 'random-program',
    about: 'system calls that were drawn',
    stepsMax: STEPS_MAX,
    cpus,
    profile,
    faults,
    setup: (init) => setUp(init, names, shared),
    processes: Object.fromEntries(bodies),
    images: Object.fromEntries(images),
  });
}

function* perform(p: Proc, body: readonly Op[], running: Running): Sim<void> {
  const children: number[] = [];
  for (const op of body) {
    const { call, args, body: inner = [] } = op;
    if (Object.hasOwn(SPAWNS, call)) {
      const pid = yield* p.clone(SPAWNS[call]!, (child) => perform(child, inner, running));
      if (pid > 0) children.push(pid);
    } else if (call === 'exec') {
      yield* p.exec(`/bin/${running.executed.indexOf(op)}`);
    } else {
      yield* CALLS[call]!.run(p, args, children);
    }
  }
}

/** Each process starts with a file of every kind that matters: FIRST. */
function* setUp(init: Proc, names: readonly string[], shared: boolean): Sim<void> {
  init.ok(yield* init.open('/dev/null'));
  init.ok(yield* init.eventfd(0, O_NONBLOCK));
  init.ok(yield* init.pipe(O_NONBLOCK));
  init.ok(yield* init.socketpair(SOCK_STREAM | O_NONBLOCK));
  init.check((yield* init.open('/dev/autofs')) === FIRST.autofs, 'descriptors begin at 0');
  const file = init.ok(yield* init.open(NAMED_FILE, O_RDWR | O_CREAT, 0o600));
  init.ok(yield* init.write(file, 'from the start'));
  init.check((yield* init.open('/dev/looper')) === FIRST.looper, 'descriptors have no gaps');
  for (const name of names) yield* init.start(name, shared ? CLONE_FILES : 0);
  init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
}

/** How many objects there are, by cache and where they were allocated. */
function census({ kernel }: World): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { cache, allocated } of kernel.machine.slab.live()) {
    const what = `${cache} of ${allocated.site}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}
