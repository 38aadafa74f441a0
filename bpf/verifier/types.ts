/**
 * What a register, a stack slot and an argument can be: numbers as Linux has them, a base type in
 * the low 8 bits and flags above. include/linux/bpf.h
 */

const BASE_BITS = 8;
const BASE_MASK = (1 << BASE_BITS) - 1;

/** enum bpf_reg_type */
export const NOT_INIT = 0;
export const SCALAR_VALUE = 1;
export const PTR_TO_CTX = 2;
export const CONST_PTR_TO_MAP = 3;
export const PTR_TO_MAP_VALUE = 4;
export const PTR_TO_MAP_KEY = 5;
export const PTR_TO_STACK = 6;
export const PTR_TO_PACKET_META = 7;
export const PTR_TO_PACKET = 8;
export const PTR_TO_PACKET_END = 9;
export const PTR_TO_FLOW_KEYS = 10;
export const PTR_TO_SOCKET = 11;
export const PTR_TO_SOCK_COMMON = 12;
export const PTR_TO_TCP_SOCK = 13;
export const PTR_TO_TP_BUFFER = 14;
export const PTR_TO_XDP_SOCK = 15;
export const PTR_TO_BTF_ID = 16;
export const PTR_TO_MEM = 17;
export const PTR_TO_ARENA = 18;
export const PTR_TO_BUF = 19;
export const PTR_TO_FUNC = 20;
export const PTR_TO_INSN = 21;
export const CONST_PTR_TO_DYNPTR = 22;

/** enum bpf_type_flag: of registers, arguments and what is returned alike. */
export const PTR_MAYBE_NULL = 1 << (0 + BASE_BITS);
export const MEM_RDONLY = 1 << (1 + BASE_BITS);
export const MEM_RINGBUF = 1 << (2 + BASE_BITS);
export const MEM_USER = 1 << (3 + BASE_BITS);
export const MEM_PERCPU = 1 << (4 + BASE_BITS);
export const OBJ_RELEASE = 1 << (5 + BASE_BITS);
export const PTR_UNTRUSTED = 1 << (6 + BASE_BITS);
export const MEM_UNINIT = 1 << (7 + BASE_BITS);
export const DYNPTR_TYPE_LOCAL = 1 << (8 + BASE_BITS);
export const DYNPTR_TYPE_RINGBUF = 1 << (9 + BASE_BITS);
export const MEM_FIXED_SIZE = 1 << (10 + BASE_BITS);
export const MEM_ALLOC = 1 << (11 + BASE_BITS);
export const PTR_TRUSTED = 1 << (12 + BASE_BITS);
export const MEM_RCU = 1 << (13 + BASE_BITS);
export const NON_OWN_REF = 1 << (14 + BASE_BITS);
export const DYNPTR_TYPE_SKB = 1 << (15 + BASE_BITS);
export const DYNPTR_TYPE_XDP = 1 << (16 + BASE_BITS);
export const MEM_ALIGNED = 1 << (17 + BASE_BITS);
export const MEM_WRITE = 1 << (18 + BASE_BITS);
export const DYNPTR_TYPE_SKB_META = 1 << (19 + BASE_BITS);
export const DYNPTR_TYPE_FILE = 1 << (20 + BASE_BITS);

export const DYNPTR_TYPE_FLAG_MASK =
  DYNPTR_TYPE_LOCAL |
  DYNPTR_TYPE_RINGBUF |
  DYNPTR_TYPE_SKB |
  DYNPTR_TYPE_XDP |
  DYNPTR_TYPE_SKB_META |
  DYNPTR_TYPE_FILE;
/** BPF_REG_TRUSTED_MODIFIERS */
export const TRUSTED_MODIFIERS = MEM_ALLOC | PTR_TRUSTED | NON_OWN_REF;

/** enum bpf_arg_type */
export const ARG_DONTCARE = 0;
export const ARG_CONST_MAP_PTR = 1;
export const ARG_PTR_TO_MAP_KEY = 2;
export const ARG_PTR_TO_MAP_VALUE = 3;
export const ARG_PTR_TO_MEM = 4;
export const ARG_PTR_TO_ARENA = 5;
export const ARG_CONST_SIZE = 6;
export const ARG_CONST_SIZE_OR_ZERO = 7;
export const ARG_PTR_TO_CTX = 8;
export const ARG_ANYTHING = 9;
export const ARG_SCALAR = 10;
export const ARG_PTR_TO_SPIN_LOCK = 11;
export const ARG_PTR_TO_SOCK_COMMON = 12;
export const ARG_PTR_TO_SOCKET = 13;
export const ARG_PTR_TO_BTF_ID = 14;
export const ARG_PTR_TO_RINGBUF_MEM = 15;
export const ARG_CONST_ALLOC_SIZE_OR_ZERO = 16;
export const ARG_PTR_TO_BTF_ID_SOCK_COMMON = 17;
export const ARG_PTR_TO_PERCPU_BTF_ID = 18;
export const ARG_PTR_TO_FUNC = 19;
export const ARG_PTR_TO_STACK = 20;
export const ARG_PTR_TO_CONST_STR = 21;
export const ARG_PTR_TO_TIMER = 22;
export const ARG_KPTR_XCHG_DEST = 23;
export const ARG_PTR_TO_DYNPTR = 24;

/** enum bpf_return_type */
export const RET_INTEGER = 0;
export const RET_VOID = 1;
export const RET_PTR_TO_MAP_VALUE = 2;
export const RET_PTR_TO_SOCKET = 3;
export const RET_PTR_TO_TCP_SOCK = 4;
export const RET_PTR_TO_SOCK_COMMON = 5;
export const RET_PTR_TO_MEM = 6;
export const RET_PTR_TO_MEM_OR_BTF_ID = 7;
export const RET_PTR_TO_BTF_ID = 8;

/** enum bpf_stack_slot_type: what one byte of the stack holds. */
export const STACK_INVALID = 0;
export const STACK_SPILL = 1;
export const STACK_MISC = 2;
export const STACK_ZERO = 3;
export const STACK_DYNPTR = 4;
export const STACK_ITER = 5;
export const STACK_IRQ_FLAG = 6;
export const STACK_POISON = 7;

/** enum bpf_dynptr_type */
export const BPF_DYNPTR_TYPE_INVALID = 0;
export const BPF_DYNPTR_TYPE_LOCAL = 1;
export const BPF_DYNPTR_TYPE_RINGBUF = 2;
export const BPF_DYNPTR_TYPE_SKB = 3;
export const BPF_DYNPTR_TYPE_XDP = 4;
export const BPF_DYNPTR_TYPE_SKB_META = 5;
export const BPF_DYNPTR_TYPE_FILE = 6;

/** enum bpf_iter_state */
export const ITER_INVALID = 0;
export const ITER_ACTIVE = 1;
export const ITER_DRAINED = 2;

/** Class of the kfunc that saved an interrupt flag. */
export const IRQ_NATIVE_KFUNC = 0;
export const IRQ_LOCK_KFUNC = 1;

/** enum ref_state_type */
export const REF_TYPE_PTR = 1 << 1;
export const REF_TYPE_IRQ = 1 << 2;
export const REF_TYPE_LOCK = 1 << 3;
export const REF_TYPE_RES_LOCK = 1 << 4;
export const REF_TYPE_RES_LOCK_IRQ = 1 << 5;
export const REF_TYPE_LOCK_MASK = REF_TYPE_LOCK | REF_TYPE_RES_LOCK | REF_TYPE_RES_LOCK_IRQ;

/** Marks on `id` of linked scalars: what differs is `delta`. include/linux/bpf_verifier.h */
export const BPF_ADD_CONST64 = 0x8000_0000;
export const BPF_ADD_CONST32 = 0x4000_0000;
export const ID_MASK = 0x3fff_ffff;

export const BPF_REG_SIZE = 8;
export const MAX_BPF_REG = 11;
/** Registers that pass arguments: r1 to r5. */
export const MAX_BPF_FUNC_REG_ARGS = 5;
export const MAX_BPF_FUNC_ARGS = 12;
export const MAX_CALL_FRAMES = 16;
/** FuncState.callsite where nothing called. */
export const BPF_MAIN_FUNC = -1;
/** BPF_MAX_VAR_OFF, BPF_MAX_VAR_SIZ */
export const BPF_MAX_VAR_OFF = 1 << 29;
export const BPF_MAX_VAR_SIZ = 1 << 29;

export function baseType(type: number): number {
  return type & BASE_MASK;
}

export function typeFlags(type: number): number {
  return type & ~BASE_MASK;
}

export function mayBeNull(type: number): boolean {
  return (type & PTR_MAYBE_NULL) !== 0;
}

/** type_is_ptr_alloc_obj(): an object of the program's own types. */
export function isAllocObj(type: number): boolean {
  return (
    baseType(type) === PTR_TO_BTF_ID && (type & MEM_ALLOC) !== 0 && (type & PTR_UNTRUSTED) === 0
  );
}

/** type_is_non_owning_ref() */
export function isNonOwningRef(type: number): boolean {
  return isAllocObj(type) && (type & NON_OWN_REF) !== 0;
}

/** type_is_pkt_pointer() */
export function isPktPointer(type: number): boolean {
  const base = baseType(type);
  return base === PTR_TO_PACKET || base === PTR_TO_PACKET_META;
}

/** type_is_sk_pointer() */
export function isSkPointer(type: number): boolean {
  return (
    type === PTR_TO_SOCKET ||
    type === PTR_TO_SOCK_COMMON ||
    type === PTR_TO_TCP_SOCK ||
    type === PTR_TO_XDP_SOCK
  );
}
