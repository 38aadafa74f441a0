import { PerfEventArray } from '../maps/perf-event-array.ts';
import { args, mapOf } from './args.ts';
import { helper } from './prototype.ts';
import { row } from './row.ts';

/** kernel/trace/bpf_trace.c. The context would give the registers, of which no record tells. */
export const bpf_perf_event_output = helper({
  ...row('perf_event_output'),
  args: [args.ctx, mapOf(PerfEventArray), args.anything, args.mem, args.constSizeOrZero],
  run: (_call, _ctx, map, flags, data, size) => map.bpf_perf_event_output(flags, data, size),
});
