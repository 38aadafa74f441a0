import { EINVAL } from '../../kernel/errno.ts';
import { Ringbuf } from '../maps/ringbuf.ts';
import { args, mapOf } from './args.ts';
import { helper, type Call } from './prototype.ts';
import { row } from './row.ts';

const ringbuf = mapOf(Ringbuf);

/** kernel/bpf/ringbuf.c */
export const bpf_ringbuf_output = helper({
  ...row('ringbuf_output'),
  args: [ringbuf, args.mem, args.constSizeOrZero, args.anything],
  run: (_, map, data, size, flags) =>
    flags > 3n ? -EINVAL : map.bpf_ringbuf_output(data, size, Number(flags)),
});

export const bpf_ringbuf_reserve = helper({
  ...row('ringbuf_reserve'),
  args: [ringbuf, args.constAllocSizeOrZero, args.anything],
  run: (_, map, size, flags) => map.bpf_ringbuf_reserve(size, flags === 0n ? 0 : 1),
});

export const bpf_ringbuf_submit = helper({
  ...row('ringbuf_submit'),
  args: [args.ringbufMem, args.anything],
  run: (call, sample, flags) => commit(call, sample, flags, false),
});

export const bpf_ringbuf_discard = helper({
  ...row('ringbuf_discard'),
  args: [args.ringbufMem, args.anything],
  run: (call, sample, flags) => commit(call, sample, flags, true),
});

export const bpf_ringbuf_query = helper({
  ...row('ringbuf_query'),
  args: [ringbuf, args.anything],
  run: (_, map, what) => map.bpf_ringbuf_query(Number(what)),
});

function commit(call: Call, sample: number, flags: bigint, discard: boolean) {
  return ringbufOf(call, sample)?.bpf_ringbuf_commit(sample, Number(flags & 3n), discard) ?? 0;
}

/** The record's header says which buffer it is of: bpf_ringbuf_restore_from_rec() */
export function ringbufOf(call: Call, sample: number): Ringbuf | undefined {
  for (const map of call.maps.values()) {
    if (map instanceof Ringbuf && map.owns(sample)) return map;
  }
  // Nobody's record: the access says what it is.
  call.memory.check(sample, 1, true);
  return undefined;
}
