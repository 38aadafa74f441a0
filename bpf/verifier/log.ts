/** enum: what is written. include/linux/bpf_verifier.h */
export const BPF_LOG_LEVEL1 = 1;
export const BPF_LOG_LEVEL2 = 2;
export const BPF_LOG_STATS = 4;
export const BPF_LOG_FIXED = 8;
const BPF_LOG_LEVEL = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2;

/** The verifier's log of one load: text that grows, and is cut back where a path was safe. */
export class VerifierLog {
  readonly level: number;
  #text: string[] = [];
  #length = 0;

  constructor(level: number) {
    this.level = level;
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
    this.#text.push(text);
    this.#length += text.length;
  }

  /** Characters so far. */
  get position(): number {
    return this.#length;
  }

  /** Forgets what came after a position. bpf_vlog_reset() */
  reset(position: number): void {
    while (this.#length > position) {
      const last = this.#text.pop()!;
      this.#length -= last.length;
      if (this.#length < position) this.print(last.slice(0, position - this.#length));
    }
  }

  text(): string {
    return this.#text.join('');
  }
}
