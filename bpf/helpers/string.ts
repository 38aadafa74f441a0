import { args } from './args.ts';
import { helper } from './prototype.ts';
import { row } from './row.ts';

/** kernel/bpf/helpers.c: as strncmp(s1, s2, s1_sz). */
export const bpf_strncmp = helper({
  ...row('strncmp'),
  args: [args.mem, args.constSize, args.constStr],
  run(call, s1, size, s2) {
    for (let i = 0; i < size; i++) {
      const a = call.memory.u8(s1 + i);
      const b = call.memory.u8(s2 + i);
      if (a !== b) return a < b ? -1 : 1;
      if (a === 0) break;
    }
    return 0;
  },
});
