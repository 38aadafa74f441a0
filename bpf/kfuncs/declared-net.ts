import { kfuncSet, type DeclaredKfunc } from './declare.ts';

// Kfuncs of the network.

/** net/core/filter.c: bpf_kfunc_check_set_skb */
export const SKB: readonly DeclaredKfunc[] = kfuncSet(
  {
    hooks: ['tc', 'sched_act', 'sk_skb', 'socket_filter', 'cgroup', 'lwt', 'netfilter', 'tracing'],
  },
  `
  int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit);
`,
);

/** net/core/filter.c: bpf_kfunc_check_set_skb_meta */
export const SKB_META: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tc', 'sched_act'] },
  `
  int bpf_dynptr_from_skb_meta(struct __sk_buff *skb_, u64 flags, struct bpf_dynptr *ptr__uninit);
`,
);

/** net/core/filter.c: bpf_kfunc_check_set_xdp */
export const XDP: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['xdp'] },
  `
  int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *ptr__uninit);
  int bpf_xdp_pull_data(struct xdp_md *x, u32 len);
`,
);

/** net/core/xdp.c: xdp_metadata_kfunc_ids */
export const XDP_METADATA: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['xdp'] },
  `
  int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, u32 *hash, enum xdp_rss_hash_type
    *rss_type);
  int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, u64 *timestamp);
  int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx, __be16 *vlan_proto, u16 *vlan_tci);
`,
);

/** net/xfrm/xfrm_state_bpf.c: xfrm_state_kfunc_set */
export const XFRM: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['xdp'] },
  `
  struct xfrm_state *bpf_xdp_get_xfrm_state(struct xdp_md *ctx, struct bpf_xfrm_state_opts *opts,
    u32 opts__sz) KF_ACQUIRE KF_RET_NULL;
  void bpf_xdp_xfrm_state_release(struct xfrm_state *x) KF_RELEASE;
`,
);

/** net/core/filter.c: bpf_kfunc_check_set_sock_addr */
export const SOCK_ADDR: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['cgroup'] },
  `
  int bpf_sock_addr_set_sun_path(struct bpf_sock_addr_kern *sa_kern, const u8 *sun_path, u32
    sun_path__sz);
`,
);

/** net/core/filter.c: bpf_kfunc_check_set_tcp_reqsk */
export const TCP_REQSK: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tc'] },
  `
  int bpf_sk_assign_tcp_reqsk(struct __sk_buff *s, struct sock *sk, struct bpf_tcp_req_attrs
    *attrs, int attrs__sz);
`,
);

/** net/core/filter.c: bpf_kfunc_check_set_sock_ops */
export const SOCK_OPS: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['cgroup'] },
  `
  int bpf_sock_ops_enable_tx_tstamp(struct bpf_sock_ops_kern *skops, u64 flags);
`,
);

/** net/core/filter.c: bpf_sk_iter_kfunc_ids */
export const SK_ITER: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tracing'], filter: 'trace_iter' },
  `
  int bpf_sock_destroy(struct sock_common *sock);
`,
);

/** net/sched/bpf_qdisc.c: qdisc_kfunc_ids */
export const QDISC: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['struct_ops'], filter: 'qdisc' },
  `
  int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit);
  void bpf_kfree_skb(struct sk_buff *skb) KF_RELEASE;
  void bpf_qdisc_bstats_update(struct Qdisc *sch, const struct sk_buff *skb);
  int bpf_qdisc_init_prologue(struct Qdisc *sch, struct netlink_ext_ack *extack);
  void bpf_qdisc_reset_destroy_epilogue(struct Qdisc *sch);
  void bpf_qdisc_skb_drop(struct sk_buff *skb, struct bpf_sk_buff_ptr *to_free_list) KF_RELEASE;
  void bpf_qdisc_watchdog_schedule(struct Qdisc *sch, u64 expire, u64 delta_ns);
  u32 bpf_skb_get_hash(struct sk_buff *skb);
`,
);

/** net/ipv4/tcp_cubic.c: tcp_cubic_check_kfunc_ids */
export const TCP_CUBIC: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['struct_ops'] },
  `
  void cubictcp_acked(struct sock *sk, const struct ack_sample *sample);
  void cubictcp_cong_avoid(struct sock *sk, u32 ack, u32 acked);
  void cubictcp_cwnd_event_tx_start(struct sock *sk);
  void cubictcp_init(struct sock *sk);
  u32 cubictcp_recalc_ssthresh(struct sock *sk);
  void cubictcp_state(struct sock *sk, u8 new_state);
`,
);

/** net/ipv4/bpf_tcp_ca.c: bpf_tcp_ca_check_kfunc_ids */
export const TCP_CA: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['struct_ops'] },
  `
  void tcp_cong_avoid_ai(struct tcp_sock *tp, u32 w, u32 acked);
  void tcp_reno_cong_avoid(struct sock *sk, u32 ack, u32 acked);
  u32 tcp_reno_ssthresh(struct sock *sk);
  u32 tcp_reno_undo_cwnd(struct sock *sk);
  u32 tcp_slow_start(struct tcp_sock *tp, u32 acked);
`,
);
