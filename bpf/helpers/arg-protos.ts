import * as t from '../verifier/types.ts';
import type { ArgProto } from './proto.ts';

/** Arguments as the tables of prototypes have them, each under a short name. */
function arg(type: number): ArgProto {
  return { type };
}

export const ANY = arg(t.ARG_ANYTHING);
export const SCALAR = arg(t.ARG_SCALAR);
export const CTX = arg(t.ARG_PTR_TO_CTX);
export const CTX_OR_NULL = arg(t.ARG_PTR_TO_CTX | t.PTR_MAYBE_NULL);

export const MAP = arg(t.ARG_CONST_MAP_PTR);
export const KEY = arg(t.ARG_PTR_TO_MAP_KEY);
export const VALUE = arg(t.ARG_PTR_TO_MAP_VALUE);
export const VALUE_OR_NULL = arg(t.ARG_PTR_TO_MAP_VALUE | t.PTR_MAYBE_NULL);
export const UNINIT_VALUE = arg(t.ARG_PTR_TO_MAP_VALUE | t.MEM_UNINIT | t.MEM_WRITE);

export const UNINIT_MEM = arg(t.ARG_PTR_TO_MEM | t.MEM_UNINIT | t.MEM_WRITE);
export const RDONLY_MEM = arg(t.ARG_PTR_TO_MEM | t.MEM_RDONLY);
export const RDONLY_MEM_OR_NULL = arg(t.ARG_PTR_TO_MEM | t.PTR_MAYBE_NULL | t.MEM_RDONLY);
export const WRITE_MEM = arg(t.ARG_PTR_TO_MEM | t.MEM_WRITE);
export const WRITE_MEM_OR_NULL = arg(t.ARG_PTR_TO_MEM | t.PTR_MAYBE_NULL | t.MEM_WRITE);
export const SIZE = arg(t.ARG_CONST_SIZE);
export const SIZE_OR_ZERO = arg(t.ARG_CONST_SIZE_OR_ZERO);
export const ALLOC_SIZE_OR_ZERO = arg(t.ARG_CONST_ALLOC_SIZE_OR_ZERO);
export const CONST_STR = arg(t.ARG_PTR_TO_CONST_STR);
export const RELEASED_RINGBUF_MEM = arg(t.ARG_PTR_TO_RINGBUF_MEM | t.OBJ_RELEASE);

export const FUNC = arg(t.ARG_PTR_TO_FUNC);
export const STACK_OR_NULL = arg(t.ARG_PTR_TO_STACK | t.PTR_MAYBE_NULL);
export const TIMER = arg(t.ARG_PTR_TO_TIMER);
export const SPIN_LOCK = arg(t.ARG_PTR_TO_SPIN_LOCK);
export const KPTR_XCHG_DEST = arg(t.ARG_KPTR_XCHG_DEST);
/** Of the type that the destination says. */
export const RELEASED_KPTR = arg(t.ARG_PTR_TO_BTF_ID | t.PTR_MAYBE_NULL | t.OBJ_RELEASE);
export const PERCPU_BTF_ID = arg(t.ARG_PTR_TO_PERCPU_BTF_ID);

export const DYNPTR = arg(t.ARG_PTR_TO_DYNPTR);
export const UNINIT_LOCAL_DYNPTR = arg(
  t.ARG_PTR_TO_DYNPTR | t.DYNPTR_TYPE_LOCAL | t.MEM_UNINIT | t.MEM_WRITE,
);
export const UNINIT_RINGBUF_DYNPTR = arg(
  t.ARG_PTR_TO_DYNPTR | t.DYNPTR_TYPE_RINGBUF | t.MEM_UNINIT | t.MEM_WRITE,
);
export const RELEASED_RINGBUF_DYNPTR = arg(
  t.ARG_PTR_TO_DYNPTR | t.DYNPTR_TYPE_RINGBUF | t.OBJ_RELEASE,
);

export const SOCK_COMMON = arg(t.ARG_PTR_TO_SOCK_COMMON);
export const SOCKET_OR_NULL = arg(t.ARG_PTR_TO_SOCKET | t.PTR_MAYBE_NULL);
export const BTF_SOCK_COMMON = arg(t.ARG_PTR_TO_BTF_ID_SOCK_COMMON);
export const BTF_SOCK_COMMON_OR_NULL = arg(t.ARG_PTR_TO_BTF_ID_SOCK_COMMON | t.PTR_MAYBE_NULL);
export const RELEASED_SOCK_COMMON = arg(t.ARG_PTR_TO_BTF_ID_SOCK_COMMON | t.OBJ_RELEASE);

/** To a struct of the kernel's. */
export function structPtr(struct: string): ArgProto {
  return { type: t.ARG_PTR_TO_BTF_ID, struct };
}

export function structPtrOrNull(struct: string): ArgProto {
  return { type: t.ARG_PTR_TO_BTF_ID | t.PTR_MAYBE_NULL, struct };
}

/** To memory of so many bytes. */
export function fixedMem(size: number, flags: number): ArgProto {
  return { type: t.ARG_PTR_TO_MEM | t.MEM_FIXED_SIZE | flags, size };
}
