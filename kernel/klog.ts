/** One line of the printk ring. */
export interface KlogLine {
  /** 0 emergency … 7 debug. include/linux/kern_levels.h */
  readonly level: number;
  readonly atNs: number;
  readonly cpu: number;
  readonly text: string;
}

const LINES_MAX = 4_096;

/**
 * The printk ring: the last lines the kernel printed. The host may listen; the kernel never waits
 * for it.
 */
export class Klog {
  lines: KlogLine[] = [];
  listener: ((line: KlogLine) => void) | null = null;

  print(line: KlogLine): void {
    if (this.lines.length >= LINES_MAX) this.lines.shift();
    this.lines.push(line);
    this.listener?.(line);
  }

  reset(): void {
    this.lines = [];
  }
}
