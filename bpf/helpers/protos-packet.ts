import { MEM_ALIGNED, MEM_WRITE, RET_INTEGER } from '../verifier/types.ts';
import {
  ANY,
  CTX,
  MAP,
  RDONLY_MEM,
  RDONLY_MEM_OR_NULL,
  SIZE,
  SIZE_OR_ZERO,
  UNINIT_MEM,
  WRITE_MEM,
  fixedMem,
  structPtr,
} from './arg-protos.ts';
import { proto } from './make-proto.ts';

/* Prototypes of helpers on packets: sk_buff, XDP, lightweight tunnels. */

export const bpf_skb_store_bytes = proto('skb_store_bytes', RET_INTEGER, [
  CTX,
  ANY,
  RDONLY_MEM,
  SIZE,
  ANY,
]);
export const bpf_l3_csum_replace = proto('l3_csum_replace', RET_INTEGER, [CTX, ANY, ANY, ANY, ANY]);
export const bpf_l4_csum_replace = proto('l4_csum_replace', RET_INTEGER, [CTX, ANY, ANY, ANY, ANY]);
export const bpf_clone_redirect = proto('clone_redirect', RET_INTEGER, [CTX, ANY, ANY]);
export const bpf_get_cgroup_classid_curr = proto('get_cgroup_classid', RET_INTEGER, []);
export const bpf_get_cgroup_classid = proto('get_cgroup_classid', RET_INTEGER, [CTX]);
export const bpf_skb_vlan_push = proto('skb_vlan_push', RET_INTEGER, [CTX, ANY, ANY]);
export const bpf_skb_vlan_pop = proto('skb_vlan_pop', RET_INTEGER, [CTX]);
export const bpf_skb_get_tunnel_key = proto('skb_get_tunnel_key', RET_INTEGER, [
  CTX,
  UNINIT_MEM,
  SIZE,
  ANY,
]);
export const bpf_skb_set_tunnel_key = proto('skb_set_tunnel_key', RET_INTEGER, [
  CTX,
  RDONLY_MEM,
  SIZE,
  ANY,
]);
export const bpf_redirect = proto('redirect', RET_INTEGER, [ANY, ANY]);
export const bpf_xdp_redirect = proto('redirect', RET_INTEGER, [ANY, ANY]);
export const bpf_get_route_realm = proto('get_route_realm', RET_INTEGER, [CTX]);
export const bpf_skb_event_output = proto(
  'perf_event_output',
  RET_INTEGER,
  [CTX, MAP, ANY, RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_xdp_event_output = proto(
  'perf_event_output',
  RET_INTEGER,
  [CTX, MAP, ANY, RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_flow_dissector_load_bytes = proto('skb_load_bytes', RET_INTEGER, [
  CTX,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_skb_load_bytes = proto('skb_load_bytes', RET_INTEGER, [
  CTX,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_csum_diff = proto(
  'csum_diff',
  RET_INTEGER,
  [RDONLY_MEM_OR_NULL, SIZE_OR_ZERO, RDONLY_MEM_OR_NULL, SIZE_OR_ZERO, ANY],
  { pktAccess: true },
);
export const bpf_skb_get_tunnel_opt = proto('skb_get_tunnel_opt', RET_INTEGER, [
  CTX,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_skb_set_tunnel_opt = proto('skb_set_tunnel_opt', RET_INTEGER, [
  CTX,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_skb_change_proto = proto('skb_change_proto', RET_INTEGER, [CTX, ANY, ANY]);
export const bpf_skb_change_type = proto('skb_change_type', RET_INTEGER, [CTX, ANY]);
export const bpf_skb_under_cgroup = proto('skb_under_cgroup', RET_INTEGER, [CTX, MAP, ANY]);
export const bpf_get_hash_recalc = proto('get_hash_recalc', RET_INTEGER, [CTX]);
export const bpf_skb_change_tail = proto('skb_change_tail', RET_INTEGER, [CTX, ANY, ANY]);
export const sk_skb_change_tail = proto('skb_change_tail', RET_INTEGER, [CTX, ANY, ANY]);
export const bpf_skb_pull_data = proto('skb_pull_data', RET_INTEGER, [CTX, ANY]);
export const sk_skb_pull_data = proto('skb_pull_data', RET_INTEGER, [CTX, ANY]);
export const bpf_csum_update = proto('csum_update', RET_INTEGER, [CTX, ANY]);
export const bpf_set_hash_invalid = proto('set_hash_invalid', RET_INTEGER, [CTX]);
export const bpf_skb_change_head = proto('skb_change_head', RET_INTEGER, [CTX, ANY, ANY]);
export const sk_skb_change_head = proto('skb_change_head', RET_INTEGER, [CTX, ANY, ANY]);
export const bpf_xdp_adjust_head = proto('xdp_adjust_head', RET_INTEGER, [CTX, ANY]);
export const bpf_set_hash = proto('set_hash', RET_INTEGER, [CTX, ANY]);
export const bpf_skb_adjust_room = proto('skb_adjust_room', RET_INTEGER, [CTX, ANY, ANY, ANY]);
export const sk_skb_adjust_room = proto('skb_adjust_room', RET_INTEGER, [CTX, ANY, ANY, ANY]);
export const bpf_xdp_redirect_map = proto('redirect_map', RET_INTEGER, [MAP, ANY, ANY]);
export const bpf_xdp_adjust_meta = proto('xdp_adjust_meta', RET_INTEGER, [CTX, ANY]);
export const bpf_xdp_adjust_tail = proto('xdp_adjust_tail', RET_INTEGER, [CTX, ANY]);
export const bpf_skb_get_xfrm_state = proto('skb_get_xfrm_state', RET_INTEGER, [
  CTX,
  ANY,
  UNINIT_MEM,
  SIZE,
  ANY,
]);
export const bpf_skb_load_bytes_relative = proto('skb_load_bytes_relative', RET_INTEGER, [
  CTX,
  ANY,
  UNINIT_MEM,
  SIZE,
  ANY,
]);
export const bpf_skb_fib_lookup = proto('fib_lookup', RET_INTEGER, [CTX, WRITE_MEM, SIZE, ANY], {
  gplOnly: true,
});
export const bpf_xdp_fib_lookup = proto('fib_lookup', RET_INTEGER, [CTX, WRITE_MEM, SIZE, ANY], {
  gplOnly: true,
});
export const bpf_lwt_in_push_encap = proto('lwt_push_encap', RET_INTEGER, [
  CTX,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_lwt_xmit_push_encap = proto('lwt_push_encap', RET_INTEGER, [
  CTX,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_lwt_seg6_store_bytes = proto('lwt_seg6_store_bytes', RET_INTEGER, [
  CTX,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_lwt_seg6_adjust_srh = proto('lwt_seg6_adjust_srh', RET_INTEGER, [CTX, ANY, ANY]);
export const bpf_lwt_seg6_action = proto('lwt_seg6_action', RET_INTEGER, [
  CTX,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_skb_cgroup_id = proto('skb_cgroup_id', RET_INTEGER, [CTX]);
export const bpf_skb_ancestor_cgroup_id = proto('skb_ancestor_cgroup_id', RET_INTEGER, [CTX, ANY]);
export const bpf_skb_ecn_set_ce = proto('skb_ecn_set_ce', RET_INTEGER, [CTX]);
export const bpf_skb_output = proto(
  'skb_output',
  RET_INTEGER,
  [structPtr('sk_buff'), MAP, ANY, RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_xdp_output = proto(
  'xdp_output',
  RET_INTEGER,
  [structPtr('xdp_buff'), MAP, ANY, RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_csum_level = proto('csum_level', RET_INTEGER, [CTX, ANY]);
export const bpf_skb_cgroup_classid = proto('skb_cgroup_classid', RET_INTEGER, [CTX]);
export const bpf_redirect_neigh = proto('redirect_neigh', RET_INTEGER, [
  ANY,
  RDONLY_MEM_OR_NULL,
  SIZE_OR_ZERO,
  ANY,
]);
export const bpf_redirect_peer = proto('redirect_peer', RET_INTEGER, [ANY, ANY]);
export const bpf_skb_check_mtu = proto(
  'check_mtu',
  RET_INTEGER,
  [CTX, ANY, fixedMem(4, MEM_WRITE | MEM_ALIGNED), ANY, ANY],
  { gplOnly: true },
);
export const bpf_xdp_check_mtu = proto(
  'check_mtu',
  RET_INTEGER,
  [CTX, ANY, fixedMem(4, MEM_WRITE | MEM_ALIGNED), ANY, ANY],
  { gplOnly: true },
);
export const bpf_xdp_get_buff_len = proto('xdp_get_buff_len', RET_INTEGER, [CTX]);
export const bpf_xdp_get_buff_len_trace = proto('xdp_get_buff_len', RET_INTEGER, [
  structPtr('xdp_buff'),
]);
export const bpf_xdp_load_bytes = proto('xdp_load_bytes', RET_INTEGER, [
  CTX,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_xdp_store_bytes = proto('xdp_store_bytes', RET_INTEGER, [
  CTX,
  ANY,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_skb_set_tstamp = proto('skb_set_tstamp', RET_INTEGER, [CTX, ANY, ANY]);
