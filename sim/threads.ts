import { Engine } from './engine.ts';
import { type Cpu, type Host } from './host.ts';
import { Oops, type Failure, type FailureKind } from './failure.ts';
import { Fiber, placeOf } from './fiber.ts';
import type { Round } from './livelock.ts';
import { MemoryModel, type MemoryModelName } from './memory-model.ts';
import type { Model, RunResult } from './model.ts';
import { step, type Order, type Request, type Sim } from './request.ts';
import { kernelSymbol, site, type KernelSymbol } from './site.ts';
import type { Strategy } from './strategy.ts';
import type { Trace } from './trace.ts';
import { Word, WORDS } from './words.ts';

/** What a thread runs: a generator that calls `yield* x.write(1)`. */
export type ThreadBody = () => Sim<void>;

/** A program of threads that share words, each thread on a CPU of its own. */
export interface ThreadProgram {
  readonly name: string;
  /** Declares the words and gives the threads. Called once; the threads start anew each run. */
  build(shared: Shared): ThreadsBuilt;
  readonly stepsMax?: number;
}

export interface ThreadsBuilt {
  /** By name, in the order of their CPUs. */
  readonly threads: Readonly<Record<string, ThreadBody>>;
  /** What is wrong once all threads have ended; undefined where nothing is. */
  finally?(): string | undefined;
}

const PRIVATE = site('thread', 'private');
const FENCE = site('thread', 'fence');
const STEPS_MAX = 20_000;

/** What the threads of a program have in common. */
export class Shared {
  readonly words: Word[] = [];
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  word(name: string, initial = 0): Word {
    const word = new Word(name, this.words.length, initial);
    this.words.push(word);
    return word;
  }

  /** `name[0]` to `name[count-1]` */
  array(name: string, count: number, initial = 0): readonly Word[] {
    return Array.from({ length: count }, (_, i) => this.word(`${name}[${i}]`, initial));
  }

  mutex(name: string): Mutex {
    return new Mutex(this.word(name), this.#engine);
  }

  /** One of 0 to `count` - 1, as the strategy says: 0 where nothing interferes. */
  draw(count: number): number {
    return this.#engine.decide('draw', count);
  }

  /** smp_mb(): FULL, smp_rmb(): ACQUIRE, smp_wmb(): RELEASE. */
  fence(order: Order): Request<void> {
    const request = step(FENCE);
    request.order = order;
    return request;
  }

  /** Something that only the thread itself sees. */
  work(): Request<void> {
    return step(PRIVATE);
  }

  /** Ends the run, whatever others would still do. */
  stop(): void {
    this.#engine.stop();
  }

  /** Ends the thread with a failure unless `holds`; the others go on. */
  check(holds: boolean, what: string): void {
    if (!holds) this.fail('invariant', `assertion failed: ${what}`, [what]);
  }

  fail(kind: FailureKind, title: string, sites?: readonly string[]): never {
    throw new Oops(failureOf(this.#engine, kind, title, sites));
  }
}

/** A lock: 0, or the number of who has it. Taking it is a step possible only while it is 0. */
export class Mutex {
  readonly word: Word;
  readonly #engine: Engine;

  constructor(word: Word, engine: Engine) {
    this.word = word;
    this.#engine = engine;
  }

  lock(): Request<void> {
    return this.word.take(0, this.#owner());
  }

  trylock(): Request<boolean> {
    return this.word.cmpxchg(0, this.#owner());
  }

  unlock(): Request<void> {
    return this.word.give(0);
  }

  #owner(): number {
    return this.#engine.cpu.id + 1;
  }
}

/** A program that is run again and again. Knows no kernel: for algorithms, and for the search. */
export class Threads implements Model, Host {
  readonly name: string;
  readonly engine: Engine;
  /** Whether runs keep every step with its names. */
  detailed = false;
  readonly #shared: Shared;
  readonly #built: ThreadsBuilt;
  readonly #bodies: readonly ThreadBody[];
  readonly #names: readonly string[];
  readonly #symbols: readonly KernelSymbol[];

  constructor(program: ThreadProgram, memoryModel: MemoryModelName = 'sc') {
    // How many there are is known only once they are made, and words belong to an engine.
    const probe = program.build(new Shared(new Engine(1)));
    this.name = program.name;
    this.engine = new Engine(Object.keys(probe.threads).length);
    this.engine.host = this;
    this.engine.preemption = false;
    this.engine.stepsMax = program.stepsMax ?? STEPS_MAX;
    if (memoryModel !== 'sc') {
      this.engine.memoryModel = new MemoryModel(this.engine, WORDS, memoryModel);
    }
    this.#shared = new Shared(this.engine);
    this.#built = program.build(this.#shared);
    this.#names = Object.keys(this.#built.threads);
    this.#bodies = Object.values(this.#built.threads);
    this.#symbols = this.#names.map((name) => kernelSymbol(name));
  }

  get trace(): Trace {
    return this.engine.trace;
  }

  run(strategy: Strategy): RunResult {
    const { engine } = this;
    engine.reset();
    engine.trace.detailed = this.detailed;
    for (const word of this.#shared.words) word.reset();
    for (let i = 0; i < this.#bodies.length; i++) {
      engine.cpu = engine.cpus[i]!;
      const gen = this.#bodies[i]!();
      engine.cpu.fiber = new Fiber(this.#names[i]!, i, null, gen, this.#symbols[i]!);
      engine.start(engine.cpu);
    }
    engine.run(strategy);
    if (engine.failures.length === 0 && !engine.abandoned) this.#settle();
    return engine.result();
  }

  // Host

  blocked(cpu: Cpu): void {
    cpu.fiber = null;
  }

  finished(cpu: Cpu): void {
    cpu.fiber = null;
  }

  preempt(): void {}

  returnedInto(): void {}

  /** Whoever is left waits for what cannot come. */
  idle(): boolean {
    if (this.engine.failures.length > 0) return false;
    const waiting = this.engine.cpus.filter(({ fiber }) => fiber !== null);
    if (waiting.length === 0) return false;
    const places = waiting.map(({ fiber }) => placeOf(fiber!));
    const title = `deadlock: ${waiting.map(({ fiber }) => fiber!.path).join(', ')}`;
    this.engine.failures.push(failureOf(this.engine, 'deadlock', title, places.toSorted()));
    return false;
  }

  objectName(addr: number): string {
    return this.#shared.words.find((word) => word.addr === addr)?.name ?? '';
  }

  overrun(rounds: readonly Round[] | undefined): Failure {
    const names = rounds?.map(({ fiber }) => this.#names[fiber]!).join(', ');
    const title = names === undefined ? 'no end after so many steps' : `livelock: ${names}`;
    return failureOf(this.engine, 'soft-lockup', `${this.name}: ${title}`, []);
  }

  #settle(): void {
    const wrong = this.#built.finally?.();
    if (wrong === undefined) return;
    const title = `assertion failed: ${wrong}`;
    this.engine.failures.push(failureOf(this.engine, 'invariant', title, [wrong]));
  }
}

function failureOf(
  { fiber, trace }: Engine,
  kind: FailureKind,
  title: string,
  sites: readonly string[] = fiber ? [placeOf(fiber)] : [],
): Failure {
  const step = Math.max(0, trace.stepCount - 1);
  return { kind, title, text: title, sites, objects: [], step, fatal: false };
}
