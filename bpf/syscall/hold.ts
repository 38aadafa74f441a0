import type { Sim } from '../../sim/request.ts';
import { bpf_link } from '../attach/link.ts';
import { btf } from '../btf/objects.ts';
import { bpf_map } from '../maps/map.ts';
import { bpf_prog_aux } from '../prog/program.ts';
import type { BpfContext, BpfFileOps } from './context.ts';

export type ObjectKind = keyof BpfFileOps;

/** Where the references of an object are counted. */
function counters(bpf: BpfContext, kind: ObjectKind, addr: number): readonly number[] {
  switch (kind) {
    case 'prog':
      return [bpf.programs.aux(addr).addr + bpf_prog_aux.off.refcnt];
    case 'map':
      return [addr + bpf_map.off.refcnt, addr + bpf_map.off.usercnt];
    case 'link':
      return [addr + bpf_link.off.refcnt];
    default:
      return [addr + btf.off.refcnt];
  }
}

/**
 * Takes a user's reference in the step that found the object, as under the lock of the ids or of
 * the directory: whoever drops the last reference takes the id in that very step, so that what has
 * been found is not going. prog_idr_lock, map_idr_lock, …
 */
export function holdFound(bpf: BpfContext, kind: ObjectKind, addr: number): void {
  const { memory } = bpf.kernel.machine;
  memory.unwatched(() => {
    for (const at of counters(bpf, kind, addr)) memory.setU64(at, memory.u64(at) + 1n);
  });
}

/** Drops what holdFound() took. */
export function* letGo(bpf: BpfContext, kind: ObjectKind, addr: number): Sim<void> {
  if (kind === 'prog') yield* bpf.programs.bpf_prog_put(addr);
  else if (kind === 'map') yield* bpf.maps.bpf_map_put_with_uref(bpf.maps.of(addr));
  else if (kind === 'link') yield* bpf.links.bpf_link_put(addr);
  else yield* bpf.btfs.btf_put(addr);
}
