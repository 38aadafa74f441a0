import * as kind from '../btf/field-types.ts';
import type { BtfField, BtfRecord, FieldGraphRoot, FieldKptr } from '../btf/record.ts';
import { btfFindStructMeta } from '../btf/struct-meta.ts';
import type { Btf } from '../btf/types.ts';

/** What a call is about that makes, moves or gives up an object: the verifier knows it. */
export interface ObjectType {
  /** Of the struct, in bytes; 0 where it does not matter. */
  readonly sizeBytes: number;
  /** Its special fields. struct btf_struct_meta */
  readonly record: BtfRecord | undefined;
  /** From the object to the node that the call takes or gives. insn_aux->insert_off */
  readonly nodeOff: number;
  /** Each CPU has one. */
  readonly isPercpu: boolean;
  /** A struct of the kernel's, by name; '': of the program's own types. */
  readonly kernelStruct: string;
}

/** Of a type of the program's own. */
export function objectType(
  btf: Btf | undefined,
  btfId: number,
  more: Partial<Pick<ObjectType, 'nodeOff' | 'isPercpu'>> = {},
): ObjectType {
  const type = btf?.types[btfId];
  const sizeBytes = type?.kind === 'struct' ? type.sizeBytes : 0;
  const record = btfFindStructMeta(btf, btfId)?.record;
  return { sizeBytes, record, nodeOff: 0, isPercpu: false, kernelStruct: '', ...more };
}

/** Of what hangs in a list or tree: its node is what calls are given. */
export function elementType({ btf, valueBtfId, nodeOffset }: FieldGraphRoot): ObjectType {
  return objectType(btf, valueBtfId, { nodeOff: nodeOffset });
}

/** Of what a kptr that owns points to. */
export function kptrType({ type, kptr }: BtfField): ObjectType {
  const { btf, btfId, isKernel } = kptr as FieldKptr;
  if (!isKernel) return objectType(btf, btfId, { isPercpu: type === kind.BPF_KPTR_PERCPU });
  return { ...objectType(undefined, 0), kernelStruct: btf.types[btfId]!.name };
}
