/** What programs are given, and keep. include/uapi/linux/bpf.h */
export const UAPI = `
struct bpf_sock {
  __u32 bound_dev_if, family, type, protocol, mark, priority, src_ip4, src_ip6[4], src_port;
  __be16 dst_port; __u32 dst_ip4, dst_ip6[4], state; __s32 rx_queue_mapping;
};
struct bpf_sock_addr {
  __u32 user_family, user_ip4, user_ip6[4], user_port, family, type, protocol, msg_src_ip4;
  __u32 msg_src_ip6[4];
  union {
    struct bpf_sock *sk;
  };
};
struct bpf_sock_ops {
  __u32 op;
  union {
    __u32 args[4], reply, replylong[4];
  };
  __u32 family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port;
  __u32 is_fullsock, snd_cwnd, srtt_us, bpf_sock_ops_cb_flags, state, rtt_min, snd_ssthresh;
  __u32 rcv_nxt, snd_nxt, snd_una, mss_cache, ecn_flags, rate_delivered, rate_interval_us;
  __u32 packets_out, retrans_out, total_retrans, segs_in, data_segs_in, segs_out, data_segs_out;
  __u32 lost_out, sacked_out, sk_txhash; __u64 bytes_received, bytes_acked;
  union {
    struct bpf_sock *sk;
  };
  union {
    void *skb_data;
  };
  union {
    void *skb_data_end;
  };
  __u32 skb_len, skb_tcp_flags; __u64 skb_hwtstamp;
};
struct bpf_tcp_sock {
  __u32 snd_cwnd, srtt_us, rtt_min, snd_ssthresh, rcv_nxt, snd_nxt, snd_una, mss_cache, ecn_flags;
  __u32 rate_delivered, rate_interval_us, packets_out, retrans_out, total_retrans, segs_in;
  __u32 data_segs_in, segs_out, data_segs_out, lost_out, sacked_out;
  __u64 bytes_received, bytes_acked; __u32 dsack_dups, delivered, delivered_ce, icsk_retransmits;
};
struct bpf_sock_tuple {
  union {
    struct {
      __be32 saddr, daddr; __be16 sport, dport;
    } ipv4;
    struct {
      __be32 saddr[4], daddr[4]; __be16 sport, dport;
    } ipv6;
  };
};
struct bpf_sockopt {
  union {
    struct bpf_sock *sk;
  };
  union {
    void *optval;
  };
  union {
    void *optval_end;
  };
  __s32 level, optname, optlen, retval;
};
struct bpf_sysctl {
  __u32 write, file_pos;
};
struct bpf_sk_lookup {
  union {
    union {
      struct bpf_sock *sk;
    };
    __u64 cookie;
  };
  __u32 family, protocol, remote_ip4, remote_ip6[4]; __be16 remote_port;
  __u32 local_ip4, local_ip6[4], local_port, ingress_ifindex;
};
struct sk_reuseport_md {
  union {
    void *data;
  };
  union {
    void *data_end;
  };
  __u32 len, eth_protocol, ip_protocol, bind_inany, hash;
  union {
    struct bpf_sock *sk;
  };
  union {
    struct bpf_sock *migrating_sk;
  };
};
struct sk_msg_md {
  union {
    void *data;
  };
  union {
    void *data_end;
  };
  __u32 family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port, size;
  union {
    struct bpf_sock *sk;
  };
};
struct bpf_flow_keys {
  __u16 nhoff, thoff, addr_proto; __u8 is_frag, is_first_frag, is_encap, ip_proto;
  __be16 n_proto, sport, dport;
  union {
    struct {
      __be32 ipv4_src, ipv4_dst;
    };
    struct {
      __u32 ipv6_src[4], ipv6_dst[4];
    };
  };
  __u32 flags; __be32 flow_label;
};
struct bpf_fib_lookup {
  __u8 family, l4_protocol; __be16 sport, dport;
  union {
    __u16 tot_len, mtu_result;
  };
  __u32 ifindex;
  union {
    __u8 tos; __be32 flowinfo; __u32 rt_metric;
  };
  union {
    __be32 ipv4_src; __u32 ipv6_src[4];
  };
  union {
    __be32 ipv4_dst; __u32 ipv6_dst[4];
  };
  union {
    struct {
      __be16 h_vlan_proto, h_vlan_TCI;
    };
    __u32 tbid;
  };
  union {
    struct {
      __u32 mark;
    };
    struct {
      __u8 smac[6], dmac[6];
    };
  };
};
struct bpf_redir_neigh {
  __u32 nh_family;
  union {
    __be32 ipv4_nh; __u32 ipv6_nh[4];
  };
};
struct bpf_tunnel_key {
  __u32 tunnel_id;
  union {
    __u32 remote_ipv4, remote_ipv6[4];
  };
  __u8 tunnel_tos, tunnel_ttl;
  union {
    __u16 tunnel_ext; __be16 tunnel_flags;
  };
  __u32 tunnel_label;
  union {
    __u32 local_ipv4, local_ipv6[4];
  };
};
struct bpf_xfrm_state {
  __u32 reqid, spi; __u16 family, ext;
  union {
    __u32 remote_ipv4, remote_ipv6[4];
  };
};
struct bpf_cgroup_dev_ctx {
  __u32 access_type, major, minor;
};
struct bpf_devmap_val {
  __u32 ifindex;
  union {
    int fd; __u32 id;
  } bpf_prog;
};
struct bpf_cpumap_val {
  __u32 qsize;
  union {
    int fd; __u32 id;
  } bpf_prog;
};
struct xdp_md {
  __u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
struct bpf_xdp_sock {
  __u32 queue_id;
};
struct bpf_cgroup_storage_key {
  __u64 cgroup_inode_id; __u32 attach_type;
};
struct btf_ptr {
  void *ptr; __u32 type_id, flags;
};
struct bpf_stack_build_id {
  __s32 status; unsigned char build_id[20];
  union {
    __u64 offset, ip;
  };
};
struct bpf_dynptr {
  __u64 __opaque[2];
};
struct bpf_list_head {
  __u64 __opaque[2];
};
struct bpf_list_node {
  __u64 __opaque[3];
};
struct bpf_rb_root {
  __u64 __opaque[2];
};
struct bpf_rb_node {
  __u64 __opaque[4];
};
struct bpf_refcount {
  __u32 __opaque[1];
};
struct bpf_task_work {
  __u64 __opaque;
};
struct bpf_res_spin_lock {
  u32 val;
};
struct bpf_insn {
  __u8 code, dst_reg:4, src_reg:4; __s16 off; __s32 imm;
};
struct btf_type {
  __u32 name_off, info;
  union {
    __u32 size, type;
  };
};
enum bpf_dynptr_type {
  BPF_DYNPTR_TYPE_INVALID, BPF_DYNPTR_TYPE_LOCAL, BPF_DYNPTR_TYPE_RINGBUF, BPF_DYNPTR_TYPE_SKB,
  BPF_DYNPTR_TYPE_XDP, BPF_DYNPTR_TYPE_SKB_META, BPF_DYNPTR_TYPE_FILE,
};
enum bpf_adj_room_mode {
  BPF_ADJ_ROOM_NET, BPF_ADJ_ROOM_MAC,
};
enum bpf_hdr_start_off {
  BPF_HDR_START_MAC, BPF_HDR_START_NET,
};
enum bpf_lwt_encap_mode {
  BPF_LWT_ENCAP_SEG6, BPF_LWT_ENCAP_SEG6_INLINE, BPF_LWT_ENCAP_IP,
};
enum bpf_iter_task_type {
  BPF_TASK_ITER_ALL, BPF_TASK_ITER_TID, BPF_TASK_ITER_TGID,
};
enum bpf_ret_code {
  BPF_OK, BPF_DROP = 2, BPF_REDIRECT = 7, BPF_LWT_REROUTE = 128, BPF_FLOW_DISSECTOR_CONTINUE,
};
enum xdp_action {
  XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT,
};
enum sk_action {
  SK_DROP, SK_PASS,
};
enum tcx_action_base {
  TCX_NEXT = -1, TCX_PASS, TCX_DROP = 2, TCX_REDIRECT = 7,
};
enum bpf_cgroup_iter_order {
  BPF_CGROUP_ITER_ORDER_UNSPEC, BPF_CGROUP_ITER_SELF_ONLY, BPF_CGROUP_ITER_DESCENDANTS_PRE,
  BPF_CGROUP_ITER_DESCENDANTS_POST, BPF_CGROUP_ITER_ANCESTORS_UP, BPF_CGROUP_ITER_CHILDREN,
};
enum bpf_task_fd_type {
  BPF_FD_TYPE_RAW_TRACEPOINT, BPF_FD_TYPE_TRACEPOINT, BPF_FD_TYPE_KPROBE, BPF_FD_TYPE_KRETPROBE,
  BPF_FD_TYPE_UPROBE, BPF_FD_TYPE_URETPROBE,
};
`;
