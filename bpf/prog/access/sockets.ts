import {
  PTR_MAYBE_NULL,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
} from '../../verifier/types.ts';
import { ATTACH_TYPE } from '../../uapi.ts';
import type { ProgOps } from '../ops.ts';
import type { ProgView } from '../view.ts';
import { uapiLayout } from './layout.ts';
import { bpfSockIsValidAccess } from './sock.ts';
import { CtxTable, type MemberRules } from './table.ts';

/* Contexts of sockets: addresses, options, messages, choices. net/core/filter.c */

type IsValidAccess = ProgOps['isValidAccess'];
type AttachName = keyof typeof ATTACH_TYPE;

/** Attached at one of these. */
function at(...names: readonly AttachName[]): (prog: ProgView) => boolean {
  const types = new Set(names.map((name) => ATTACH_TYPE[name]));
  return ({ expectedAttachType }) => types.has(expectedAttachType);
}

function table(struct: string, rules: MemberRules): IsValidAccess {
  const rows = new CtxTable(uapiLayout(struct), rules);
  return (off, size, isWrite, prog, info) => rows.isValidAccess(off, size, isWrite, prog, info);
}

/** sock_addr_is_valid_access() */
export const sock_addr = table('bpf_sock_addr', {
  user_ip4: {
    read: 'narrow',
    write: 4,
    when: at(
      'CGROUP_INET4_BIND',
      'CGROUP_INET4_CONNECT',
      'CGROUP_INET4_GETPEERNAME',
      'CGROUP_INET4_GETSOCKNAME',
      'CGROUP_UDP4_SENDMSG',
      'CGROUP_UDP4_RECVMSG',
    ),
  },
  user_ip6: {
    read: 'wide',
    write: 'wide',
    when: at(
      'CGROUP_INET6_BIND',
      'CGROUP_INET6_CONNECT',
      'CGROUP_INET6_GETPEERNAME',
      'CGROUP_INET6_GETSOCKNAME',
      'CGROUP_UDP6_SENDMSG',
      'CGROUP_UDP6_RECVMSG',
    ),
  },
  msg_src_ip4: { read: 'narrow', write: 4, when: at('CGROUP_UDP4_SENDMSG') },
  msg_src_ip6: { read: 'wide', write: 'wide', when: at('CGROUP_UDP6_SENDMSG') },
  user_port: { read: 'narrow', write: 4 },
  sk: { read: 8, is: PTR_TO_SOCKET },
  'user_family family type protocol': { read: 4 },
});

/** sock_ops_is_valid_access() */
export const sock_ops = table('bpf_sock_ops', {
  'reply sk_txhash': { read: 4, write: 4, atStart: true },
  'bytes_received..bytes_acked skb_hwtstamp': { read: 8 },
  sk: { read: 8, is: PTR_TO_SOCKET | PTR_MAYBE_NULL },
  skb_data: { read: 8, is: PTR_TO_PACKET },
  skb_data_end: { read: 8, is: PTR_TO_PACKET_END },
  skb_tcp_flags: { read: 'narrow', atStart: true },
  '*': { read: 4 },
});

/** sk_msg_is_valid_access() */
export const sk_msg = table('sk_msg_md', {
  data: { read: 8, is: PTR_TO_PACKET },
  data_end: { read: 8, is: PTR_TO_PACKET_END },
  sk: { read: 8, is: PTR_TO_SOCKET },
  'family remote_ip4 local_ip4 remote_ip6 local_ip6 remote_port local_port size': { read: 4 },
});

/** sk_reuseport_is_valid_access() */
export const sk_reuseport = table('sk_reuseport_md', {
  data: { read: 8, atStart: true, is: PTR_TO_PACKET },
  data_end: { read: 8, atStart: true, is: PTR_TO_PACKET_END },
  hash: { read: 4, atStart: true },
  sk: { read: 8, atStart: true, is: PTR_TO_SOCKET },
  migrating_sk: { read: 8, atStart: true, is: PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL },
  eth_protocol: { read: 'narrow', minBytes: 2 },
  'ip_protocol bind_inany len': { read: 'narrow' },
});

const lookup = table('bpf_sk_lookup', {
  sk: { read: 8, is: PTR_TO_SOCKET | PTR_MAYBE_NULL },
  'family protocol remote_ip4 local_ip4 remote_ip6 local_ip6 local_port ingress_ifindex': {
    read: 'narrow',
  },
  // and the gap behind it, once a part of it
  'remote_port..local_ip4': { read: 'narrow', wholeBytes: 2 },
});
const REMOTE_PORT = uapiLayout('bpf_sk_lookup').members.find(({ name }) => name === 'remote_port')!;

/** sk_lookup_is_valid_access() */
export const sk_lookup: IsValidAccess = (off, size, isWrite, prog, info) => {
  const isOldPort = off === REMOTE_PORT.start && size === 4 && !isWrite;
  return isOldPort || lookup(off, size, isWrite, prog, info);
};

/** cg_sockopt_is_valid_access() */
export const cg_sockopt = table('bpf_sockopt', {
  sk: { read: 8, is: PTR_TO_SOCKET },
  optval: { read: 8, is: PTR_TO_PACKET },
  optval_end: { read: 8, is: PTR_TO_PACKET_END },
  retval: { read: 4, write: 4, when: at('CGROUP_GETSOCKOPT') },
  optlen: { read: 4, write: 4 },
  'level optname': { read: 4, write: 4, writeWhen: at('CGROUP_SETSOCKOPT') },
});

const CREATE_OR_RELEASE = at('CGROUP_INET_SOCK_CREATE', 'CGROUP_INET_SOCK_RELEASE');
/** __sock_filter_check_attach_type() */
const sockByAttachType = new CtxTable(uapiLayout('bpf_sock'), {
  'bound_dev_if mark priority': { read: 4, write: 4, atStart: true, when: CREATE_OR_RELEASE },
  src_ip4: { read: 'narrow', when: at('CGROUP_INET4_POST_BIND') },
  src_ip6: { read: 'narrow', when: at('CGROUP_INET6_POST_BIND') },
  src_port: { read: 'narrow', when: at('CGROUP_INET4_POST_BIND', 'CGROUP_INET6_POST_BIND') },
});

/** sock_filter_is_valid_access() */
export const sock_filter: IsValidAccess = (off, size, isWrite, prog, info) => {
  if (!bpfSockIsValidAccess(off, size, info)) return false;
  const rule = sockByAttachType.at(off);
  if (rule?.when && !rule.when(prog)) return false;
  return !isWrite || rule?.write !== undefined;
};

/** sysctl_is_valid_access() */
export const sysctl = table('bpf_sysctl', {
  write: { read: 'narrow' },
  file_pos: { read: 'narrow', write: 4 },
});

/** cgroup_dev_is_valid_access() */
export const cgroup_dev = table('bpf_cgroup_dev_ctx', {
  access_type: { read: 'narrow' },
  '*': { read: 4 },
});
