import { REGISTERED_WRITE } from '../../helpers/proto-registered-write.ts';
import * as b from '../../helpers/protos-base.ts';
import * as p from '../../helpers/protos-packet.ts';
import * as s from '../../helpers/protos-sock.ts';
import * as t from '../../helpers/protos-tracing.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../uapi.ts';
import { LOCKED_SOCKOPT_LSM_HOOKS, UNLOCKED_SOCKOPT_LSM_HOOKS } from '../lsm-hooks.ts';
import type { ProgView } from '../view.ts';
import { base } from './base.ts';
import { cgroupCommon } from './cgroup-common.ts';
import { firstOf, funcs, isFor, onlyIf, type HelperRule } from './rule.ts';

const isTraceIter = isFor('TRACE_ITER');
const isRawTp = isFor('TRACE_RAW_TP');

/** bpf_prog_has_trampoline() */
export function hasTrampoline({ type, expectedAttachType }: ProgView): boolean {
  if (type.number === PROG_TYPE.LSM) return expectedAttachType === ATTACH_TYPE.LSM_MAC;
  return type.number === PROG_TYPE.TRACING && HAS_TRAMPOLINE.has(expectedAttachType);
}

const HAS_TRAMPOLINE: ReadonlySet<number> = new Set([
  ATTACH_TYPE.TRACE_FENTRY,
  ATTACH_TYPE.TRACE_FEXIT,
  ATTACH_TYPE.MODIFY_RETURN,
  ATTACH_TYPE.TRACE_FSESSION,
  ATTACH_TYPE.TRACE_FENTRY_MULTI,
  ATTACH_TYPE.TRACE_FEXIT_MULTI,
  ATTACH_TYPE.TRACE_FSESSION_MULTI,
]);

/** For all that trace. bpf_tracing_func_proto(): CAP_SYS_ADMIN comes with CAP_PERFMON here. */
const traced: HelperRule = firstOf(
  funcs(
    [
      b.bpf_get_smp_processor_id,
      t.bpf_probe_read_compat,
      t.bpf_probe_read_compat_str,
      t.bpf_get_func_ip_tracing,
    ],
    {},
    base,
  ),
  onlyIf(({ caps }) => caps.perfmon, funcs([t.bpf_probe_write_user], {})),
  onlyIf(({ caps }) => caps.registeredWrites === true, funcs([REGISTERED_WRITE], {})),
);

const isKprobeMulti = isFor('TRACE_KPROBE_MULTI', 'TRACE_KPROBE_SESSION');
const isUprobeMulti = isFor('TRACE_UPROBE_MULTI', 'TRACE_UPROBE_SESSION');

/** kprobe_prog_func_proto(), without CONFIG_BPF_KPROBE_OVERRIDE. */
export const kprobe = funcs(
  [t.bpf_perf_event_output, t.bpf_get_stackid],
  {
    get_stack: ({ isSleepable }) => (isSleepable ? t.bpf_get_stack_sleepable : t.bpf_get_stack),
    get_func_ip: (prog) => {
      if (isKprobeMulti(prog)) return t.bpf_get_func_ip_kprobe_multi;
      return isUprobeMulti(prog) ? t.bpf_get_func_ip_uprobe_multi : t.bpf_get_func_ip_kprobe;
    },
    get_attach_cookie: (prog) => {
      if (isKprobeMulti(prog)) return t.bpf_get_attach_cookie_kmulti;
      return isUprobeMulti(prog) ? t.bpf_get_attach_cookie_umulti : t.bpf_get_attach_cookie_trace;
    },
  },
  traced,
);

/** tp_prog_func_proto() */
export const tracepoint = funcs(
  [
    t.bpf_perf_event_output_tp,
    t.bpf_get_stackid_tp,
    t.bpf_get_stack_tp,
    t.bpf_get_attach_cookie_trace,
  ],
  {},
  traced,
);

/** pe_prog_func_proto() */
export const perf_event = funcs(
  [
    t.bpf_perf_event_output_tp,
    t.bpf_get_stackid_pe,
    t.bpf_get_stack_pe,
    t.bpf_perf_prog_read_value,
    t.bpf_read_branch_records,
    t.bpf_get_attach_cookie_pe,
  ],
  {},
  traced,
);

/** raw_tp_prog_func_proto() */
export const raw_tp = funcs(
  [
    t.bpf_perf_event_output_raw_tp,
    t.bpf_get_stackid_raw_tp,
    t.bpf_get_stack_raw_tp,
    t.bpf_get_attach_cookie_tracing,
  ],
  {},
  traced,
);

/** Of iterators over sockets, whose sockets are locked. bpf_iter_get_func_proto() */
const ofIterator: HelperRule = onlyIf(
  (prog) =>
    isTraceIter(prog) &&
    (prog.attach?.name === 'bpf_iter_tcp' || prog.attach?.name === 'bpf_iter_unix'),
  funcs([s.bpf_sk_setsockopt, s.bpf_sk_getsockopt], {}),
);

const hasArguments = (prog: ProgView): boolean => hasTrampoline(prog) || isRawTp(prog);

/** tracing_prog_func_proto() */
export const tracing = funcs(
  [
    p.bpf_skb_output,
    p.bpf_xdp_output,
    s.bpf_skc_to_tcp6_sock,
    s.bpf_skc_to_tcp_sock,
    s.bpf_skc_to_tcp_timewait_sock,
    s.bpf_skc_to_tcp_request_sock,
    s.bpf_skc_to_udp6_sock,
    s.bpf_skc_to_unix_sock,
    s.bpf_skc_to_mptcp_sock,
    s.bpf_sk_storage_get_tracing,
    s.bpf_sk_storage_delete_tracing,
    s.bpf_sock_from_file,
    s.bpf_get_socket_ptr_cookie,
    p.bpf_xdp_get_buff_len_trace,
    t.bpf_d_path,
  ],
  {
    seq_printf: (prog) => (isTraceIter(prog) ? t.bpf_seq_printf : undefined),
    seq_write: (prog) => (isTraceIter(prog) ? t.bpf_seq_write : undefined),
    seq_printf_btf: (prog) => (isTraceIter(prog) ? t.bpf_seq_printf_btf : undefined),
    get_func_arg: (prog) => (hasArguments(prog) ? t.bpf_get_func_arg : undefined),
    get_func_arg_cnt: (prog) => (hasArguments(prog) ? t.bpf_get_func_arg_cnt : undefined),
    get_func_ret: (prog) => (hasTrampoline(prog) ? t.bpf_get_func_ret : undefined),
    get_attach_cookie: (prog) => {
      const isTpBtf = prog.type.number === PROG_TYPE.TRACING && isRawTp(prog);
      return isTpBtf || hasTrampoline(prog) ? t.bpf_get_attach_cookie_tracing : undefined;
    },
  },
  firstOf(raw_tp, ofIterator),
);

/** syscall_prog_func_proto() */
export const syscall = funcs(
  [t.bpf_btf_find_by_name_kind, t.bpf_sys_close, t.bpf_kallsyms_lookup_name],
  { sys_bpf: ({ caps }) => (caps.perfmon ? t.bpf_sys_bpf : undefined) },
  tracing,
);

const isCgroup = isFor('LSM_CGROUP');

/** Options of the socket that a hook is about, where that is locked, or not known to anybody. */
function sockopt<T>(prog: ProgView, locked: T, unlocked: T): T | undefined {
  if (!isCgroup(prog)) return undefined;
  const hook = prog.attach?.name ?? '';
  if (LOCKED_SOCKOPT_LSM_HOOKS.has(hook)) return locked;
  return UNLOCKED_SOCKOPT_LSM_HOOKS.has(hook) ? unlocked : undefined;
}

/** bpf_lsm_func_proto() */
export const lsm = firstOf(
  onlyIf(isCgroup, cgroupCommon),
  funcs(
    [
      b.bpf_inode_storage_get,
      b.bpf_inode_storage_delete,
      s.bpf_sk_storage_get,
      s.bpf_sk_storage_delete,
      b.bpf_spin_lock,
      b.bpf_spin_unlock,
      t.bpf_bprm_opts_set,
      t.bpf_ima_inode_hash,
      t.bpf_ima_file_hash,
    ],
    {
      get_attach_cookie: (prog) => (hasTrampoline(prog) ? t.bpf_get_attach_cookie : undefined),
      setsockopt: (prog) => sockopt(prog, s.bpf_sk_setsockopt, s.bpf_unlocked_sk_setsockopt),
      getsockopt: (prog) => sockopt(prog, s.bpf_sk_getsockopt, s.bpf_unlocked_sk_getsockopt),
    },
    tracing,
  ),
);
