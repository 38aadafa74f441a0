/** Packets, their headers, network devices. include/linux/skbuff.h, netdevice.h */
export const PACKETS = `
struct in_addr {
  __be32 s_addr;
};
typedef unsigned short __kernel_sa_family_t;
typedef __kernel_sa_family_t sa_family_t;
struct sockaddr {
  sa_family_t sa_family; char sa_data[14];
};
struct sockaddr_in {
  __kernel_sa_family_t sin_family; __be16 sin_port; struct in_addr sin_addr;
  unsigned char __pad[8];
};
struct sockaddr_in6 {
  unsigned short sin6_family; __be16 sin6_port; __be32 sin6_flowinfo; struct in6_addr sin6_addr;
  __u32 sin6_scope_id;
};
struct sockaddr_un {
  __kernel_sa_family_t sun_family; char sun_path[108];
};
struct __kernel_sockaddr_storage {
  union {
    struct {
      __kernel_sa_family_t ss_family; char __data[126];
    };
    void *__align;
  };
};
typedef __u16 __sum16;
struct iphdr {
  __u8 ihl:4, version:4, tos; __be16 tot_len, id, frag_off; __u8 ttl, protocol; __sum16 check;
  union {
    struct {
      __be32 saddr, daddr;
    };
    struct {
      __be32 saddr, daddr;
    } addrs;
  };
};
struct ipv6hdr {
  __u8 priority:4, version:4, flow_lbl[3]; __be16 payload_len; __u8 nexthdr, hop_limit;
  union {
    struct {
      struct in6_addr saddr, daddr;
    };
    struct {
      struct in6_addr saddr, daddr;
    } addrs;
  };
};
struct tcphdr {
  __be16 source, dest; __be32 seq, ack_seq;
  __u16 ae:1, res1:3, doff:4, fin:1, syn:1, rst:1, psh:1, ack:1, urg:1, ece:1, cwr:1;
  __be16 window; __sum16 check; __be16 urg_ptr;
};
struct udphdr {
  __be16 source, dest, len; __sum16 check;
};
struct ethhdr {
  unsigned char h_dest[6], h_source[6]; __be16 h_proto;
};
struct icmphdr {
  __u8 type, code; __sum16 checksum;
  union {
    struct {
      __be16 id, sequence;
    } echo;
    __be32 gateway;
    struct {
      __be16 __unused, mtu;
    } frag;
    __u8 reserved[4];
  } un;
};
struct icmpv6_echo {
  __be16 identifier, sequence;
};
struct icmpv6_nd_advt {
  __u32 reserved:5, override:1, solicited:1, router:1, reserved2:24;
};
struct icmpv6_nd_ra {
  __u8 hop_limit, reserved:3, router_pref:2, home_agent:1, other:1, managed:1; __be16 rt_lifetime;
};
struct icmp6hdr {
  __u8 icmp6_type, icmp6_code; __sum16 icmp6_cksum;
  union {
    __be32 un_data32[1]; __be16 un_data16[2]; __u8 un_data8[4]; struct icmpv6_echo u_echo;
    struct icmpv6_nd_advt u_nd_advt; struct icmpv6_nd_ra u_nd_ra;
  } icmp6_dataun;
};
struct vlan_hdr {
  __be16 h_vlan_TCI, h_vlan_encapsulated_proto;
};
struct arphdr {
  __be16 ar_hrd, ar_pro; unsigned char ar_hln, ar_pln; __be16 ar_op;
};
typedef struct {
  struct net *net;
} possible_net_t;
struct ns_common {
  struct {
    refcount_t __ns_ref;
  } 64;
  u32 ns_type; struct dentry *stashed; const struct proc_ns_operations *ops; unsigned int inum;
  union {
    struct callback_head ns_rcu;
  } 160;
};
struct inet_timewait_death_row {
  refcount_t tw_refcount; @64 struct inet_hashinfo *hashinfo; int sysctl_max_tw_buckets;
} 128;
struct ping_group_range {
  seqlock_t lock; kgid_t range[2];
};
struct netns_ipv4 {
  @20 int sysctl_tcp_wmem[3]; @44 int sysctl_tcp_rmem[3];
  @128 struct inet_timewait_death_row tcp_death_row; struct udp_table *udp_table;
  @336 struct ipv4_devconf *devconf_all; struct ipv4_devconf *devconf_dflt;
  @424 struct hlist_head *fib_table_hash; @524 u8 sysctl_tcp_ecn; @528 u8 sysctl_ip_default_ttl;
  @575 u8 sysctl_tcp_syncookies; @680 const struct tcp_congestion_ops *tcp_congestion_control;
  @752 struct ping_group_range ping_group_range; @892 atomic_t rt_genid;
} 1024;
struct net {
  refcount_t passive; @12 u32 ifindex; @24 struct list_head list; @104 struct key_tag *key_domain;
  struct user_namespace *user_ns; struct ucounts *ucounts; @192 struct ns_common ns;
  struct list_head dev_base_head; @648 u32 hash_mix; struct net_device *loopback_dev;
  @960 struct netns_ipv4 ipv4;
  @4608 u64 net_cookie;
} 4800;
struct sk_buff_list {
  struct sk_buff *next, *prev;
};
struct sk_buff_head {
  union {
    struct {
      struct sk_buff *next, *prev;
    };
    struct sk_buff_list list;
  };
  __u32 qlen; @20 spinlock_t lock;
};
struct skb_shared_hwtstamps {
  union {
    ktime_t hwtstamp; void *netdev_data;
  };
};
struct xsk_tx_metadata_compl {
  __u64 *tx_timestamp;
};
typedef unsigned long netmem_ref;
struct skb_frag {
  netmem_ref netmem; unsigned int len, offset;
};
typedef struct skb_frag skb_frag_t;
struct skb_shared_info {
  __u8 flags, meta_len, nr_frags, tx_flags; unsigned short gso_size, gso_segs;
  struct sk_buff *frag_list;
  union {
    struct skb_shared_hwtstamps hwtstamps; struct xsk_tx_metadata_compl xsk_meta;
  };
  unsigned int gso_type; u32 tskey; atomic_t dataref;
  union {
    struct {
      u32 xdp_frags_size, xdp_frags_truesize;
    };
    void *destructor_arg;
  };
  skb_frag_t frags[17];
};
typedef unsigned int sk_buff_data_t;
struct sk_buff {
  union {
    struct {
      struct sk_buff *next, *prev;
      union {
        struct net_device *dev; unsigned long dev_scratch;
      };
    };
    struct rb_node rbnode; struct list_head list; struct llist_node ll_node;
  };
  struct sock *sk;
  union {
    ktime_t tstamp; u64 skb_mstamp_ns;
  };
  char cb[48];
  union {
    struct {
      unsigned long _skb_refdst; void *destructor;
    };
    struct list_head tcp_tsorted_anchor; unsigned long _sk_redir;
  };
  unsigned long _nfct; unsigned int len, data_len; __u16 mac_len, hdr_len, queue_mapping;
  __u8 __cloned_offset[0], cloned:1, nohdr:1, fclone:2, peeked:1, head_frag:1, pfmemalloc:1;
  __u8 pp_recycle:1, active_extensions;
  union {
    struct {
      __u8 __pkt_type_offset[0], pkt_type:3, ignore_df:1, dst_pending_confirm:1, ip_summed:2;
      __u8 ooo_okay:1, __mono_tc_offset[0], tstamp_type:2, tc_at_ingress:1, tc_skip_classify:1;
      __u8 remcsum_offload:1, csum_complete_sw:1, csum_level:2, inner_protocol_type:1, l4_hash:1;
      __u8 sw_hash:1, no_fcs:1, encapsulation:1, encap_hdr_csum:1, csum_valid:1, ndisc_nodetype:2;
      __u8 ipvs_property:1, nf_trace:1, redirected:1, from_ingress:1, nf_skip_egress:1;
      __u8 decrypted:1, slow_gro:1, csum_not_inet:1, unreadable:1, tc_depth:2; __u16 tc_index;
      u16 alloc_cpu;
      union {
        __wsum csum;
        struct {
          __u16 csum_start, csum_offset;
        };
      };
      __u32 priority; int skb_iif; __u32 hash;
      union {
        u32 vlan_all;
        struct {
          __be16 vlan_proto; __u16 vlan_tci;
        };
      };
      union {
        unsigned int napi_id, sender_cpu;
      };
      __u32 secmark;
      union {
        __u32 mark, reserved_tailroom;
      };
      union {
        __be16 inner_protocol; __u8 inner_ipproto;
      };
      __u16 inner_transport_header, inner_network_header, inner_mac_header; __be16 protocol;
      __u16 transport_header, network_header, mac_header;
    };
    struct {
      __u8 __pkt_type_offset[0], pkt_type:3, ignore_df:1, dst_pending_confirm:1, ip_summed:2;
      __u8 ooo_okay:1, __mono_tc_offset[0], tstamp_type:2, tc_at_ingress:1, tc_skip_classify:1;
      __u8 remcsum_offload:1, csum_complete_sw:1, csum_level:2, inner_protocol_type:1, l4_hash:1;
      __u8 sw_hash:1, no_fcs:1, encapsulation:1, encap_hdr_csum:1, csum_valid:1, ndisc_nodetype:2;
      __u8 ipvs_property:1, nf_trace:1, redirected:1, from_ingress:1, nf_skip_egress:1;
      __u8 decrypted:1, slow_gro:1, csum_not_inet:1, unreadable:1, tc_depth:2; __u16 tc_index;
      u16 alloc_cpu;
      union {
        __wsum csum;
        struct {
          __u16 csum_start, csum_offset;
        };
      };
      __u32 priority; int skb_iif; __u32 hash;
      union {
        u32 vlan_all;
        struct {
          __be16 vlan_proto; __u16 vlan_tci;
        };
      };
      union {
        unsigned int napi_id, sender_cpu;
      };
      __u32 secmark;
      union {
        __u32 mark, reserved_tailroom;
      };
      union {
        __be16 inner_protocol; __u8 inner_ipproto;
      };
      __u16 inner_transport_header, inner_network_header, inner_mac_header; __be16 protocol;
      __u16 transport_header, network_header, mac_header;
    } headers;
  };
  sk_buff_data_t tail, end; unsigned char *head, *data; unsigned int truesize;
  @220 refcount_t users; struct skb_ext *extensions;
};
typedef u64 netdev_features_t;
struct netdev_tc_txq {
  union {
    struct {
      u16 count, offset;
    };
    u32 combined;
  };
};
typedef u32 xdp_features_t;
struct netdev_hw_addr_list {
  struct list_head list; int count; struct rb_root tree;
};
typedef u32 __kernel_dev_t;
typedef __kernel_dev_t dev_t;
struct device {
  struct kobject kobj; struct device *parent; @80 const char *init_name;
  const struct device_type *type; const struct bus_type *bus; struct device_driver *driver;
  @120 void *driver_data;
  struct {
    const char *name; spinlock_t lock;
  } driver_override;
  @616 u64 bus_dma_limit; @692 dev_t devt; u32 id; @720 const struct class *class;
} 784;
struct bpf_xdp_entity {
  struct bpf_prog *prog; struct bpf_xdp_link *link;
};
struct net_device {
  __u8 __cacheline_group_begin__net_device_read_tx[0];
  union {
    struct {
      unsigned long priv_flags:32, lltx:1, netmem_tx:2;
    };
    struct {
      unsigned long priv_flags:32, lltx:1, netmem_tx:2;
    } priv_flags_fast;
  };
  const struct net_device_ops *netdev_ops; const struct header_ops *header_ops;
  struct netdev_queue *_tx; netdev_features_t gso_partial_features;
  unsigned int real_num_tx_queues, gso_max_size, gso_ipv4_max_size; u16 gso_max_segs; s16 num_tc;
  unsigned int mtu; unsigned short needed_headroom; struct netdev_tc_txq tc_to_txq[16];
  struct xps_dev_maps *xps_maps[2]; struct nf_hook_entries *nf_hooks_egress;
  struct bpf_mprog_entry *tcx_egress; __u8 __cacheline_group_end__net_device_read_tx[0];
  __u8 __cacheline_group_begin__net_device_read_txrx[0];
  union {
    struct pcpu_lstats *lstats; struct pcpu_sw_netstats *tstats; struct pcpu_dstats *dstats;
  };
  unsigned long state; unsigned int flags; unsigned short hard_header_len;
  enum netdev_stat_type pcpu_stat_type:8; netdev_features_t features; struct inet6_dev *ip6_ptr;
  __u8 __cacheline_group_end__net_device_read_txrx[0];
  __u8 __cacheline_group_begin__net_device_read_rx[0]; struct bpf_prog *xdp_prog;
  struct list_head ptype_specific; int ifindex; unsigned int real_num_rx_queues;
  struct netdev_rx_queue *_rx; unsigned int gro_max_size, gro_ipv4_max_size;
  void *rx_handler, *rx_handler_data; possible_net_t nd_net; struct netpoll_info *npinfo;
  struct bpf_mprog_entry *tcx_ingress; __u8 __cacheline_group_end__net_device_read_rx[0];
  char name[16]; struct netdev_name_node *name_node; struct dev_ifalias *ifalias;
  unsigned long mem_end, mem_start, base_addr;
  struct list_head dev_list, napi_list, unreg_list, close_list, ptype_all;
  struct {
    struct list_head upper, lower;
  } adj_list;
  xdp_features_t xdp_features; const struct xdp_metadata_ops *xdp_metadata_ops;
  const struct xsk_tx_metadata_ops *xsk_tx_metadata_ops; unsigned short gflags, needed_tailroom;
  netdev_features_t hw_features, wanted_features, vlan_features, hw_enc_features, mpls_features;
  netdev_features_t mangleid_features; unsigned int min_mtu, max_mtu; unsigned short type;
  unsigned char min_header_len, name_assign_type; int group;
  @736 struct net_device_core_stats *core_stats; atomic_t carrier_up_count;
  @748 atomic_t carrier_down_count; const struct ethtool_ops *ethtool_ops;
  const struct l3mdev_ops *l3mdev_ops; const struct ndisc_ops *ndisc_ops;
  const struct xfrmdev_ops *xfrmdev_ops; const struct tlsdev_ops *tlsdev_ops;
  unsigned int operstate;
  unsigned char link_mode, if_port, dma, perm_addr[32], addr_assign_type, addr_len, upper_level;
  unsigned char lower_level; u8 threaded; unsigned short neigh_priv_len, dev_id, dev_port;
  int irq; u32 priv_len; @852 spinlock_t addr_list_lock;
  struct netdev_hw_addr_list uc, mc, dev_addrs; struct kset *queues_kset;
  unsigned int promiscuity, allmulti; bool uc_promisc; struct list_head work_node;
  unsigned long work_pending, work_core_pending; struct netdev_hw_addr_list rx_mode_addr_cache;
  struct timer_list rx_mode_retry_timer; unsigned int rx_mode_retry_count;
  struct in_device *ip_ptr; struct hlist_head fib_nh_head; struct vlan_info *vlan_info;
  struct tipc_bearer *tipc_ptr; struct mpls_dev *mpls_ptr; const unsigned char *dev_addr;
  unsigned int num_rx_queues, xdp_zc_max_segs; struct netdev_queue *ingress_queue;
  struct nf_hook_entries *nf_hooks_ingress; unsigned char broadcast[32];
  struct cpu_rmap *rx_cpu_rmap; struct hlist_node index_hlist; unsigned int num_tx_queues;
  struct Qdisc *qdisc; unsigned int tx_queue_len; @1236 spinlock_t tx_global_lock;
  struct xdp_dev_bulk_queue *xdp_bulkq; struct hlist_head qdisc_hash[16];
  struct timer_list watchdog_timer; int watchdog_timeo; @1420 spinlock_t watchdog_lock;
  bool watchdog_ref_held; u32 proto_down_reason; struct list_head todo_list; int *pcpu_refcnt;
  struct list_head link_watch_list; u8 reg_state;
  bool dismantle, moving_ns, rtnl_link_initializing, needs_free_netdev;
  void *priv_destructor, *ml_priv; enum netdev_ml_priv_type ml_priv_type;
  struct garp_port *garp_port; struct mrp_port *mrp_port; struct dm_hw_stat_delta *dm_private;
  struct device dev; const struct attribute_group *sysfs_groups[5], *sysfs_rx_queue_group;
  const struct rtnl_link_ops *rtnl_link_ops; const struct netdev_stat_ops *stat_ops;
  const struct netdev_queue_mgmt_ops *queue_mgmt_ops; unsigned int tso_max_size; u16 tso_max_segs;
  const struct dcbnl_rtnl_ops *dcbnl_ops; u8 prio_tc_map[16]; struct netprio_map *priomap;
  struct phy_link_topology *link_topo; struct phy_device *phydev; struct sfp_bus *sfp_bus;
  struct lock_class_key *qdisc_tx_busylock; bool proto_down, irq_affinity_auto, rx_cpu_rmap_auto;
  unsigned long see_all_hwtstamp_requests:1, change_proto_down:1, netns_immutable:1, fcoe_mtu:1;
  struct list_head net_notifier_list; const struct macsec_ops *macsec_ops;
  const struct udp_tunnel_nic_info *udp_tunnel_nic_info; struct udp_tunnel_nic *udp_tunnel_nic;
  struct netdev_config *cfg, *cfg_pending; struct ethtool_netdev_state *ethtool;
  struct bpf_xdp_entity xdp_state[3]; u8 dev_addr_shadow[32];
  struct rtnl_hw_stats64 *offload_xstats_l3; struct devlink_port *devlink_port;
  struct hlist_head page_pools; struct dim_irq_moder *irq_moder; u64 max_pacing_offload_horizon;
  struct napi_config *napi_config; u32 num_napi_configs, napi_defer_hard_irqs;
  unsigned long gro_flush_timeout; bool up, request_ops_lock; struct mutex lock;
  struct net_shaper_hierarchy *net_shaper_hierarchy; struct hlist_head neighbours[2];
  struct hwtstamp_provider *hwprov; @2752 u8 priv[0];
};
struct netdev_queue {
  struct net_device *dev; struct Qdisc *qdisc, *qdisc_sleeping; struct kobject kobj;
  const struct attribute_group **groups; unsigned long tx_maxrate; atomic_long_t trans_timeout;
  struct net_device *sb_dev; struct xsk_buff_pool *pool; @256 spinlock_t _xmit_lock;
  int xmit_lock_owner; unsigned long trans_start; @280 struct napi_struct *napi; int numa_node;
} 320;
struct xdp_buff {
  void *data, *data_end, *data_meta, *data_hard_start; struct xdp_rxq_info *rxq;
  struct xdp_txq_info *txq;
  union {
    struct {
      u32 frame_sz, flags;
    };
    u64 frame_sz_flags_init;
  };
};
struct xdp_frame {
  void *data; u32 len, headroom, metasize; enum xdp_mem_type mem_type:32;
  struct net_device *dev_rx; u32 frame_sz, flags;
};
struct xdp_mem_info {
  u32 type, id;
};
struct xdp_rxq_info {
  struct net_device *dev; u32 queue_index, reg_state; struct xdp_mem_info mem; u32 frag_size;
} 64;
struct dst_entry {
  union {
    struct net_device *dev, *dev_rcu;
  };
  struct dst_ops *ops; unsigned long _metrics, expires; struct xfrm_state *xfrm;
  void *input, *output; unsigned short flags; short obsolete;
  unsigned short header_len, trailer_len; rcuref_t __rcuref; int __use; unsigned long lastuse;
  struct callback_head callback_head; short error, __pad; __u32 tclassid;
  struct list_head rt_uncached; struct uncached_list *rt_uncached_list;
  struct lwtunnel_state *lwtstate;
};
struct flow_dissector_key_control {
  u16 thoff, addr_type; u32 flags;
};
struct flow_dissector_key_basic {
  __be16 n_proto; u8 ip_proto, padding;
};
struct flow_dissector_key_tags {
  u32 flow_label;
};
struct flow_dissector_key_vlan {
  union {
    struct {
      u16 vlan_id:12, vlan_dei:1, vlan_priority:3;
    };
    __be16 vlan_tci;
  };
  __be16 vlan_tpid, vlan_eth_type; u16 padding;
};
struct flow_dissector_key_keyid {
  __be32 keyid;
};
struct flow_dissector_key_ports {
  union {
    __be32 ports;
    struct {
      __be16 src, dst;
    };
  };
};
struct flow_dissector_key_icmp {
  struct {
    u8 type, code;
  };
  u16 id;
};
struct flow_dissector_key_ipv4_addrs {
  __be32 src, dst;
};
struct flow_dissector_key_ipv6_addrs {
  struct in6_addr src, dst;
};
struct flow_dissector_key_tipc {
  __be32 key;
};
struct flow_dissector_key_addrs {
  union {
    struct flow_dissector_key_ipv4_addrs v4addrs; struct flow_dissector_key_ipv6_addrs v6addrs;
    struct flow_dissector_key_tipc tipckey;
  };
};
struct flow_keys {
  struct flow_dissector_key_control control; struct flow_dissector_key_basic basic;
  struct flow_dissector_key_tags tags; struct flow_dissector_key_vlan vlan, cvlan;
  struct flow_dissector_key_keyid keyid; struct flow_dissector_key_ports ports;
  struct flow_dissector_key_icmp icmp; struct flow_dissector_key_addrs addrs;
} 80;
struct bpf_flow_dissector {
  struct bpf_flow_keys *flow_keys; const struct sk_buff *skb; const void *data, *data_end;
};
`;
