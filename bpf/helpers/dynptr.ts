import { EINVAL } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import { Ringbuf } from '../maps/ringbuf.ts';
import { checkDynptrSize, type Dynptr, DYNPTR_LOCAL, DYNPTR_RINGBUF } from '../objects/dynptr.ts';
import { args, dynptr, mapOf } from './args.ts';
import { helper, type Call } from './prototype.ts';
import { ringbufOf } from './ringbuf.ts';
import { row } from './row.ts';

const size64 = args.anything;

/** kernel/bpf/helpers.c */
export const bpf_dynptr_from_mem = helper({
  ...row('dynptr_from_mem'),
  args: [args.mem, size64, args.anything, dynptr],
  run(_, data, size, flags, made) {
    const wrong = checkDynptrSize(size) || (flags === 0n ? 0 : -EINVAL);
    if (wrong < 0) made.setNull();
    else made.set(data, DYNPTR_LOCAL, Number(size));
    return wrong;
  },
});

export const bpf_dynptr_read = helper({
  ...row('dynptr_read'),
  args: [args.mem, size64, dynptr, args.anything, args.anything],
  run({ memory }, to, len, from, offset, flags) {
    if (from.isNull || flags !== 0n) return -EINVAL;
    const wrong = from.check(offset, len);
    if (wrong === 0) memory.copy(to, from.start + Number(offset), Number(len));
    return wrong;
  },
});

export const bpf_dynptr_write = helper({
  ...row('dynptr_write'),
  args: [dynptr, args.anything, args.mem, size64, args.anything],
  run({ memory }, to, offset, from, len, flags) {
    if (to.isNull || to.isRdonly) return -EINVAL;
    const wrong = to.check(offset, len);
    if (wrong < 0) return wrong;
    if (flags !== 0n) return -EINVAL;
    memory.copy(to.start + Number(offset), from, Number(len));
    return 0;
  },
});

export const bpf_dynptr_data = helper({
  ...row('dynptr_data'),
  args: [dynptr, args.anything, size64],
  run: (_, of, offset, len) => of.sliceRdwr(offset, len),
});

/** kernel/bpf/ringbuf.c */
export const bpf_ringbuf_reserve_dynptr = helper({
  ...row('ringbuf_reserve_dynptr'),
  args: [mapOf(Ringbuf), args.u32, args.anything, dynptr],
  run: reserve,
});

function* reserve(_: Call, map: Ringbuf, size: number, flags: bigint, made: Dynptr): Sim<number> {
  const wrong = flags === 0n ? checkDynptrSize(BigInt(size)) : -EINVAL;
  const sample = wrong < 0 ? 0 : yield* map.bpf_ringbuf_reserve(size, 0);
  if (sample === 0) made.setNull();
  else made.set(sample, DYNPTR_RINGBUF, size);
  return wrong < 0 || sample !== 0 ? wrong : -EINVAL;
}

export const bpf_ringbuf_submit_dynptr = helper({
  ...row('ringbuf_submit_dynptr'),
  args: [dynptr, args.anything],
  run: (call, of, flags) => commit(call, of, flags, false),
});

export const bpf_ringbuf_discard_dynptr = helper({
  ...row('ringbuf_discard_dynptr'),
  args: [dynptr, args.anything],
  run: (call, of, flags) => commit(call, of, flags, true),
});

function* commit(call: Call, of: Dynptr, flags: bigint, discard: boolean): Sim<number> {
  if (of.isNull) return 0;
  const sample = of.data;
  const map = ringbufOf(call, sample);
  if (map) yield* map.bpf_ringbuf_commit(sample, Number(flags & 3n), discard);
  of.setNull();
  return 0;
}
