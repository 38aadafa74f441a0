import type { Fields, StructType } from '../base/layout.ts';
import type { FieldType } from '../base/layout.ts';
import type { Sim } from '../sim/request.ts';

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
  /** TP_PROTO: names and C types, in order. A pointer is a kernel address, 0 for NULL. */
  readonly args: Readonly<Record<string, FieldType<unknown>>>;
  /** TP_STRUCT__entry behind the 8 bytes of struct trace_entry: `trace_event_raw_<class>`. */
  readonly record: StructType<Fields>;
}

/**
 * What hangs on a trace event: called in order of attachment. `args` are the TP_PROTO values:
 * numbers are signed 64-bit or kernel addresses.
 */
export interface Probe {
  /** Stable, for traces: the program's name. */
  readonly name: string;
  run(args: readonly (number | bigint)[]): Sim<void>;
}
