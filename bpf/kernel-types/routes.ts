/** Routes, neighbours, and sockets of other families. include/net/ip6_fib.h */
export const ROUTES = `
struct netlink_sock {
  struct sock sk; unsigned long flags; u32 portid, dst_portid, dst_group, subscriptions, ngroups;
  unsigned long *groups, state; size_t max_recvmsg_len; @880 bool bound; bool cb_running;
  int dump_done_errno; @1016 struct mutex nl_cb_mutex;
  void *netlink_rcv, *netlink_bind, *netlink_unbind, *netlink_release; struct module *module;
  struct rhash_head node; struct callback_head rcu;
};
struct socket_alloc {
  struct socket socket; struct inode vfs_inode;
};
struct icmp_filter {
  __u32 data;
};
struct raw_sock {
  struct inet_sock inet; struct icmp_filter filter; u32 ipmr_table;
} 1216;
struct icmp6_filter {
  __u32 data[8];
};
struct raw6_sock {
  struct inet_sock inet; __u32 checksum, offset; struct icmp6_filter filter; __u32 ip6mr_table;
  @1280 struct ipv6_pinfo inet6;
};
struct tpacket_stats {
  unsigned int tp_packets, tp_drops;
};
struct tpacket_stats_v3 {
  unsigned int tp_packets, tp_drops, tp_freeze_q_cnt;
};
union tpacket_stats_u {
  struct tpacket_stats stats1; struct tpacket_stats_v3 stats3;
};
struct packet_type {
  __be16 type; bool ignore_outgoing; struct net_device *dev; void *func, *list_func, *id_match;
  struct net *af_packet_net; void *af_packet_priv; struct list_head list;
};
struct packet_sock {
  struct sock sk; struct packet_fanout *fanout; union tpacket_stats_u stats;
  @1304 int copy_thresh; spinlock_t bind_lock; struct mutex pg_vec_lock; unsigned long flags;
  int ifindex; u8 vnet_hdr_sz; __be16 num; struct packet_rollover *rollover;
  struct packet_mclist *mclist; atomic_long_t mapped; enum tpacket_versions tp_version;
  unsigned int tp_hdrlen, tp_reserve, tp_tstamp; struct completion skb_completion;
  struct net_device *cached_dev; @1472 struct packet_type prot_hook; @1600 atomic_t tp_drops;
} 1664;
struct sock_reuseport {
  struct callback_head rcu; u16 max_socks, num_socks, num_closed_socks, incoming_cpu;
  unsigned int synq_overflow_ts, reuseport_id, bind_inany:1, has_conns:1; struct bpf_prog *prog;
  struct sock *socks[0];
};
struct lwtunnel_state {
  __u16 type, flags, headroom; atomic_t refcnt; void *orig_output, *orig_input;
  struct callback_head rcu; __u8 data[0];
};
struct rt6key {
  struct in6_addr addr; int plen;
};
struct fib_nh_common {
  struct net_device *nhc_dev; int nhc_oif; unsigned char nhc_scope; u8 nhc_family, nhc_gw_family;
  unsigned char nhc_flags; struct lwtunnel_state *nhc_lwtstate;
  union {
    __be32 ipv4; struct in6_addr ipv6;
  } nhc_gw;
  int nhc_weight; atomic_t nhc_upper_bound; struct rtable **nhc_pcpu_rth_output, *nhc_rth_input;
  struct fnhe_hash_bucket *nhc_exceptions;
};
struct fib6_nh {
  struct fib_nh_common nh_common; unsigned long last_probe; struct rt6_info **rt6i_pcpu;
  struct rt6_exception_bucket *rt6i_exception_bucket;
};
struct fib6_info {
  struct fib6_table *fib6_table; struct fib6_info *fib6_next; struct fib6_node *fib6_node;
  union {
    struct list_head fib6_siblings, nh_list;
  };
  unsigned int fib6_nsiblings; refcount_t fib6_ref; unsigned long expires;
  struct hlist_node gc_link; struct dst_metrics *fib6_metrics; struct rt6key fib6_dst;
  u32 fib6_flags; struct rt6key fib6_src, fib6_prefsrc; u32 fib6_metric;
  u8 fib6_protocol, fib6_type, offload, trap, offload_failed, should_flush:1, dst_nocount:1;
  u8 dst_nopolicy:1, fib6_destroying:1, unused:4; struct list_head purge_link;
  struct callback_head rcu; struct nexthop *nh; struct fib6_nh fib6_nh[0];
};
struct fib6_node {
  struct fib6_node *parent, *left, *right, *subtree; struct fib6_info *leaf;
  __u16 fn_bit, fn_flags; int fn_sernum; struct fib6_info *rr_ptr; struct callback_head rcu;
};
struct fib6_table {
  @16 u32 tb6_id; spinlock_t tb6_lock; struct fib6_node tb6_root; @120 unsigned int flags;
} 136;
struct fib6_walker {
  struct list_head lh; struct fib6_node *root, *node; struct fib6_info *leaf;
  enum fib6_walk_state state; unsigned int skip, count, skip_in_node; void *func, *args;
};
struct ipv6_route_iter {
  struct seq_net_private p; struct fib6_walker w; loff_t skip; struct fib6_table *tbl; int sernum;
};
struct rt6_info {
  struct dst_entry dst; struct fib6_info *from; int sernum; struct rt6key rt6i_dst, rt6i_src;
  struct in6_addr rt6i_gateway; struct inet6_dev *rt6i_idev; u32 rt6i_flags;
  unsigned short rt6i_nfheader_len;
};
struct rtable {
  struct dst_entry dst; int rt_genid; unsigned int rt_flags; __u16 rt_type;
  __u8 rt_is_input, rt_uses_gateway; int rt_iif; u8 rt_gw_family; @172 u32 rt_mtu_locked:1;
};
typedef u8 dscp_t;
struct fib_result {
  __be32 prefix; unsigned char prefixlen, nh_sel, type, scope; u32 tclassid; dscp_t dscp;
  struct fib_nh_common *nhc; struct fib_info *fi; struct fib_table *table;
  struct hlist_head *fa_head;
};
struct neighbour {
  struct hlist_node hash, dev_list; struct neigh_table *tbl; struct neigh_parms *parms;
  unsigned long confirmed, updated; rwlock_t lock; refcount_t refcnt;
  unsigned int arp_queue_len_bytes; struct sk_buff_head arp_queue; @144 unsigned long used;
  atomic_t probes; @157 u8 type; u8 dead, protocol; u32 flags; seqlock_t ha_lock;
  @176 unsigned char ha[32]; @256 void *output; const struct neigh_ops *ops;
  struct list_head gc_list, managed_list; struct callback_head rcu; struct net_device *dev;
  u8 primary_key[0];
};
typedef __u64 __be64;
struct flowi_tunnel {
  __be64 tun_id;
};
struct flowi_common {
  int flowic_oif, flowic_iif, flowic_l3mdev; __u32 flowic_mark; dscp_t flowic_dscp;
  __u8 flowic_scope, flowic_proto, flowic_flags; __u32 flowic_secid; kuid_t flowic_uid;
  __u32 flowic_multipath_hash; struct flowi_tunnel flowic_tun_key;
};
union flowi_uli {
  struct {
    __be16 dport, sport;
  } ports;
  struct {
    __u8 type, code;
  } icmpt;
  __be32 gre_key;
  struct {
    __u8 type;
  } mht;
};
struct flowi4 {
  struct flowi_common __fl_common; __be32 saddr, daddr; union flowi_uli uli;
};
struct flowi6 {
  struct flowi_common __fl_common; struct in6_addr daddr, saddr; __be32 flowlabel;
  union flowi_uli uli; __u32 mp_hash;
};
struct kallsym_iter {
  loff_t pos, pos_mod_end, pos_ftrace_mod_end, pos_bpf_end; unsigned long value;
  unsigned int nameoff; char type, name[512], module_name[56]; int exported, show_value;
};
struct tcp_md5sig_info {
  struct hlist_head head; struct callback_head rcu;
};
typedef __u64 __le64;
struct tcp_fastopen_cookie {
  __le64 val[2]; s8 len; bool exp;
};
struct tcp_fastopen_request {
  struct tcp_fastopen_cookie cookie; struct msghdr *data; size_t size; int copied;
  struct ubuf_info *uarg;
};
struct tcp_mib {
  unsigned long mibs[16];
};
struct inet_bind_bucket {
  possible_net_t ib_net; int l3mdev; unsigned short port; signed char fastreuse, fastreuseport;
  kuid_t fastuid; struct in6_addr fast_v6_rcv_saddr; __be32 fast_rcv_saddr;
  unsigned short fast_sk_family; bool fast_ipv6_only; struct hlist_node node;
  struct hlist_head bhash2; struct callback_head rcu;
};
struct inet_hashinfo {
  struct inet_ehash_bucket *ehash; spinlock_t *ehash_locks;
  unsigned int ehash_mask, ehash_locks_mask; struct kmem_cache *bind_bucket_cachep;
  struct inet_bind_hashbucket *bhash; struct kmem_cache *bind2_bucket_cachep;
  struct inet_bind_hashbucket *bhash2; unsigned int bhash_size, lhash2_mask;
  struct inet_listen_hashbucket *lhash2; bool pernet;
} 128;
struct udp_seq_afinfo {
  sa_family_t family;
};
struct tcp_seq_afinfo {
  sa_family_t family;
};
struct dst_metrics {
  u32 metrics[17]; refcount_t refcnt;
};
struct bictcp {
  u32 cnt, last_max_cwnd, last_cwnd, last_time, bic_origin_point, bic_K, delay_min, epoch_start;
  u32 ack_cnt, tcp_cwnd; u16 unused; u8 sample_cnt, found;
  u32 round_start, end_seq, last_ack, curr_rtt;
};
struct rtnl_link_stats64 {
  __u64 rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped;
  __u64 multicast, collisions, rx_length_errors, rx_over_errors, rx_crc_errors, rx_frame_errors;
  __u64 rx_fifo_errors, rx_missed_errors, tx_aborted_errors, tx_carrier_errors, tx_fifo_errors;
  __u64 tx_heartbeat_errors, tx_window_errors, rx_compressed, tx_compressed, rx_nohandler;
  __u64 rx_otherhost_dropped;
};
struct dql {
  unsigned int num_queued, adj_limit, last_obj_cnt; unsigned short stall_thrs;
  unsigned long history_head, history[4]; @64 unsigned int limit;
  unsigned int num_completed, prev_ovlimit, prev_num_queued, prev_last_obj_cnt, lowest_slack;
  unsigned long slack_start_time; unsigned int max_limit, min_limit, slack_hold_time;
  unsigned short stall_max; unsigned long last_reap, stall_cnt;
};
struct netdev_xmit {
  u16 recursion; u8 more, skip_txqueue, sched_mirred_nest; struct net_device *sched_mirred_dev[4];
  u8 nf_dup_skb_recursion;
};
struct __call_single_data {
  struct __call_single_node node; @24 void *info;
};
typedef struct __call_single_data call_single_data_t;
struct softnet_data {
  struct list_head poll_list; struct sk_buff_head process_queue;
  unsigned int processed, time_squeeze; struct softnet_data *rps_ipi_list;
  unsigned int received_rps; bool in_net_rx_action, in_napi_threaded_poll;
  struct sd_flow_limit *flow_limit; struct Qdisc *output_queue, **output_queue_tailp;
  struct sk_buff *completion_queue; struct sk_buff_head xfrm_backlog; struct netdev_xmit xmit;
  @192 unsigned int input_queue_head; @256 call_single_data_t csd;
  struct softnet_data *rps_ipi_next; unsigned int cpu; @320 long pad[3];
  unsigned int input_queue_tail; struct sk_buff_head input_pkt_queue;
  @1024 int defer_ipi_scheduled; @1056 call_single_data_t defer_csd;
};
struct tcp_sock_af_ops {
  void *md5_lookup, *calc_md5_hash, *md5_parse, *ao_parse, *ao_lookup, *ao_calc_key_sk;
  void *calc_ao_hash;
};
struct crypto_tfm {
  u32 crt_flags; int node; struct crypto_tfm *fb; void *exit; struct crypto_alg *__crt_alg;
  void *__crt_ctx[0];
};
struct crypto_skcipher {
  unsigned int reqsize; struct crypto_tfm base;
};
struct nf_hook_entry {
  void *hook, *priv;
};
struct nf_hook_entries {
  u16 num_hook_entries; struct nf_hook_entry hooks[0];
};
struct bpf_prog_pack {
  struct list_head list; void *ptr; bool arch_flush_needed; unsigned long bitmap[0];
};
struct linux_mib {
  unsigned long mibs[136];
};
struct net_protocol {
  void *handler, *err_handler; unsigned int no_policy:1, icmp_strict_tag_validation:1; u32 secret;
};
struct inet_protosw {
  struct list_head list; unsigned short type, protocol; struct proto *prot;
  const struct proto_ops *ops; unsigned char flags;
};
struct sockaddr_nl {
  __kernel_sa_family_t nl_family; unsigned short nl_pad; __u32 nl_pid, nl_groups;
};
struct sockaddr_ll {
  unsigned short sll_family; __be16 sll_protocol; int sll_ifindex; unsigned short sll_hatype;
  unsigned char sll_pkttype, sll_halen, sll_addr[8];
};
struct tcp_request_sock_ops {
  u16 mss_clamp; void *req_md5_lookup, *calc_md5_hash, *ao_lookup, *ao_calc_key, *ao_synack_hash;
  void *cookie_init_seq, *route_req, *init_seq_and_ts_off, *send_synack;
};
struct request_sock_ops {
  int family; unsigned int obj_size; struct kmem_cache *slab; char *slab_name;
  void *send_ack, *send_reset, *destructor;
};
struct timewait_sock_ops {
  struct kmem_cache *twsk_slab; char *twsk_slab_name; unsigned int twsk_obj_size;
};
struct tcp_plb_state {
  u8 consec_cong_rounds:5, unused:3; u32 pause_until;
};
struct sock_ee_data_rfc4884 {
  __u16 len; __u8 flags, reserved;
};
struct sock_extended_err {
  __u32 ee_errno; __u8 ee_origin, ee_type, ee_code, ee_pad; __u32 ee_info;
  union {
    __u32 ee_data; struct sock_ee_data_rfc4884 ee_rfc4884;
  };
};
struct sock_exterr_skb {
  union {
    struct inet_skb_parm h4; struct inet6_skb_parm h6;
  } header;
  struct sock_extended_err ee; u16 addr_offset; __be16 port; u8 opt_stats:1, unused:7;
};
struct scm_creds {
  u32 pid; kuid_t uid; kgid_t gid;
};
struct scm_cookie {
  struct pid *pid; struct scm_fp_list *fp; struct scm_creds creds; u32 secid;
};
struct scm_fp_list {
  short count, count_unix, max; bool inflight, dead; struct list_head vertices;
  struct unix_edge *edges; struct user_struct *user; struct file *fp[253];
};
struct mptcp_addr_info {
  u8 id; sa_family_t family; __be16 port;
  union {
    struct in_addr addr; struct in6_addr addr6;
  };
};
struct mptcp_rm_list {
  u8 ids[8], nr;
};
struct mptcp_pm_data {
  struct mptcp_addr_info local, remote; struct list_head anno_list, userspace_pm_local_addr_list;
  spinlock_t lock;
  union {
    struct {
      u8 addr_signal;
      bool server_side, work_pending, accept_addr, accept_subflow, remote_deny_join_id0;
      u8 add_addr_signaled, add_addr_accepted, local_addr_used, pm_type, extra_subflows, status;
    };
    struct {
      u8 addr_signal;
      bool server_side, work_pending, accept_addr, accept_subflow, remote_deny_join_id0;
      u8 add_addr_signaled, add_addr_accepted, local_addr_used, pm_type, extra_subflows, status;
    } reset;
  };
  unsigned long id_avail_bitmap[4]; struct mptcp_rm_list rm_list_tx, rm_list_rx;
};
struct mptcp_sock {
  struct inet_connection_sock sk; u64 local_key, remote_key, write_seq; @1464 u64 snd_nxt;
  @1480 u64 ack_seq; @1584 u32 token; unsigned long flags; @1688 struct list_head conn_list;
  @1720 struct mptcp_data_frag *first_pending; @1744 struct sock *first; struct mptcp_pm_data pm;
  @1956 u32 subflow_id;
  @1964 char ca_name[16];
} 2008;
struct mptcp_subflow_context {
  struct list_head node;
  union {
    struct {
      unsigned long avg_pacing_rate; u64 local_key, remote_key, idsn, map_seq, rcv_wnd_sent;
      u32 snd_isn, token, rel_write_seq, map_subflow_seq, ssn_offset, map_data_len;
      __wsum map_data_csum;
      u32 map_csum_len, prev_rtt_seq, request_mptcp:1, request_join:1, request_bkup:1;
      u32 mp_capable:1, mp_join:1, pm_notified:1, conn_finished:1, map_valid:1, map_csum_reqd:1;
      u32 map_data_fin:1, mpc_map:1, backup:1, send_mp_prio:1, send_mp_fail:1, send_fastclose:1;
      u32 send_infinite_map:1, remote_key_valid:1, disposable:1, closing:1, valid_csum_seen:1;
      u32 is_mptfo:1, close_event_done:1, mpc_drop:1, resetting:1, __unused:8;
      bool data_avail, scheduled, pm_listener, fully_established; u32 lent_mem_frag, remote_nonce;
      u64 thmac; u32 local_nonce, remote_token;
      union {
        u8 hmac[20]; u64 iasn;
      };
      s16 local_id;
      u8 remote_id, reset_seen:1, reset_transient:1, reset_reason:4, stale_count, stale;
      u32 subflow_id; long delegated_status; unsigned long fail_tout;
    };
    struct {
      unsigned long avg_pacing_rate; u64 local_key, remote_key, idsn, map_seq, rcv_wnd_sent;
      u32 snd_isn, token, rel_write_seq, map_subflow_seq, ssn_offset, map_data_len;
      __wsum map_data_csum;
      u32 map_csum_len, prev_rtt_seq, request_mptcp:1, request_join:1, request_bkup:1;
      u32 mp_capable:1, mp_join:1, pm_notified:1, conn_finished:1, map_valid:1, map_csum_reqd:1;
      u32 map_data_fin:1, mpc_map:1, backup:1, send_mp_prio:1, send_mp_fail:1, send_fastclose:1;
      u32 send_infinite_map:1, remote_key_valid:1, disposable:1, closing:1, valid_csum_seen:1;
      u32 is_mptfo:1, close_event_done:1, mpc_drop:1, resetting:1, __unused:8;
      bool data_avail, scheduled, pm_listener, fully_established; u32 lent_mem_frag, remote_nonce;
      u64 thmac; u32 local_nonce, remote_token;
      union {
        u8 hmac[20]; u64 iasn;
      };
      s16 local_id;
      u8 remote_id, reset_seen:1, reset_transient:1, reset_reason:4, stale_count, stale;
      u32 subflow_id; long delegated_status; unsigned long fail_tout;
    } reset;
  };
  struct list_head delegated_node; u32 setsockopt_seq, stale_rcv_tstamp; int cached_sndbuf;
  struct sock *tcp_sock, *conn; const struct inet_connection_sock_af_ops *icsk_af_ops;
  void *tcp_state_change, *tcp_error_report; struct callback_head rcu;
};
`;
