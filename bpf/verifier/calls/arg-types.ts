import * as t from '../types.ts';

/** A size that the pointer in the argument before it is about. arg_type_is_mem_size() */
export function argTypeIsMemSize(type: number): boolean {
  return type === t.ARG_CONST_SIZE || type === t.ARG_CONST_SIZE_OR_ZERO;
}

/** What is handed over is gone for the program. arg_type_is_release() */
export function argTypeIsRelease(type: number): boolean {
  return (type & t.OBJ_RELEASE) !== 0;
}

/** arg_type_is_dynptr() */
export function argTypeIsDynptr(type: number): boolean {
  return t.baseType(type) === t.ARG_PTR_TO_DYNPTR;
}

/** The types of registers that an argument may be. struct bpf_reg_types */
export interface RegTypes {
  readonly types: readonly number[];
  /** PTR_TO_BTF_ID among them: the struct, where the argument does not say. */
  readonly struct?: string;
}

/** Memory that helpers read or write. */
export const MEM_TYPES: RegTypes = {
  types: [
    t.PTR_TO_STACK,
    t.PTR_TO_PACKET,
    t.PTR_TO_PACKET_META,
    t.PTR_TO_MAP_KEY,
    t.PTR_TO_MAP_VALUE,
    t.PTR_TO_MEM,
    t.PTR_TO_MEM | t.MEM_RINGBUF,
    t.PTR_TO_BUF,
    t.PTR_TO_BTF_ID | t.PTR_TRUSTED,
    t.PTR_TO_CTX,
  ],
};

const SOCKS = [t.PTR_TO_SOCK_COMMON, t.PTR_TO_SOCKET, t.PTR_TO_TCP_SOCK, t.PTR_TO_XDP_SOCK];
const OBJ = t.PTR_TO_BTF_ID | t.MEM_ALLOC;
const PERCPU = t.PTR_TO_BTF_ID | t.MEM_PERCPU;
const SCALARS: RegTypes = { types: [t.SCALAR_VALUE] };

/** By ARG_*. compatible_reg_types */
const COMPATIBLE: Readonly<Record<number, RegTypes>> = {
  [t.ARG_PTR_TO_MAP_KEY]: MEM_TYPES,
  [t.ARG_PTR_TO_MAP_VALUE]: MEM_TYPES,
  [t.ARG_CONST_SIZE]: SCALARS,
  [t.ARG_CONST_SIZE_OR_ZERO]: SCALARS,
  [t.ARG_CONST_ALLOC_SIZE_OR_ZERO]: SCALARS,
  [t.ARG_SCALAR]: SCALARS,
  [t.ARG_CONST_MAP_PTR]: { types: [t.CONST_PTR_TO_MAP] },
  [t.ARG_PTR_TO_CTX]: { types: [t.PTR_TO_CTX] },
  [t.ARG_PTR_TO_SOCK_COMMON]: { types: SOCKS },
  [t.ARG_PTR_TO_BTF_ID_SOCK_COMMON]: {
    types: [...SOCKS, t.PTR_TO_BTF_ID, t.PTR_TO_BTF_ID | t.PTR_TRUSTED],
    struct: 'sock_common',
  },
  [t.ARG_PTR_TO_SOCKET]: { types: [t.PTR_TO_SOCKET] },
  [t.ARG_PTR_TO_BTF_ID]: {
    types: [t.PTR_TO_BTF_ID, t.PTR_TO_BTF_ID | t.PTR_TRUSTED, t.PTR_TO_BTF_ID | t.MEM_RCU],
  },
  [t.ARG_PTR_TO_SPIN_LOCK]: { types: [t.PTR_TO_MAP_VALUE, OBJ] },
  [t.ARG_PTR_TO_MEM]: MEM_TYPES,
  [t.ARG_PTR_TO_RINGBUF_MEM]: { types: [t.PTR_TO_MEM | t.MEM_RINGBUF] },
  [t.ARG_PTR_TO_PERCPU_BTF_ID]: { types: [PERCPU, PERCPU | t.MEM_RCU, PERCPU | t.PTR_TRUSTED] },
  [t.ARG_PTR_TO_FUNC]: { types: [t.PTR_TO_FUNC] },
  [t.ARG_PTR_TO_STACK]: { types: [t.PTR_TO_STACK] },
  [t.ARG_PTR_TO_CONST_STR]: { types: [t.PTR_TO_MAP_VALUE] },
  [t.ARG_PTR_TO_TIMER]: { types: [t.PTR_TO_MAP_VALUE] },
  [t.ARG_KPTR_XCHG_DEST]: {
    types: [t.PTR_TO_MAP_VALUE, OBJ, OBJ | t.NON_OWN_REF, OBJ | t.NON_OWN_REF | t.MEM_RCU],
  },
  [t.ARG_PTR_TO_DYNPTR]: { types: [t.PTR_TO_STACK, t.CONST_PTR_TO_DYNPTR] },
};

export function compatibleRegTypes(argType: number): RegTypes | undefined {
  return COMPATIBLE[t.baseType(argType)];
}
