/** Netfilter, and queueing disciplines. include/net/netfilter/, include/net/sch_generic.h */
export const NETFILTER = `
struct nf_hook_state {
  u8 hook, pf; struct net_device *in, *out; struct sock *sk; struct net *net; void *okfn;
};
struct nf_conntrack {
  refcount_t use;
} 4;
struct nf_conntrack_zone {
  u16 id; u8 flags, dir;
};
union nf_inet_addr {
  __u32 all[4]; __be32 ip, ip6[4]; struct in_addr in; struct in6_addr in6;
};
union nf_conntrack_man_proto {
  __be16 all;
  struct {
    __be16 port;
  } tcp;
  struct {
    __be16 port;
  } udp;
  struct {
    __be16 id;
  } icmp;
  struct {
    __be16 port;
  } dccp;
  struct {
    __be16 port;
  } sctp;
  struct {
    __be16 key;
  } gre;
};
typedef u16 u_int16_t;
struct nf_conntrack_man {
  union nf_inet_addr u3; union nf_conntrack_man_proto u; u_int16_t l3num;
};
typedef u8 u_int8_t;
struct nf_conntrack_tuple {
  struct nf_conntrack_man src;
  struct {
    union nf_inet_addr u3;
    union {
      __be16 all;
      struct {
        __be16 port;
      } tcp;
      struct {
        __be16 port;
      } udp;
      struct {
        u_int8_t type, code;
      } icmp;
      struct {
        __be16 port;
      } dccp;
      struct {
        __be16 port;
      } sctp;
      struct {
        __be16 key;
      } gre;
    } u;
    u_int8_t protonum, dir;
  } dst;
};
struct nf_conntrack_tuple_hash {
  struct hlist_nulls_node hnnode; struct nf_conntrack_tuple tuple;
};
typedef u32 u_int32_t;
struct ip_ct_sctp {
  enum sctp_conntrack state; __be32 vtag[2]; u8 init[2], last_dir, flags;
};
struct ip_ct_tcp_state {
  u_int32_t td_end, td_maxend, td_maxwin, td_maxack; u_int8_t td_scale, flags;
};
struct ip_ct_tcp {
  struct ip_ct_tcp_state seen[2]; u_int8_t state, last_dir, retrans, last_index;
  u_int32_t last_seq, last_ack, last_end; u_int16_t last_win; u_int8_t last_wscale, last_flags;
};
struct nf_ct_udp {
  unsigned long stream_ts;
};
struct nf_ct_gre {
  unsigned int stream_timeout, timeout;
};
union nf_conntrack_proto {
  struct ip_ct_sctp sctp; struct ip_ct_tcp tcp; struct nf_ct_udp udp; struct nf_ct_gre gre;
  unsigned int tmpl_padto;
};
struct nf_conn {
  struct nf_conntrack ct_general; @4 spinlock_t lock; u32 timeout; struct nf_conntrack_zone zone;
  struct nf_conntrack_tuple_hash tuplehash[2]; unsigned long status; possible_net_t ct_net;
  struct hlist_node nat_bysource; struct nf_conn *master; u_int32_t mark, secmark;
  struct nf_ct_ext *ext; union nf_conntrack_proto proto;
};
struct nf_ct_ext {
  u8 offset[10], len; @16 char data[0];
};
struct nf_conn___init {
  struct nf_conn ct;
};
struct qdisc_skb_head {
  struct sk_buff *head, *tail; __u32 qlen; @20 spinlock_t lock;
};
typedef struct {
  atomic_long_t a;
} local_t;
typedef struct {
  local_t a;
} local64_t;
typedef struct {
  local64_t v;
} u64_stats_t;
struct gnet_stats_basic_sync {
  u64_stats_t bytes, packets;
};
struct gnet_stats_queue {
  __u32 qlen, backlog, drops, requeues, overlimits;
};
struct Qdisc {
  void *enqueue, *dequeue; unsigned int flags; u32 limit; const struct Qdisc_ops *ops;
  struct qdisc_size_table *stab; struct hlist_node hash; u32 handle, parent; int depth;
  struct netdev_queue *dev_queue; struct net_rate_estimator *rate_est;
  struct gnet_stats_basic_sync *cpu_bstats; struct gnet_stats_queue *cpu_qstats; int pad;
  @108 refcount_t refcnt; @128 __u8 __cacheline_group_begin__Qdisc_read_mostly[0];
  struct sk_buff_head gso_skb; struct Qdisc *next_sched; struct sk_buff_head skb_bad_txq;
  __u8 __cacheline_group_end__Qdisc_read_mostly[0];
  @192 __u8 __cacheline_group_begin__Qdisc_write[0]; struct qdisc_skb_head q; unsigned long state;
  struct gnet_stats_basic_sync bstats; bool running; struct gnet_stats_queue qstats;
  struct sk_buff *to_free; __u8 __cacheline_group_end__Qdisc_write[0];
  @320 atomic_long_t defer_count; struct llist_head defer_list; spinlock_t seqlock;
  struct callback_head rcu; @384 long privdata[0];
};
struct Qdisc_ops {
  struct Qdisc_ops *next; const struct Qdisc_class_ops *cl_ops; char id[16]; int priv_size;
  unsigned int static_flags; int (*enqueue)(struct sk_buff *, struct Qdisc *, struct sk_buff **);
  struct sk_buff *(*dequeue)(struct Qdisc *), *(*peek)(struct Qdisc *);
  int (*init)(struct Qdisc *, struct nlattr *, struct netlink_ext_ack *);
  void (*reset)(struct Qdisc *), (*destroy)(struct Qdisc *);
  int (*change)(struct Qdisc *, struct nlattr *, struct netlink_ext_ack *);
  void (*attach)(struct Qdisc *); int (*change_tx_queue_len)(struct Qdisc *, unsigned int);
  void (*change_real_num_tx)(struct Qdisc *, unsigned int);
  int (*dump)(struct Qdisc *, struct sk_buff *), (*dump_stats)(struct Qdisc *,
    struct gnet_dump *);
  void (*ingress_block_set)(struct Qdisc *, u32), (*egress_block_set)(struct Qdisc *, u32);
  u32 (*ingress_block_get)(struct Qdisc *), (*egress_block_get)(struct Qdisc *);
  struct module *owner;
};
struct tc_sizespec {
  unsigned char cell_log, size_log; short cell_align; int overhead;
  unsigned int linklayer, mpu, mtu, tsize;
};
struct qdisc_size_table {
  struct callback_head rcu; struct list_head list; struct tc_sizespec szopts; int refcnt;
  u16 data[0];
};
struct bpf_sk_buff_ptr {
  struct sk_buff *skb;
};
struct qdisc_watchdog {
  struct hrtimer timer; struct Qdisc *qdisc;
};
struct bpf_sched_data {
  struct qdisc_watchdog watchdog;
};
struct nlattr {
  __u16 nla_len, nla_type;
};
struct netlink_ext_ack {
  const char *_msg; const struct nlattr *bad_attr; const struct nla_policy *policy;
  const struct nlattr *miss_nest; u16 miss_type; u8 cookie[8], cookie_len; char _msg_buf[80];
};
struct qdisc_skb_cb {
  unsigned int pkt_len; u16 pkt_segs, tc_classid; unsigned char data[20];
  u16 slave_dev_queue_mapping; u8 post_ct:1, post_ct_snat:1, post_ct_dnat:1;
};
`;
