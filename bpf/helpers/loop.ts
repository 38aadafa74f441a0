import type { Sim } from '../../sim/request.ts';
import { E2BIG, EINVAL } from '../../kernel/errno.ts';
import { BPF_MAX_LOOPS } from '../vm/frame.ts';
import { args } from './args.ts';
import { helper } from './prototype.ts';
import { row } from './row.ts';

/** The verifier makes code of the call, which sets r0 by a 32-bit move. inline_bpf_loop() */
const INLINED_E2BIG = BigInt.asUintN(32, BigInt(-E2BIG));

/** kernel/bpf/bpf_iter.c: how many calls were made; the callback ends it with anything but 0. */
export const bpf_loop = helper({
  ...row('loop'),
  args: [args.u32, args.func, args.anything, args.anything],
  *run(call, count, callback, given, flags): Sim<number | bigint> {
    if (flags !== 0n) return -EINVAL;
    if (count > BPF_MAX_LOOPS) return INLINED_E2BIG;
    for (let i = 0; i < count; i++) {
      if ((yield* call.callback(callback, BigInt(i), given)) !== 0n) return i + 1;
    }
    return count;
  },
});

/**
 * Never returns where it succeeds: the runner does it, since the rest of this program is never
 * run. The prototype is here for the checker. kernel/bpf/core.c
 */
export const bpf_tail_call = helper({
  ...row('tail_call'),
  args: [args.ctx, args.constMapPtr, args.anything],
  run: () => 0,
});
