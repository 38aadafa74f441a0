import type { StructMemory } from '../base/layout.ts';
import { trace_entry, type EventArgs, type EventValues, type TraceEvent } from './tracepoint.ts';

const DYNAMIC = '__data_loc_';

/** What the entry says of who emits: kernel/trace/trace.c, tracing_generic_entry_update(). */
export interface Emitter {
  readonly pid: number;
  /** TRACE_FLAG_* */
  readonly flags: number;
  readonly preemptCount: number;
}

/** A record that is not in memory yet: how many bytes it takes, and how to write it. */
export class TraceRecord {
  readonly sizeBytes: number;
  readonly #event: TraceEvent;
  readonly #values: EventValues;

  /** Looks at what `args` point to now. */
  constructor(event: TraceEvent, memory: StructMemory, args: EventArgs) {
    this.#event = event;
    this.#values = event.assign(memory, args);
    let sizeBytes = dataOffset(event);
    for (const [name, value] of Object.entries(this.#values)) {
      if (name.startsWith(DYNAMIC)) sizeBytes += (value as string).length + 1;
    }
    this.sizeBytes = Math.max(sizeBytes, event.record.sizeBytes);
  }

  write(memory: StructMemory, addr: number, by: Emitter): void {
    const { record, id } = this.#event;
    const entry = trace_entry.at(memory, addr);
    entry.type = id;
    entry.flags = by.flags;
    entry.preempt_count = Math.min(by.preemptCount, 0xff);
    entry.pid = by.pid;
    const view = record.at(memory, addr) as Record<string, unknown>;
    let end = dataOffset(this.#event);
    for (const [name, value] of Object.entries(this.#values)) {
      if (name.startsWith(DYNAMIC)) {
        const size = (value as string).length + 1;
        memory.setChars(addr + end, size, value as string);
        view[name] = end | (size << 16);
        end += size;
      } else if (typeof value === 'object') {
        value.forEach((word, i) => memory.setU64(addr + record.off[name]! + 8 * i, word));
      } else {
        view[name] = value;
      }
    }
  }
}

/** The line of a record in memory. TP_printk */
export function recordText(event: TraceEvent, memory: StructMemory, addr: number): string {
  const view = event.record.at(memory, addr) as Record<string, unknown>;
  const fields: Record<string, EventValues[string]> = {};
  for (const { name, type, offsetBytes } of event.record.rows) {
    if (name.startsWith(DYNAMIC)) {
      const at = view[name] as number;
      fields[name] = memory.chars(addr + (at & 0xffff), at >>> 16);
    } else if (type.kind === 'array') {
      fields[name] = Array.from({ length: type.count }, (_, i) =>
        memory.u64(addr + offsetBytes + 8 * i),
      );
    } else {
      fields[name] = view[name] as number | bigint | string;
    }
  }
  return event.print(fields);
}

/** Where strings begin. */
function dataOffset({ record }: TraceEvent): number {
  return record.off['__data'] ?? record.sizeBytes;
}
