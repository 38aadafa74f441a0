import {
  MEM_RDONLY,
  PTR_MAYBE_NULL,
  RET_INTEGER,
  RET_PTR_TO_BTF_ID,
  RET_PTR_TO_MAP_VALUE,
  RET_PTR_TO_SOCKET,
  RET_PTR_TO_SOCK_COMMON,
  RET_PTR_TO_TCP_SOCK,
} from '../verifier/types.ts';
import {
  ANY,
  BTF_SOCK_COMMON,
  BTF_SOCK_COMMON_OR_NULL,
  CTX,
  CTX_OR_NULL,
  KEY,
  MAP,
  RDONLY_MEM,
  RELEASED_SOCK_COMMON,
  SIZE,
  SIZE_OR_ZERO,
  SOCKET_OR_NULL,
  SOCK_COMMON,
  UNINIT_MEM,
  VALUE_OR_NULL,
  WRITE_MEM,
  fixedMem,
  structPtr,
  structPtrOrNull,
} from './arg-protos.ts';
import { skStorageTracingAllowed } from './allowed.ts';
import { proto } from './make-proto.ts';

/* Prototypes of helpers on sockets and their messages, and of infrared decoders. */

export const sk_reuseport_load_bytes = proto('skb_load_bytes', RET_INTEGER, [
  CTX,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_get_socket_cookie = proto('get_socket_cookie', RET_INTEGER, [CTX]);
export const bpf_get_socket_cookie_sock_addr = proto('get_socket_cookie', RET_INTEGER, [CTX]);
export const bpf_get_socket_cookie_sock_ops = proto('get_socket_cookie', RET_INTEGER, [CTX]);
export const bpf_get_socket_cookie_sock = proto('get_socket_cookie', RET_INTEGER, [CTX]);
export const bpf_get_socket_ptr_cookie = proto('get_socket_cookie', RET_INTEGER, [
  BTF_SOCK_COMMON_OR_NULL,
]);
export const bpf_get_socket_uid = proto('get_socket_uid', RET_INTEGER, [CTX]);
export const bpf_sk_setsockopt_nodelay = proto('setsockopt', RET_INTEGER, [
  BTF_SOCK_COMMON,
  ANY,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_sk_setsockopt = proto('setsockopt', RET_INTEGER, [
  BTF_SOCK_COMMON,
  ANY,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_sock_addr_setsockopt = proto('setsockopt', RET_INTEGER, [
  CTX,
  ANY,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_sock_create_setsockopt = proto('setsockopt', RET_INTEGER, [
  CTX,
  ANY,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_sock_ops_setsockopt = proto('setsockopt', RET_INTEGER, [
  CTX,
  ANY,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_unlocked_sk_setsockopt = proto('setsockopt', RET_INTEGER, [
  BTF_SOCK_COMMON,
  ANY,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_sk_redirect_map = proto('sk_redirect_map', RET_INTEGER, [CTX, MAP, ANY, ANY]);
export const bpf_sock_map_update = proto('sock_map_update', RET_INTEGER, [CTX, MAP, KEY, ANY], {
  pktAccess: true,
});
export const bpf_sk_getsockopt = proto('getsockopt', RET_INTEGER, [
  BTF_SOCK_COMMON,
  ANY,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_sock_addr_getsockopt = proto('getsockopt', RET_INTEGER, [
  CTX,
  ANY,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_sock_create_getsockopt = proto('getsockopt', RET_INTEGER, [
  CTX,
  ANY,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_sock_ops_getsockopt = proto('getsockopt', RET_INTEGER, [
  CTX,
  ANY,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_unlocked_sk_getsockopt = proto('getsockopt', RET_INTEGER, [
  BTF_SOCK_COMMON,
  ANY,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_sock_ops_cb_flags_set = proto('sock_ops_cb_flags_set', RET_INTEGER, [CTX, ANY]);
export const bpf_msg_redirect_map = proto('msg_redirect_map', RET_INTEGER, [CTX, MAP, ANY, ANY]);
export const bpf_msg_apply_bytes = proto('msg_apply_bytes', RET_INTEGER, [CTX, ANY]);
export const bpf_msg_cork_bytes = proto('msg_cork_bytes', RET_INTEGER, [CTX, ANY]);
export const bpf_msg_pull_data = proto('msg_pull_data', RET_INTEGER, [CTX, ANY, ANY, ANY]);
export const bpf_bind = proto('bind', RET_INTEGER, [CTX, RDONLY_MEM, SIZE]);
export const sk_reuseport_load_bytes_relative = proto('skb_load_bytes_relative', RET_INTEGER, [
  CTX,
  ANY,
  UNINIT_MEM,
  SIZE,
  ANY,
]);
export const bpf_sock_hash_update = proto('sock_hash_update', RET_INTEGER, [CTX, MAP, KEY, ANY], {
  pktAccess: true,
});
export const bpf_msg_redirect_hash = proto('msg_redirect_hash', RET_INTEGER, [CTX, MAP, KEY, ANY]);
export const bpf_sk_redirect_hash = proto('sk_redirect_hash', RET_INTEGER, [CTX, MAP, KEY, ANY]);
export const bpf_rc_repeat = proto('rc_repeat', RET_INTEGER, [CTX], { gplOnly: true });
export const bpf_rc_keydown = proto('rc_keydown', RET_INTEGER, [CTX, ANY, ANY, ANY], {
  gplOnly: true,
});
export const sk_select_reuseport = proto('sk_select_reuseport', RET_INTEGER, [CTX, MAP, KEY, ANY]);
export const bpf_sk_lookup_tcp = proto(
  'sk_lookup_tcp',
  RET_PTR_TO_SOCKET | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
  { pktAccess: true },
);
export const bpf_sock_addr_sk_lookup_tcp = proto(
  'sk_lookup_tcp',
  RET_PTR_TO_SOCKET | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
);
export const bpf_tc_sk_lookup_tcp = proto(
  'sk_lookup_tcp',
  RET_PTR_TO_SOCKET | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
  { pktAccess: true },
);
export const bpf_xdp_sk_lookup_tcp = proto(
  'sk_lookup_tcp',
  RET_PTR_TO_SOCKET | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
  { pktAccess: true },
);
export const bpf_sk_lookup_udp = proto(
  'sk_lookup_udp',
  RET_PTR_TO_SOCKET | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
  { pktAccess: true },
);
export const bpf_sock_addr_sk_lookup_udp = proto(
  'sk_lookup_udp',
  RET_PTR_TO_SOCKET | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
);
export const bpf_tc_sk_lookup_udp = proto(
  'sk_lookup_udp',
  RET_PTR_TO_SOCKET | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
  { pktAccess: true },
);
export const bpf_xdp_sk_lookup_udp = proto(
  'sk_lookup_udp',
  RET_PTR_TO_SOCKET | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
  { pktAccess: true },
);
export const bpf_sk_release = proto('sk_release', RET_INTEGER, [RELEASED_SOCK_COMMON]);
export const bpf_msg_push_data = proto('msg_push_data', RET_INTEGER, [CTX, ANY, ANY, ANY]);
export const bpf_msg_pop_data = proto('msg_pop_data', RET_INTEGER, [CTX, ANY, ANY, ANY]);
export const bpf_rc_pointer_rel = proto('rc_pointer_rel', RET_INTEGER, [CTX, ANY, ANY], {
  gplOnly: true,
});
export const bpf_sk_fullsock = proto('sk_fullsock', RET_PTR_TO_SOCKET | PTR_MAYBE_NULL, [
  SOCK_COMMON,
]);
export const bpf_tcp_sock = proto('tcp_sock', RET_PTR_TO_TCP_SOCK | PTR_MAYBE_NULL, [SOCK_COMMON]);
export const bpf_get_listener_sock = proto(
  'get_listener_sock',
  RET_PTR_TO_SOCKET | PTR_MAYBE_NULL,
  [SOCK_COMMON],
);
export const bpf_skc_lookup_tcp = proto(
  'skc_lookup_tcp',
  RET_PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
  { pktAccess: true },
);
export const bpf_sock_addr_skc_lookup_tcp = proto(
  'skc_lookup_tcp',
  RET_PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
);
export const bpf_tc_skc_lookup_tcp = proto(
  'skc_lookup_tcp',
  RET_PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
  { pktAccess: true },
);
export const bpf_xdp_skc_lookup_tcp = proto(
  'skc_lookup_tcp',
  RET_PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL,
  [CTX, RDONLY_MEM, SIZE_OR_ZERO, ANY, ANY],
  { pktAccess: true },
);
export const bpf_tcp_check_syncookie = proto(
  'tcp_check_syncookie',
  RET_INTEGER,
  [BTF_SOCK_COMMON, RDONLY_MEM, SIZE, RDONLY_MEM, SIZE],
  { gplOnly: true, pktAccess: true },
);
export const bpf_sk_storage_get_cg_sock = proto(
  'sk_storage_get',
  RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL,
  [MAP, CTX, VALUE_OR_NULL, ANY],
);
export const bpf_sk_storage_get = proto('sk_storage_get', RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL, [
  MAP,
  BTF_SOCK_COMMON,
  VALUE_OR_NULL,
  ANY,
]);
export const bpf_sk_storage_get_tracing = proto(
  'sk_storage_get',
  RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL,
  [MAP, structPtrOrNull('sock_common'), VALUE_OR_NULL, ANY],
  { allowed: skStorageTracingAllowed },
);
export const bpf_sk_storage_delete = proto('sk_storage_delete', RET_INTEGER, [
  MAP,
  BTF_SOCK_COMMON,
]);
export const bpf_sk_storage_delete_tracing = proto(
  'sk_storage_delete',
  RET_INTEGER,
  [MAP, structPtrOrNull('sock_common')],
  { allowed: skStorageTracingAllowed },
);
export const bpf_tcp_gen_syncookie = proto(
  'tcp_gen_syncookie',
  RET_INTEGER,
  [BTF_SOCK_COMMON, RDONLY_MEM, SIZE, RDONLY_MEM, SIZE],
  { gplOnly: true, pktAccess: true },
);
export const bpf_tcp_send_ack = proto('tcp_send_ack', RET_INTEGER, [structPtr('tcp_sock'), ANY]);
export const bpf_get_netns_cookie = proto('get_netns_cookie', RET_INTEGER, [CTX_OR_NULL]);
export const bpf_get_netns_cookie_sk_msg = proto('get_netns_cookie', RET_INTEGER, [CTX_OR_NULL]);
export const bpf_get_netns_cookie_sock_addr = proto('get_netns_cookie', RET_INTEGER, [CTX_OR_NULL]);
export const bpf_get_netns_cookie_sock_ops = proto('get_netns_cookie', RET_INTEGER, [CTX_OR_NULL]);
export const bpf_get_netns_cookie_sock = proto('get_netns_cookie', RET_INTEGER, [CTX_OR_NULL]);
export const bpf_sk_assign = proto('sk_assign', RET_INTEGER, [CTX, BTF_SOCK_COMMON, ANY]);
export const bpf_sk_lookup_assign = proto('sk_assign', RET_INTEGER, [CTX, SOCKET_OR_NULL, ANY]);
export const bpf_sk_cgroup_id = proto('sk_cgroup_id', RET_INTEGER, [BTF_SOCK_COMMON]);
export const bpf_sk_ancestor_cgroup_id = proto('sk_ancestor_cgroup_id', RET_INTEGER, [
  BTF_SOCK_COMMON,
  ANY,
]);
export const bpf_skc_to_tcp6_sock = proto(
  'skc_to_tcp6_sock',
  RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL,
  [BTF_SOCK_COMMON],
  { retStruct: 'tcp6_sock' },
);
export const bpf_skc_to_tcp_sock = proto(
  'skc_to_tcp_sock',
  RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL,
  [BTF_SOCK_COMMON],
  { retStruct: 'tcp_sock' },
);
export const bpf_skc_to_tcp_timewait_sock = proto(
  'skc_to_tcp_timewait_sock',
  RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL,
  [BTF_SOCK_COMMON],
  { retStruct: 'tcp_timewait_sock' },
);
export const bpf_skc_to_tcp_request_sock = proto(
  'skc_to_tcp_request_sock',
  RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL,
  [BTF_SOCK_COMMON],
  { retStruct: 'tcp_request_sock' },
);
export const bpf_skc_to_udp6_sock = proto(
  'skc_to_udp6_sock',
  RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL,
  [BTF_SOCK_COMMON],
  { retStruct: 'udp6_sock' },
);
export const bpf_sock_ops_load_hdr_opt = proto('load_hdr_opt', RET_INTEGER, [
  CTX,
  WRITE_MEM,
  SIZE,
  ANY,
]);
export const bpf_sock_ops_store_hdr_opt = proto('store_hdr_opt', RET_INTEGER, [
  CTX,
  RDONLY_MEM,
  SIZE,
  ANY,
]);
export const bpf_sock_ops_reserve_hdr_opt = proto('reserve_hdr_opt', RET_INTEGER, [CTX, ANY, ANY]);
export const bpf_sock_from_file = proto(
  'sock_from_file',
  RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL,
  [structPtr('file')],
  { retStruct: 'socket' },
);
export const bpf_skc_to_unix_sock = proto(
  'skc_to_unix_sock',
  RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL,
  [BTF_SOCK_COMMON],
  { retStruct: 'unix_sock' },
);
export const bpf_skc_to_mptcp_sock = proto(
  'skc_to_mptcp_sock',
  RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL,
  [SOCK_COMMON],
  { retStruct: 'mptcp_sock' },
);
export const bpf_tcp_raw_gen_syncookie_ipv4 = proto(
  'tcp_raw_gen_syncookie_ipv4',
  RET_INTEGER,
  [fixedMem(20, MEM_RDONLY), RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true, pktAccess: true },
);
export const bpf_tcp_raw_gen_syncookie_ipv6 = proto(
  'tcp_raw_gen_syncookie_ipv6',
  RET_INTEGER,
  [fixedMem(40, MEM_RDONLY), RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true, pktAccess: true },
);
export const bpf_tcp_raw_check_syncookie_ipv4 = proto(
  'tcp_raw_check_syncookie_ipv4',
  RET_INTEGER,
  [fixedMem(20, MEM_RDONLY), fixedMem(20, MEM_RDONLY)],
  { gplOnly: true, pktAccess: true },
);
export const bpf_tcp_raw_check_syncookie_ipv6 = proto(
  'tcp_raw_check_syncookie_ipv6',
  RET_INTEGER,
  [fixedMem(40, MEM_RDONLY), fixedMem(20, MEM_RDONLY)],
  { gplOnly: true, pktAccess: true },
);
