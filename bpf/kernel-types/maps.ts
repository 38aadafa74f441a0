/** What the kernel keeps of maps: each begins with the struct bpf_map that is simulated. */
export const MAPS = `
struct bpf_array {
  struct bpf_map map; u32 elem_size, index_mask; struct bpf_array_aux *aux;
  union {
    char value[0]; void *ptrs[0], *pptrs[0];
  };
};
struct bpf_htab {
  struct bpf_map map; struct bucket *buckets; void *elems; struct htab_elem **extra_elems;
  struct percpu_counter pcount; atomic_t count; bool use_percpu_counter;
  u32 n_buckets, elem_size, hashrnd;
};
struct bpf_rhtab {
  struct bpf_map map; u32 elem_size; bool freeing_internal;
};
struct lpm_trie {
  struct bpf_map map; struct lpm_trie_node *root;
  size_t n_entries, max_prefixlen, data_size;
};
struct bpf_stack_map {
  struct bpf_map map; void *elems; u32 n_buckets; struct stack_map_bucket *buckets[0];
};
struct bpf_queue_stack {
  struct bpf_map map; u32 head, tail, size; char elements[0];
};
struct bpf_bloom_filter {
  struct bpf_map map; u32 bitset_mask, hash_seed, nr_hash_funcs; unsigned long bitset[0];
};
struct bpf_ringbuf_map {
  struct bpf_map map; struct bpf_ringbuf *rb;
};
struct bpf_local_storage_map {
  struct bpf_map map; struct bpf_local_storage_map_bucket *buckets; u32 bucket_log;
  u16 elem_size, cache_idx;
};
struct bpf_cgroup_storage_map {
  struct bpf_map map; spinlock_t lock; struct rb_root root; struct list_head list;
};
struct bpf_dtab {
  struct bpf_map map; struct bpf_dtab_netdev **netdev_map; struct list_head list;
  struct hlist_head *dev_index_head; spinlock_t index_lock; unsigned int items; u32 n_buckets;
};
struct bpf_cpu_map {
  struct bpf_map map; struct bpf_cpu_map_entry **cpu_map;
};
struct bpf_stab {
  struct bpf_map map; struct sock **sks; spinlock_t lock;
};
struct bpf_shtab {
  struct bpf_map map; struct bpf_shtab_bucket *buckets; u32 buckets_num, elem_size; atomic_t count;
};
struct xsk_map {
  struct bpf_map map; spinlock_t lock; atomic_t count; struct xdp_sock *xsk_map[0];
};
struct reuseport_array {
  struct bpf_map map; struct sock *ptrs[0];
};
struct bpf_arena {
  struct bpf_map map; u64 user_vm_start, user_vm_end; struct vm_struct *kern_vm;
};
struct bpf_insn_array_value {
  __u32 orig_off, xlated_off, jitted_off;
} 16;
struct bpf_insn_array {
  struct bpf_map map; atomic_t used; long *ips; struct bpf_insn_array_value values[0];
};
struct bpf_struct_ops_map {
  struct bpf_map map; const struct bpf_struct_ops_desc *st_ops_desc; struct bpf_link **links;
  u32 funcs_cnt, image_pages_cnt; struct btf *btf; struct bpf_struct_ops_value *uvalue;
};
`;
