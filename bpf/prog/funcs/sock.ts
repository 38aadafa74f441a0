import * as b from '../../helpers/protos-base.ts';
import * as c from '../../helpers/protos-cgroup.ts';
import * as s from '../../helpers/protos-sock.ts';
import * as t from '../../helpers/protos-tracing.ts';
import { base } from './base.ts';
import { cgroupCommon } from './cgroup-common.ts';
import { firstOf, funcs, isFor, onlyIf } from './rule.ts';

/* Helpers of programs about sockets and control groups. net/core/filter.c, kernel/bpf/cgroup.c */

const CASTS = [
  s.bpf_skc_to_tcp6_sock,
  s.bpf_skc_to_tcp_sock,
  s.bpf_skc_to_tcp_timewait_sock,
  s.bpf_skc_to_tcp_request_sock,
  s.bpf_skc_to_udp6_sock,
  s.bpf_skc_to_unix_sock,
  s.bpf_skc_to_mptcp_sock,
];

/** bpf_sk_base_func_proto() */
export const skBase = firstOf(
  onlyIf(({ caps }) => caps.perfmon, funcs(CASTS, {})),
  funcs([b.bpf_ktime_get_coarse_ns], {}, base),
);

const isCreate = isFor('CGROUP_INET_SOCK_CREATE');

/** sock_filter_func_proto() */
export const sock_filter = firstOf(
  cgroupCommon,
  funcs(
    [
      s.bpf_get_socket_cookie_sock,
      s.bpf_get_netns_cookie_sock,
      t.bpf_event_output_data,
      s.bpf_sk_storage_get_cg_sock,
      b.bpf_ktime_get_coarse_ns,
    ],
    {
      setsockopt: (prog) => (isCreate(prog) ? s.bpf_sock_create_setsockopt : undefined),
      getsockopt: (prog) => (isCreate(prog) ? s.bpf_sock_create_getsockopt : undefined),
    },
    base,
  ),
);

const isConnect = isFor('CGROUP_INET4_CONNECT', 'CGROUP_INET6_CONNECT');
const hasSockopt = isFor(
  'CGROUP_INET4_BIND',
  'CGROUP_INET6_BIND',
  'CGROUP_INET4_CONNECT',
  'CGROUP_INET6_CONNECT',
  'CGROUP_UNIX_CONNECT',
  'CGROUP_UDP4_RECVMSG',
  'CGROUP_UDP6_RECVMSG',
  'CGROUP_UNIX_RECVMSG',
  'CGROUP_UDP4_SENDMSG',
  'CGROUP_UDP6_SENDMSG',
  'CGROUP_UNIX_SENDMSG',
  'CGROUP_INET4_GETPEERNAME',
  'CGROUP_INET6_GETPEERNAME',
  'CGROUP_INET4_GETSOCKNAME',
  'CGROUP_INET6_GETSOCKNAME',
);

/** sock_addr_func_proto() */
export const sock_addr = firstOf(
  cgroupCommon,
  funcs(
    [
      s.bpf_get_socket_cookie_sock_addr,
      s.bpf_get_netns_cookie_sock_addr,
      t.bpf_event_output_data,
      s.bpf_sock_addr_sk_lookup_tcp,
      s.bpf_sock_addr_sk_lookup_udp,
      s.bpf_sk_release,
      s.bpf_sock_addr_skc_lookup_tcp,
      s.bpf_sk_storage_get,
      s.bpf_sk_storage_delete,
    ],
    {
      bind: (prog) => (isConnect(prog) ? s.bpf_bind : undefined),
      setsockopt: (prog) => (hasSockopt(prog) ? s.bpf_sock_addr_setsockopt : undefined),
      getsockopt: (prog) => (hasSockopt(prog) ? s.bpf_sock_addr_getsockopt : undefined),
    },
    skBase,
  ),
);

/** sock_ops_func_proto() */
export const sock_ops = firstOf(
  cgroupCommon,
  funcs(
    [
      s.bpf_sock_ops_setsockopt,
      s.bpf_sock_ops_getsockopt,
      s.bpf_sock_ops_cb_flags_set,
      s.bpf_sock_map_update,
      s.bpf_sock_hash_update,
      s.bpf_get_socket_cookie_sock_ops,
      t.bpf_event_output_data,
      s.bpf_sk_storage_get,
      s.bpf_sk_storage_delete,
      s.bpf_get_netns_cookie_sock_ops,
      s.bpf_sock_ops_load_hdr_opt,
      s.bpf_sock_ops_store_hdr_opt,
      s.bpf_sock_ops_reserve_hdr_opt,
      s.bpf_tcp_sock,
    ],
    {},
    skBase,
  ),
);

/** sk_msg_func_proto() */
export const sk_msg = funcs(
  [
    s.bpf_msg_redirect_map,
    s.bpf_msg_redirect_hash,
    s.bpf_msg_apply_bytes,
    s.bpf_msg_cork_bytes,
    s.bpf_msg_pull_data,
    s.bpf_msg_push_data,
    s.bpf_msg_pop_data,
    t.bpf_event_output_data,
    s.bpf_sk_storage_get,
    s.bpf_sk_storage_delete,
    s.bpf_get_netns_cookie_sk_msg,
  ],
  {},
  skBase,
);

/** sk_reuseport_func_proto() */
export const sk_reuseport = funcs(
  [
    s.sk_select_reuseport,
    s.sk_reuseport_load_bytes,
    s.sk_reuseport_load_bytes_relative,
    s.bpf_get_socket_ptr_cookie,
    b.bpf_ktime_get_coarse_ns,
  ],
  {},
  base,
);

/** sk_lookup_func_proto() */
export const sk_lookup = funcs(
  [t.bpf_event_output_data, s.bpf_sk_lookup_assign, s.bpf_sk_release],
  {},
  skBase,
);

/** cgroup_dev_func_proto() */
export const cgroup_dev = firstOf(cgroupCommon, funcs([t.bpf_event_output_data], {}, base));

/** sysctl_func_proto() */
export const sysctl = firstOf(
  cgroupCommon,
  funcs(
    [
      c.bpf_sysctl_get_name,
      c.bpf_sysctl_get_current_value,
      c.bpf_sysctl_get_new_value,
      c.bpf_sysctl_set_new_value,
      b.bpf_ktime_get_coarse_ns,
      t.bpf_event_output_data,
    ],
    {},
    base,
  ),
);

const isSet = isFor('CGROUP_SETSOCKOPT');

/** cg_sockopt_func_proto() */
export const cg_sockopt = firstOf(
  cgroupCommon,
  funcs(
    [
      c.bpf_get_netns_cookie_sockopt,
      s.bpf_sk_storage_get,
      s.bpf_sk_storage_delete,
      s.bpf_tcp_sock,
      t.bpf_event_output_data,
    ],
    {
      setsockopt: (prog) => (isSet(prog) ? s.bpf_sk_setsockopt : undefined),
      getsockopt: (prog) => (isSet(prog) ? s.bpf_sk_getsockopt : undefined),
    },
    base,
  ),
);

/** lirc_mode2_func_proto() */
export const lirc_mode2 = funcs(
  [
    s.bpf_rc_repeat,
    s.bpf_rc_keydown,
    s.bpf_rc_pointer_rel,
    b.bpf_map_lookup_elem,
    b.bpf_map_update_elem,
    b.bpf_map_delete_elem,
    b.bpf_map_push_elem,
    b.bpf_map_pop_elem,
    b.bpf_map_peek_elem,
    b.bpf_ktime_get_ns,
    b.bpf_ktime_get_boot_ns,
    b.bpf_tail_call,
    b.bpf_get_prandom_u32,
  ],
  { trace_printk: ({ caps }) => (caps.perfmon ? t.bpf_trace_printk : undefined) },
);
