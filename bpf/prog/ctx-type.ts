import { idOf, isModifier, resolve } from '../btf/resolve.ts';
import type { Btf, BtfOf } from '../btf/types.ts';
import { PROG_TYPE } from '../uapi.ts';

/** What a type of program gets, as programs and as the kernel declare it: names of types in BTF. */
interface CtxTypes {
  /** '' where it has no name. */
  readonly prog: string;
  readonly kern: string;
}

const skb: CtxTypes = { prog: '__sk_buff', kern: 'sk_buff' };
const unnamed: CtxTypes = { prog: '', kern: '' };
const rawTracepoint: CtxTypes = { prog: 'bpf_raw_tracepoint_args', kern: 'u64' };

/** struct bpf_ctx_convert. include/linux/bpf_types.h */
const CTX_TYPES: Readonly<Record<keyof typeof PROG_TYPE, CtxTypes>> = {
  UNSPEC: unnamed,
  SOCKET_FILTER: skb,
  KPROBE: { prog: 'bpf_user_pt_regs_t', kern: 'pt_regs' },
  SCHED_CLS: skb,
  SCHED_ACT: skb,
  TRACEPOINT: { prog: '__u64', kern: 'u64' },
  XDP: { prog: 'xdp_md', kern: 'xdp_buff' },
  PERF_EVENT: { prog: 'bpf_perf_event_data', kern: 'bpf_perf_event_data_kern' },
  CGROUP_SKB: skb,
  CGROUP_SOCK: { prog: 'bpf_sock', kern: 'sock' },
  LWT_IN: skb,
  LWT_OUT: skb,
  LWT_XMIT: skb,
  SOCK_OPS: { prog: 'bpf_sock_ops', kern: 'bpf_sock_ops_kern' },
  SK_SKB: skb,
  CGROUP_DEVICE: { prog: 'bpf_cgroup_dev_ctx', kern: 'bpf_cgroup_dev_ctx' },
  SK_MSG: { prog: 'sk_msg_md', kern: 'sk_msg' },
  RAW_TRACEPOINT: rawTracepoint,
  CGROUP_SOCK_ADDR: { prog: 'bpf_sock_addr', kern: 'bpf_sock_addr_kern' },
  LWT_SEG6LOCAL: skb,
  LIRC_MODE2: { prog: '__u32', kern: 'u32' },
  SK_REUSEPORT: { prog: 'sk_reuseport_md', kern: 'sk_reuseport_kern' },
  FLOW_DISSECTOR: { prog: '__sk_buff', kern: 'bpf_flow_dissector' },
  CGROUP_SYSCTL: { prog: 'bpf_sysctl', kern: 'bpf_sysctl_kern' },
  RAW_TRACEPOINT_WRITABLE: rawTracepoint,
  CGROUP_SOCKOPT: { prog: 'bpf_sockopt', kern: 'bpf_sockopt_kern' },
  TRACING: unnamed,
  STRUCT_OPS: unnamed,
  EXT: unnamed,
  LSM: unnamed,
  SK_LOOKUP: { prog: 'bpf_sk_lookup', kern: 'bpf_sk_lookup_kern' },
  SYSCALL: unnamed,
  NETFILTER: { prog: 'bpf_nf_ctx', kern: 'bpf_nf_ctx' },
};

const byNumber = new Map(
  Object.entries(CTX_TYPES).map(([name, types]) => [
    PROG_TYPE[name as keyof typeof PROG_TYPE],
    types,
  ]),
);

/** The name of what programs of a type get; '' where it has none. find_canonical_prog_ctx_type() */
export function progCtxTypeName(progType: number): string {
  return byNumber.get(progType)?.prog ?? '';
}

/** The id of what the kernel has in its place, if that is a struct; else 0. */
export function kernCtxTypeId(kernelBtf: Btf, progType: number): number {
  return idOf(kernelBtf, byNumber.get(progType)?.kern ?? '', 'struct');
}

/** The id of what the kernel has in its place where that is no struct: a pointer, or a number. */
export function kernCtxNoStructId(kernelBtf: Btf, progType: number): number {
  const name = byNumber.get(progType)?.kern ?? '';
  if (name !== '') return idOf(kernelBtf, name, 'typedef');
  return kernelBtf.types.findIndex((type) => type?.kind === 'ptr' && type.type === 0);
}

/** What the kernel's own struct is called where programs see a part of it. */
const PROJECTIONS: Readonly<Record<string, string>> = { __sk_buff: 'sk_buff', xdp_md: 'xdp_buff' };

/** btf_is_projection_of() */
export function btfIsProjectionOf(prog: string, kern: string): boolean {
  return PROJECTIONS[prog] === kern;
}

/**
 * Whether a pointer's target is what programs of a type get, by its name alone.
 * btf_is_prog_ctx_type()
 */
export function btfIsProgCtxType(btf: Btf, pointer: BtfOf<'ptr'>, progType: number): boolean {
  if (progType === PROG_TYPE.KPROBE && isUserPtRegs(btf, pointer.type)) return true;
  const target = resolve(btf, pointer.type);
  // A tracepoint's context, which is no struct, has no name to go by.
  if (target?.kind !== 'struct' && target?.kind !== 'union') return false;
  const name = progCtxTypeName(progType);
  if (name === '') return false;
  if (btfIsProjectionOf(name, target.name) || name === target.name) return true;
  return name === 'bpf_user_pt_regs_t' && target.name === 'pt_regs';
}

/** Through modifiers, but not through the typedef itself. */
export function isUserPtRegs(btf: Btf, id: number): boolean {
  for (let type = btf.types[id]; type && isModifier(type); type = btf.types[type.type]) {
    if (type.kind === 'typedef') return type.name === 'bpf_user_pt_regs_t';
  }
  return false;
}
