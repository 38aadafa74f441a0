import type { Kernel } from '../../kernel/kernel.ts';
import { traceableFunctions, type KernelFunction } from '../../kernel/functions.ts';
import { SECURITY_FUNCTIONS } from '../../kernel/security-hooks.ts';
import { syscallEvents, TRACE_EVENTS } from '../../kernel/trace-events.ts';
import type { TraceEvent } from '../../kernel/tracepoint.ts';
import { TraceLinks } from './links.ts';
import { PerfEvents, type ProgramRefs } from './perf-event.ts';
import { RunRules, type Runner } from './run-rules.ts';
import { TracepointPrograms } from './tracepoints.ts';
import { TraceFs } from './tracefs.ts';
import { BpfTrampolines } from './trampoline.ts';

export interface HooksParts {
  readonly runner: Runner;
  readonly programs: ProgramRefs;
}

/** What programs can hang on in one kernel, and how they run there. Made before boot. */
export class Hooks {
  readonly rules: RunRules;
  readonly tracepoints: TracepointPrograms;
  readonly trampolines: BpfTrampolines;
  readonly perfEvents: PerfEvents;
  readonly programs: ProgramRefs;
  readonly links: TraceLinks;
  readonly #kernel: Kernel;
  #events: ReadonlyMap<string, TraceEvent> | undefined;
  #eventsById: ReadonlyMap<number, TraceEvent> | undefined;
  #functions: ReadonlyMap<string, KernelFunction> | undefined;

  constructor({ runner, programs }: HooksParts) {
    this.#kernel = runner.kernel;
    this.rules = new RunRules(runner);
    this.programs = programs;
    this.links = new TraceLinks(this);
    const { rules } = this;
    this.tracepoints = new TracepointPrograms(rules);
    this.trampolines = new BpfTrampolines(rules);
    this.perfEvents = new PerfEvents({
      rules,
      tracepoints: this.tracepoints,
      anon: this.#kernel.fs.anon,
      programs,
      eventById: (id) => this.eventById(id),
    });
  }

  /** System calls and files of their own, once all other system calls are registered. */
  install(): void {
    const { fs, syscalls } = this.#kernel;
    syscalls.register(this.perfEvents.rows);
    fs.add(new TraceFs(this.#kernel, this.#all()).kinds, [this.perfEvents.ops]);
  }

  checkpoint(): void {
    this.tracepoints.checkpoint();
  }

  reset(): void {
    this.tracepoints.reset();
  }

  /** What a raw tracepoint program or BPF_TRACE_RAW_TP names. bpf_get_raw_tracepoint() */
  rawEvent(name: string): TraceEvent | undefined {
    return TRACE_EVENTS.find((event) => event.name === name);
  }

  /** `sched`, `sched_switch`; or `syscalls`, `sys_enter_close`. */
  event(system: string, name: string): TraceEvent | undefined {
    this.#events ??= new Map(this.#all().map((event) => [`${event.system}/${event.name}`, event]));
    return this.#events.get(`${system}/${name}`);
  }

  eventById(id: number): TraceEvent | undefined {
    this.#eventsById ??= new Map(this.#all().map((event) => [event.id, event]));
    return this.#eventsById.get(id);
  }

  /** What fentry, fmod_ret and fexit programs may name, and programs on hooks of the LSM. */
  function(name: string): KernelFunction | undefined {
    const { rows } = this.#kernel.syscalls;
    this.#functions ??= new Map(
      [...traceableFunctions(rows), ...SECURITY_FUNCTIONS].map((fn) => [fn.name, fn]),
    );
    return this.#functions.get(name);
  }

  #all(): readonly TraceEvent[] {
    return [...TRACE_EVENTS, ...syscallEvents(this.#kernel.syscalls.rows)];
  }
}
