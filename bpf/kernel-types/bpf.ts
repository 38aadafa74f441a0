/** BPF's own structs. include/linux/bpf.h */
export const BPF = `
struct bpf_dynptr_kern {
  void *data; u32 size, offset;
};
struct bpf_iter_bits {
  __u64 __opaque[2];
};
struct bpf_iter_task {
  __u64 __opaque[3];
};
struct bpf_iter_css {
  __u64 __opaque[3];
};
struct bpf_iter_css_task {
  __u64 __opaque[1];
};
struct bpf_iter_task_vma {
  __u64 __opaque[1];
};
struct bpf_iter_kmem_cache {
  __u64 __opaque[1];
};
struct bpf_iter_dmabuf {
  __u64 __opaque[1];
};
struct bpf_iter_scx_dsq {
  u64 __opaque[6];
};
struct bpf_key {
  struct key *key; bool has_ref;
};
struct bpf_crypto_ctx {
  const struct bpf_crypto_type *type; void *tfm; u32 siv_len; struct callback_head rcu;
  refcount_t usage;
};
struct bpf_crypto_params {
  char type[14]; u8 reserved[2]; char algo[128]; u8 key[256]; u32 key_len, authsize;
};
struct cpumask {
  unsigned long bits[128];
};
typedef struct cpumask cpumask_t;
struct bpf_cpumask {
  cpumask_t cpumask; refcount_t usage;
};
struct in6_addr {
  union {
    __u8 u6_addr8[16]; __be16 u6_addr16[8]; __be32 u6_addr32[4];
  } in6_u;
};
typedef union {
  __be32 a4, a6[4]; struct in6_addr in6;
} xfrm_address_t;
struct bpf_xfrm_state_opts {
  s32 error, netns_id; u32 mark; xfrm_address_t daddr; __be32 spi; u8 proto; u16 family;
};
typedef struct qspinlock rqspinlock_t;
struct bpf_local_storage {
  struct bpf_local_storage_data *cache[16]; struct hlist_head list; void *owner;
  struct callback_head rcu; rqspinlock_t lock; u64 mem_charge; refcount_t owner_refcnt;
};
struct bpf_mem_alloc {
  struct bpf_mem_caches *caches; struct bpf_mem_cache *cache; struct obj_cgroup *objcg;
  bool percpu; struct work_struct work; void *dtor_ctx_free, *dtor_ctx;
};
struct pcpu_freelist_head {
  struct pcpu_freelist_node *first; rqspinlock_t lock;
};
struct pcpu_freelist {
  struct pcpu_freelist_head *freelist, extralist;
};
struct __call_single_node {
  struct llist_node llist;
  union {
    unsigned int u_flags; atomic_t a_flags;
  } 4;
  u16 src, dst;
};
struct rcuwait {
  struct task_struct *task;
};
struct irq_work {
  struct __call_single_node node; void *func; struct rcuwait irqwait;
};
struct bpf_ringbuf {
  @24 struct irq_work work; u64 mask; struct page **pages; int nr_pages; bool overwrite_mode;
  @128 rqspinlock_t spinlock; @192 atomic_t busy; @4096 unsigned long consumer_pos;
  @8192 unsigned long producer_pos; unsigned long pending_pos, overwrite_pos; @12288 char data[0];
};
struct bpf_link {
  atomic64_t refcnt; u32 id; enum bpf_link_type type; const struct bpf_link_ops *ops;
  struct bpf_prog *prog; u32 flags; enum bpf_attach_type attach_type;
  union {
    struct callback_head rcu; struct work_struct work;
  };
  bool sleepable;
};
struct range_tree {
  struct rb_root_cached it_root, range_size_root;
};
struct btf_header {
  __u16 magic; __u8 version, flags;
  __u32 hdr_len, type_off, type_len, str_off, str_len, layout_off, layout_len;
};
struct btf {
  void *data; struct btf_type **types; u32 *resolved_ids, *resolved_sizes; const char *strings;
  void *nohdr_data; struct btf_header hdr; u32 nr_types, named_start_id, types_size, data_size;
  refcount_t refcnt; u32 id; struct callback_head rcu; struct btf_kfunc_set_tab *kfunc_set_tab;
  struct btf_id_dtor_kfunc_tab *dtor_kfunc_tab; struct btf_struct_metas *struct_meta_tab;
  struct btf_struct_ops_tab *struct_ops_tab; struct btf_layout *layout; struct btf *base_btf;
  u32 start_id, start_str_off; char name[56]; bool kernel_btf; __u32 *base_id_map;
};
struct bpf_verifier_env {
  u32 insn_idx, prev_insn_idx; struct bpf_prog *prog; const struct bpf_verifier_ops *ops;
  @48 struct bpf_verifier_state *cur_state; @2160 struct bpf_insn_aux_data *insn_aux_data;
  @52204 u32 subprog_cnt;
} 53728;
struct bpf_prog_array_item {
  struct bpf_prog *prog;
  union {
    struct bpf_cgroup_storage *cgroup_storage[2]; u64 bpf_cookie;
  };
};
struct bpf_prog_array {
  struct callback_head rcu; struct bpf_prog_array_item items[0];
};
struct bpf_map_ops {
  void *map_alloc_check, *map_alloc; @24 void *map_free; @48 void *map_lookup_elem_sys_only;
  void *map_lookup_batch, *map_lookup_and_delete_elem, *map_lookup_and_delete_batch;
  @96 void *map_lookup_elem; @144 void *map_lookup_percpu_elem;
} 352;
`;
