import { EFAULT, EINVAL, ENOSPC } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import { BPF_LOG_FIXED, VerifierLog } from '../verifier/report/log.ts';
import type { BpfAttr } from './attr.ts';
import { putU32 } from './context.ts';

/** BPF_LOG_LEVEL1, _LEVEL2, BPF_LOG_STATS, BPF_LOG_FIXED. include/linux/bpf_verifier.h */
const BPF_LOG_MASK = 0xf;
const SIZE_MAX = 0xffff_ffff >>> 2;

/** Where in the attributes a command has its log. */
export interface LogPlaces {
  readonly level: number;
  readonly size: number;
  readonly buf: number;
  /** Where the size that the whole log needs is stored, if the caller's attributes reach there. */
  readonly trueSize: number;
}

/** The log of one load, in the buffer of whoever loads. kernel/bpf/log.c */
export class UserLog {
  /** What the verifier writes to. */
  readonly text: VerifierLog;
  readonly #kernel: Kernel;
  readonly #attr: BpfAttr;
  readonly #places: LogPlaces;

  constructor(kernel: Kernel, attr: BpfAttr, places: LogPlaces) {
    this.#kernel = kernel;
    this.#attr = attr;
    this.#places = places;
    this.text = new VerifierLog(attr.u32(places.level), attr.u32(places.size));
  }

  /** -EINVAL where level, size and buffer do not go together. bpf_verifier_log_attr_valid() */
  static open(kernel: Kernel, attr: BpfAttr, places: LogPlaces): UserLog | number {
    const level = attr.u32(places.level);
    const size = attr.u32(places.size);
    const hasBuffer = attr.u64(places.buf) !== 0n;
    if (hasBuffer !== size > 0 || (hasBuffer && level === 0)) return -EINVAL;
    if ((level & ~BPF_LOG_MASK) !== 0 || size > SIZE_MAX) return -EINVAL;
    return new UserLog(kernel, attr, places);
  }

  print(line: string): void {
    this.text.print(`${line}\n`);
  }

  /** `result`, or what went wrong with the log. bpf_vlog_finalize() */
  *finish(result: number): Sim<number> {
    const size = this.#attr.u32(this.#places.size);
    const { level, longest: needed } = this.text;
    if (this.#attr.sizeBytes >= this.#places.trueSize + 4) {
      const stored = yield* putU32(this.#kernel, this.#attr.addr + this.#places.trueSize, needed);
      if (stored < 0) return -EFAULT;
    }
    if (size === 0 || level === 0) return result;
    const text = this.text.text();
    // What is kept is the end, which tells more; or, where the caller says so, the begin.
    const isFixed = (level & BPF_LOG_FIXED) !== 0;
    const kept = isFixed
      ? text.slice(0, size - 1)
      : text.slice(Math.max(0, text.length - size + 1));
    const shown = Uint8Array.from(`${kept}\0`, (char) => char.charCodeAt(0) & 0xff);
    const left = yield* this.#kernel.mm.copy_to_user(this.#attr.ptr(this.#places.buf), shown);
    if (left > 0) return -EFAULT;
    return needed > size ? -ENOSPC : result;
  }
}
