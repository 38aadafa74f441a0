/** What iterators are attached to: a function for each kind. */
export const ITERATORS = `
int bpf_iter_bpf_link(struct bpf_iter_meta *meta, struct bpf_link *link);
int bpf_iter_bpf_map(struct bpf_iter_meta *meta, struct bpf_map *map);
int bpf_iter_bpf_map_elem(struct bpf_iter_meta *meta, struct bpf_map *map, void *key,
    void *value);
int bpf_iter_bpf_prog(struct bpf_iter_meta *meta, struct bpf_prog *prog);
int bpf_iter_bpf_sk_storage_map(struct bpf_iter_meta *meta, struct bpf_map *map, struct sock *sk,
    void *value);
int bpf_iter_cgroup(struct bpf_iter_meta *meta, struct cgroup *cgroup);
int bpf_iter_dmabuf(struct bpf_iter_meta *meta, struct dma_buf *dmabuf);
int bpf_iter_ipv6_route(struct bpf_iter_meta *meta, struct fib6_info *rt);
int bpf_iter_kmem_cache(struct bpf_iter_meta *meta, struct kmem_cache *s);
int bpf_iter_ksym(struct bpf_iter_meta *meta, struct kallsym_iter *ksym);
int bpf_iter_netlink(struct bpf_iter_meta *meta, struct netlink_sock *sk);
int bpf_iter_sockmap(struct bpf_iter_meta *meta, struct bpf_map *map, void *key, struct sock *sk);
int bpf_iter_task(struct bpf_iter_meta *meta, struct task_struct *task);
int bpf_iter_task_file(struct bpf_iter_meta *meta, struct task_struct *task, u32 fd,
    struct file *file);
int bpf_iter_task_vma(struct bpf_iter_meta *meta, struct task_struct *task,
    struct vm_area_struct *vma);
int bpf_iter_tcp(struct bpf_iter_meta *meta, struct sock_common *sk_common, uid_t uid);
int bpf_iter_udp(struct bpf_iter_meta *meta, struct udp_sock *udp_sk, uid_t uid, int bucket);
int bpf_iter_unix(struct bpf_iter_meta *meta, struct unix_sock *unix_sk, uid_t uid);
`;
