import { EINVAL } from '../../kernel/errno.ts';
import { bpf_prog } from '../prog/program.ts';
import { args } from './args.ts';
import { helper, type Call } from './prototype.ts';
import { row } from './row.ts';

/**
 * kernel/bpf/core.c: bpf_user_rnd_u32(). Each program has a generator of its own, in memory, so
 * that its numbers are the same in each run. Steele, Lea and Flood: SplitMix, OOPSLA 2014, in 32
 * bits.
 */
export const bpf_get_prandom_u32 = helper({
  ...row('get_prandom_u32'),
  args: [],
  run({ memory, prog }) {
    const at = prog.addr + bpf_prog.off.rnd_state;
    const state = (memory.u32(at) + 0x9e37_79b9) | 0;
    memory.setU32(at, state);
    let z = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35);
    return BigInt((z ^ (z >>> 16)) >>> 0);
  },
});

/** Of a tracing program: the n-th argument, counted from 0, to *value. kernel/trace/bpf_trace.c */
export const bpf_get_func_arg = helper({
  ...row('get_func_arg'),
  args: [args.ctx, args.u32, args.mem],
  run(call, ctx, n, value) {
    if (n >= argCount(call, ctx)) return -EINVAL;
    call.memory.setU64(value, call.memory.u64(ctx + n * 8));
    return 0;
  },
});

/** Of fexit: what the function returned, to *value. */
export const bpf_get_func_ret = helper({
  ...row('get_func_ret'),
  args: [args.ctx, args.mem],
  run(call, ctx, value) {
    call.memory.setU64(value, call.memory.u64(ctx + argCount(call, ctx) * 8));
    return 0;
  },
});

export const bpf_get_func_arg_cnt = helper({
  ...row('get_func_arg_cnt'),
  args: [args.ctx],
  run: (call, ctx) => argCount(call, ctx),
});

/** A trampoline keeps it in front of the arguments. */
function argCount(call: Call, ctx: number): number {
  return call.memory.u32(ctx - 8);
}
