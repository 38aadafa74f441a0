import { EINVAL } from '../../kernel/errno.ts';
import { args } from '../helpers/args.ts';
import type { Call } from '../helpers/prototype.ts';
import { ArenaMap } from '../maps/arena.ts';
import type { BpfMap } from '../maps/map.ts';
import type { Sim } from '../../sim/request.ts';
import { kfunc, type Kfunc } from './prototype.ts';

// kernel/bpf/arena.c. Where a program may not sleep, Linux calls another function of each.

function* alloc(
  map: BpfMap,
  [uaddr, flags]: readonly [bigint, bigint],
  [pageCnt, nodeId]: readonly [number, number],
  sleepable: boolean,
): Sim<bigint> {
  if (!(map instanceof ArenaMap) || flags !== 0n || pageCnt === 0) return 0n;
  return yield* map.arena_alloc_pages(uaddr, pageCnt, nodeId, sleepable);
}

function* free(map: BpfMap, uaddr: bigint, pageCnt: number, sleepable: boolean): Sim<number> {
  if (!(map instanceof ArenaMap) || pageCnt === 0 || uaddr === 0n) return 0;
  yield* map.arena_free_pages(uaddr, pageCnt, sleepable);
  return 0;
}

/** The user address of so many pages, at `addr` or wherever they fit, or NULL. */
const bpf_arena_alloc_pages = kfunc({
  name: 'bpf_arena_alloc_pages',
  args: [args.constMapPtr, args.anything, args.u32, args.int, args.anything],
  run: (_: Call, map, addr, pageCnt, nodeId, flags) =>
    alloc(map, [addr, flags], [pageCnt, nodeId], true),
  nonSleepable: (_: Call, map, addr, pageCnt, nodeId, flags) =>
    alloc(map, [addr, flags], [pageCnt, nodeId], false),
});

const bpf_arena_free_pages = kfunc({
  name: 'bpf_arena_free_pages',
  args: [args.constMapPtr, args.anything, args.u32],
  run: (_: Call, map, addr, pageCnt) => free(map, addr, pageCnt, true),
  nonSleepable: (_: Call, map, addr, pageCnt) => free(map, addr, pageCnt, false),
});

/** 0 or -errno. */
const bpf_arena_reserve_pages = kfunc({
  name: 'bpf_arena_reserve_pages',
  args: [args.constMapPtr, args.anything, args.u32],
  *run(_: Call, map, addr, pageCnt): Sim<number> {
    if (!(map instanceof ArenaMap)) return -EINVAL;
    return pageCnt === 0 ? 0 : yield* map.arena_reserve_pages(addr, pageCnt);
  },
});

export const ARENA_KFUNCS: readonly Kfunc[] = [
  bpf_arena_alloc_pages,
  bpf_arena_free_pages,
  bpf_arena_reserve_pages,
];
