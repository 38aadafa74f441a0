import { EFAULT, EINVAL, ELOOP, E2BIG } from '../../kernel/errno.ts';
import * as kind from './field-types.ts';
import { BadFields, findKptr } from './find-fields.ts';
import { btfParseFields, type BtfField, type BtfRecord } from './record.ts';
import { idOf } from './resolve.ts';
import type { Btf, BtfType } from './types.ts';

/**
 * A struct of a program's with special fields: what an object of it may be.
 * struct btf_struct_meta
 */
export interface StructMeta {
  readonly btf: Btf;
  readonly btfId: number;
  readonly record: BtfRecord;
}

type Metas = ReadonlyMap<number, StructMeta>;

const known = new WeakMap<Btf, Metas | number>();

/** Fields that objects of programs may have. btf_parse_struct_metas() */
const OBJECT_FIELDS =
  kind.BPF_SPIN_LOCK |
  kind.BPF_RES_SPIN_LOCK |
  kind.BPF_GRAPH_ROOT |
  kind.BPF_GRAPH_NODE |
  kind.BPF_REFCOUNT |
  kind.BPF_KPTR;

/** Structs by which a type with special fields is known. */
const MARKS = [
  'bpf_spin_lock',
  'bpf_list_head',
  'bpf_list_node',
  'bpf_rb_root',
  'bpf_rb_node',
  'bpf_refcount',
] as const;

/**
 * Looks at the structs of a program's types, once; 0, or the negative errno with which BTF_LOAD
 * refuses them. btf_parse()
 */
export function btfParseStructMetas(btf: Btf, kernelBtf: () => Btf): number {
  let metas = known.get(btf);
  if (metas === undefined) {
    try {
      metas = parse(btf, kernelBtf);
    } catch (error) {
      if (!(error instanceof BadFields)) throw error;
      metas = -error.errno;
    }
    known.set(btf, metas);
  }
  return typeof metas === 'number' ? metas : 0;
}

/** What is known of a struct, where it has special fields. btf_find_struct_meta() */
export function btfFindStructMeta(btf: Btf | undefined, btfId: number): StructMeta | undefined {
  const metas = btf && known.get(btf);
  return typeof metas === 'object' ? metas.get(btfId) : undefined;
}

function parse(btf: Btf, kernelBtf: () => Btf): Metas {
  const marks = new Set<number>(MARKS.map((name) => idOf(btf, name, 'struct')));
  marks.delete(0);
  btf.types.forEach((type, id) => {
    if (type && isKptr(btf, type)) marks.add(id);
  });
  const metas = new Map<number, StructMeta>();
  if (marks.size === 0) return metas;
  btf.types.forEach((type, id) => {
    if (type?.kind !== 'struct' || !type.members.some((member) => marks.has(member.type))) return;
    const { sizeBytes: valueSize } = type;
    const record = btfParseFields({ btf, typeId: id, mask: OBJECT_FIELDS, valueSize, kernelBtf });
    if (typeof record !== 'object') throw new BadFields(record === undefined ? EFAULT : -record);
    metas.set(id, { btf, btfId: id, record });
  });
  for (const { record } of metas.values()) checkFields(record, metas);
  const depths = new Map<number, number>();
  for (const id of metas.keys()) ownershipDepth(metas, depths, id, OWNERSHIP_DEPTH_MAX);
  return metas;
}

function isKptr(btf: Btf, type: BtfType): boolean {
  try {
    return findKptr(btf, type, 0, kind.BPF_KPTR) !== undefined;
  } catch (error) {
    if (error instanceof BadFields) return false;
    throw error;
  }
}

const PAGE_SIZE = 4096;

/**
 * What can be said of fields only when all types are known: 0 or a negative errno.
 * btf_check_and_fixup_fields()
 */
export function btfCheckFields(record: BtfRecord | undefined): number {
  try {
    if (record) checkFields(record, undefined);
    return 0;
  } catch (error) {
    if (error instanceof BadFields) return -error.errno;
    throw error;
  }
}

function checkFields({ fields }: BtfRecord, metas: Metas | undefined): void {
  for (const { type, kptr, graphRoot } of fields) {
    if (type === kind.BPF_UPTR) {
      const target = kptr!.btf.types[kptr!.btfId];
      if (kptr!.isKernel || target?.kind !== 'struct' || target.sizeBytes === 0) {
        throw new BadFields(EINVAL);
      }
      if (target.sizeBytes > PAGE_SIZE) throw new BadFields(E2BIG);
    } else if (graphRoot) {
      const { btf, valueBtfId } = graphRoot;
      const meta = metas ? metas.get(valueBtfId) : btfFindStructMeta(btf, valueBtfId);
      if (!meta) throw new BadFields(EFAULT);
    }
  }
}

/** How many objects may own each other in a row. BTF_MAX_OWNERSHIP_DEPTH */
const OWNERSHIP_DEPTH_MAX = 8;

/** btf_ownership_depth() */
function ownershipDepth(
  metas: Metas,
  depths: Map<number, number>,
  id: number,
  left: number,
): number {
  if (left === 0) throw new BadFields(ELOOP);
  let depth = depths.get(id);
  if (depth === undefined) {
    depth = 1;
    for (const field of metas.get(id)!.record.fields) {
      const owned = ownedType(field);
      if (!metas.has(owned)) continue;
      depth = Math.max(depth, 1 + ownershipDepth(metas, depths, owned, left - 1));
    }
    depths.set(id, depth);
  }
  if (depth > left) throw new BadFields(ELOOP);
  return depth;
}

/** The type of the program's that a field owns, or 0. btf_owned_type_idx() */
function ownedType({ type, kptr, graphRoot }: BtfField): number {
  if (graphRoot) return graphRoot.valueBtfId;
  const owns = type === kind.BPF_KPTR_REF || type === kind.BPF_KPTR_PERCPU;
  return owns && !kptr!.isKernel ? kptr!.btfId : 0;
}
