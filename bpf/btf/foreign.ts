import { relayout, type Fields, type StructType } from '../../base/layout.ts';
import { aggregateNamed, DEPTH_MAX, resolve, sizeOf, type Aggregate } from './resolve.ts';
import type { Btf } from './types.ts';

interface Place {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/**
 * Lays the kernel's structs out as a foreign kernel has them, so that objects built against its
 * headers find the fields that are simulated where they look for them; what is not simulated reads
 * as zero. A field keeps its place only where the foreign one has room for it. For the whole
 * process: call before a kernel is made. Returns what undoes it.
 */
export function layOutBy(btf: Btf, structs: readonly StructType<Fields>[]): () => void {
  const undo: (() => void)[] = [];
  for (const type of structs) {
    const foreign = aggregateNamed(btf, type.name);
    if (!foreign) continue;
    const places = new Map<string, Place>();
    collect(btf, foreign, 0, places, 0);
    const restore = relayout(type, foreign.sizeBytes, (row) => {
      const place = places.get(row.name);
      return place && place.sizeBytes >= row.type.sizeBytes ? place.offsetBytes : undefined;
    });
    undo.push(restore);
  }
  return () => {
    for (const restore of undo.toReversed()) restore();
  };
}

/** Every member by name, those of unnamed members too. Bitfields have no place of their own. */
function collect(
  btf: Btf,
  { members }: Aggregate,
  base: number,
  places: Map<string, Place>,
  depth: number,
): void {
  for (const { name, type, bitOffset, bits } of members) {
    const offsetBytes = base + bitOffset / 8;
    const inner = resolve(btf, type);
    if (name === '' && inner && (inner.kind === 'struct' || inner.kind === 'union')) {
      if (depth < DEPTH_MAX) collect(btf, inner, offsetBytes, places, depth + 1);
    } else if (name !== '' && bits === 0 && !places.has(name)) {
      places.set(name, { offsetBytes, sizeBytes: sizeOf(btf, type) });
    }
  }
}
