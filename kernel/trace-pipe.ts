/** Who prints, and how: the same for many lines. */
export interface LineHead {
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  /** Interrupts, need_resched, kind of context, preempt depth, migrate depth: `d..2.`. */
  readonly flags: string;
  /** `bpf_trace_printk` */
  readonly event: string;
}

/** One line that a program printed into the trace buffer. */
export interface TraceLine extends LineHead {
  readonly atNs: number;
  readonly text: string;
}

/** What a line's text is made of, for when somebody reads it. */
export interface LineText {
  /** Of arguments, each as two words, the lower first, from `at` on. */
  textOf(words: Uint32Array, at: number): string;
}

const LINES_MAX = 65_536;
const CAPACITY_MIN = 64;
/** Of the arguments that a line keeps. */
export const LINE_WORDS = 6;

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
 * the kernel never waits for it. A program may print millions of lines, so a line costs no more
 * than the writing of some words: whoever reads it makes the text.
 */
export class TracePipe {
  listener: ((line: TraceLine) => void) | null = null;
  /** Lines printed in this run, those that have gone included. */
  count = 0;
  /** Of the last line that was printed. */
  lastHead: LineHead | undefined;
  #capacity = CAPACITY_MIN;
  readonly #heads: LineHead[] = [];
  readonly #texts: (string | LineText)[] = [];
  #atNs = new Float64Array(CAPACITY_MIN);
  #words = new Uint32Array(LINE_WORDS * CAPACITY_MIN);

  /** Those that are still there, oldest first. */
  get lines(): TraceLine[] {
    const from = Math.max(0, this.count - this.#capacity);
    return Array.from({ length: this.count - from }, (_, i) => this.#lineAt(from + i));
  }

  /** `words`: the arguments of a text that is yet to be made. */
  print(head: LineHead, atNs: number, text: string | LineText, words?: Uint32Array): void {
    if (this.count === this.#capacity && this.#capacity < LINES_MAX) this.#grow();
    const at = this.count & (this.#capacity - 1);
    this.#heads[at] = this.lastHead = head;
    this.#texts[at] = text;
    this.#atNs[at] = atNs;
    if (words) this.#words.set(words, LINE_WORDS * at);
    this.count++;
    this.listener?.(this.#lineAt(this.count - 1));
  }

  reset(): void {
    this.count = 0;
    this.lastHead = undefined;
  }

  #lineAt(index: number): TraceLine {
    const at = index & (this.#capacity - 1);
    const text = this.#texts[at]!;
    return {
      ...this.#heads[at]!,
      atNs: this.#atNs[at]!,
      text: typeof text === 'string' ? text : text.textOf(this.#words, LINE_WORDS * at),
    };
  }

  #grow(): void {
    this.#capacity *= 2;
    const atNs = new Float64Array(this.#capacity);
    const words = new Uint32Array(LINE_WORDS * this.#capacity);
    atNs.set(this.#atNs);
    words.set(this.#words);
    this.#atNs = atNs;
    this.#words = words;
  }
}
