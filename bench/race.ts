import { struct, u32 } from '../base/layout.ts';
import { Engine } from '../sim/engine.ts';
import { access, kernelText, READ, step, WRITE, type Sim } from '../sim/request.ts';
import { site } from '../sim/site.ts';
import { Random } from '../sim/strategies/random.ts';
import { Cpus } from '../kernel/cpu.ts';
import { Kasan } from '../kernel/kasan.ts';
import { Machine } from '../kernel/machine.ts';
import { Sched } from '../kernel/sched.ts';
import { task_struct } from '../kernel/structs.ts';
import { Task } from '../kernel/task.ts';
import type { Bench } from './harness.ts';

/** Whole executions: a race of two tasks and thirty steps, and the machine put back between. */

const LOAD = site('increment', 'load');
const STORE = site('increment', 'store');
const WORK = site('increment', 'work');
const STEPS_EACH = 15;
const LIVE_BYTES = 256 << 10;

const counter = struct('counter', { value: u32 });

/** A counter in memory that two tasks increment with a load and a store. */
class Race {
  readonly machine = new Machine({ cpuCount: 2, profile: 'v7.2', mutations: new Set() });
  readonly cpus = new Cpus(this.machine);
  readonly sched = new Sched(this.machine, this.cpus);
  readonly kasan = new Kasan(this.machine);
  readonly #strategy = new Random(1);
  readonly #cache = this.machine.slab.cache('counter', counter.sizeBytes);
  readonly #tasks: readonly Task[];
  readonly #counter: number;
  lost = 0;
  #run = 0;

  constructor(liveBytes: number) {
    const { machine } = this;
    const { slab } = machine;
    for (let made = 0; made < liveBytes; made += 1024) slab.kzalloc(1024);
    const cache = slab.cache('task_struct', task_struct.sizeBytes);
    this.#counter = slab.zalloc(this.#cache);
    this.#tasks = ['A', 'B'].map((comm, i) => {
      const task = new Task(machine, slab.zalloc(cache), 101 + i, comm, comm, () =>
        this.increment(),
      );
      task.setComm(comm);
      task.s.cpu = i;
      return task;
    });
    machine.checkpoint();
  }

  *increment(): Sim<void> {
    const { memory, slab } = this.machine;
    const own = slab.zalloc(this.#cache);
    const seen = yield* access(LOAD, this.#counter, 4, READ, () => memory.u32(this.#counter));
    for (let i = 0; i < STEPS_EACH - 3; i++) yield* step(WORK);
    yield* access(STORE, this.#counter, 4, WRITE, () => memory.setU32(this.#counter, seen + 1));
    this.kasan.free(own);
  }

  reset(): void {
    this.machine.rollback();
    this.cpus.reset();
  }

  once(): void {
    this.reset();
    for (const task of this.#tasks) {
      task.restart();
      this.sched.wakeNew(task);
    }
    this.#strategy.begin(this.#run++);
    this.machine.engine.run(this.#strategy);
    if (this.machine.memory.u32(this.#counter) !== 2) this.lost++;
  }

  /** A few words in as many pages, and back. */
  touchAndReset(): void {
    this.machine.memory.setU32(this.#counter, 7);
    this.machine.memory.setU32(this.#tasks[0]!.addr, 7);
    this.reset();
  }
}

kernelText(Race);

/** The same race with nothing around it but the choice. */
class PlainRace {
  readonly #strategy = new Random(1);
  readonly #choice = {
    index: 0,
    kind: 'sched',
    count: 2,
    options: Int32Array.of(0, 1),
    stay: 0,
    isForced: false,
    requestOf: () => null,
    nameOf: () => ({ path: '', site: '', object: '' }),
  };
  #value = 0;
  #run = 0;
  lost = 0;

  *#increment(): Generator<number, void, void> {
    const seen = this.#value;
    for (let i = 0; i < STEPS_EACH; i++) yield i;
    this.#value = seen + 1;
  }

  once(): void {
    this.#value = 0;
    this.#strategy.begin(this.#run++);
    const tasks = [this.#increment(), this.#increment()];
    while (tasks.length > 0) {
      const pick = tasks.length > 1 ? this.#strategy.choose(this.#choice) : 0;
      if (tasks[pick]!.next().done === true) tasks.splice(pick, 1);
    }
    if (this.#value !== 2) this.lost++;
  }
}

/** Runs after which the compiler is through with the code, even on a loaded machine. */
const WARM_UP_RUNS = 30_000;

/** Does what `make` gives n times. It is made, and warmed up, when it is first wanted. */
function times(make: () => () => void): (n: number) => void {
  let act: (() => void) | undefined;
  return (n) => {
    if (!act) {
      act = make();
      for (let i = 0; i < WARM_UP_RUNS; i++) act();
    }
    for (let i = 0; i < n; i++) act();
  };
}

export const raceBenches: readonly Bench[] = [
  {
    name: 'race of 2 x 15 steps',
    unit: 'run',
    baseline: 'plain generators, no kernel',
    run: times(() => {
      const race = new Race(LIVE_BYTES);
      return () => race.once();
    }),
    runBaseline: times(() => {
      const race = new PlainRace();
      return () => race.once();
    }),
  },
  {
    name: 'reset, 256 KiB live, 2 pages written',
    unit: 'reset',
    baseline: 'engine.reset() alone',
    run: times(() => {
      const race = new Race(LIVE_BYTES);
      return () => race.touchAndReset();
    }),
    runBaseline: times(() => {
      const engine = new Engine(2);
      return () => engine.reset();
    }),
  },
];
