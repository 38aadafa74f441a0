/** enum: what is written. include/linux/bpf_verifier.h */
export const BPF_LOG_LEVEL1 = 1;
export const BPF_LOG_LEVEL2 = 2;
export const BPF_LOG_STATS = 4;
export const BPF_LOG_FIXED = 8;
const BPF_LOG_LEVEL = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2;

/** Characters that are kept of a log at the least, however long it gets. */
const KEPT = 1 << 24;

/**
 * The verifier's log of one load: text that grows, and is cut back where a path was safe. Of a long
 * one the end is kept, or with BPF_LOG_FIXED the begin: programs can make it endless.
 */
export class VerifierLog {
  readonly level: number;
  readonly #kept: number;
  #pieces: string[] = [];
  /** Characters before the first piece, and up to the end of the last. */
  #start = 0;
  #end = 0;
  /** Characters in all: more than to #end where the begin is kept. */
  #length = 0;
  #longest = 0;

  /** `sizeChars`: of the buffer that it is for. */
  constructor(level: number, sizeChars = 0) {
    this.level = level;
    this.#kept = Math.max(sizeChars, KEPT);
  }

  /** bpf_verifier_log_needed() */
  get isOn(): boolean {
    return this.level !== 0;
  }

  /** Whether states and instructions are printed of all paths. */
  get isVerbose(): boolean {
    return (this.level & BPF_LOG_LEVEL2) !== 0;
  }

  get isLevel(): boolean {
    return (this.level & BPF_LOG_LEVEL) !== 0;
  }

  /** As it is, line ends included. */
  print(text: string): void {
    if (this.level === 0) return;
    this.#length += text.length;
    if (this.#length > this.#longest) this.#longest = this.#length;
    if ((this.level & BPF_LOG_FIXED) !== 0 && this.#end >= this.#kept) return;
    this.#pieces.push(text);
    this.#end += text.length;
    if (this.#end - this.#start > 2 * this.#kept) this.#forget();
  }

  /** The begin, as far as it need not be kept. */
  #forget(): void {
    let count = 0;
    while (this.#end - this.#start > this.#kept) this.#start += this.#pieces[count++]!.length;
    this.#pieces.splice(0, count);
  }

  /** Characters so far. */
  get position(): number {
    return this.#length;
  }

  /** The most that it ever was, with the zero behind it. len_max */
  get longest(): number {
    return this.#longest === 0 ? 0 : this.#longest + 1;
  }

  /** Forgets what came after a position. bpf_vlog_reset() */
  reset(position: number): void {
    this.#length = position;
    while (this.#end > position && this.#pieces.length > 0) {
      const last = this.#pieces.pop()!;
      this.#end -= last.length;
      if (this.#end >= position) continue;
      const rest = last.slice(0, position - this.#end);
      this.#pieces.push(rest);
      this.#end += rest.length;
    }
    if (this.#pieces.length === 0) this.#start = this.#end = Math.min(this.#end, position);
  }

  /** What is kept of it. */
  text(): string {
    return this.#pieces.join('');
  }
}
