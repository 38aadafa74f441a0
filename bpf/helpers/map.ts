import { EINVAL } from '../../kernel/errno.ts';
import { args } from './args.ts';
import { helper } from './prototype.ts';
import { row } from './row.ts';

/** kernel/bpf/helpers.c */
export const bpf_map_lookup_elem = helper({
  ...row('map_lookup_elem'),
  args: [args.constMapPtr, args.mapKey],
  run: (_, map, key) => map.map_lookup_elem(key),
});

export const bpf_map_update_elem = helper({
  ...row('map_update_elem'),
  args: [args.constMapPtr, args.mapKey, args.mapValue, args.anything],
  run: (_, map, key, value, flags) => map.map_update_elem(key, value, flagsOf(flags)),
});

export const bpf_map_delete_elem = helper({
  ...row('map_delete_elem'),
  args: [args.constMapPtr, args.mapKey],
  run: (_, map, key) => map.map_delete_elem(key),
});

/** Of a per-CPU map: another CPU's value. */
export const bpf_map_lookup_percpu_elem = helper({
  ...row('map_lookup_percpu_elem'),
  args: [args.constMapPtr, args.mapKey, args.u32],
  run: (_, map, key, cpu) => map.map_lookup_percpu_elem?.(key, cpu) ?? 0,
});

/** kernel/bpf/bpf_iter.c. The callback gets the map, the key, the value, and what it was given. */
export const bpf_for_each_map_elem = helper({
  ...row('for_each_map_elem'),
  args: [args.constMapPtr, args.func, args.anything, args.anything],
  run: (call, map, callback, given, flags) =>
    flags === 0n
      ? map.map_for_each_callback((key, value) =>
          call.callback(callback, map.addr, key, value, given),
        )
      : -EINVAL,
});

/** Flags beyond what a number holds are unknown to every map. */
function flagsOf(flags: bigint): number {
  return flags <= 0xffff_ffffn ? Number(flags) : 0xffff_ffff;
}
