import { idOf } from '../../btf/resolve.ts';
import { PTR_TO_BTF_ID, PTR_TO_TP_BUFFER, PTR_TRUSTED } from '../../verifier/types.ts';
import type { ProgOps } from '../ops.ts';
import { btfCtxAccess } from './btf-ctx.ts';
import type { CtxAccess } from './info.ts';
import { isNarrow } from './table.ts';

/* Contexts of what is traced, of system calls and of hooks. kernel/trace/bpf_trace.c */

type IsValidAccess = ProgOps['isValidAccess'];

/** sizeof(struct pt_regs) of x86-64 */
const PT_REGS_BYTES = 168;
const PERF_MAX_TRACE_SIZE = 8192;
const MAX_BPF_FUNC_ARGS = 12;
const U16_MAX = 0xffff;

/** kprobe_prog_is_valid_access() */
export const kprobe: IsValidAccess = (off, size) =>
  off >= 0 && off % size === 0 && off + size <= PT_REGS_BYTES;

/** What is before the context passes: its bound is unsigned. tp_prog_is_valid_access() */
export const tracepoint: IsValidAccess = (off, size, isWrite) =>
  off >>> 0 >= 8 && off < PERF_MAX_TRACE_SIZE && !isWrite && off % size === 0;

/** bpf_tracing_ctx_access() */
function isArgument(off: number, size: number, isWrite: boolean): boolean {
  return off >= 0 && off < 8 * MAX_BPF_FUNC_ARGS && !isWrite && off % size === 0;
}

/** raw_tp_prog_is_valid_access() */
export const raw_tp: IsValidAccess = (off, size, isWrite) => isArgument(off, size, isWrite);

/** Its first argument is a buffer that may be written to. raw_tp_writable_prog_is_valid_access() */
export const raw_tp_writable: IsValidAccess = (off, size, isWrite, _prog, info) => {
  if (off === 0) {
    if (size !== 8 || isWrite) return false;
    info.regType = PTR_TO_TP_BUFFER;
  }
  return isArgument(off, size, isWrite);
};

/** tracing_prog_is_valid_access(), bpf_tracing_btf_ctx_access() */
export const tracing: IsValidAccess = (off, size, isWrite, prog, info) =>
  isArgument(off, size, isWrite) && btfCtxAccess(off, size, prog, info);

/** btf_ctx_access() */
export const lsm: IsValidAccess = (off, size, _isWrite, prog, info) =>
  btfCtxAccess(off, size, prog, info);

/** syscall_prog_is_valid_access() */
export const syscall: IsValidAccess = (off) => off >= 0 && off < U16_MAX;

/** pe_prog_is_valid_access(): struct bpf_perf_event_data is registers, and two numbers. */
export const perf_event: IsValidAccess = (off, size, isWrite, _prog, info) => {
  if (off < 0 || off >= PT_REGS_BYTES + 16 || isWrite || off % size !== 0) return false;
  if (off < PT_REGS_BYTES) return size === 8;
  info.ctxFieldSize = 8;
  return isNarrow(size, 8);
};

/** lirc_mode2_is_valid_access() */
export const lirc_mode2: IsValidAccess = (off, size, isWrite) =>
  !isWrite && off === 0 && size === 4;

/** By offset: struct bpf_nf_ctx. */
const NETFILTER: Readonly<Record<number, string>> = { 0: 'nf_hook_state', 8: 'sk_buff' };

/** nf_is_valid_access() */
export const netfilter: IsValidAccess = (off, size, isWrite, _prog, info) => {
  const struct = NETFILTER[off];
  return struct !== undefined && !isWrite && size === 8 && isTrustedStruct(struct, info);
};

/** nf_ptr_to_btf_id() */
function isTrustedStruct(name: string, info: CtxAccess): boolean {
  const id = idOf(info.kernelBtf, name, 'struct');
  if (id === 0) return false;
  info.regType = PTR_TO_BTF_ID | PTR_TRUSTED;
  info.btf = info.kernelBtf;
  info.btfId = id;
  return true;
}
