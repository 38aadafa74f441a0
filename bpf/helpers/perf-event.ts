import { EINVAL } from '../../kernel/errno.ts';
import { bpf_perf_event_data } from '../attach/perf-data.ts';
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

const VALUE_BYTES = 24;

/** kernel/trace/bpf_trace.c: struct bpf_perf_event_value of the event that has overflowed. */
export const bpf_perf_prog_read_value = helper({
  ...row('perf_prog_read_value'),
  args: [args.ctx, args.uninitMem, args.constSize],
  run({ kernel, memory }, ctx, buf, size) {
    if (size !== VALUE_BYTES) {
      for (let i = 0; i < size; i++) memory.setU8(buf + i, 0);
      return -EINVAL;
    }
    const { count, ns } = kernel.pmu.read(
      memory.unwatched(() => bpf_perf_event_data.at(memory, ctx).hw),
    );
    [count, ns, ns].forEach((value, i) => memory.setU64(buf + 8 * i, BigInt(value)));
    return 0;
  },
});
