import type { StackEntry } from '../sim/fiber.ts';
import { placeText, stackLines } from './oops.ts';

/** Who allocated or freed something, and where. */
export interface AllocNote {
  /** `A/101` */
  readonly task: string;
  readonly pid: number;
  readonly cpu: number;
  /** Call trace, innermost first, as printed. */
  readonly stack: readonly string[];
  /** Stable name of the innermost place: `do_sys_openat2:I2`. */
  readonly site: string;
}

/** One is made at every allocation and every free, and few are ever read: the texts come late. */
export class ContextNote implements AllocNote {
  readonly pid: number;
  readonly cpu: number;
  readonly #comm: string;
  readonly #entries: readonly StackEntry[];

  constructor(comm: string, pid: number, cpu: number, entries: readonly StackEntry[]) {
    this.#comm = comm;
    this.pid = pid;
    this.cpu = cpu;
    this.#entries = entries;
  }

  get task(): string {
    return this.pid === 0 ? `swapper/${this.cpu}` : `${this.#comm}/${this.pid}`;
  }

  get site(): string {
    return placeText(this.#entries);
  }

  get stack(): readonly string[] {
    return stackLines(this.#entries);
  }
}
