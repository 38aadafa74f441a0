import {
  CAP_BPF,
  CAP_NET_ADMIN,
  CAP_PERFMON,
  CAP_SYS_ADMIN,
  CAP_SYS_BOOT,
  hasCap,
} from '../capabilities.ts';
import { E2BIG, EINVAL, EPERM } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { progType, type ProgType } from '../prog/types.ts';
import type { Capabilities } from '../prog/view.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../uapi.ts';
import type { BpfAttr } from './attr.ts';
import { type BpfContext } from './context.ts';

/** Offsets in union bpf_attr of BPF_PROG_LOAD. include/uapi/linux/bpf.h */
export const AT = {
  type: 0,
  insnCnt: 4,
  insns: 8,
  license: 16,
  logLevel: 24,
  logSize: 28,
  logBuf: 32,
  flags: 44,
  name: 48,
  expectedAttachType: 68,
  btfFd: 72,
  funcInfoRecSize: 76,
  funcInfo: 80,
  funcInfoCnt: 88,
  lineInfoRecSize: 92,
  lineInfo: 96,
  lineInfoCnt: 104,
  attachBtfId: 108,
  attachFd: 112, // attach_prog_fd, attach_btf_obj_fd
  fdArray: 120,
  logTrueSize: 140,
  fdArrayCnt: 148,
} as const;

/** BPF_F_*: bits 0 to 5 and 7; XDP_DEV_BOUND_ONLY (6) and tokens (16) take what is not here. */
const FLAGS_ALL = 0xff;
const BPF_COMPLEXITY_LIMIT_INSNS = 1_000_000;
/** Of those who may not more. BPF_MAXINSNS */
const BPF_MAXINSNS = 4096;
const BTF_MAX_TYPE = 0x000f_ffff;
const MULTI_FUNC: readonly number[] = [
  ATTACH_TYPE.TRACE_FENTRY_MULTI,
  ATTACH_TYPE.TRACE_FEXIT_MULTI,
  ATTACH_TYPE.TRACE_FSESSION_MULTI,
];

/** Who may load what: the type, or -errno. bpf_prog_load() */
export function permittedType(bpf: BpfContext, attr: BpfAttr): ProgType | number {
  const { kernel } = bpf;
  if ((attr.u32(AT.flags) & ~FLAGS_ALL) !== 0) return -EINVAL;
  const isCapable = hasCap(kernel, CAP_BPF);
  if (!isCapable && bpf.unprivilegedBpfDisabled !== 0) return -EPERM;
  const count = attr.u32(AT.insnCnt);
  const most = isCapable ? BPF_COMPLEXITY_LIMIT_INSNS : BPF_MAXINSNS;
  if (count === 0 || count > most) return -E2BIG;
  const type = progType(attr.u32(AT.type));
  if (!isCapable && !type?.isForEverybody) return -EPERM;
  if (type?.isNetAdmin && !hasCap(kernel, CAP_NET_ADMIN)) return -EPERM;
  if (type?.isTracing && !hasCap(kernel, CAP_PERFMON)) return -EPERM;
  return type ?? -EINVAL;
}

export function capabilitiesOf(kernel: Kernel): Capabilities {
  return {
    bpf: hasCap(kernel, CAP_BPF),
    perfmon: hasCap(kernel, CAP_PERFMON),
    sysBoot: kernel.creds.capable(CAP_SYS_BOOT),
    registeredWrites: kernel.processes.registered.isOn && kernel.creds.capable(CAP_SYS_ADMIN),
  };
}

/** An attach type that was not said, where there is only one to mean. fixup_attach_type() */
export function attachTypeOf(attr: BpfAttr, type: ProgType): number {
  const given = attr.u32(AT.expectedAttachType);
  if (given !== 0) return given;
  if (type.number === PROG_TYPE.CGROUP_SOCK) return ATTACH_TYPE.CGROUP_INET_SOCK_CREATE;
  if (type.number === PROG_TYPE.SK_REUSEPORT) return ATTACH_TYPE.SK_REUSEPORT_SELECT;
  return given;
}

/** By type: the attach types that go with it; of others, all do. */
const ATTACH_TYPES: ReadonlyMap<number, readonly number[]> = new Map([
  [
    PROG_TYPE.CGROUP_SOCK,
    [
      ATTACH_TYPE.CGROUP_INET_SOCK_CREATE,
      ATTACH_TYPE.CGROUP_INET_SOCK_RELEASE,
      ATTACH_TYPE.CGROUP_INET4_POST_BIND,
      ATTACH_TYPE.CGROUP_INET6_POST_BIND,
    ],
  ],
  [
    PROG_TYPE.CGROUP_SOCK_ADDR,
    [
      ATTACH_TYPE.CGROUP_INET4_BIND,
      ATTACH_TYPE.CGROUP_INET6_BIND,
      ATTACH_TYPE.CGROUP_INET4_CONNECT,
      ATTACH_TYPE.CGROUP_INET6_CONNECT,
      ATTACH_TYPE.CGROUP_UNIX_CONNECT,
      ATTACH_TYPE.CGROUP_INET4_GETPEERNAME,
      ATTACH_TYPE.CGROUP_INET6_GETPEERNAME,
      ATTACH_TYPE.CGROUP_UNIX_GETPEERNAME,
      ATTACH_TYPE.CGROUP_INET4_GETSOCKNAME,
      ATTACH_TYPE.CGROUP_INET6_GETSOCKNAME,
      ATTACH_TYPE.CGROUP_UNIX_GETSOCKNAME,
      ATTACH_TYPE.CGROUP_UDP4_SENDMSG,
      ATTACH_TYPE.CGROUP_UDP6_SENDMSG,
      ATTACH_TYPE.CGROUP_UNIX_SENDMSG,
      ATTACH_TYPE.CGROUP_UDP4_RECVMSG,
      ATTACH_TYPE.CGROUP_UDP6_RECVMSG,
      ATTACH_TYPE.CGROUP_UNIX_RECVMSG,
    ],
  ],
  [PROG_TYPE.CGROUP_SKB, [ATTACH_TYPE.CGROUP_INET_INGRESS, ATTACH_TYPE.CGROUP_INET_EGRESS]],
  [PROG_TYPE.CGROUP_SOCKOPT, [ATTACH_TYPE.CGROUP_SETSOCKOPT, ATTACH_TYPE.CGROUP_GETSOCKOPT]],
  [PROG_TYPE.SK_LOOKUP, [ATTACH_TYPE.SK_LOOKUP]],
  [
    PROG_TYPE.SK_REUSEPORT,
    [ATTACH_TYPE.SK_REUSEPORT_SELECT, ATTACH_TYPE.SK_REUSEPORT_SELECT_OR_MIGRATE],
  ],
  [PROG_TYPE.NETFILTER, [ATTACH_TYPE.NETFILTER]],
  [PROG_TYPE.SYSCALL, [0]],
  [PROG_TYPE.EXT, [0]],
]);
const WITH_BTF_ID: readonly number[] = [
  PROG_TYPE.TRACING,
  PROG_TYPE.LSM,
  PROG_TYPE.STRUCT_OPS,
  PROG_TYPE.EXT,
];

/** What is asked of a load, as far as it is known before the verifier looks at it. */
export interface AttachAsked {
  readonly type: number;
  readonly attachType: number;
  readonly btfId: number;
  readonly hasBtf: boolean;
  readonly hasDstProg: boolean;
}

/** Whether type, attach type and target go together. bpf_prog_load_check_attach() */
export function mayAttach({ type, attachType, btfId, hasBtf, hasDstProg }: AttachAsked): boolean {
  if (btfId !== 0) {
    if (btfId > BTF_MAX_TYPE || (!hasBtf && !hasDstProg)) return false;
    if (!WITH_BTF_ID.includes(type)) return false;
  }
  if (MULTI_FUNC.includes(attachType)) {
    return type === PROG_TYPE.TRACING && hasBtf && btfId === 0;
  }
  if (hasBtf && (btfId === 0 || hasDstProg)) return false;
  if (hasDstProg && type !== PROG_TYPE.TRACING && type !== PROG_TYPE.EXT) return false;
  return ATTACH_TYPES.get(type)?.includes(attachType) ?? true;
}

/** Whether many functions are meant, none of them by its id. is_tracing_multi() */
export function isMultiFunc(attachType: number): boolean {
  return MULTI_FUNC.includes(attachType);
}
