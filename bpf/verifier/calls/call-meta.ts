import type { Btf } from '../../btf/types.ts';
import type { BtfField } from '../../btf/record.ts';
import type { BpfMap } from '../../maps/map.ts';
import type { RefObjDesc } from '../objects/refs.ts';
import { BPF_DYNPTR_TYPE_INVALID } from '../types.ts';

/** The initialized dynptr that came last among the arguments. struct bpf_dynptr_desc */
export interface DynptrDesc {
  /** BPF_DYNPTR_TYPE_* */
  type: number;
  id: number;
  parentId: number;
}

/** A map that an argument is, or is in. struct bpf_map_desc */
export interface MapDesc {
  ptr: BpfMap | undefined;
  uid: number;
}

export function noDynptr(): DynptrDesc {
  return { type: BPF_DYNPTR_TYPE_INVALID, id: 0, parentId: 0 };
}

export function noRefObj(): RefObjDesc {
  return { id: 0, parentId: 0, cnt: 0 };
}

/**
 * What the arguments of one call have said, for what is checked after them. struct
 * bpf_call_arg_meta
 */
export class CallArgMeta {
  /** With bpf_; '' where it is no helper that is called. */
  readonly funcName: string;
  /** The helper may be given pointers into the packet. */
  readonly pktAccess: boolean;
  readonly map: MapDesc = { ptr: undefined, uid: 0 };
  readonly dynptr: DynptrDesc = noDynptr();
  readonly refObj: RefObjDesc = noRefObj();
  /** The memory need not hold anything: the helper fills it. */
  rawMode = false;
  /** The argument that is given back; 0: none. */
  releaseRegno = 0;
  /** Stack in raw mode: the register that points there, and how many bytes are written. */
  regno = 0;
  accessSize = 0;
  memSize = 0;
  /** The most that a memory argument's size may be, unsigned. */
  msizeMaxValue = 0n;
  retBtf: Btf | undefined = undefined;
  retBtfId = 0;
  subprogno = 0;
  kptrField: BtfField | undefined = undefined;
  /** -1: not known. */
  constMapKey = 0n;

  constructor(funcName = '', pktAccess = false) {
    this.funcName = funcName;
    this.pktAccess = pktAccess;
  }
}
