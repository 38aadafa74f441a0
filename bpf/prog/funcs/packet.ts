import { bpf_get_smp_processor_id } from '../../helpers/protos-base.ts';
import * as p from '../../helpers/protos-packet.ts';
import * as s from '../../helpers/protos-sock.ts';
import { cgroupCommon } from './cgroup-common.ts';
import { firstOf, funcs } from './rule.ts';
import { skBase } from './sock.ts';

/* Helpers of programs whose context is a packet. net/core/filter.c */

/** sk_filter_func_proto() */
export const sk_filter = funcs(
  [
    p.bpf_skb_load_bytes,
    p.bpf_skb_load_bytes_relative,
    s.bpf_get_socket_cookie,
    s.bpf_get_netns_cookie,
    s.bpf_get_socket_uid,
    p.bpf_skb_event_output,
  ],
  {},
  skBase,
);

/** cg_skb_func_proto() */
export const cg_skb = firstOf(
  cgroupCommon,
  funcs(
    [
      s.bpf_sk_fullsock,
      s.bpf_sk_storage_get,
      s.bpf_sk_storage_delete,
      p.bpf_skb_event_output,
      p.bpf_skb_cgroup_id,
      p.bpf_skb_ancestor_cgroup_id,
      s.bpf_sk_cgroup_id,
      s.bpf_sk_ancestor_cgroup_id,
      s.bpf_sk_lookup_tcp,
      s.bpf_sk_lookup_udp,
      s.bpf_sk_release,
      s.bpf_skc_lookup_tcp,
      s.bpf_tcp_sock,
      s.bpf_get_listener_sock,
      p.bpf_skb_ecn_set_ce,
    ],
    {},
    sk_filter,
  ),
);

/** tc_cls_act_func_proto() */
export const tc_cls_act = funcs(
  [
    p.bpf_skb_store_bytes,
    p.bpf_skb_load_bytes,
    p.bpf_skb_load_bytes_relative,
    p.bpf_skb_pull_data,
    p.bpf_csum_diff,
    p.bpf_csum_update,
    p.bpf_csum_level,
    p.bpf_l3_csum_replace,
    p.bpf_l4_csum_replace,
    p.bpf_clone_redirect,
    p.bpf_get_cgroup_classid,
    p.bpf_skb_vlan_push,
    p.bpf_skb_vlan_pop,
    p.bpf_skb_change_proto,
    p.bpf_skb_change_type,
    p.bpf_skb_adjust_room,
    p.bpf_skb_change_tail,
    p.bpf_skb_change_head,
    p.bpf_skb_get_tunnel_key,
    p.bpf_skb_set_tunnel_key,
    p.bpf_skb_get_tunnel_opt,
    p.bpf_skb_set_tunnel_opt,
    p.bpf_redirect,
    p.bpf_redirect_neigh,
    p.bpf_redirect_peer,
    p.bpf_get_route_realm,
    p.bpf_get_hash_recalc,
    p.bpf_set_hash_invalid,
    p.bpf_set_hash,
    p.bpf_skb_event_output,
    bpf_get_smp_processor_id,
    p.bpf_skb_under_cgroup,
    s.bpf_get_socket_cookie,
    s.bpf_get_netns_cookie,
    s.bpf_get_socket_uid,
    p.bpf_skb_fib_lookup,
    p.bpf_skb_check_mtu,
    s.bpf_sk_fullsock,
    s.bpf_sk_storage_get,
    s.bpf_sk_storage_delete,
    p.bpf_skb_get_xfrm_state,
    p.bpf_skb_cgroup_classid,
    p.bpf_skb_cgroup_id,
    p.bpf_skb_ancestor_cgroup_id,
    s.bpf_tc_sk_lookup_tcp,
    s.bpf_tc_sk_lookup_udp,
    s.bpf_sk_release,
    s.bpf_tcp_sock,
    s.bpf_get_listener_sock,
    s.bpf_tc_skc_lookup_tcp,
    s.bpf_tcp_check_syncookie,
    p.bpf_skb_ecn_set_ce,
    s.bpf_tcp_gen_syncookie,
    s.bpf_sk_assign,
    p.bpf_skb_set_tstamp,
    s.bpf_tcp_raw_gen_syncookie_ipv4,
    s.bpf_tcp_raw_gen_syncookie_ipv6,
    s.bpf_tcp_raw_check_syncookie_ipv4,
    s.bpf_tcp_raw_check_syncookie_ipv6,
  ],
  {},
  skBase,
);

/** xdp_func_proto() */
export const xdp = funcs(
  [
    p.bpf_xdp_event_output,
    bpf_get_smp_processor_id,
    p.bpf_csum_diff,
    p.bpf_xdp_adjust_head,
    p.bpf_xdp_adjust_meta,
    p.bpf_xdp_redirect,
    p.bpf_xdp_redirect_map,
    p.bpf_xdp_adjust_tail,
    p.bpf_xdp_get_buff_len,
    p.bpf_xdp_load_bytes,
    p.bpf_xdp_store_bytes,
    p.bpf_xdp_fib_lookup,
    p.bpf_xdp_check_mtu,
    s.bpf_xdp_sk_lookup_udp,
    s.bpf_xdp_sk_lookup_tcp,
    s.bpf_sk_release,
    s.bpf_xdp_skc_lookup_tcp,
    s.bpf_tcp_check_syncookie,
    s.bpf_tcp_gen_syncookie,
    s.bpf_tcp_raw_gen_syncookie_ipv4,
    s.bpf_tcp_raw_gen_syncookie_ipv6,
    s.bpf_tcp_raw_check_syncookie_ipv4,
    s.bpf_tcp_raw_check_syncookie_ipv6,
  ],
  {},
  skBase,
);

/** sk_skb_func_proto() */
export const sk_skb = funcs(
  [
    p.bpf_skb_store_bytes,
    p.bpf_skb_load_bytes,
    p.sk_skb_pull_data,
    p.sk_skb_change_tail,
    p.sk_skb_change_head,
    p.sk_skb_adjust_room,
    s.bpf_get_socket_cookie,
    s.bpf_get_socket_uid,
    s.bpf_sk_redirect_map,
    s.bpf_sk_redirect_hash,
    p.bpf_skb_event_output,
    s.bpf_sk_lookup_tcp,
    s.bpf_sk_lookup_udp,
    s.bpf_sk_release,
    s.bpf_skc_lookup_tcp,
  ],
  {},
  skBase,
);

/** flow_dissector_func_proto() */
export const flow_dissector = funcs([p.bpf_flow_dissector_load_bytes], {}, skBase);

/** lwt_out_func_proto() */
export const lwt_out = funcs(
  [
    p.bpf_skb_load_bytes,
    p.bpf_skb_pull_data,
    p.bpf_csum_diff,
    p.bpf_get_cgroup_classid,
    p.bpf_get_route_realm,
    p.bpf_get_hash_recalc,
    p.bpf_skb_event_output,
    bpf_get_smp_processor_id,
    p.bpf_skb_under_cgroup,
  ],
  {},
  skBase,
);

/** lwt_in_func_proto() */
export const lwt_in = funcs([p.bpf_lwt_in_push_encap], {}, lwt_out);

/** lwt_xmit_func_proto() */
export const lwt_xmit = funcs(
  [
    p.bpf_skb_get_tunnel_key,
    p.bpf_skb_set_tunnel_key,
    p.bpf_skb_get_tunnel_opt,
    p.bpf_skb_set_tunnel_opt,
    p.bpf_redirect,
    p.bpf_clone_redirect,
    p.bpf_skb_change_tail,
    p.bpf_skb_change_head,
    p.bpf_skb_store_bytes,
    p.bpf_csum_update,
    p.bpf_csum_level,
    p.bpf_l3_csum_replace,
    p.bpf_l4_csum_replace,
    p.bpf_set_hash_invalid,
    p.bpf_lwt_xmit_push_encap,
  ],
  {},
  lwt_out,
);

/** lwt_seg6local_func_proto() */
export const lwt_seg6local = funcs(
  [p.bpf_lwt_seg6_store_bytes, p.bpf_lwt_seg6_action, p.bpf_lwt_seg6_adjust_srh],
  { skb_pull_data: () => undefined },
  lwt_out,
);
