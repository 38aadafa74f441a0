/** Rarer headers, addresses of devices, tables of sockets. */
export const DEVICES = `
struct ipv6_opt_hdr {
  __u8 nexthdr, hdrlen;
};
struct udp_prod_queue {
  struct llist_head ll_root; atomic_t rmem_alloc;
} 64;
struct frag_hdr {
  __u8 nexthdr, reserved; __be16 frag_off; __be32 identification;
};
struct ipv4_devconf {
  void *sysctl; int data[33]; unsigned long state[1];
};
struct ipv6_stable_secret {
  bool initialized; struct in6_addr secret;
};
struct ipv6_devconf {
  __u8 __cacheline_group_begin__ipv6_devconf_read_txrx[0];
  __s32 disable_ipv6, hop_limit, mtu6, forwarding, force_forwarding, disable_policy, proxy_ndp;
  __u8 __cacheline_group_end__ipv6_devconf_read_txrx[0];
  __s32 accept_ra, accept_redirects, autoconf, dad_transmits, rtr_solicits, rtr_solicit_interval;
  __s32 rtr_solicit_max_interval, rtr_solicit_delay, force_mld_version;
  __s32 mldv1_unsolicited_report_interval, mldv2_unsolicited_report_interval, use_tempaddr;
  __s32 temp_valid_lft, temp_prefered_lft, regen_min_advance, regen_max_retry, max_desync_factor;
  __s32 max_addresses, accept_ra_defrtr; __u32 ra_defrtr_metric;
  __s32 accept_ra_min_hop_limit, accept_ra_min_lft, accept_ra_pinfo, ignore_routes_with_linkdown;
  __s32 accept_ra_rtr_pref, rtr_probe_interval, accept_ra_rt_info_min_plen;
  __s32 accept_ra_rt_info_max_plen, accept_source_route, accept_ra_from_local, optimistic_dad;
  __s32 use_optimistic; atomic_t mc_forwarding;
  __s32 drop_unicast_in_l2_multicast, accept_dad, force_tllao, ndisc_notify, suppress_frag_ndisc;
  __s32 accept_ra_mtu, drop_unsolicited_na, accept_untracked_na;
  struct ipv6_stable_secret stable_secret;
  __s32 use_oif_addrs_only, keep_addr_on_down, seg6_enabled, seg6_require_hmac;
  __u32 enhanced_dad, addr_gen_mode; __s32 ndisc_tclass, rpl_seg_enabled;
  __u32 ioam6_id, ioam6_id_wide;
  __u8 ioam6_enabled, ndisc_evict_nocarrier, ra_honor_pio_life, ra_honor_pio_pflag;
  struct ctl_table_header *sysctl_header;
};
struct hlist_nulls_head {
  struct hlist_nulls_node *first;
};
struct inet_ehash_bucket {
  struct hlist_nulls_head chain;
};
struct inet_bind_hashbucket {
  spinlock_t lock; struct hlist_head chain;
};
struct inet_listen_hashbucket {
  spinlock_t lock; struct hlist_nulls_head nulls_head;
};
struct udp_hslot {
  union {
    struct hlist_head head; struct hlist_nulls_head nulls_head;
  };
  int count; spinlock_t lock;
};
struct udp_hslot_main {
  struct udp_hslot hslot; u32 hash4_cnt;
} 32;
struct udp_table {
  struct udp_hslot *hash; struct udp_hslot_main *hash2; struct udp_hslot *hash4;
  unsigned int mask, log;
};
struct gre_base_hdr {
  __be16 flags, protocol;
};
struct mpls_label {
  __be32 entry;
};
struct igmphdr {
  __u8 type, code; __sum16 csum; __be32 group;
};
struct fib_nh {
  struct fib_nh_common nh_common; struct hlist_node nh_hash; struct fib_info *nh_parent;
  __u32 nh_tclassid; __be32 nh_saddr; int nh_saddr_genid;
};
struct fib_info {
  struct hlist_node fib_hash, fib_lhash; struct list_head nh_list; struct net *fib_net;
  refcount_t fib_treeref, fib_clntref; unsigned int fib_flags;
  unsigned char fib_dead, fib_protocol, fib_scope, fib_type; __be32 fib_prefsrc;
  u32 fib_tb_id, fib_priority; struct dst_metrics *fib_metrics; int fib_nhs;
  bool fib_nh_is_v6, nh_updated, pfsrc_removed; struct nexthop *nh; struct callback_head rcu;
  struct fib_nh fib_nh[0];
};
struct in_device {
  struct net_device *dev; refcount_t refcnt; int dead; struct in_ifaddr *ifa_list;
  struct ip_mc_list *mc_list, **mc_hash; int mc_count; spinlock_t mc_tomb_lock;
  struct ip_mc_list *mc_tomb; unsigned long mr_v1_seen, mr_v2_seen, mr_qi, mr_qri;
  unsigned char mr_qrv, mr_gq_running; u32 mr_maxdelay, mr_ifc_count;
  struct timer_list mr_gq_timer, mr_ifc_timer; struct neigh_parms *arp_parms;
  struct ipv4_devconf cnf; struct callback_head callback_head;
};
struct ipv6_devstat {
  struct proc_dir_entry *proc_dir_entry; struct ipstats_mib *ipv6;
  struct icmpv6_mib_device *icmpv6dev; struct icmpv6msg_mib_device *icmpv6msgdev;
};
struct inet6_dev {
  struct net_device *dev; struct list_head addr_list; struct ifmcaddr6 *mc_list, *mc_tomb;
  unsigned char mc_qrv, mc_gq_running, mc_ifc_count, mc_dad_count;
  unsigned long mc_v1_seen, mc_qi, mc_qri, mc_maxdelay;
  struct delayed_work mc_gq_work, mc_ifc_work, mc_dad_work, mc_query_work, mc_report_work;
  struct sk_buff_head mc_query_queue, mc_report_queue; spinlock_t mc_query_lock, mc_report_lock;
  struct mutex mc_lock; struct ifacaddr6 *ac_list; rwlock_t lock; refcount_t refcnt;
  __u32 if_flags; int dead; u32 desync_factor; struct list_head tempaddr_list;
  struct in6_addr token; struct neigh_parms *nd_parms; struct ipv6_devconf cnf;
  struct ipv6_devstat stats; struct timer_list rs_timer; __s32 rs_interval; __u8 rs_probes;
  unsigned long tstamp; struct callback_head rcu; unsigned int ra_mtu;
};
struct in_ifaddr {
  struct hlist_node addr_lst; struct in_ifaddr *ifa_next; struct in_device *ifa_dev;
  struct callback_head callback_head; __be32 ifa_local, ifa_address, ifa_mask;
  __u32 ifa_rt_priority; __be32 ifa_broadcast; unsigned char ifa_scope, ifa_prefixlen, ifa_proto;
  __u32 ifa_flags; char ifa_label[16]; __u32 ifa_valid_lft, ifa_preferred_lft;
  unsigned long ifa_cstamp, ifa_tstamp;
};
struct ifmap {
  unsigned long mem_start, mem_end; unsigned short base_addr; unsigned char irq, dma, port;
};
typedef struct {
  unsigned short encoding, parity;
} raw_hdlc_proto;
typedef struct {
  unsigned int interval, timeout;
} cisco_proto;
typedef struct {
  unsigned int t391, t392, n391, n392, n393; unsigned short lmi, dce;
} fr_proto;
typedef struct {
  unsigned int dlci;
} fr_proto_pvc;
typedef struct {
  unsigned int dlci; char master[16];
} fr_proto_pvc_info;
typedef struct {
  unsigned short dce; unsigned int modulo, window, t1, t2, n2;
} x25_hdlc_proto;
typedef struct {
  unsigned int clock_rate, clock_type; unsigned short loopback;
} sync_serial_settings;
typedef struct {
  unsigned int clock_rate, clock_type; unsigned short loopback; unsigned int slot_map;
} te1_settings;
struct if_settings {
  unsigned int type, size;
  union {
    raw_hdlc_proto *raw_hdlc; cisco_proto *cisco; fr_proto *fr; fr_proto_pvc *fr_pvc;
    fr_proto_pvc_info *fr_pvc_info; x25_hdlc_proto *x25; sync_serial_settings *sync;
    te1_settings *te1;
  } ifs_ifsu;
};
struct ifreq {
  union {
    char ifrn_name[16];
  } ifr_ifrn;
  union {
    struct sockaddr ifru_addr, ifru_dstaddr, ifru_broadaddr, ifru_netmask, ifru_hwaddr;
    short ifru_flags; int ifru_ivalue, ifru_mtu; struct ifmap ifru_map;
    char ifru_slave[16], ifru_newname[16]; void *ifru_data; struct if_settings ifru_settings;
  } ifr_ifru;
};
struct netlink_kernel_cfg {
  unsigned int groups, flags; void *input, *bind, *unbind, *release;
};
struct nlmsghdr {
  __u32 nlmsg_len; __u16 nlmsg_type, nlmsg_flags; __u32 nlmsg_seq, nlmsg_pid;
};
typedef struct {
  u64 key[2];
} siphash_key_t;
`;
