/** One line that a program printed into the trace buffer. */
export interface TraceLine {
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  /** Interrupts, need_resched, kind of context, preempt depth, migrate depth: `d..2.`. */
  readonly flags: string;
  readonly atNs: number;
  /** `bpf_trace_printk` */
  readonly event: string;
  readonly text: string;
}

const LINES_MAX = 65_536;

/** As `cat /sys/kernel/tracing/trace_pipe` shows it. kernel/trace/trace_output.c */
export function traceLineText({ comm, pid, cpu, flags, atNs, event, text }: TraceLine): string {
  const seconds = String(Math.floor(atNs / 1e9)).padStart(5);
  const micros = String(Math.floor((atNs % 1e9) / 1e3)).padStart(6, '0');
  const who = `${comm.padStart(16)}-${String(pid).padEnd(7)}`;
  const place = `[${String(cpu).padStart(3, '0')}]`;
  return `${who} ${place} ${flags} ${seconds}.${micros}: ${event}: ${text}`;
}

/**
 * The trace buffer: what programs print. The oldest lines go when it is full. The host may listen;
 * the kernel never waits for it.
 */
export class TracePipe {
  lines: TraceLine[] = [];
  listener: ((line: TraceLine) => void) | null = null;

  print(line: TraceLine): void {
    if (this.lines.length >= LINES_MAX) this.lines.shift();
    this.lines.push(line);
    this.listener?.(line);
  }

  reset(): void {
    this.lines = [];
  }
}
