/**
 * What programs get: contexts as the kernel has them, those of iterators, and tables of operations
 * that programs implement.
 */
export const CONTEXTS = `
typedef struct pt_regs bpf_user_pt_regs_t;
struct bpf_perf_event_data {
  bpf_user_pt_regs_t regs; __u64 sample_period, addr;
};
struct bpf_nf_ctx {
  const struct nf_hook_state *state; struct sk_buff *skb;
};
struct bpf_sk_lookup_kern {
  u16 family, protocol; __be16 sport; u16 dport;
  struct {
    __be32 saddr, daddr;
  } v4;
  struct {
    const struct in6_addr *saddr, *daddr;
  } v6;
  struct sock *selected_sk; u32 ingress_ifindex; bool no_reuseport;
};
struct bpf_sock_ops_kern {
  struct sock *sk;
  union {
    u32 args[4], reply, replylong[4];
  };
  struct sk_buff *syn_skb, *skb; void *skb_data_end;
  u8 op, is_fullsock, is_locked_tcp_sock, remaining_opt_len; u64 temp;
};
struct bpf_sock_addr_kern {
  struct sock *sk; struct sockaddr_unsized *uaddr; u64 tmp_reg; void *t_ctx; u32 uaddrlen;
};
struct bpf_sockopt_kern {
  struct sock *sk; u8 *optval, *optval_end; s32 level, optname, optlen;
  struct task_struct *current_task; u64 tmp_reg;
};
struct bpf_sysctl_kern {
  struct ctl_table_header *head; const struct ctl_table *table; void *cur_val; size_t cur_len;
  void *new_val; size_t new_len; int new_updated, write; loff_t *ppos; u64 tmp_reg;
};
struct sk_reuseport_kern {
  struct sk_buff *skb; struct sock *sk, *selected_sk, *migrating_sk; void *data_end;
  u32 hash, reuseport_id; bool bind_inany;
};
struct bpf_perf_event_data_kern {
  bpf_user_pt_regs_t *regs; struct perf_sample_data *data; struct perf_event *event;
};
struct bpf_iter_meta {
  union {
    struct seq_file *seq;
  };
  u64 session_id, seq_num;
};
struct bpf_iter__bpf_link {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct bpf_link *link;
  };
};
struct bpf_iter__bpf_map {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct bpf_map *map;
  };
};
struct bpf_iter__bpf_map_elem {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct bpf_map *map;
  };
  union {
    void *key;
  };
  union {
    void *value;
  };
};
struct bpf_iter__bpf_prog {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct bpf_prog *prog;
  };
};
struct bpf_iter__bpf_sk_storage_map {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct bpf_map *map;
  };
  union {
    struct sock *sk;
  };
  union {
    void *value;
  };
};
struct bpf_iter__cgroup {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct cgroup *cgroup;
  };
};
struct bpf_iter__dmabuf {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct dma_buf *dmabuf;
  };
};
struct bpf_iter__ipv6_route {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct fib6_info *rt;
  };
};
struct bpf_iter__kmem_cache {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct kmem_cache *s;
  };
};
struct bpf_iter__ksym {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct kallsym_iter *ksym;
  };
};
struct bpf_iter__netlink {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct netlink_sock *sk;
  };
};
struct bpf_iter__sockmap {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct bpf_map *map;
  };
  union {
    void *key;
  };
  union {
    struct sock *sk;
  };
};
struct bpf_iter__task {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct task_struct *task;
  };
};
struct bpf_iter__task_file {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct task_struct *task;
  };
  u32 fd;
  union {
    struct file *file;
  };
};
struct bpf_iter__task_vma {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct task_struct *task;
  };
  union {
    struct vm_area_struct *vma;
  };
};
struct bpf_iter__tcp {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct sock_common *sk_common;
  };
  uid_t uid;
};
struct bpf_iter__udp {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct udp_sock *udp_sk;
  };
  uid_t uid; @24 int bucket;
};
struct bpf_iter__unix {
  union {
    struct bpf_iter_meta *meta;
  };
  union {
    struct unix_sock *unix_sk;
  };
  uid_t uid;
};
struct bpf_dummy_ops {
  int (*test_1)(struct bpf_dummy_ops_state *), (*test_2)(struct bpf_dummy_ops_state *, int,
    unsigned short, char, unsigned long), (*test_sleepable)(struct bpf_dummy_ops_state *);
};
struct bpf_dummy_ops_state {
  int val;
};
struct bpf_struct_ops_common_value {
  refcount_t refcnt; enum bpf_struct_ops_state state;
};
struct bpf_struct_ops_bpf_dummy_ops {
  struct bpf_struct_ops_common_value common; @64 struct bpf_dummy_ops data;
} 128;
struct bpf_struct_ops_tcp_congestion_ops {
  struct bpf_struct_ops_common_value common; @64 struct tcp_congestion_ops data;
};
struct bpf_struct_ops_Qdisc_ops {
  struct bpf_struct_ops_common_value common; @64 struct Qdisc_ops data;
} 256;
`;
