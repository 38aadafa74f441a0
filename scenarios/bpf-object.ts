import type { ToldKills } from '../bpf/protect/kill-info.ts';
import type { TestRun, TestRunResult } from '../bpf/user/calls.ts';
import type { BpfObject } from '../bpf/user/object.ts';
import { numberOf, type Datum, type ObjectMap } from '../bpf/user/object-map.ts';
import type { ObjectProgram, ProgramStats } from '../bpf/user/object-program.ts';
import type { Sim } from '../sim/request.ts';
import type { Proc } from './proc.ts';
import { Sandbox } from './sandbox.ts';

/** Does one piece of work in the sandbox. */
type Run = <T>(work: (p: Proc) => Sim<T>) => T;

/** A map of an object in a sandbox. Keys and values: bytes, or little-endian numbers. */
export class TestMap {
  readonly #map: ObjectMap;
  readonly #run: Run;

  constructor(map: ObjectMap, run: Run) {
    this.#map = map;
    this.#run = run;
  }

  get name(): string {
    return this.#map.name;
  }

  /** The value, or undefined where the key is not there. */
  lookup(key: Datum): Uint8Array | undefined {
    const found = this.#run(() => this.#map.lookup(key));
    return typeof found === 'number' ? undefined : found;
  }

  /** The value as an unsigned number; 0 where the key is not there. */
  number(key: Datum): bigint {
    return numberOf(this.lookup(key) ?? new Uint8Array(0));
  }

  /** 0 or -errno. */
  update(key: Datum, value: Datum, flags = 0): number {
    return this.#run(() => this.#map.update(key, value, flags));
  }

  /** 0 or -errno. */
  delete(key: Datum): number {
    return this.#run(() => this.#map.delete(key));
  }

  entries(): readonly { readonly key: Uint8Array; readonly value: Uint8Array }[] {
    return this.#run(() => this.#map.entries());
  }

  /** Of a perf event array, before anything is read: a buffer of so many pages for each CPU. */
  listen(pages?: number): this {
    this.#run(() => this.#map.listen(pages));
    return this;
  }

  /** Of a ring buffer or a perf event array: the records that are ready, which are read by that. */
  read(): readonly Uint8Array[] {
    return this.#run(() => this.#map.read());
  }
}

/** A program of an object in a sandbox. */
export class TestProgram {
  readonly #program: ObjectProgram;
  readonly #run: Run;

  constructor(program: ObjectProgram, run: Run) {
    this.#program = program;
    this.#run = run;
  }

  get name(): string {
    return this.#program.name;
  }

  get stats(): ProgramStats {
    return this.#run(() => this.#program.stats());
  }

  /** What policies have done about its runs. */
  get kills(): ToldKills {
    return this.#run(() => this.#program.kills());
  }

  /** What it has printed, or the kernel has said of it, since somebody last read. */
  stream(which: 'stdout' | 'stderr'): string {
    return this.#run(() => this.#program.stream(which));
  }

  /** How often it has run. */
  get runCount(): number {
    return this.stats.runCount;
  }

  /** BPF_PROG_TEST_RUN. */
  run(options: TestRun = {}): TestRunResult {
    return this.#run(() => this.#program.testRun(options));
  }

  /** Hangs it where its section says, or on `target`. */
  attach(target?: string): void {
    this.#run(() => this.#program.attach(target));
  }

  detach(): void {
    this.#run(() => this.#program.detach());
  }
}

/** An object in a sandbox: opened; load() and attach() do the rest. */
export class TestObject {
  readonly object: BpfObject;
  readonly programs: Readonly<Record<string, TestProgram>>;
  readonly #run: Run;

  constructor(object: BpfObject, run: Run) {
    this.object = object;
    this.#run = run;
    const programs = object.programs.map((program) => new TestProgram(program, run));
    this.programs = Object.fromEntries(programs.map((program) => [program.name, program]));
  }

  /** Before load(): what a variable begins with. */
  set(variable: string, value: number | bigint | Uint8Array): this {
    this.object.set(variable, value);
    return this;
  }

  /** Throws LoadError, with the kernel's log, where the kernel refuses a program. */
  load(): this {
    this.#run(() => this.object.load());
    return this;
  }

  attach(): this {
    this.#run(() => this.object.attach());
    return this;
  }

  map(name: string): TestMap {
    return new TestMap(this.object.map(name), this.#run);
  }

  /** A variable of .data, .bss or .rodata, as it is now: an unsigned number. */
  variable(name: string): bigint {
    return numberOf(this.#run(() => this.object.mapOf(name).variable(name)));
  }

  destroy(): void {
    this.#run(() => this.object.destroy());
  }
}

/** A fresh kernel for trying programs in: what a unit test of a program wants. */
export class BpfSandbox extends Sandbox {
  /** An object that clang made; `name` is what messages call it. Throws InputError. */
  openBytes(bytes: Uint8Array, name: string): TestObject {
    const object = this.run(function* (p) {
      return p.openObject(bytes, name);
    });
    return new TestObject(object, (work) => this.run(work));
  }
}
