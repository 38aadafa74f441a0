import { assert } from '../base/assert.ts';
import type { Fields, StructType } from '../base/layout.ts';
import { TRACE_EVENTS } from '../kernel/trace-events.ts';
import { readBtfFile } from './btf/file.ts';
import { layOutBy } from './btf/foreign.ts';
import type { Btf } from './btf/types.ts';
import { BTF_STRUCTS } from './kernel-btf.ts';

/** Another kernel's types, by which the structs of this one are laid out. */
export interface ForeignTypes {
  readonly btf: Btf;
  /** Puts Bohrbug's own layout back; no kernel may be in use any more. */
  undo(): void;
}

let current: ForeignTypes | undefined;

/**
 * From here on kernels are made with the types of another one: its /sys/kernel/btf/vmlinux, or a
 * vmlinux with a section .BTF. Fields that are simulated stand where they stand there; all others
 * read zero. For the whole process, since the layout of a struct is compiled into code: call it
 * before a kernel is made. `name` is the file, for messages. Throws InputError.
 */
export function useForeignBtf(bytes: Uint8Array, name: string): ForeignTypes {
  assert(!current, 'the types of two kernels at once');
  const btf = readBtfFile(bytes, name);
  const restore = layOutBy(btf, [...BTF_STRUCTS, ...records()]);
  current = {
    btf,
    undo() {
      restore();
      current = undefined;
    },
  };
  return current;
}

/** The types that are in use instead of Bohrbug's own. */
export function foreignBtf(): Btf | undefined {
  return current?.btf;
}

/** Of trace events: several may have one. */
function records(): ReadonlySet<StructType<Fields>> {
  return new Set(TRACE_EVENTS.map(({ record }) => record));
}
