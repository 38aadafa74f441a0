import { encodeToken } from '../../sim/token.ts';
import { sameFailureAs } from '../../sim/explore.ts';
import type { Model, RunResult } from '../../sim/model.ts';
import type { Sim } from '../../sim/request.ts';
import { shrink } from '../../sim/shrink.ts';
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
import { FD_MAX } from '../../scenarios/common.ts';
import { scenario, type Body } from '../../scenarios/dsl.ts';
import type { Proc } from '../../scenarios/proc.ts';
import { World } from '../../scenarios/world.ts';
import { CALLS, CLOSEMOUNT, FIRST, NAMED_FILE, SPAWNS } from './program-calls.ts';
import { caseText, PROCESS_NAMES, type Case, type Op } from './random-program.ts';

const ROWS = { ...CALLS, ...CLOSEMOUNT };
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
  #processes: Case['processes'] = [];
  /** What the present run has executed: `/bin/3` is the fourth. */
  #executed: (readonly Op[])[] = [];

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
  model(drawn: Case): Model {
    const { world } = this.#homeOf(drawn);
    return {
      run: (strategy) => {
        this.#processes = drawn.processes;
        this.#executed = [];
        return world.run(strategy);
      },
    };
  }

  /**
   * What the run just made has left behind, now that every process has exited: nothing, but for
   * sockets that only messages to each other hold. Those wait for the next collection in Linux too.
   */
  leftBy(drawn: Case): string[] {
    const { world, idle } = this.#homeOf(drawn);
    if (world.kernel.fs.inFlight().length > 0) return [];
    return [...census(world)].flatMap(([what, count]) => {
      const more = count - (idle.get(what) ?? 0);
      return more > 0 ? [`${more} objects left: ${what}`] : [];
    });
  }

  #homeOf(drawn: Case): Home {
    const { profile, cpus, shared, faults, processes } = drawn;
    const key = [profile, cpus, shared, faults, processes.length].join();
    let home = this.#homes.get(key);
    if (!home) {
      const world = this.#world(drawn);
      this.#processes = processes.map(() => []);
      world.run(new Stay());
      this.#homes.set(key, (home = { world, idle: census(world) }));
    }
    return home;
  }

  #world({ profile, cpus, shared, faults, processes }: Case): World {
    const { mutations = [], races = false } = this.#options;
    const names = PROCESS_NAMES.slice(0, processes.length);
    const bodies = names.map((name, i): [string, Body] => [
      name,
      (p) => this.#perform(p, this.#processes[i]!),
    ]);
    const images = Array.from({ length: IMAGES_MAX }, (_, i): [string, Body] => [
      `/bin/${i}`,
      (p) => this.#perform(p, this.#executed[i]!),
    ]);
    return new World(
      scenario({
        name: 'random-program',
        about: 'whatever was drawn',
        cpus,
        profile,
        races,
        allocFailures: faults,
        setup: (init) => setUp(init, names, shared),
        processes: Object.fromEntries(bodies),
        images: Object.fromEntries(images),
      }),
      { mutations },
    );
  }

  *#perform(p: Proc, body: readonly Op[]): Sim<void> {
    const children: number[] = [];
    for (const { call, args, body: inner = [] } of body) {
      if (call in SPAWNS) {
        const pid = yield* p.clone(SPAWNS[call]!, (child) => this.#perform(child, inner));
        if (pid > 0) children.push(pid);
      } else if (call === 'exec') {
        yield* p.exec(`/bin/${this.#executed.push(inner) - 1}`);
      } else {
        yield* ROWS[call]!.run(p, args, children);
      }
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

/** A run of a program in full, for people: its schedule made as small as it can be. */
export function reportOf(worlds: ProgramWorlds, drawn: Case, found: RunResult): string {
  const model = worlds.model(drawn);
  const { result } = shrink(model, found, sameFailureAs(found), { runsMax: 2_000 });
  const { at, skip } = result.schedule;
  const token = encodeToken({
    form: 'schedule',
    schedule: result.schedule,
    header: {
      scenario: 'random-program',
      variant: '',
      profile: drawn.profile,
      mutations: [],
      mode: 'explore',
      memoryModel: 'sc',
    },
  });
  return [
    caseText(drawn),
    `schedule: at [${at.join()}] skip [${skip.join()}], as a token ${token}`,
    ...result.failures.map(({ text }) => text),
  ].join('\n\n');
}
