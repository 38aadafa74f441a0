import { ENOENT, ENOSPC } from '../../kernel/errno.ts';
import { LINE_WORDS } from '../../kernel/trace-pipe.ts';
import { args } from '../helpers/args.ts';
import { bprintf } from '../helpers/format.ts';
import { argumentsAt, PRINT_COST_NS, sourceOf, stringFrom, TEXT_MAX } from '../helpers/print.ts';
import { plainString } from '../helpers/plain-format.ts';
import type { Call } from '../helpers/prototype.ts';
import { streamsOf } from '../prog/streams.ts';
import type { Kfunc } from './prototype.ts';
import { kfunc } from './prototype.ts';

const words = new Uint32Array(LINE_WORDS);

/**
 * How long the text of a plain format is, without making it; undefined of any other. A program that
 * prints on and on soon has a full stream, and spends its time here.
 */
function plainLength(call: Call, fmt: number, data: number, sizeBytes: number): number | undefined {
  const { memory } = call;
  const format = plainString(memory, fmt);
  if (!format || sizeBytes !== 8 * format.argCount || format.lengthMax >= TEXT_MAX)
    return undefined;
  for (let i = 0; i < 2 * format.argCount; i++) words[i] = memory.u32(data + 4 * i);
  return format.lengthOf(words);
}

/** kernel/bpf/stream.c. Takes no lock that a program could hold. */
const bpf_stream_vprintk = kfunc({
  name: 'bpf_stream_vprintk',
  args: [args.int, args.constStr, args.memOrNull, args.constSizeOrZero],
  costNs: PRINT_COST_NS,
  run(call, id, fmt, data, size) {
    const streams = streamsOf(call.kernel);
    const stream = streams.get(call.prog, id);
    if (stream === 0) return -ENOENT;
    const length = plainLength(call, fmt, data, size);
    if (length !== undefined && streams.isFull(stream, length)) return -ENOSPC;
    const given = argumentsAt(call, data, size);
    if (typeof given === 'number') return given;
    const text = bprintf(stringFrom(call, fmt), given, sourceOf(call));
    if (typeof text === 'number') return text;
    return streams.push(call.prog, id, text.slice(0, TEXT_MAX - 1));
  },
});

const bpf_stream_print_stack = kfunc({
  name: 'bpf_stream_print_stack',
  args: [args.int],
  run({ kernel, prog }, id) {
    const streams = streamsOf(kernel);
    if (streams.get(prog, id) === 0) return -ENOENT;
    streams.report(prog, id, undefined, ['bpf_stream_print_stack']);
    return 0;
  },
});

export const STREAM_KFUNCS: readonly Kfunc[] = [bpf_stream_vprintk, bpf_stream_print_stack];
