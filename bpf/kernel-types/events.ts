/** What trace events pass to raw tracepoints: btf_trace_*, less their first parameter. */
export const EVENTS = `
typedef int __kernel_clockid_t;
typedef __kernel_clockid_t clockid_t;
typedef u8 blk_status_t;
sched_migrate_task(struct task_struct *p, int dest_cpu);
sched_process_wait(struct pid *pid);
sched_prepare_exec(struct task_struct *task, struct linux_binprm *bprm);
sched_pi_setprio(struct task_struct *tsk, struct task_struct *pi_task);
sched_kthread_stop(struct task_struct *t);
sched_stat_runtime(struct task_struct *tsk, u64 runtime);
sched_stat_wait(struct task_struct *tsk, u64 delay);
sched_wait_task(struct task_struct *p);
sched_process_hang(struct task_struct *tsk);
cgroup_mkdir(struct cgroup *cgrp, const char *path);
cgroup_rmdir(struct cgroup *cgrp, const char *path);
cgroup_release(struct cgroup *cgrp, const char *path);
cgroup_rename(struct cgroup *cgrp, const char *path);
cgroup_attach_task(struct cgroup *dst_cgrp, const char *path, struct task_struct *task,
    bool threadgroup);
cgroup_transfer_tasks(struct cgroup *dst_cgrp, const char *path, struct task_struct *task,
    bool threadgroup);
cgroup_freeze(struct cgroup *cgrp, const char *path);
cgroup_unfreeze(struct cgroup *cgrp, const char *path);
cgroup_setup_root(struct cgroup_root *root);
cgroup_destroy_root(struct cgroup_root *root);
cgroup_remount(struct cgroup_root *root);
cgroup_notify_populated(struct cgroup *cgrp, const char *path, int val);
cgroup_notify_frozen(struct cgroup *cgrp, const char *path, int val);
kfree(unsigned long call_site, const void *ptr);
kmalloc(unsigned long call_site, const void *ptr, size_t bytes_req, size_t bytes_alloc,
    gfp_t gfp_flags, int node);
kmem_cache_alloc(unsigned long call_site, const void *ptr, struct kmem_cache *s, gfp_t gfp_flags,
    int node);
kmem_cache_free(unsigned long call_site, const void *ptr, const struct kmem_cache *s);
kfree_skb(struct sk_buff *skb, void *location, enum skb_drop_reason reason,
    const struct sock *rx_sk);
consume_skb(struct sk_buff *skb, void *location);
mm_page_alloc(struct page *page, unsigned int order, gfp_t gfp_flags, int migratetype);
mm_page_free(struct page *page, unsigned int order);
mmap_lock_acquire_returned(struct mm_struct *mm, bool write, bool success);
mmap_lock_released(struct mm_struct *mm, bool write);
mmap_lock_start_locking(struct mm_struct *mm, bool write);
rss_stat(struct mm_struct *mm, int member);
exit_mmap(struct mm_struct *mm);
page_fault_user(unsigned long address, struct pt_regs *regs, unsigned long error_code);
page_fault_kernel(unsigned long address, struct pt_regs *regs, unsigned long error_code);
mm_filemap_add_to_page_cache(struct folio *folio);
oom_score_adj_update(struct task_struct *task);
contention_begin(void *lock, unsigned int flags);
contention_end(void *lock, int ret);
netif_receive_skb(struct sk_buff *skb);
netif_rx(struct sk_buff *skb);
net_dev_queue(struct sk_buff *skb);
net_dev_start_xmit(const struct sk_buff *skb, const struct net_device *dev);
net_dev_xmit(struct sk_buff *skb, int rc, struct net_device *dev, unsigned int skb_len);
napi_poll(struct napi_struct *napi, int work, int budget);
napi_gro_receive_entry(const struct sk_buff *skb);
inet_sock_set_state(const struct sock *sk, const int oldstate, const int newstate);
inet_sk_error_report(const struct sock *sk);
sock_exceed_buf_limit(struct sock *sk, struct proto *prot, long allocated, int kind);
sock_rcvqueue_full(struct sock *sk, struct sk_buff *skb);
sk_data_ready(const struct sock *sk);
sock_send_length(struct sock *sk, int ret, int flags);
sock_recv_length(struct sock *sk, int ret, int flags);
tcp_probe(struct sock *sk, const struct sk_buff *skb);
tcp_retransmit_skb(const struct sock *sk, const struct sk_buff *skb, int err);
tcp_retransmit_synack(const struct sock *sk, const struct request_sock *req);
tcp_send_reset(const struct sock *sk, const struct sk_buff *skb__nullable,
    const enum sk_rst_reason reason);
tcp_receive_reset(struct sock *sk);
tcp_destroy_sock(struct sock *sk);
tcp_rcv_space_adjust(struct sock *sk);
tcp_bad_csum(const struct sk_buff *skb);
tcp_cong_state_set(struct sock *sk, const u8 ca_state);
tcp_cwnd_reduction_tp(const struct sock *sk, int newly_acked_sacked, int newly_lost, int flag);
tcp_sendmsg_locked(const struct sock *sk, const struct msghdr *msg, const struct sk_buff *skb,
    int size_goal);
udp_fail_queue_rcv_skb(int rc, struct sock *sk, struct sk_buff *skb);
fib_table_lookup(u32 tb_id, const struct flowi4 *flp, const struct fib_nh_common *nhc, int err);
fib6_table_lookup(const struct net *net, const struct fib6_result *res, struct fib6_table *table,
    const struct flowi6 *flp);
neigh_update(struct neighbour *n, const u8 *lladdr, u8 new, u32 flags, u32 nlmsg_pid);
neigh_create(struct neigh_table *tbl, struct net_device *dev, const void *pkey,
    const struct neighbour *n, bool exempt_from_gc);
qdisc_enqueue(struct Qdisc *qdisc, const struct netdev_queue *txq, struct sk_buff *skb);
qdisc_dequeue(struct Qdisc *qdisc, const struct netdev_queue *txq, int packets,
    struct sk_buff *skb);
qdisc_reset(struct Qdisc *q);
xdp_exception(const struct net_device *dev, const struct bpf_prog *xdp, u32 act);
xdp_redirect(const struct net_device *dev, const struct bpf_prog *xdp, const void *tgt, int err,
    enum bpf_map_type map_type, u32 map_id, u32 index);
xdp_redirect_err(const struct net_device *dev, const struct bpf_prog *xdp, const void *tgt,
    int err, enum bpf_map_type map_type, u32 map_id, u32 index);
xdp_bulk_tx(const struct net_device *dev, int sent, int drops, int err);
xdp_cpumap_enqueue(int map_id, unsigned int processed, unsigned int drops, int to_cpu);
xdp_cpumap_kthread(int map_id, unsigned int processed, unsigned int drops, int sched,
    struct xdp_cpumap_stats *xdp_stats);
xdp_devmap_xmit(const struct net_device *from_dev, const struct net_device *to_dev, int sent,
    int drops, int err);
icmp_send(const struct sk_buff *skb, int type, int code);
skb_copy_datagram_iovec(const struct sk_buff *skb, int len);
bpf_test_finish(int *err);
bpf_trace_printk(const char *bpf_string);
bpf_trigger_tp(int nonce);
bpf_xdp_link_attach_failed(const char *msg);
signal_generate(int sig, struct kernel_siginfo *info, struct task_struct *task, int group,
    int result);
signal_deliver(int sig, struct kernel_siginfo *info, struct k_sigaction *ka);
timer_start(struct timer_list *timer, unsigned long bucket_expiry);
timer_cancel(struct timer_list *timer);
timer_expire_entry(struct timer_list *timer, unsigned long baseclk);
timer_expire_exit(struct timer_list *timer);
timer_init(struct timer_list *timer);
hrtimer_start(struct hrtimer *hrtimer, enum hrtimer_mode mode, bool was_armed);
hrtimer_cancel(struct hrtimer *hrtimer);
hrtimer_expire_entry(struct hrtimer *hrtimer, ktime_t now);
hrtimer_expire_exit(struct hrtimer *hrtimer);
hrtimer_setup(struct hrtimer *hrtimer, clockid_t clockid, enum hrtimer_mode mode);
workqueue_queue_work(int req_cpu, struct pool_workqueue *pwq, struct work_struct *work);
workqueue_activate_work(struct work_struct *work);
workqueue_execute_start(struct work_struct *work);
workqueue_execute_end(struct work_struct *work, void *function);
irq_handler_entry(int irq, struct irqaction *action);
irq_handler_exit(int irq, struct irqaction *action, int ret);
softirq_entry(unsigned int vec_nr);
softirq_exit(unsigned int vec_nr);
softirq_raise(unsigned int vec_nr);
tasklet_entry(struct tasklet_struct *t, void *func);
tasklet_exit(struct tasklet_struct *t, void *func);
module_load(struct module *mod);
module_free(struct module *mod);
module_get(struct module *mod, unsigned long ip);
module_put(struct module *mod, unsigned long ip);
module_request(char *name, bool wait, unsigned long ip);
cpu_idle(unsigned int state, unsigned int cpu_id);
cpu_frequency(unsigned int frequency, unsigned int cpu_id);
tick_stop(int success, int dependency);
itimer_state(int which, const struct itimerspec64 *value, unsigned long long expires);
itimer_expire(int which, struct pid *pid, unsigned long long now);
suspend_resume(const char *action, int val, bool start);
initcall_start(void *func);
initcall_finish(void *func, int ret);
cap_capable(const struct cred *cred, struct user_namespace *target_ns,
    const struct user_namespace *capable_ns, int cap, int ret);
console(const char *text, size_t len);
coredump(int sig);
break_lease_noblock(struct inode *inode, struct file_lease *fl);
block_bio_queue(struct bio *bio);
block_rq_issue(struct request *rq);
block_rq_complete(struct request *rq, blk_status_t error, unsigned int nr_bytes);
block_rq_insert(struct request *rq);
posix_lock_inode(struct inode *inode, struct file_lock *fl, int ret);
flock_lock_inode(struct inode *inode, struct file_lock *fl, int ret);
locks_get_lock_context(struct inode *inode, int type, struct file_lock_context *ctx);
generic_add_lease(struct inode *inode, struct file_lease *fl);
time_out_leases(struct inode *inode, struct file_lease *fl);
ipi_send_cpu(const unsigned int cpu, unsigned long callsite, void *callback);
ipi_send_cpumask(const struct cpumask *cpumask, unsigned long callsite, void *callback);
wakeup_source_activate(const char *name, unsigned int state);
wakeup_source_deactivate(const char *name, unsigned int state);
writeback_dirty_inode(struct inode *inode, int flags);
ext4_mb_release_group_pa(struct super_block *sb, struct ext4_prealloc_space *pa);
io_uring_create(int fd, void *ctx, u32 sq_entries, u32 cq_entries, u32 flags);
rcu_utilization(const char *s);
error_report_end(enum error_detector error_detector, unsigned long id);
task_prctl_unknown(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4,
    unsigned long arg5);
selinux_audited(struct selinux_audit_data *sad, char *scontext, char *tcontext,
    const char *tclass);
`;
