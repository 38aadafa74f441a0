import { ENOENT } from '../../kernel/errno.ts';
import { args } from '../helpers/args.ts';
import { bprintf } from '../helpers/format.ts';
import { argumentsAt, PRINT_COST_NS, sourceOf, stringFrom, TEXT_MAX } from '../helpers/print.ts';
import { streamsOf } from '../prog/streams.ts';
import type { Kfunc } from './prototype.ts';
import { kfunc } from './prototype.ts';

/** kernel/bpf/stream.c. Takes no lock that a program could hold. */
const bpf_stream_vprintk = kfunc({
  name: 'bpf_stream_vprintk',
  args: [args.int, args.constStr, args.memOrNull, args.constSizeOrZero],
  costNs: PRINT_COST_NS,
  run(call, id, fmt, data, size) {
    const streams = streamsOf(call.kernel);
    if (streams.get(call.prog, id) === 0) return -ENOENT;
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
    streams.report(prog, id, undefined);
    return 0;
  },
});

export const STREAM_KFUNCS: readonly Kfunc[] = [bpf_stream_vprintk, bpf_stream_print_stack];
