import { assert } from '../../base/assert.ts';
import { ENOENT, EPERM } from '../../kernel/errno.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import type { Failure } from '../../sim/failure.ts';
import type { Sim } from '../../sim/request.ts';
import { scenario, type Body } from '../dsl.ts';
import type { Pair, Proc } from '../proc.ts';
import { ints, wordAt } from '../user-memory.ts';
import { World } from '../world.ts';
import { loadDesign, type Design } from './design.ts';

/** struct results: publish.h */
const RESULTS = { event: 0, exec: 8, exit: 16, irq: 24, late: 32, sequence: 40 } as const;
const RESULTS_BYTES = 48;

/** What is asked of a design: one small run, in a world of its own. */
export interface Experiment {
  readonly processes: Readonly<Record<string, (lab: Lab) => Sim<void>>>;
  /** What a new image does. */
  readonly image?: (lab: Lab) => Sim<void>;
  /** On top of those that the design needs. */
  readonly features?: readonly string[];
  /** Programs that hang on their events, beside the one of the event itself. */
  readonly attached?: readonly string[];
  readonly byLeader?: boolean;
}

export interface Findings {
  readonly notes: ReadonlyMap<string, unknown>;
  readonly failures: readonly Failure[];
  readonly world: World;
}

/** A process in an experiment, and what it can find out. */
export class Lab {
  readonly p: Proc;
  readonly design: Design;
  readonly world: World;

  constructor(p: Proc, design: Design, world: World) {
    this.p = p;
    this.design = design;
    this.world = world;
  }

  /** The same for a child, or for a thread. */
  of(p: Proc): Lab {
    return new Lab(p, this.design, this.world);
  }

  register(): Sim<number> {
    return this.design.register(this.p);
  }

  /** An event of this task: what the program's attempt to tell of it has given. */
  *event(): Sim<number> {
    yield* this.p.getppid();
    return yield* this.result('event');
  }

  *result(which: keyof typeof RESULTS): Sim<number> {
    const fd = this.p.noted('results') as number;
    const found = yield* this.p.calls.mapLookup(fd, ints(0), RESULTS_BYTES);
    return wordAt(this.p.ok(found), RESULTS[which]);
  }

  /** What the word in which it is told says: which event was the last. */
  *word(addr: number): Sim<number> {
    const bytes = yield* this.p.peek(addr, 8);
    assert(bytes, 'the word is mapped');
    return wordAt(bytes, 0);
  }

  /** Whether the last event stands in the word. */
  *sees(addr: number): Sim<boolean> {
    return (yield* this.word(addr)) === (yield* this.result('sequence'));
  }

  /** As a system call finds out, without a signal. */
  *isMapped(addr: number): Sim<boolean> {
    const [, end] = this.p.noted('pipe') as Pair;
    return (yield* this.p.sys('write', end, addr, 8)) === 8;
  }

  /** One of the programs that hang nowhere. */
  *run(name: 'in_irq' | 'late', options: { cpu?: number; pid?: number }): Sim<void> {
    const BPF_F_TEST_RUN_ON_CPU = 1;
    const { cpu, pid } = options;
    const { result } = yield* this.p.calls.testRun(this.p.noted(name) as number, {
      ...(cpu === undefined ? {} : { cpu, flags: BPF_F_TEST_RUN_ON_CPU }),
      ...(pid === undefined ? {} : { ctxIn: ints(pid, 0) }),
    });
    this.p.ok(result);
  }
}

/** Runs it once. What fails is a finding. */
export function measure(design: Design, experiment: Experiment): Findings {
  const { features = [], attached = [], byLeader = false } = experiment;
  const lab = (p: Proc): Lab => new Lab(p, design, world);
  const body =
    (does: (lab: Lab) => Sim<void>): Body =>
    (p) =>
      does(lab(p));
  const definition = scenario({
    name: 'comparison',
    about: 'one cell of a comparison',
    *setup(init) {
      const object = yield* loadDesign(init, design, byLeader);
      for (const name of ['on_event', ...attached]) yield* object.program(name).attach();
      init.note('pipe', init.ok(yield* init.pipe()));
    },
    cpus: 2,
    processes: Object.fromEntries(
      Object.entries(experiment.processes).map(([name, does]) => [name, body(does)]),
    ),
    images: experiment.image ? { '/image': body(experiment.image) } : {},
  });
  const mutations = [...design.features, ...features];
  const world = new World(definition, { mutations, mode: 'timed' });
  const plan = new Stay();
  plan.begin(0);
  const { failures } = world.run(plan);
  return { notes: world.notes, failures, world };
}

/** Whether the program has found nothing that it might write to. */
export function isNothing(result: number): boolean {
  return result === -ENOENT || result === -EPERM;
}
