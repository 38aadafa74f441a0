/** Sockets of all families. include/net/sock.h, tcp.h */
export const SOCKETS = `
typedef __u64 __addrpair;
typedef __u32 __portpair;
struct sock_common {
  union {
    __addrpair skc_addrpair;
    struct {
      __be32 skc_daddr, skc_rcv_saddr;
    };
  };
  union {
    unsigned int skc_hash; __u16 skc_u16hashes[2];
  };
  union {
    __portpair skc_portpair;
    struct {
      __be16 skc_dport; __u16 skc_num;
    };
  };
  unsigned short skc_family; volatile unsigned char skc_state;
  unsigned char skc_reuse:4, skc_reuseport:1, skc_ipv6only:1, skc_net_refcnt:1;
  unsigned char skc_bypass_prot_mem:1; int skc_bound_dev_if;
  union {
    struct hlist_node skc_bind_node, skc_portaddr_node;
  };
  struct proto *skc_prot; possible_net_t skc_net; struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
  atomic64_t skc_cookie;
  union {
    unsigned long skc_flags; struct sock *skc_listener; struct inet_timewait_death_row *skc_tw_dr;
  };
  int skc_dontcopy_begin[0];
  union {
    struct hlist_node skc_node; struct hlist_nulls_node skc_nulls_node;
  };
  unsigned short skc_tx_queue_mapping, skc_rx_queue_mapping;
  union {
    int skc_incoming_cpu; u32 skc_rcv_wnd, skc_tw_rcv_nxt;
  };
  refcount_t skc_refcnt; int skc_dontcopy_end[0];
  union {
    u32 skc_rxhash, skc_window_clamp, skc_tw_snd_nxt;
  };
};
struct slock_owned {
  int owned; @4 spinlock_t slock;
};
typedef struct {
  union {
    struct slock_owned ; long combined;
  };
} 32 socket_lock_t;
struct page_frag {
  struct page *page; __u32 offset, size;
};
struct sock_cgroup_data {
  struct cgroup *cgroup; u32 classid; u16 prioidx;
};
typedef struct {
  unsigned long v;
} freeptr_t;
struct sock {
  struct sock_common __sk_common; __u8 __cacheline_group_begin__sock_write_rx[0];
  atomic_t sk_drops; __s32 sk_peek_off; struct sk_buff_head sk_error_queue, sk_receive_queue;
  struct {
    atomic_t rmem_alloc; int len; struct sk_buff *head, *tail;
  } sk_backlog;
  __u8 __cacheline_group_end__sock_write_rx[0], __cacheline_group_begin__sock_read_rx[0];
  struct dst_entry *sk_rx_dst; int sk_rx_dst_ifindex; u32 sk_rx_dst_cookie;
  unsigned int sk_ll_usec, sk_napi_id; u16 sk_busy_poll_budget;
  u8 sk_prefer_busy_poll, sk_userlocks; int sk_rcvbuf; struct sk_filter *sk_filter;
  union {
    struct socket_wq *sk_wq, *sk_wq_raw;
  };
  void *sk_data_ready; long sk_rcvtimeo; int sk_rcvlowat;
  __u8 __cacheline_group_end__sock_read_rx[0], __cacheline_group_begin__sock_read_rxtx[0];
  int sk_err; struct socket *sk_socket; struct mem_cgroup *sk_memcg;
  struct xfrm_policy *sk_policy[2];
  __u8 __cacheline_group_end__sock_read_rxtx[0], __cacheline_group_begin__sock_write_rxtx[0];
  socket_lock_t sk_lock; u32 sk_reserved_mem; int sk_forward_alloc; u32 sk_tsflags;
  __u8 __cacheline_group_end__sock_write_rxtx[0], __cacheline_group_begin__sock_write_tx[0];
  int sk_write_pending; atomic_t sk_omem_alloc; int sk_err_soft, sk_wmem_queued;
  @380 refcount_t sk_wmem_alloc; unsigned long sk_tsq_flags;
  union {
    struct sk_buff *sk_send_head; struct rb_root tcp_rtx_queue;
  };
  struct sk_buff_head sk_write_queue; struct page_frag sk_frag;
  union {
    struct timer_list sk_timer, tcp_retransmit_timer, mptcp_retransmit_timer;
  };
  unsigned long sk_pacing_rate; atomic_t sk_zckey; @492 atomic_t sk_tskey;
  unsigned long sk_tx_queue_mapping_jiffies;
  __u8 __cacheline_group_end__sock_write_tx[0], __cacheline_group_begin__sock_read_tx[0];
  u32 sk_dst_pending_confirm, sk_pacing_status; unsigned long sk_max_pacing_rate;
  long sk_sndtimeo; u32 sk_priority, sk_mark; kuid_t sk_uid; u16 sk_protocol, sk_type;
  struct dst_entry *sk_dst_cache; netdev_features_t sk_route_caps; void *sk_validate_xmit_skb;
  u16 sk_gso_type, sk_gso_max_segs; unsigned int sk_gso_max_size; gfp_t sk_allocation;
  u32 sk_txhash; int sk_sndbuf; u8 sk_pacing_shift; bool sk_use_task_frag;
  __u8 __cacheline_group_end__sock_read_tx[0];
  u8 sk_gso_disabled:1, sk_kern_sock:1, sk_no_check_tx:1, sk_no_check_rx:1, sk_shutdown;
  unsigned long sk_lingertime; struct proto *sk_prot_creator; rwlock_t sk_callback_lock;
  u32 sk_ack_backlog, sk_max_ack_backlog; u64 sk_ino; spinlock_t sk_peer_lock; int sk_bind_phc;
  struct pid *sk_peer_pid; const struct cred *sk_peer_cred; ktime_t sk_stamp; int sk_disconnects;
  union {
    u8 sk_txrehash, sk_scm_recv_flags;
    struct {
      u8 sk_scm_credentials:1, sk_scm_security:1, sk_scm_pidfd:1, sk_scm_rights:1;
      u8 sk_scm_unused:4;
    };
  };
  u8 sk_clockid, sk_txtime_deadline_mode:1, sk_txtime_report_errors:1, sk_txtime_unused:6;
  u8 sk_bpf_cb_flags; void *sk_user_data, *sk_security; struct sock_cgroup_data sk_cgrp_data;
  void *sk_state_change, *sk_write_space, *sk_error_report, *sk_backlog_rcv, *sk_destruct;
  struct sock_reuseport *sk_reuseport_cb; struct bpf_local_storage *sk_bpf_storage;
  struct numa_drop_counters *sk_drop_counters;
  union {
    struct callback_head sk_rcu; freeptr_t sk_freeptr;
  };
  struct xarray sk_user_frags;
};
typedef unsigned int socket_state;
struct socket_wq {
  @24 struct fasync_struct *fasync_list; unsigned long flags; struct callback_head rcu;
} 64;
struct socket {
  socket_state state; short type; unsigned long flags; struct file *file; struct sock *sk;
  const struct proto_ops *ops; @64 struct socket_wq wq;
};
typedef unsigned int slab_flags_t;
struct proto {
  void *close, *pre_connect, *connect, *disconnect, *accept, *ioctl, *init, *destroy, *shutdown;
  void *setsockopt, *getsockopt, *keepalive, *compat_ioctl, *sendmsg, *recvmsg, *splice_eof;
  void *bind, *bind_add, *backlog_rcv, *bpf_bypass_getsockopt, *release_cb, *hash, *unhash;
  void *rehash, *get_port, *put_port, *psock_update_sk_prot; unsigned int inuse_idx;
  void *stream_memory_free, *sock_is_readable, *enter_memory_pressure, *leave_memory_pressure;
  atomic_long_t *memory_allocated; int *per_cpu_fw_alloc;
  struct percpu_counter *sockets_allocated; unsigned long *memory_pressure; long *sysctl_mem;
  int *sysctl_wmem, *sysctl_rmem; u32 sysctl_wmem_offset, sysctl_rmem_offset; int max_header;
  bool no_autobind; struct kmem_cache *slab;
  unsigned int obj_size, freeptr_offset, ipv6_pinfo_offset; slab_flags_t slab_flags;
  unsigned int useroffset, usersize; struct request_sock_ops *rsk_prot;
  struct timewait_sock_ops *twsk_prot;
  union {
    struct inet_hashinfo *hashinfo; struct raw_hashinfo *raw_hash; struct smc_hashinfo *smc_hash;
  } h;
  struct module *owner; char name[32]; struct list_head node; void *diag_destroy;
};
struct proto_ops {
  int family; struct module *owner;
  void *release, *bind, *connect, *socketpair, *accept, *getname, *poll, *ioctl, *compat_ioctl;
  void *gettstamp, *listen, *shutdown, *setsockopt, *getsockopt, *getsockopt_iter, *show_fdinfo;
  void *sendmsg, *recvmsg, *mmap, *splice_read, *splice_eof, *set_peek_off, *peek_len, *read_sock;
  void *read_skb, *sendmsg_locked, *set_rcvlowat, *set_rcvbuf;
};
struct inet_sock {
  struct sock sk; struct ipv6_pinfo *pinet6; struct ipv6_fl_socklist *ipv6_fl_list;
  unsigned long inet_flags; __be32 inet_saddr; __s16 uc_ttl; __be16 inet_sport;
  struct ip_options_rcu *inet_opt; atomic_t inet_id;
  __u8 tos, min_ttl, mc_ttl, pmtudisc, rcv_tos, convert_csum; int uc_index, mc_index;
  __be32 mc_addr; u32 local_port_range; struct ip_mc_socklist *mc_list;
} 1048;
struct inet_cork {
  unsigned int flags; __be32 addr; struct ip_options *opt; unsigned int fragsize; int length;
  struct dst_entry *dst; u8 tx_flags; __u8 ttl; __s16 tos; u32 priority; __u16 gso_size;
  u32 ts_opt_id; u64 transmit_time; u32 mark;
};
struct fastopen_queue {
  struct request_sock *rskq_rst_head, *rskq_rst_tail; spinlock_t lock; int qlen, max_qlen;
  struct tcp_fastopen_context *ctx;
};
struct request_sock_queue {
  spinlock_t rskq_lock; u8 rskq_defer_accept, synflood_warned; atomic_t qlen; @12 atomic_t young;
  struct request_sock *rskq_accept_head, *rskq_accept_tail; struct fastopen_queue fastopenq;
};
struct inet_connection_sock {
  struct inet_sock icsk_inet; struct request_sock_queue icsk_accept_queue;
  struct inet_bind_bucket *icsk_bind_hash; struct inet_bind2_bucket *icsk_bind2_hash;
  struct timer_list icsk_delack_timer;
  union {
    struct timer_list icsk_keepalive_timer, mptcp_tout_timer;
  };
  __u32 icsk_rto, icsk_rto_min; u32 icsk_rto_max; __u32 icsk_delack_max, icsk_pmtu_cookie;
  const struct tcp_congestion_ops *icsk_ca_ops;
  const struct inet_connection_sock_af_ops *icsk_af_ops; const struct tcp_ulp_ops *icsk_ulp_ops;
  void *icsk_ulp_data, *icsk_sync_mss;
  __u8 icsk_ca_state:5, icsk_ca_initialized:1, icsk_ca_setsockopt:1, icsk_ca_dst_locked:1;
  __u8 icsk_retransmits, icsk_pending, icsk_backoff, icsk_syn_retries, icsk_probes_out;
  __u16 icsk_ext_hdr_len;
  struct {
    __u8 pending, quick, pingpong, retry;
    __u32 ato:8, lrcv_flowlabel:20, dst_quick_ack:1, unused:3, lrcvtime;
    __u16 last_seg_size, rcv_mss;
  } icsk_ack;
  struct {
    int search_high, search_low; u32 probe_size:31, enabled:1, probe_timestamp;
  } icsk_mtup;
  u32 icsk_probes_tstamp, icsk_user_timeout; u64 icsk_ca_priv[13];
};
struct minmax_sample {
  u32 t, v;
};
struct minmax {
  struct minmax_sample s[3];
};
struct tcp_options_received {
  int ts_recent_stamp; u32 ts_recent, rcv_tsval, rcv_tsecr;
  u16 saw_tstamp:1, tstamp_ok:1, dsack:1, wscale_ok:1, sack_ok:3, smc_ok:1, snd_wscale:4;
  u16 rcv_wscale:4; u8 accecn:6, saw_unknown:1, unused:1, num_sacks; u16 user_mss, mss_clamp;
};
struct tcp_rack {
  u64 mstamp; u32 rtt_us, end_seq, last_delivered;
  u8 reo_wnd_steps, reo_wnd_persist:5, dsack_seen:1, advanced:1;
};
struct tcp_sack_block {
  u32 start_seq, end_seq;
};
struct tcp_sock {
  struct inet_connection_sock inet_conn; __u8 __cacheline_group_begin__tcp_sock_read_tx[0];
  u32 max_window, rcv_ssthresh, reordering, notsent_lowat; u16 gso_segs;
  struct sk_buff *retransmit_skb_hint; void *tcp_clean_acked;
  __u8 __cacheline_group_end__tcp_sock_read_tx[0], __cacheline_group_begin__tcp_sock_read_txrx[0];
  u32 tsoffset, snd_wnd, mss_cache, snd_cwnd, prr_out, lost_out, sacked_out; u16 tcp_header_len;
  u8 scaling_ratio, repair:1, tcp_usec_ts:1, is_sack_reneg:1, is_cwnd_limited:1, recvmsg_inq:1;
  __u8 __cacheline_group_end__tcp_sock_read_txrx[0], __cacheline_group_begin__tcp_sock_read_rx[0];
  u32 copied_seq, snd_wl1, tlp_high_seq, rttvar_us, retrans_out; u16 advmss, urg_data;
  u32 lost, snd_ssthresh; struct minmax rtt_min; struct rb_root out_of_order_queue;
  __u8 __cacheline_group_end__tcp_sock_read_rx[0];
  @1600 __u8 __cacheline_group_begin__tcp_sock_write_tx[0]; u32 delivered, delivered_ce;
  u64 bytes_acked, bytes_sent, first_tx_mstamp, delivered_mstamp; u32 data_segs_out, snd_sml;
  u8 chrono_type;
  u32 chrono_start, chrono_stat[3], write_seq, pushed_seq, lsndtime, mdev_us, rtt_seq;
  u32 max_packets_out, cwnd_usage_seq, rate_delivered, rate_interval_us;
  u64 tcp_wstamp_ns, accecn_opt_tstamp; struct list_head tsorted_sent_queue;
  struct sk_buff *highest_sack; u8 ecn_flags; __u8 __cacheline_group_end__tcp_sock_write_tx[0];
  __u8 __cacheline_group_begin__tcp_sock_write_txrx[0];
  u8 nonagle:4, rate_app_limited:1, received_ce_pending:4, accecn_opt_sent_w_dsack:1, unused2:3;
  u8 accecn_minlen:2, est_ecnfield:2, accecn_opt_demand:2, prev_ecnfield:2; __be32 pred_flags;
  u64 tcp_clock_cache, tcp_mstamp;
  u32 rcv_nxt, snd_nxt, snd_una, window_clamp, srtt_us, packets_out, snd_up, received_ce;
  u32 received_ecn_bytes[3], app_limited, rcv_wnd, rcv_mwnd_seq, rcv_tstamp;
  struct tcp_options_received rx_opt; u32 segs_in, segs_out;
  __u8 __cacheline_group_end__tcp_sock_write_txrx[0];
  @1864 __u8 __cacheline_group_begin__tcp_sock_write_rx[0]; u64 bytes_received;
  u32 data_segs_in, rcv_wup, rcv_rtt_last_tsecr, delivered_ecn_bytes[3]; u16 pkts_acked_ewma;
  struct {
    u32 rtt_us, seq; u64 time;
  } rcv_rtt_est;
  struct {
    int space; u32 seq; u64 time;
  } rcvq_space;
  __u8 __cacheline_group_end__tcp_sock_write_rx[0]; u32 dsack_dups, compressed_ack_rcv_nxt;
  struct list_head tsq_node; struct tcp_rack rack;
  u8 compressed_ack, dup_ack_counter:2, tlp_retrans:1, syn_ect_snt:2, syn_ect_rcv:2, thin_lto:1;
  u8 fastopen_connect:1, fastopen_no_cookie:1, fastopen_client_fail:2, frto:1, repair_queue;
  u8 save_syn:2, syn_data:1, syn_fastopen:1, syn_fastopen_exp:1, syn_fastopen_ch:1;
  u8 syn_data_acked:1, syn_fastopen_child:1, keepalive_probes, accecn_fail_mode:4;
  u8 saw_accecn_opt:2;
  u32 tcp_tx_delay, mdev_max_us, reord_seen, snd_cwnd_cnt, snd_cwnd_clamp, snd_cwnd_used;
  u32 snd_cwnd_stamp, prior_cwnd, prr_delivered, last_oow_ack_time;
  struct hrtimer pacing_timer, compressed_ack_timer; struct sk_buff *ooo_last_skb;
  struct tcp_sack_block duplicate_sack[1], selective_acks[4], recv_sack_cache[4];
  u32 prior_ssthresh, high_seq, retrans_stamp, undo_marker; int undo_retrans; u32 mtu_info;
  u64 bytes_retrans; u32 total_retrans, rto_stamp; u16 total_rto, total_rto_recoveries;
  u32 total_rto_time, urg_seq; unsigned int keepalive_time, keepalive_intvl; int linger2;
  u8 bpf_sock_ops_cb_flags, bpf_chg_cc_inprogress:1; u16 timeout_rehash; u32 rcv_ooopack;
  struct {
    u32 probe_seq_start, probe_seq_end;
  } mtu_probe;
  u32 plb_rehash; bool is_mptcp; const struct tcp_sock_af_ops *af_specific;
  struct tcp_md5sig_info *md5sig_info; struct tcp_ao_info *ao_info;
  struct tcp_fastopen_request *fastopen_req; struct request_sock *fastopen_rsk;
  struct saved_syn *saved_syn;
} 2432;
struct numa_drop_counters {
  atomic_t drops0; @64 atomic_t drops1;
} 128;
struct udp_sock {
  struct inet_sock inet; unsigned long udp_flags; int pending; __u8 encap_type;
  __u16 udp_lrpa_hash; struct hlist_nulls_node udp_lrpa_node; __u16 len, gso_size;
  void *encap_rcv, *encap_err_rcv, *encap_err_lookup, *encap_destroy, *gro_receive, *gro_complete;
  struct udp_prod_queue *udp_prod_queue; @1152 struct sk_buff_head reader_queue;
  int forward_deficit, forward_threshold; bool peeking_with_offset; struct hlist_node tunnel_list;
  @1216 struct numa_drop_counters drop_counters;
} 1344;
struct path {
  struct vfsmount *mnt; struct dentry *dentry;
};
struct wait_queue_entry {
  unsigned int flags; void *private; @24 struct list_head entry;
};
typedef struct wait_queue_entry wait_queue_entry_t;
struct scm_stat {
  atomic_t nr_fds; unsigned long nr_unix_fds;
};
struct unix_sock {
  struct sock sk; struct unix_address *addr; struct path path; struct mutex iolock, bindlock;
  struct sock *peer, *listener; struct unix_vertex *vertex; spinlock_t lock;
  @960 struct socket_wq peer_wq; wait_queue_entry_t peer_wake; struct scm_stat scm_stat;
  int inq_len; bool recvmsg_inq; struct sk_buff *oob_skb;
} 1152;
struct unix_address {
  refcount_t refcnt; int len; struct sockaddr_un name[0];
};
struct in6_pktinfo {
  struct in6_addr ipi6_addr; int ipi6_ifindex;
};
struct ipv6_pinfo {
  struct in6_addr saddr;
  union {
    struct in6_addr daddr, final;
  };
  __be32 flow_label; u32 dst_cookie; struct ipv6_txoptions *opt; s16 hop_limit;
  u8 pmtudisc, tclass; bool saddr_cache, daddr_cache; u8 mcast_hops; u32 frag_size;
  int ucast_oif, mcast_oif;
  union {
    struct {
      u16 srcrt:1, osrcrt:1, rxinfo:1, rxoinfo:1, rxhlim:1, rxohlim:1, hopopts:1, ohopopts:1;
      u16 dstopts:1, odstopts:1, rxflow:1, rxtclass:1, rxpmtu:1, rxorigdstaddr:1, recvfragsize:1;
    } bits;
    u16 all;
  } rxopt;
  u8 srcprefs, min_hopcount; __be32 rcv_flowinfo; struct in6_pktinfo sticky_pktinfo;
  struct sk_buff *pktoptions, *rxpmtu; struct ipv6_mc_socklist *ipv6_mc_list;
  struct ipv6_ac_socklist *ipv6_ac_list;
};
struct tcp6_sock {
  struct tcp_sock tcp; struct ipv6_pinfo inet6;
};
struct udp6_sock {
  struct udp_sock udp; struct ipv6_pinfo inet6;
};
struct request_sock {
  struct sock_common __req_common; struct request_sock *dl_next; u16 mss;
  u8 num_retrans, syncookie:1, num_timeout:7; u32 ts_recent; struct timer_list rsk_timer;
  const struct request_sock_ops *rsk_ops; struct sock *sk; struct saved_syn *saved_syn;
  u32 secid, peer_secid, timeout;
};
struct inet_request_sock {
  struct request_sock req;
  u16 snd_wscale:4, rcv_wscale:4, tstamp_ok:1, sack_ok:1, wscale_ok:1, ecn_ok:1, acked:1;
  u16 no_srccheck:1, smc_ok:1; u32 ir_mark;
  union {
    struct ip_options_rcu *ireq_opt;
    struct {
      struct ipv6_txoptions *ipv6_opt; struct sk_buff *pktopts;
    };
  };
};
struct tcp_request_sock {
  struct inet_request_sock req; const struct tcp_request_sock_ops *af_specific; u64 snt_synack;
  bool tfo_listener, is_mptcp, req_usec_ts, drop_req;
  u32 txhash, rcv_isn, snt_isn, ts_off, snt_tsval_first, snt_tsval_last, last_oow_ack_time;
  u32 rcv_nxt; u8 syn_tos; bool accecn_ok;
  u8 syn_ect_snt:2, syn_ect_rcv:2, accecn_fail_mode:4, saw_accecn_opt:2, ao_keyid, ao_rcv_next;
  bool used_tcp_ao;
};
struct inet_timewait_sock {
  struct sock_common __tw_common; __u32 tw_mark; unsigned char tw_substate, tw_rcv_wscale;
  __be16 tw_sport;
  unsigned int tw_transparent:1, tw_flowlabel:20, tw_usec_ts:1, tw_connect_bind:1, tw_pad:1;
  unsigned int tw_tos:8; u32 tw_txhash, tw_priority, tw_entry_stamp; struct timer_list tw_timer;
  struct inet_bind_bucket *tw_tb; struct inet_bind2_bucket *tw_tb2; void *tw_validate_xmit_skb;
};
struct tcp_timewait_sock {
  struct inet_timewait_sock tw_sk;
  u32 tw_rcv_wnd, tw_ts_offset, tw_ts_recent, tw_last_oow_ack_time; int tw_ts_recent_stamp;
  u32 tw_tx_delay; struct tcp_md5sig_key *tw_md5_key; struct tcp_ao_info *ao_info;
};
struct sk_psock_progs {
  struct bpf_prog *msg_parser, *stream_parser, *stream_verdict, *skb_verdict;
  struct bpf_link *msg_parser_link, *stream_parser_link, *stream_verdict_link, *skb_verdict_link;
};
struct sk_psock_work_state {
  u32 len, off;
};
struct rcu_work {
  struct work_struct work; struct callback_head rcu; struct workqueue_struct *wq;
};
struct sk_psock {
  struct sock *sk, *sk_redir; u32 apply_bytes, cork_bytes, eval; bool redir_ingress;
  struct sk_msg *cork; struct sk_psock_progs progs; @360 u32 copied_seq; u32 ingress_bytes;
  struct sk_buff_head ingress_skb; struct list_head ingress_msg; spinlock_t ingress_lock;
  u32 msg_tot_len; unsigned long state; struct list_head link; spinlock_t link_lock;
  @444 refcount_t refcnt;
  void *saved_unhash, *saved_destroy, *saved_close, *saved_write_space, *saved_data_ready;
  void *psock_update_sk_prot; struct proto *sk_proto; struct mutex work_mutex;
  struct sk_psock_work_state work_state; struct delayed_work work; struct sock *sk_pair;
  struct rcu_work rwork;
};
struct sk_msg {
  @640 void *data; void *data_end; u32 apply_bytes, cork_bytes, flags; struct sk_buff *skb;
  struct sock *sk_redir, *sk; struct list_head list;
};
struct ip_options {
  __be32 faddr, nexthop;
  unsigned char optlen, srr, rr, ts, is_strictroute:1, srr_is_hit:1, is_changed:1, rr_needaddr:1;
  unsigned char ts_needtime:1, ts_needaddr:1, router_alert, cipso, __pad2, __data[0];
};
struct inet_skb_parm {
  int iif; struct ip_options opt; u16 flags, frag_max_size;
};
struct inet6_skb_parm {
  int iif; __be16 ra;
  __u16 dst0, srcrt, dst1, lastopt, nhoff, flags, dsthao, frag_max_size, srhoff;
};
struct tcp_skb_cb {
  __u32 seq, end_seq;
  union {
    u32 tcp_tw_isn;
    struct {
      u16 tcp_gso_segs, tcp_gso_size;
    };
  };
  __u16 tcp_flags; __u8 sacked, ip_dsfield, txstamp_ack:2, eor:1, has_rxtstamp:1, unused:4;
  __u32 ack_seq;
  union {
    struct {
      __u32 is_app_limited:1, delivered_ce:20, unused:11, delivered;
      u64 first_tx_mstamp, delivered_mstamp;
    } tx;
    union {
      struct inet_skb_parm h4; struct inet6_skb_parm h6;
    } header;
  };
};
struct tcp_congestion_ops {
  void (*cong_avoid)(struct sock *, u32, u32), (*cong_control)(struct sock *, u32, int,
    const struct rate_sample *);
  u32 (*ssthresh)(struct sock *);
  void (*set_state)(struct sock *, u8), (*cwnd_event)(struct sock *, enum tcp_ca_event),
    (*cwnd_event_tx_start)(struct sock *), (*in_ack_event)(struct sock *, u32),
    (*pkts_acked)(struct sock *, const struct ack_sample *);
  u32 (*min_tso_segs)(struct sock *), (*undo_cwnd)(struct sock *),
    (*sndbuf_expand)(struct sock *);
  size_t (*get_info)(struct sock *, u32, int *, union tcp_cc_info *); char name[16];
  struct module *owner; struct list_head list; u32 key, flags;
  void (*init)(struct sock *), (*release)(struct sock *);
} 192;
struct rate_sample {
  u64 prior_mstamp; u32 prior_delivered, prior_delivered_ce; s32 delivered, delivered_ce;
  long interval_us; u32 snd_interval_us, rcv_interval_us; long rtt_us; int losses;
  u32 acked_sacked, prior_in_flight, last_end_seq;
  bool is_app_limited, is_retrans, is_ack_delayed;
};
struct ack_sample {
  u32 pkts_acked; s32 rtt_us; u32 in_flight;
};
enum tcp_ca_event {
  CA_EVENT_TX_START, CA_EVENT_CWND_RESTART, CA_EVENT_COMPLETE_CWR, CA_EVENT_LOSS,
  CA_EVENT_ECN_NO_CE, CA_EVENT_ECN_IS_CE,
};
enum tcp_ca_state {
  TCP_CA_Open, TCP_CA_Disorder, TCP_CA_CWR, TCP_CA_Recovery, TCP_CA_Loss,
};
struct seq_net_private {
  struct net *net;
};
struct tcp_iter_state {
  struct seq_net_private p; enum tcp_seq_states state; struct sock *syn_wait_sk;
  int bucket, offset, sbucket, num; loff_t last_pos;
};
struct udp_iter_state {
  struct seq_net_private p; int bucket;
};
enum sock_type {
  SOCK_STREAM = 1, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET = 10,
};
struct user_struct {
  refcount_t __count; struct percpu_counter epoll_watches; unsigned long unix_inflight;
  atomic_long_t pipe_bufs; struct hlist_node uidhash_node; kuid_t uid;
  atomic_long_t locked_vm, perf_mlock; struct ratelimit_state ratelimit;
};
`;
