import { EINVAL } from '../../kernel/errno.ts';
import { LINE_WORDS, type LineHead, type LineText } from '../../kernel/trace-pipe.ts';
import { args } from './args.ts';
import { bprintf, MAX_BPRINTF_VARARGS, type FormatSource } from './format.ts';
import { plainFormat } from './plain-format.ts';
import { copy_from_kernel_nofault, stringAt } from './probe-read.ts';
import { helper, type Call, type Helper } from './prototype.ts';
import { row } from './row.ts';

/** kernel/bpf/helpers.c: MAX_BPRINTF_BIN_ARGS; kernel/trace/bpf_trace.c: BPF_TRACE_PRINTK_SIZE */
export const TEXT_MAX = 1024;
/**
 * Microseconds in a kernel with KASAN and lockdep, as this one is: the text is made byte by byte
 * under a raw lock, then copied into the ring buffer. A tenth of that without.
 */
export const PRINT_COST_NS = 10_000;
const REMARKS_MAX = 1_000;

export function sourceOf(call: Call): FormatSource {
  return {
    string(address, isUser) {
      const bytes = stringAt(call, address, TEXT_MAX, isUser);
      return typeof bytes === 'number' ? '' : latin(bytes);
    },
    bytes(address, count) {
      const bytes = copy_from_kernel_nofault(call.memory, address, count);
      return typeof bytes === 'number' ? undefined : bytes;
    },
  };
}

function latin(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** The format at an address, which must end within `size` bytes; or -EINVAL. */
function formatAt(call: Call, fmt: number, size: number): string | number {
  const bytes = call.memory.copyOut(fmt, size);
  const end = bytes.indexOf(0);
  return end < 0 ? -EINVAL : latin(bytes.subarray(0, end));
}

/** The 64-bit arguments of an array of them, or -EINVAL. */
export function argumentsAt(call: Call, data: number, size: number): bigint[] | number {
  if (size % 8 !== 0 || size > MAX_BPRINTF_VARARGS * 8 || (size > 0 && data === 0)) return -EINVAL;
  const given: bigint[] = [];
  for (let at = data; at < data + size; at += 8) given.push(call.memory.u64(at));
  return given;
}

/** The text's length, or -errno. What cannot be formatted is not printed. */
function trace(call: Call, text: string | number): number {
  if (typeof text === 'number') return text;
  const cut = text.slice(0, TEXT_MAX - 1);
  print(call, cut.replace(/\n$/, ''));
  remark(call, () => cut);
  return cut.length;
}

/** Of a program that prints on and on, the detailed trace has the first lines. */
function remark({ kernel: { machine } }: Call, text: () => string): void {
  if (!machine.engine.trace.detailed || machine.tracePipe.count > REMARKS_MAX) return;
  machine.remark(() => `bpf_trace_printk: ${text()}`);
}

function print(call: Call, text: string | LineText, words?: Uint32Array): void {
  const { tracePipe, engine } = call.kernel.machine;
  tracePipe.print(headOf(call), engine.cpu.nowNs, text, words);
}

/** As long as one program prints, that of the next line is the same. */
function headOf(call: Call): LineHead {
  const { machine, cpus } = call.kernel;
  const { lastHead: last } = machine.tracePipe;
  const { comm, pid } = cpus.current;
  const cpu = machine.engine.cpu.id;
  const flags = latencyFlags(call);
  const isSame =
    last?.pid === pid && last.cpu === cpu && last.flags === flags && last.comm === comm;
  return isSame ? last : { comm, pid, cpu, flags, event: 'bpf_trace_printk' };
}

const KINDS = { task: 0, softirq: 1, hardirq: 2, nmi: 3 } as const;
const KIND_COUNT = 4;
const DEPTHS = 16;
/** By all that they say: what is printed often has the same. */
const flagTexts: string[] = [];

/** kernel/trace/trace_output.c: trace_print_lat_fmt() */
function latencyFlags(call: Call): string {
  const cpu = call.kernel.cpus.this;
  const kind = KINDS[call.kernel.cpus.context?.kind ?? 'task'];
  const off = (cpu.irqsOff > 0 ? 2 : 0) + (cpu.bhOff > 0 ? 1 : 0);
  const depth = cpu.preemptCount % DEPTHS;
  const key = ((off * 2 + (cpu.needResched ? 1 : 0)) * KIND_COUNT + kind) * DEPTHS + depth;
  return (flagTexts[key] ??=
    '.bdD'[off]! +
    (cpu.needResched ? 'N' : '.') +
    '.shZ'[kind]! +
    (depth === 0 ? '.' : depth.toString(16)) +
    '1');
}

const any_trace_printk = helper({
  ...row('trace_printk'),
  args: [args.mem, args.constSize, args.anything, args.anything, args.anything],
  costNs: PRINT_COST_NS,
  run(call, fmt, size, a, b, c) {
    const format = formatAt(call, fmt, size);
    if (typeof format === 'number') return format;
    return trace(call, bprintf(format, [a, b, c], sourceOf(call)));
  },
});

const words = new Uint32Array(LINE_WORDS);

/** kernel/trace/bpf_trace.c. At most three arguments. Most formats are plain. */
export const bpf_trace_printk: Helper = {
  ...any_trace_printk,
  invoke(call, regs) {
    const { memory } = call;
    const format = plainFormat(memory, memory.rawPtr(regs), memory.rawU32(regs + 8));
    if (!format || format.lengthMax >= TEXT_MAX) return any_trace_printk.invoke(call, regs);
    for (let i = 0; i < LINE_WORDS; i++) words[i] = memory.rawU32(regs + 16 + 4 * i);
    print(call, format, words);
    remark(call, () => format.textOf(words, 0));
    return format.lengthOf(words);
  },
};

/** The arguments stand in an array of u64. */
export const bpf_trace_vprintk = helper({
  ...row('trace_vprintk'),
  args: [args.mem, args.constSize, args.memOrNull, args.constSizeOrZero],
  costNs: PRINT_COST_NS,
  run(call, fmt, size, data, dataSize) {
    const given = argumentsAt(call, data, dataSize);
    const format = formatAt(call, fmt, size);
    if (typeof given === 'number') return given;
    if (typeof format === 'number') return format;
    return trace(call, bprintf(format, given, sourceOf(call)));
  },
});

/** kernel/bpf/helpers.c: how long the whole text is, with its NUL, whatever fits of it. */
export const bpf_snprintf = helper({
  ...row('snprintf'),
  args: [args.memOrNull, args.constSizeOrZero, args.constStr, args.memOrNull, args.constSizeOrZero],
  run(call, str, size, fmt, data, dataSize) {
    const given = argumentsAt(call, data, dataSize);
    if (typeof given === 'number') return given;
    const format = stringFrom(call, fmt);
    const text = bprintf(format, given, sourceOf(call));
    if (typeof text === 'number') return text;
    if (size > 0) call.memory.setChars(str, size, text);
    return text.length + 1;
  },
});

/** A constant string: the checker has seen its NUL. */
export function stringFrom(call: Call, addr: number): string {
  let text = '';
  for (let at = addr; ; at++) {
    const byte = call.memory.u8(at);
    if (byte === 0) return text;
    text += String.fromCharCode(byte);
  }
}
