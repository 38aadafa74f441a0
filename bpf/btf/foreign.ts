import { relayout, sizeOfField } from '../../base/layout.ts';
import type { FieldRow, Fields, StructType } from '../../base/layout.ts';
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
export function layOutBy(btf: Btf, structs: Iterable<StructType<Fields>>): () => void {
  const todo = new Set(structs);
  const undo: (() => void)[] = [];
  /** What a struct embeds comes before it, which must have room for it. */
  const layOut = (type: StructType<Fields>): void => {
    todo.delete(type);
    for (const { type: field } of type.rows) {
      if (field.of && todo.has(field.of as StructType<Fields>)) {
        layOut(field.of as StructType<Fields>);
      }
    }
    const foreign = aggregateNamed(btf, type.name);
    if (foreign) undo.push(relayout(type, foreign.sizeBytes, placesIn(btf, foreign)));
  };
  for (const type of todo) layOut(type);
  return () => {
    for (const restore of undo.toReversed()) restore();
  };
}

/** Where a field stands in the foreign struct, if it has as much room for it. */
function placesIn(btf: Btf, foreign: Aggregate): (row: FieldRow) => number | undefined {
  const places = new Map<string, Place>();
  collect(btf, foreign, 0, places, 0);
  return ({ name, type }) => {
    const place = places.get(name);
    return place && place.sizeBytes >= sizeOfField(type) ? place.offsetBytes : undefined;
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
