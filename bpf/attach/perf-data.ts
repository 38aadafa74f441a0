import { embed, long, ptr, struct, type Fields, type StructType } from '../../base/layout.ts';
import { pt_regs } from '../../kernel/structs.ts';

/** include/uapi/linux/bpf_perf_event.h: what programs see; Linux makes it up from three structs. */
export const bpf_perf_event_data = struct('bpf_perf_event_data', {
  regs: embed(pt_regs as unknown as StructType<Fields>),
  sample_period: long,
  data_addr: long,
  hw: ptr('struct hw_perf_event'), // for helpers: programs do not see it
});
