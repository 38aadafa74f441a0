/** Functions of the kernel that programs hang on, of which the simulated one runs few. */
export const FUNCTIONS = `
typedef struct {
  union {
    void *kernel, *user;
  };
  bool is_kernel:1;
} sockptr_t;
typedef sockptr_t bpfptr_t;
typedef int __kernel_rwf_t;
typedef __kernel_rwf_t rwf_t;
typedef void *fl_owner_t;
typedef unsigned int vm_fault_t;
typedef unsigned long vm_flags_t;
typedef struct __key_reference_with_attributes *key_ref_t;
int bpf_fentry_test1(int a);
int bpf_fentry_test2(int a, u64 b);
int bpf_fentry_test3(char a, int b, u64 c);
int bpf_fentry_test4(void *a, char b, int c, u64 d);
int bpf_fentry_test5(u64 a, void *b, short c, int d, u64 e);
int bpf_fentry_test6(u64 a, void *b, short c, int d, void *e, u64 f);
int bpf_fentry_test7(struct bpf_fentry_test_t *arg);
int bpf_fentry_test8(struct bpf_fentry_test_t *arg);
u32 bpf_fentry_test9(u32 *a);
int bpf_fentry_test10(const void *a);
void bpf_fentry_test_ppfile(struct file **ppf);
void bpf_fentry_test_pppvoid(void ***ppp);
void bpf_fentry_test_ppvoid(void **pp);
void bpf_fentry_test_sinfo(struct skb_shared_info *sinfo);
struct file **bpf_fexit_test_ret_ppfile(void);
int bpf_modify_return_test(int a, int *b);
int bpf_modify_return_test2(int a, int *b, short c, int d, void *e, char f, int g);
int bpf_modify_return_test_tp(int nonce);
int bpf_check(struct bpf_prog **prog, union bpf_attr *attr, bpfptr_t uattr,
    struct bpf_log_attr *attr_log);
int bpf_prog_test_run_skb(struct bpf_prog *prog, const union bpf_attr *kattr,
    union bpf_attr *uattr);
int bpf_prog_test_run_xdp(struct bpf_prog *prog, const union bpf_attr *kattr,
    union bpf_attr *uattr);
int vfs_open(const struct path *path, struct file *file);
ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos);
ssize_t vfs_write(struct file *file, const char *buf, size_t count, loff_t *pos);
ssize_t vfs_readv(struct file *file, const struct iovec *vec, unsigned long vlen, loff_t *pos,
    rwf_t flags);
ssize_t vfs_writev(struct file *file, const struct iovec *vec, unsigned long vlen, loff_t *pos,
    rwf_t flags);
int vfs_getattr(const struct path *path, struct kstat *stat, u32 request_mask,
    unsigned int query_flags);
int vfs_getattr_nosec(const struct path *path, struct kstat *stat, u32 request_mask,
    unsigned int query_flags);
ssize_t vfs_getxattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name, void *value,
    size_t size);
int vfs_unlink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
    struct delegated_inode *delegated_inode);
int vfs_link(struct dentry *old_dentry, struct mnt_idmap *idmap, struct inode *dir,
    struct dentry *new_dentry, struct delegated_inode *delegated_inode);
struct dentry *vfs_mkdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
    umode_t mode, struct delegated_inode *delegated_inode);
int vfs_rename(struct renamedata *rd);
int vfs_fallocate(struct file *file, int mode, loff_t offset, loff_t len);
int vfs_truncate(const struct path *path, loff_t length);
struct file *dentry_open(const struct path *path, int flags, const struct cred *cred);
int filp_close(struct file *filp, fl_owner_t id);
int file_modified(struct file *file);
char *d_path(const struct path *path, char *buf, int buflen);
void dput(struct dentry *dentry);
void iput(struct inode *inode);
void path_get(const struct path *path);
void path_put(const struct path *path);
int do_sys_openat2(int dfd, const char *filename, struct open_how *how);
int do_sys_open(int dfd, const char *filename, int flags, umode_t mode);
void do_exit(long code);
void do_group_exit(int exit_code);
pid_t kernel_clone(struct kernel_clone_args *args);
struct task_struct *copy_process(struct pid *pid, int trace, int node,
    struct kernel_clone_args *args);
void wake_up_new_task(struct task_struct *p);
int wake_up_process(struct task_struct *p);
void schedule(void);
long schedule_timeout(long timeout);
void migrate_disable(void);
void migrate_enable(void);
void __rcu_read_lock(void);
void __rcu_read_unlock(void);
void mmput(struct mm_struct *mm);
void exit_files(struct task_struct *tsk);
struct mm_struct *get_task_mm(struct task_struct *task);
struct task_struct *find_task_by_vpid(pid_t vnr);
struct pid *find_vpid(int nr);
pid_t pid_nr_ns(struct pid *pid, struct pid_namespace *ns);
void put_pid(struct pid *pid);
void *htab_map_lookup_elem(struct bpf_map *map, void *key);
long htab_map_update_elem(struct bpf_map *map, void *key, void *value, u64 map_flags);
long htab_map_delete_elem(struct bpf_map *map, void *key);
void *array_map_lookup_elem(struct bpf_map *map, void *key);
long array_map_update_elem(struct bpf_map *map, void *key, void *value, u64 map_flags);
u64 bpf_get_stackid(u64 regs, u64 map, u64 flags, u64 __ur_1, u64 __ur_2);
void hrtimer_start_range_ns(struct hrtimer *timer, ktime_t tim, u64 delta_ns,
    const enum hrtimer_mode mode);
long hrtimer_nanosleep(ktime_t rqtp, const enum hrtimer_mode mode, const clockid_t clockid);
int do_nanosleep(struct hrtimer_sleeper *t, enum hrtimer_mode mode);
void bpf_map_put(struct bpf_map *map);
void bpf_map_free(struct bpf_map *map);
void bpf_prog_put(struct bpf_prog *prog);
void bpf_link_free(struct bpf_link *link);
void bpf_link_put(struct bpf_link *link);
void *percpu_array_map_lookup_elem(struct bpf_map *map, void *key);
u64 bpf_task_storage_get(u64 map, u64 task, u64 value, u64 flags, u64 __ur_1);
struct bpf_local_storage_data *bpf_local_storage_update(void *owner,
    struct bpf_local_storage_map *smap, void *value, u64 map_flags, bool swap_uptrs);
void *__htab_map_lookup_elem(struct bpf_map *map, void *key);
int tcp_v4_connect(struct sock *sk, struct sockaddr_unsized *uaddr, int addr_len);
int tcp_v6_connect(struct sock *sk, struct sockaddr_unsized *uaddr, int addr_len);
int tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t size);
int tcp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags);
void tcp_set_state(struct sock *sk, int state);
void tcp_close(struct sock *sk, long timeout);
void tcp_rcv_established(struct sock *sk, struct sk_buff *skb);
int tcp_connect(struct sock *sk);
int tcp_v4_rcv(struct sk_buff *skb);
int tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs);
int tcp_ack(struct sock *sk, const struct sk_buff *skb, int flag);
int udp_sendmsg(struct sock *sk, struct msghdr *msg, size_t len);
int udp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags);
struct sock *inet_csk_accept(struct sock *sk, struct proto_accept_arg *arg);
int inet_listen(struct socket *sock, int backlog);
int inet_bind(struct socket *sock, struct sockaddr_unsized *uaddr, int addr_len);
int inet_stream_connect(struct socket *sock, struct sockaddr_unsized *uaddr, int addr_len,
    int flags);
int inet_shutdown(struct socket *sock, int how);
struct file *sock_alloc_file(struct socket *sock, int flags, const char *dname);
void sock_release(struct socket *sock);
int sock_setsockopt(struct socket *sock, int level, int optname, sockptr_t optval,
    unsigned int optlen);
int sk_psock_verdict_apply(struct sk_psock *psock, struct sk_buff *skb, int verdict);
int ip_rcv(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt,
    struct net_device *orig_dev);
int ip_output(struct net *net, struct sock *sk, struct sk_buff *skb);
int ip_local_deliver(struct sk_buff *skb);
int ip_queue_xmit(struct sock *sk, struct sk_buff *skb, struct flowi *fl);
int __dev_queue_xmit(struct sk_buff *skb, struct net_device *sb_dev);
int netif_receive_skb(struct sk_buff *skb);
int __netif_receive_skb_core(struct sk_buff **pskb, bool pfmemalloc,
    struct packet_type **ppt_prev);
struct sk_buff *dev_hard_start_xmit(struct sk_buff *first, struct net_device *dev,
    struct netdev_queue *txq, int *ret);
struct sk_buff *skb_clone(struct sk_buff *skb, gfp_t gfp_mask);
struct sk_buff *skb_copy(const struct sk_buff *skb, gfp_t gfp_mask);
void consume_skb(struct sk_buff *skb);
void __kfree_skb(struct sk_buff *skb);
__be16 eth_type_trans(struct sk_buff *skb, struct net_device *dev);
int eth_validate_addr(struct net_device *dev);
int netif_rx(struct sk_buff *skb);
int fib_table_lookup(struct fib_table *tb, const struct flowi4 *flp, struct fib_result *res,
    int fib_flags);
int unix_stream_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
int unix_listen(struct socket *sock, int backlog);
int unix_bind(struct socket *sock, struct sockaddr_unsized *uaddr, int addr_len);
u32 tcp_reno_ssthresh(struct sock *sk);
void tcp_reno_cong_avoid(struct sock *sk, u32 ack, u32 acked);
u32 tcp_reno_undo_cwnd(struct sock *sk);
u32 tcp_slow_start(struct tcp_sock *tp, u32 acked);
void tcp_cong_avoid_ai(struct tcp_sock *tp, u32 w, u32 acked);
void tcp_set_ca_state(struct sock *sk, const u8 ca_state);
void cubictcp_cong_avoid(struct sock *sk, u32 ack, u32 acked);
int xdp_do_redirect(struct net_device *dev, struct xdp_buff *xdp,
    const struct bpf_prog *xdp_prog);
void xdp_do_flush(void);
int dev_map_enqueue(struct bpf_dtab_netdev *dst, struct xdp_frame *xdpf,
    struct net_device *dev_rx);
u64 bpf_xdp_adjust_tail(u64 xdp, u64 offset, u64 __ur_1, u64 __ur_2, u64 __ur_3);
u64 bpf_skb_load_bytes(u64 skb, u64 offset, u64 to, u64 len, u64 __ur_1);
int cgroup_destroy_locked(struct cgroup *cgrp);
int cgroup_mkdir(struct kernfs_node *parent_kn, const char *name, umode_t mode);
int cgroup_rmdir(struct kernfs_node *kn);
int cgroup_attach_task(struct cgroup *dst_cgrp, struct task_struct *leader, bool threadgroup);
int cgroup_path_ns(struct cgroup *cgrp, char *buf, size_t buflen, struct cgroup_namespace *ns);
void *__kmalloc_noprof(size_t size, gfp_t flags);
void kfree(const void *object);
void *kmem_cache_alloc_noprof(struct kmem_cache *s, gfp_t gfpflags);
void kmem_cache_free(struct kmem_cache *s, void *x);
void *vmalloc_noprof(unsigned long size);
void vfree(const void *addr);
vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags,
    struct pt_regs *regs);
unsigned long do_mmap(struct file *file, unsigned long addr, unsigned long len, unsigned long prot,
    unsigned long flags, vm_flags_t vm_flags, unsigned long pgoff, unsigned long *populate,
    struct list_head *uf);
unsigned long mmap_region(struct file *file, unsigned long addr, unsigned long len,
    vm_flags_t vm_flags, unsigned long pgoff, struct list_head *uf);
int do_munmap(struct mm_struct *mm, unsigned long start, size_t len, struct list_head *uf);
struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr);
int mprotect_fixup(struct vma_iterator *vmi, struct mmu_gather *tlb, struct vm_area_struct *vma,
    struct vm_area_struct **pprev, unsigned long start, unsigned long end, vm_flags_t newflags);
struct page *alloc_pages_noprof(gfp_t gfp, unsigned int order);
void free_pages(unsigned long addr, unsigned int order);
int should_fail_bio(struct bio *bio);
int nf_hook_slow(struct sk_buff *skb, struct nf_hook_state *state, const struct nf_hook_entries *e,
    unsigned int s);
void submit_bio_noacct(struct bio *bio);
void mutex_lock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);
void down_read(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);
bool queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *work);
void call_rcu(struct callback_head *head, void *func);
void synchronize_rcu(void);
void __local_bh_enable_ip(unsigned long ip, unsigned int cnt);
void irq_enter_rcu(void);
ssize_t ksys_read(unsigned int fd, char *buf, size_t count);
ssize_t ksys_write(unsigned int fd, const char *buf, size_t count);
key_ref_t lookup_user_key(key_serial_t id, unsigned long lflags, enum key_need_perm need_perm);
void key_put(struct key *key);
int send_signal_locked(int sig, struct kernel_siginfo *info, struct task_struct *t,
    enum pid_type type);
int do_send_sig_info(int sig, struct kernel_siginfo *info, struct task_struct *p,
    enum pid_type type);
void signal_setup_done(int failed, struct ksignal *ksig, int stepping);
void release_task(struct task_struct *p);
int bprm_execve(struct linux_binprm *bprm);
int begin_new_exec(struct linux_binprm *bprm);
void __set_task_comm(struct task_struct *tsk, const char *buf, bool exec);
int cap_capable(const struct cred *cred, struct user_namespace *target_ns, int cap,
    unsigned int opts);
int commit_creds(struct cred *new);
struct cred *prepare_creds(void);
void module_put(struct module *module);
bool try_module_get(struct module *module);
ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t *pos);
ssize_t kernel_write(struct file *file, const void *buf, size_t count, loff_t *pos);
void d_instantiate(struct dentry *entry, struct inode *inode);
void d_move(struct dentry *dentry, struct dentry *target);
int ext4_file_open(struct inode *inode, struct file *filp);
int bpf_trampoline_link_prog(struct bpf_tramp_node *node, struct bpf_trampoline *tr,
    struct bpf_prog *tgt_prog);
void seq_printf(struct seq_file *m, const char *f, ...);
int seq_write(struct seq_file *seq, const void *data, size_t len);
ssize_t seq_read(struct file *file, char *buf, size_t size, loff_t *ppos);
int __sys_getsockname(int fd, struct sockaddr *usockaddr, int *usockaddr_len, int peer);
int bpf_lwt_push_ip_encap(struct sk_buff *skb, void *hdr, u32 len, bool ingress);
void bpf_map_free_deferred(struct work_struct *work);
void bpf_obj_cancel_fields(struct bpf_map *map, void *obj);
void bpf_rstat_flush(struct cgroup *cgrp, struct cgroup *parent, int cpu);
void bpf_sk_storage_free(struct sock *sk);
void bpf_sk_storage_map_free(struct bpf_map *map);
struct module *btf_try_get_module(const struct btf *btf);
int cmdline_proc_show(struct seq_file *m, void *v);
int do_init_module(struct module *mod);
void exit_creds(struct task_struct *tsk);
void htab_map_free(struct bpf_map *map);
void inet6_sock_destruct(struct sock *sk);
int inet_csk_listen_start(struct sock *sk);
void mptcp_pm_new_connection(struct mptcp_sock *msk, const struct sock *ssk, int server_side);
void tcp_init_sock(struct sock *sk);
int tcp_sendmsg_locked(struct sock *sk, struct msghdr *msg, size_t size);
int udp_init_sock(struct sock *sk);
int update_socket_protocol(int family, int type, int protocol);
ssize_t urandom_read_iter(struct kiocb *kiocb, struct iov_iter *iter);
int virtqueue_add_sgs(struct virtqueue *_vq, struct scatterlist **sgs, unsigned int out_sgs,
    unsigned int in_sgs, void *data, gfp_t gfp);
int bpf_iter_run_prog(struct bpf_prog *prog, void *ctx);
void bpf_prog_free(struct bpf_prog *fp);
int bpf_prog_load(union bpf_attr *attr, bpfptr_t uattr, struct bpf_log_attr *attr_log);
void bpf_tracing_link_release(struct bpf_link *link);
int bpf_link_settle(struct bpf_link_primer *primer);
void btf_put(struct btf *btf);
struct btf *btf_get_by_fd(int fd);
void inet_csk_listen_stop(struct sock *sk);
struct sock *inet_csk_clone_lock(const struct sock *sk, const struct request_sock *req,
    const gfp_t priority);
int tcp_conn_request(struct request_sock_ops *rsk_ops, const struct tcp_request_sock_ops *af_ops,
    struct sock *sk, struct sk_buff *skb);
struct sock *tcp_v4_syn_recv_sock(const struct sock *sk, struct sk_buff *skb,
    struct request_sock *req, struct dst_entry *dst, struct request_sock *req_unhash, bool *own_req,
    void *opt_child_init);
void tcp_finish_connect(struct sock *sk, struct sk_buff *skb);
void udp_destroy_sock(struct sock *sk);
void unix_gc(struct work_struct *work);
void skb_release_data(struct sk_buff *skb, enum skb_drop_reason reason);
int __netif_rx(struct sk_buff *skb);
int ip_finish_output2(struct net *net, struct sock *sk, struct sk_buff *skb);
int arp_rcv(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt,
    struct net_device *orig_dev);
int neigh_update(struct neighbour *neigh, const u8 *lladdr, u8 new, u32 flags, u32 nlmsg_pid);
int dev_change_name(struct net_device *dev, const char *newname);
int register_netdevice(struct net_device *dev);
void unregister_netdevice_queue(struct net_device *dev, struct list_head *head);
int xdp_do_generic_redirect(struct net_device *dev, struct sk_buff *skb, struct xdp_buff *xdp,
    const struct bpf_prog *xdp_prog);
int cgroup_migrate(struct task_struct *leader, bool threadgroup, struct cgroup_mgctx *mgctx);
void css_free_rwork_fn(struct work_struct *work);
struct cgroup_subsys_state *mem_cgroup_css_alloc(struct cgroup_subsys_state *parent_css);
int try_charge_memcg(struct mem_cgroup *memcg, gfp_t gfp_mask, unsigned int nr_pages);
void oom_kill_process(struct oom_control *oc, const char *message);
bool out_of_memory(struct oom_control *oc);
void shrink_node(void *pgdat, struct scan_control *sc);
int kswapd(void *p);
void wakeup_kswapd(struct zone *zone, gfp_t gfp_flags, int order, enum zone_type highest_zoneidx);
vm_fault_t do_anonymous_page(struct vm_fault *vmf);
vm_fault_t do_wp_page(struct vm_fault *vmf);
vm_fault_t do_fault(struct vm_fault *vmf);
vm_fault_t filemap_fault(struct vm_fault *vmf);
ssize_t generic_file_read_iter(struct kiocb *iocb, struct iov_iter *iter);
ssize_t generic_file_write_iter(struct kiocb *iocb, struct iov_iter *from);
ssize_t ext4_file_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t ext4_file_write_iter(struct kiocb *iocb, struct iov_iter *from);
struct file *path_openat(struct nameidata *nd, const struct open_flags *op, unsigned int flags);
int link_path_walk(const char *name, struct nameidata *nd);
struct dentry *lookup_fast(struct nameidata *nd);
void dentry_free(struct dentry *dentry);
struct dentry *d_lookup(const struct dentry *parent, const struct qstr *name);
int iterate_dir(struct file *file, struct dir_context *ctx);
int do_truncate(struct mnt_idmap *idmap, struct dentry *dentry, loff_t length,
    unsigned int time_attrs, struct file *filp);
int notify_change(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr,
    struct delegated_inode *delegated_inode);
int do_mount(const char *dev_name, const char *dir_name, const char *type_page,
    unsigned long flags, void *data_page);
int path_mount(const char *dev_name, const struct path *path, const char *type_page,
    unsigned long flags, void *data_page);
int path_umount(const struct path *path, int flags);
int do_fsync(unsigned int fd, int datasync);
int task_work_add(struct task_struct *task, struct callback_head *work,
    enum task_work_notify_mode notify);
int copy_creds(struct task_struct *p, u64 clone_flags);
void set_user_nice(struct task_struct *p, long nice);
long sched_setaffinity(pid_t pid, const struct cpumask *in_mask);
int __sched_setscheduler(struct task_struct *p, const struct sched_attr *attr, bool user,
    bool pi);
int try_to_wake_up(struct task_struct *p, unsigned int state, int wake_flags);
struct rq *finish_task_switch(struct task_struct *prev);
void ttwu_do_activate(struct rq *rq, struct task_struct *p, int wake_flags, struct rq_flags *rf);
void update_curr(struct cfs_rq *cfs_rq);
void enqueue_task_fair(struct rq *rq, struct task_struct *p, int flags);
bool dequeue_task_fair(struct rq *rq, struct task_struct *p, int flags);
void hrtimer_interrupt(struct clock_event_device *dev);
void run_timer_softirq(void);
void process_one_work(struct worker *worker, struct work_struct *work);
int worker_thread(void *__worker);
int kthread(void *_create);
struct task_struct *kthread_create_on_node(void *threadfn, void *data, int node,
    const char *namefmt, ...);
void do_idle(void);
void cpu_startup_entry(enum cpuhp_state state);
void irq_exit_rcu(void);
void __do_softirq(void);
void do_softirq(void);
void exc_page_fault(struct pt_regs *regs, unsigned long error_code);
void do_user_addr_fault(struct pt_regs *regs, unsigned long error_code, unsigned long address);
bool do_syscall_64(struct pt_regs *regs, int nr);
bool do_signal_stop(int signr);
bool get_signal(struct ksignal *ksig);
int force_sig_info(struct kernel_siginfo *info);
int ptrace_attach(struct task_struct *task, long request, unsigned long addr,
    unsigned long flags);
int ptrace_request(struct task_struct *child, long request, unsigned long addr,
    unsigned long data);
int proc_pid_status(struct seq_file *m, struct pid_namespace *ns, struct pid *pid,
    struct task_struct *task);
int load_module(struct load_info *info, const char *uargs, int flags);
void free_module(struct module *mod);
int vprintk_emit(int facility, int level, const struct dev_printk_info *dev_info, const char *fmt,
    struct __va_list_tag *args);
void panic(const char *fmt, ...);
`;
