// What the verifier must know of a kfunc beside its prototype. include/linux/btf.h

export const KF_ACQUIRE = 1 << 0;
export const KF_RELEASE = 1 << 1;
export const KF_RET_NULL = 1 << 2;
/** Of v6.1: its first argument is the place of a kptr. Spec 02 R13. */
export const KF_KPTR_GET = 1 << 4;
export const KF_SLEEPABLE = 1 << 5;
export const KF_DESTRUCTIVE = 1 << 6;
/** Takes pointers that RCU protects, beside trusted ones. */
export const KF_RCU = 1 << 7;
export const KF_ITER_NEW = 1 << 8;
export const KF_ITER_NEXT = 1 << 9;
export const KF_ITER_DESTROY = 1 << 10;
/** Is called within a read section only. */
export const KF_RCU_PROTECTED = 1 << 11;
export const KF_FASTCALL = 1 << 12;
/** Of arenas, told to pahole alone. @public */
export const KF_ARENA_RET = 1 << 13;
/** @public */
export const KF_ARENA_ARG1 = 1 << 14;
/** @public */
export const KF_ARENA_ARG2 = 1 << 15;
/** The verifier adds arguments: those of NAME_impl() that NAME() has not. */
export const KF_IMPLICIT_ARGS = 1 << 16;
