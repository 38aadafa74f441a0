import { EINVAL } from '../../kernel/errno.ts';
import { args } from './args.ts';
import { bprintf, MAX_BPRINTF_VARARGS, type FormatSource } from './format.ts';
import { copy_from_kernel_nofault, stringAt } from './probe-read.ts';
import { helper, type Call } from './prototype.ts';
import { row } from './row.ts';

/** kernel/bpf/helpers.c: MAX_BPRINTF_BIN_ARGS; kernel/trace/bpf_trace.c: BPF_TRACE_PRINTK_SIZE */
const TEXT_MAX = 1024;
const COST_NS = 2_000;

function sourceOf(call: Call): FormatSource {
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
function argumentsAt(call: Call, data: number, size: number): bigint[] | number {
  if (size % 8 !== 0 || size > MAX_BPRINTF_VARARGS * 8 || (size > 0 && data === 0)) return -EINVAL;
  return Array.from({ length: size / 8 }, (_, i) => call.memory.u64(data + i * 8));
}

/** The text's length, or -errno. What cannot be formatted is not printed. */
function trace(call: Call, text: string | number): number {
  if (typeof text === 'number') return text;
  const { machine, cpus } = call.kernel;
  const cut = text.slice(0, TEXT_MAX - 1);
  const { comm, pid } = cpus.current;
  machine.tracePipe.print({
    comm,
    pid,
    cpu: machine.engine.cpu.id,
    flags: latencyFlags(call),
    atNs: machine.engine.cpu.nowNs,
    event: 'bpf_trace_printk',
    text: cut.replace(/\n$/, ''),
  });
  machine.remark(() => `bpf_trace_printk: ${cut}`);
  return cut.length;
}

/** kernel/trace/trace_output.c: trace_print_lat_fmt() */
function latencyFlags(call: Call): string {
  const cpu = call.kernel.cpus.this;
  const kinds = { task: '.', softirq: 's', hardirq: 'h', nmi: 'Z' } as const;
  const kind = kinds[call.kernel.cpus.context?.kind ?? 'task'];
  const irqs = cpu.irqsOff > 0 ? (cpu.bhOff > 0 ? 'D' : 'd') : cpu.bhOff > 0 ? 'b' : '.';
  const depth = cpu.preemptCount & 0xf;
  return `${irqs}${cpu.needResched ? 'N' : '.'}${kind}${depth === 0 ? '.' : depth.toString(16)}1`;
}

/** kernel/trace/bpf_trace.c. At most three arguments. */
export const bpf_trace_printk = helper({
  ...row('trace_printk'),
  args: [args.mem, args.constSize, args.anything, args.anything, args.anything],
  costNs: COST_NS,
  run(call, fmt, size, a, b, c) {
    const format = formatAt(call, fmt, size);
    if (typeof format === 'number') return format;
    return trace(call, bprintf(format, [a, b, c], sourceOf(call)));
  },
});

/** The arguments stand in an array of u64. */
export const bpf_trace_vprintk = helper({
  ...row('trace_vprintk'),
  args: [args.mem, args.constSize, args.memOrNull, args.constSizeOrZero],
  costNs: COST_NS,
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
function stringFrom(call: Call, addr: number): string {
  let text = '';
  for (let at = addr; ; at++) {
    const byte = call.memory.u8(at);
    if (byte === 0) return text;
    text += String.fromCharCode(byte);
  }
}
