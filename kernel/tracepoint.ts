import {
  chars,
  cType,
  embed,
  s32,
  struct,
  u16,
  u8,
  type FieldType,
  type Fields,
  type StructMemory,
  type StructType,
} from '../base/layout.ts';
import type { Sim } from '../sim/request.ts';

/** What every record begins with. include/linux/trace_events.h */
export const trace_entry = struct('trace_entry', {
  type: cType('unsigned short', u16), // the event's id
  flags: cType('unsigned char', u8), // TRACE_FLAG_*
  preempt_count: cType('unsigned char', u8),
  pid: s32,
});

/** Values of arguments and fields: numbers, 64-bit unsigned, or the text of a string. */
export type EventValue = number | bigint | string | readonly bigint[];
export type EventValues = Readonly<Record<string, EventValue>>;
/** What an emission passes: numbers are 64-bit signed, pointers are memory offsets, 0 for NULL. */
export type EventArgs = readonly (number | bigint)[];

/**
 * A trace event, declared once: from its row come the arguments that raw tracepoints and tp_btf
 * programs get, the record that tracepoint programs get, the line that is printed, and the BTF.
 * include/linux/tracepoint.h: TRACE_EVENT
 */
export interface TraceEvent {
  /** `sched` */
  readonly system: string;
  /** `sched_switch` */
  readonly name: string;
  /** /sys/kernel/tracing/events/SYSTEM/NAME/id */
  readonly id: number;
  /** TP_PROTO: names and C types, in order. A pointer is a kernel address, 0 for NULL. */
  readonly args: Readonly<Record<string, FieldType<unknown>>>;
  /**
   * `trace_event_raw_<class>`: struct trace_entry, then TP_STRUCT__entry. A field `__data_loc_x` is
   * the string x: its offset, and in the upper half its bytes, NUL included.
   */
  readonly record: StructType<Fields>;
  /** TP_fast_assign: the fields behind the entry; of `__data_loc_x`, the text. */
  readonly assign: (memory: StructMemory, args: EventArgs) => EventValues;
  /** TP_printk. */
  readonly print: (fields: EventValues) => string;
  /** The event whose emissions feed this one: of the events of one system call. */
  readonly within?: { readonly event: TraceEvent; readonly nr: number };
}

/** TP_STRUCT__entry as a record: `struct trace_event_raw_<className>`. */
export function recordOf(className: string, fields: Fields): StructType<Fields> {
  const ent = embed(trace_entry as unknown as StructType<Fields>);
  return struct(`trace_event_raw_${className}`, { ent, ...fields, __data: chars(0) });
}

/**
 * What hangs on a trace event: called in order of attachment. `args` are the TP_PROTO values:
 * numbers are signed 64-bit or kernel addresses.
 */
export interface Probe {
  /** Stable, for traces: the program's name. */
  readonly name: string;
  run(args: EventArgs): Sim<void>;
}

/**
 * The probes of one machine's trace events. An emission goes through the probes that were there
 * when it began: one that is taken off meanwhile still runs there, so whoever takes it off waits
 * for a grace period before it frees what the probe uses. kernel/tracepoint.c
 */
export class Tracepoints {
  #probes = new Map<TraceEvent, readonly Probe[]>();
  #kept: ReadonlyMap<TraceEvent, readonly Probe[]> = new Map();
  #changed = false;
  /** Whether any event has a probe: what emission sites ask first. static_key_enabled() */
  isAny = false;
  /** Set by the kernel: before the first probe, what emissions need is made ready. */
  onFirst: () => void = () => {};
  /** Set by the kernel: preemption, which is off while probes run. */
  preempt: { disable(): void; enable(): void } = { disable: () => {}, enable: () => {} };

  isOn(event: TraceEvent): boolean {
    return this.isAny && this.#probes.has(event);
  }

  /** tracepoint_probe_register() */
  register(event: TraceEvent, probe: Probe): void {
    this.onFirst();
    this.#set(event, [...(this.#probes.get(event) ?? []), probe]);
  }

  /** The probe may still run in emissions under way. tracepoint_probe_unregister() */
  unregister(event: TraceEvent, probe: Probe): void {
    const left = (this.#probes.get(event) ?? []).filter((each) => each !== probe);
    this.#set(event, left);
  }

  /** Runs the probes in the present context, one after another. __DO_TRACE() */
  *trace(event: TraceEvent, args: EventArgs): Sim<void> {
    this.preempt.disable();
    for (const probe of this.#probes.get(event) ?? []) yield* probe.run(args);
    this.preempt.enable();
  }

  checkpoint(): void {
    this.#kept = new Map(this.#probes);
    this.#changed = false;
  }

  /** As at checkpoint(). */
  reset(): void {
    if (!this.#changed) return;
    this.#probes = new Map(this.#kept);
    this.isAny = this.#probes.size > 0;
    this.#changed = false;
  }

  #set(event: TraceEvent, probes: readonly Probe[]): void {
    if (probes.length > 0) this.#probes.set(event, probes);
    else this.#probes.delete(event);
    this.isAny = this.#probes.size > 0;
    this.#changed = true;
  }
}
