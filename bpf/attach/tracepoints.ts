import { E2BIG, EEXIST } from '../../kernel/errno.ts';
import { TraceRecord } from '../../kernel/trace-record.ts';
import type { EventArgs, Probe, TraceEvent } from '../../kernel/tracepoint.ts';
import { pt_regs } from '../../kernel/structs.ts';
import { kernelFunction, type Sim } from '../../sim/request.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { Registry } from '../registry.ts';
import { kernelAddress } from '../vm/frame.ts';
import type { RunRules } from './run-rules.ts';

/** kernel/trace/bpf_trace.c */
const BPF_TRACE_MAX_PROGS = 64;

/** TRACE_FLAG_*: include/linux/trace_events.h */
const TRACE_FLAG_IRQS_OFF = 0x01;
const TRACE_FLAG_NEED_RESCHED = 0x04;
const TRACE_FLAG_HARDIRQ = 0x08;
const TRACE_FLAG_SOFTIRQ = 0x10;

/** The TP_PROTO values as registers: narrow ones are extended with zeros. CAST_TO_U64() */
export function eventRegisters({ args: types }: TraceEvent, args: EventArgs): bigint[] {
  return Object.values(types).map(({ kind, sizeBytes }, i) => {
    const value = args[i]!;
    if (kind === 'ptr') return kernelAddress(Number(value));
    return BigInt.asUintN(8 * sizeBytes, BigInt(value));
  });
}

/** By the number of arguments: bpf_trace_run1() to bpf_trace_run12() */
const BPF_TRACE_RUN = Array.from({ length: 13 }, (_, count) =>
  kernelFunction(
    `bpf_trace_run${count}`,
    (rules: RunRules, prog: ExecProgram, args: readonly bigint[]): Sim<void> =>
      rules.runOnArgs(prog, args),
  ),
);

/** Programs on trace events. kernel/trace/bpf_trace.c, kernel/trace/trace_event_perf.c */
export class TracepointPrograms {
  readonly #rules: RunRules;
  /** struct trace_event_call's prog_array, by event id: replaced, never changed. */
  readonly #arrays = new Registry<readonly ExecProgram[]>();
  readonly #probes = new Map<TraceEvent, Probe>();

  constructor(rules: RunRules) {
    this.#rules = rules;
  }

  checkpoint(): void {
    this.#arrays.checkpoint();
  }

  reset(): void {
    this.#arrays.reset();
  }

  /** Runs a program of type raw_tracepoint, or tracing for BPF_TRACE_RAW_TP, on the arguments. */
  probe(event: TraceEvent, prog: ExecProgram): Probe {
    const bpf_trace_run = BPF_TRACE_RUN[Object.keys(event.args).length]!;
    const run = (args: EventArgs) => bpf_trace_run(this.#rules, prog, eventRegisters(event, args));
    return { name: prog.name, run };
  }

  bpf_probe_register(event: TraceEvent, probe: Probe): number {
    this.#tracepoints.register(event, probe);
    return 0;
  }

  bpf_probe_unregister(event: TraceEvent, probe: Probe): void {
    this.#tracepoints.unregister(event, probe);
  }

  /** Hangs a program on the event's records: 0 or -errno. perf_event_attach_bpf_prog() */
  perf_event_attach_bpf_prog(event: TraceEvent, prog: ExecProgram): number {
    const programs = this.#arrays.get(event.id) ?? [];
    if (programs.length >= BPF_TRACE_MAX_PROGS) return -E2BIG;
    if (programs.includes(prog)) return -EEXIST;
    this.#arrays.set(event.id, [...programs, prog]);
    if (programs.length === 0) this.#tracepoints.register(hostOf(event), this.#probeOf(event));
    return 0;
  }

  perf_event_detach_bpf_prog(event: TraceEvent, prog: ExecProgram): void {
    const programs = (this.#arrays.get(event.id) ?? []).filter((each) => each !== prog);
    this.#arrays.set(event.id, programs);
    if (programs.length === 0) this.#tracepoints.unregister(hostOf(event), this.#probeOf(event));
  }

  /** In order of attachment. BPF_PROG_QUERY, PERF_EVENT_IOC_QUERY_BPF */
  programsOf(event: TraceEvent): readonly ExecProgram[] {
    return this.#arrays.get(event.id) ?? [];
  }

  get #tracepoints() {
    return this.#rules.kernel.machine.tracepoints;
  }

  /** One for each event, whoever attaches. */
  #probeOf(event: TraceEvent): Probe {
    let probe = this.#probes.get(event);
    if (!probe) {
      const name = perfFunction(event);
      const run = (args: EventArgs): Sim<void> => this.#perfTrace(event, args);
      probe = { name, run: kernelFunction(name, run) };
      this.#probes.set(event, probe);
    }
    return probe;
  }

  /** Makes the record and shows it to the programs: perf_trace_sched_switch(), and its like. */
  *#perfTrace(event: TraceEvent, args: EventArgs): Sim<void> {
    const { scratch } = this.#rules;
    const { memory } = this.#rules.kernel.machine;
    if (!this.#concerns(event, args)) return;
    const context = this.#rules.enterRecord();
    if (context === undefined) return;
    const record = memory.unwatched(() => new TraceRecord(event, memory, args));
    const addr = scratch.take(record.sizeBytes);
    if (addr !== 0) {
      memory.unwatched(() => record.write(memory, addr, this.#emitter()));
      yield* this.#rules.trace_call_bpf(this.programsOf(event), addr);
      scratch.give(addr, record.sizeBytes);
    }
    this.#rules.leaveRecord(context);
  }

  /** Whether an emission of sys_enter or sys_exit is for this system call. perf_syscall_enter() */
  #concerns({ within, args: types }: TraceEvent, args: EventArgs): boolean {
    if (!within) return true;
    const { memory } = this.#rules.kernel.machine;
    if ('id' in types) return args[1] === within.nr;
    return memory.unwatched(
      () => pt_regs.at(memory, Number(args[0])).orig_ax === BigInt(within.nr),
    );
  }

  /** tracing_gen_ctx_flags() */
  #emitter() {
    const { cpus } = this.#rules.kernel;
    const { irqsOff, needResched, preemptCount } = cpus.this;
    const kind = cpus.context?.kind;
    const flags =
      (irqsOff > 0 ? TRACE_FLAG_IRQS_OFF : 0) |
      (needResched ? TRACE_FLAG_NEED_RESCHED : 0) |
      (kind === 'hardirq' ? TRACE_FLAG_HARDIRQ : 0) |
      (kind === 'softirq' ? TRACE_FLAG_SOFTIRQ : 0);
    return { pid: cpus.current.pid, flags, preemptCount };
  }
}

/** What makes the record. */
function perfFunction({ name, within }: TraceEvent): string {
  if (!within) return `perf_trace_${name}`;
  return within.event.name === 'sys_enter' ? 'perf_syscall_enter' : 'perf_syscall_exit';
}

/** The event on which the probe hangs. */
function hostOf(event: TraceEvent): TraceEvent {
  return event.within?.event ?? event;
}
