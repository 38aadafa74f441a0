/** Next hops, perf events, trace events, links, and what functions are given of all kinds. */
export const OTHERS = `
struct sockaddr_unsized {
  __kernel_sa_family_t sa_family; char sa_data[0];
};
typedef u64 dma_addr_t;
struct scatterlist {
  unsigned long page_link; unsigned int offset, length; dma_addr_t dma_address;
  unsigned int dma_length, dma_flags;
};
struct nh_info {
  struct hlist_node dev_hash; struct nexthop *nh_parent; u8 family; bool reject_nh, fdb_nh;
  union {
    struct fib_nh_common fib_nhc; struct fib6_nh fib6_nh;
  } 112;
};
struct nh_grp_entry {
  struct nexthop *nh; struct nh_grp_entry_stats *stats; u16 weight;
  union {
    struct {
      atomic_t upper_bound;
    } hthr;
    struct {
      struct list_head uw_nh_entry; u16 count_buckets, wants_buckets;
    } res;
  };
  struct list_head nh_list; struct nexthop *nh_parent; u64 packets_hw;
};
struct nh_group {
  struct nh_group *spare; u16 num_nh;
  bool is_multipath, hash_threshold, resilient, fdb_nh, has_v4, hw_stats;
  struct nh_res_table *res_table; struct nh_grp_entry nh_entries[0];
};
struct nexthop {
  struct rb_node rb_node; struct list_head fi_list, f6i_list, fdb_list, grp_list; struct net *net;
  u32 id; u8 protocol, nh_flags; bool is_group, dead; spinlock_t lock; refcount_t refcnt;
  struct callback_head rcu;
  union {
    struct nh_info *nh_info; struct nh_group *nh_grp;
  };
};
struct lru_gen_mm_state {
  unsigned long seq; struct list_head *head, *tail; unsigned long *filters[2], stats[1][4];
};
struct zswap_lruvec_state {
  atomic_long_t nr_disk_swapins;
};
struct lruvec {
  struct list_head lists[5]; spinlock_t lru_lock; unsigned long anon_cost, file_cost;
  atomic_long_t nonresident_age; unsigned long refaults[2], flags;
  @1496 struct lru_gen_mm_state mm_state; struct pglist_data *pgdat;
  struct zswap_lruvec_state zswap_lruvec_state;
};
struct mem_cgroup_reclaim_iter {
  struct mem_cgroup *position; atomic_t generation;
};
struct mem_cgroup_per_node {
  struct mem_cgroup *memcg; struct lruvec_stats_percpu *lruvec_stats_percpu;
  struct lruvec_stats *lruvec_stats; struct shrinker_info *shrinker_info;
  @64 struct lruvec lruvec; @1664 unsigned long lru_zone_size[5][5];
  struct mem_cgroup_reclaim_iter iter; struct obj_cgroup *objcg, *orig_objcg;
  struct list_head objcg_list;
} 1920;
struct fown_struct {
  struct file *file; rwlock_t lock; struct pid *pid; enum pid_type pid_type; kuid_t uid, euid;
  int signum;
};
struct file_lock_core {
  struct file_lock_core *flc_blocker; struct list_head flc_list; struct hlist_node flc_link;
  struct list_head flc_blocked_requests, flc_blocked_member; fl_owner_t flc_owner;
  unsigned int flc_flags; unsigned char flc_type; pid_t flc_pid; int flc_link_cpu;
  @120 struct file *flc_file;
};
struct linux_dirent {
  unsigned long d_ino, d_off; unsigned short d_reclen; char d_name[0];
};
struct bio_vec {
  struct page *bv_page; unsigned int bv_len, bv_offset;
};
struct user_msghdr {
  void *msg_name; int msg_namelen; struct iovec *msg_iov; __kernel_size_t msg_iovlen;
  void *msg_control; __kernel_size_t msg_controllen; unsigned int msg_flags;
};
struct msghdr {
  void *msg_name; int msg_namelen, msg_inq; struct iov_iter msg_iter;
  union {
    void *msg_control, *msg_control_user;
  };
  bool msg_control_is_user:1, msg_get_inq:1; unsigned int msg_flags;
  __kernel_size_t msg_controllen; struct ubuf_info *msg_ubuf; void *sg_from_iter;
};
struct delayed_call {
  void *fn, *arg;
};
struct saved {
  struct path link; struct delayed_call done; const char *name; unsigned int seq;
};
struct nameidata {
  struct path path; struct qstr last; struct path root; struct inode *inode;
  unsigned int flags, state, seq, next_seq, m_seq, r_seq; enum last_type last_type;
  unsigned int depth; int total_link_count; struct saved *stack, internal[2];
  struct filename *name; const char *pathname; struct nameidata *saved; unsigned int root_seq;
  int dfd; vfsuid_t dir_vfsuid; umode_t dir_mode;
};
struct rq_list {
  struct request *head, *tail;
};
struct blk_plug {
  struct rq_list mq_list, cached_rqs; u64 cur_ktime; unsigned short nr_ios, rq_count;
  bool multiple_queues, has_elevator; struct list_head cb_list;
};
struct lsm_prop_selinux {
  u32 secid;
};
struct lsm_prop_apparmor {
  struct aa_label *label;
};
struct lsm_prop_bpf {
  u32 secid;
};
struct lsm_prop {
  struct lsm_prop_selinux selinux; struct lsm_prop_apparmor apparmor; struct lsm_prop_bpf bpf;
};
struct xattr {
  const char *name; void *value; size_t value_len;
};
struct shmid_kernel {
  struct kern_ipc_perm shm_perm; struct file *shm_file; unsigned long shm_nattch, shm_segsz;
  time64_t shm_atim, shm_dtim, shm_ctim; struct pid *shm_cprid, *shm_lprid;
  struct ucounts *mlock_ucounts; struct task_struct *shm_creator; struct list_head shm_clist;
  struct ipc_namespace *ns;
} 256;
struct msg_msg {
  struct list_head m_list; long m_type; size_t m_ts; struct msg_msgseg *next; void *security;
};
struct fs_parameter {
  const char *key; enum fs_value_type type:8;
  union {
    char *string; void *blob; struct filename *name; struct file *file;
  };
  size_t size; int dirfd;
};
struct p_log {
  const char *prefix; struct fc_log *log;
};
struct fs_context {
  const struct fs_context_operations *ops; struct mutex uapi_mutex;
  struct file_system_type *fs_type; void *fs_private, *sget_key; struct dentry *root;
  struct user_namespace *user_ns; struct net *net_ns; const struct cred *cred; struct p_log log;
  const char *source; void *security, *s_fs_info; unsigned int sb_flags, sb_flags_mask, s_iflags;
  enum fs_context_purpose purpose:8; enum fs_context_phase phase:8;
  bool need_free:1, global:1, oldapi:1, exclusive:1;
};
struct lsm_ctx {
  __u64 id, flags, len, ctx_len; __u8 ctx[0];
};
struct mmu_notifier_range {
  struct mm_struct *mm; unsigned long start, end; unsigned int flags;
  enum mmu_notifier_event event; void *owner;
};
struct vm_unmapped_area_info {
  unsigned long flags, length, low_limit, high_limit, align_mask, align_offset, start_gap;
};
struct trace_event_raw_bpf_trace_printk {
  struct trace_entry ent; u32 __data_loc_bpf_string; char __data[0];
};
struct bpf_tramp_node {
  struct bpf_link *link; struct hlist_node tramp_hlist; u64 cookie;
};
struct bpf_tracing_link {
  @112 struct bpf_tramp_node fexit; struct bpf_trampoline *trampoline; struct bpf_prog *tgt_prog;
};
struct bpf_raw_tp_link {
  struct bpf_link link; struct bpf_raw_event_map *btp; u64 cookie;
};
struct fprobe {
  unsigned long nmissed; unsigned int flags; size_t entry_data_size;
  @40 struct fprobe_hlist *hlist_array;
};
struct bpf_kprobe_multi_link {
  struct bpf_link link; struct fprobe fp; unsigned long *addrs; u64 *cookies; u32 cnt, mods_cnt;
  struct module **mods;
};
struct bpf_perf_link {
  struct bpf_link link; struct file *perf_file;
};
struct perf_addr_filters_head {
  struct list_head list; raw_spinlock_t lock; unsigned int nr_file_filters;
};
struct perf_event {
  struct list_head event_entry, sibling_list, active_list; struct rb_node group_node;
  u64 group_index; struct list_head migrate_entry; struct hlist_node hlist_entry;
  struct list_head active_entry; int nr_siblings, event_caps, group_caps;
  unsigned int group_generation; struct perf_event *group_leader; struct pmu *pmu;
  void *pmu_private; enum perf_event_state state; unsigned int attach_state; local64_t count;
  atomic64_t child_count; u64 total_time_enabled, total_time_running, tstamp;
  struct perf_event_attr attr; u16 header_size, id_header_size, read_size;
  @576 struct perf_event_context *ctx; struct perf_event_pmu_context *pmu_ctx;
  atomic_long_t refcount; atomic64_t child_total_time_enabled, child_total_time_running;
  struct mutex child_mutex; struct list_head child_list; struct perf_event *parent;
  int oncpu, cpu; struct list_head owner_entry; struct task_struct *owner;
  struct mutex mmap_mutex; refcount_t mmap_count; struct perf_buffer *rb;
  struct list_head rb_entry; unsigned long rcu_batches; int rcu_pending;
  @792 struct fasync_struct *fasync; unsigned int pending_wakeup, pending_kill, pending_disable;
  unsigned long pending_addr; struct irq_work pending_irq, pending_disable_irq;
  struct callback_head pending_task; unsigned int pending_work; atomic_t event_limit;
  struct perf_addr_filters_head addr_filters; struct perf_addr_filter_range *addr_filter_ranges;
  unsigned long addr_filters_gen; struct perf_event *aux_event; void *destroy;
  struct callback_head callback_head; struct pid_namespace *ns; u64 id; atomic64_t lost_samples;
  void *clock; @1024 void *overflow_handler_context; struct bpf_prog *prog; u64 bpf_cookie;
  struct trace_event_call *tp_event; struct event_filter *filter; @1264 struct perf_cgroup *cgrp;
  void *security; struct list_head sb_list, pmu_list; u32 orig_type;
};
struct static_key {
  atomic_t enabled;
  union {
    unsigned long type; struct jump_entry *entries; struct static_key_mod *next;
  };
};
struct static_key_false {
  struct static_key key;
};
struct tracepoint {
  const char *name; struct static_key_false key; struct static_call_key *static_call_key;
  void *static_call_tramp, *iterator, *probestub; struct tracepoint_func *funcs;
  struct tracepoint_ext *ext;
};
struct trace_event {
  struct hlist_node node; int type; struct trace_event_functions *funcs;
};
struct trace_event_call {
  struct list_head list; struct trace_event_class *class;
  union {
    const char *name; struct tracepoint *tp;
  };
  struct trace_event event; char *print_fmt;
  union {
    void *module; atomic_t refcnt;
  };
  void *data; int flags, perf_refcount; struct hlist_head *perf_events;
  struct bpf_prog_array *prog_array; void *perf_perm;
};
struct bpf_raw_event_map {
  struct tracepoint *tp; void *bpf_func; u32 num_args, writable_size;
} 32;
struct css_rstat_cpu {
  struct cgroup_subsys_state *updated_children, *updated_next; struct llist_node lnode;
  struct cgroup_subsys_state *owner;
};
typedef __u32 blk_opf_t;
struct bvec_iter {
  sector_t bi_sector; unsigned int bi_size, bi_idx, bi_bvec_done;
} 20;
typedef unsigned int blk_qc_t;
struct bio {
  struct bio *bi_next; struct block_device *bi_bdev; blk_opf_t bi_opf;
  unsigned short bi_flags, bi_ioprio; u8 bi_write_hint, bi_write_stream;
  blk_status_t bi_status; u8 bi_bvec_gap_bit; atomic_t __bi_remaining; struct bio_vec *bi_io_vec;
  struct bvec_iter bi_iter;
  union {
    blk_qc_t bi_cookie; unsigned int __bi_nr_segments;
  };
  void *bi_end_io, *bi_private; struct blkcg_gq *bi_blkg; u64 issue_time_ns, bi_iocost_cost;
  struct bio_integrity_payload *bi_integrity; unsigned short bi_vcnt, bi_max_vecs;
  atomic_t __bi_cnt; struct bio_set *bi_pool;
};
struct bpf_dtab_netdev {
  struct net_device *dev; struct hlist_node index_hlist; struct bpf_prog *xdp_prog;
  struct callback_head rcu; unsigned int idx; struct bpf_devmap_val val;
};
struct bpf_fentry_test_t {
  struct bpf_fentry_test_t *a;
};
struct bpf_log_attr {
  char *ubuf; u32 size, level, offsetof_true_size; bpfptr_t uattr;
};
struct bpf_token {
  struct work_struct work; atomic64_t refcnt; struct user_namespace *userns;
  u64 allowed_cmds, allowed_maps, allowed_progs, allowed_attachs; void *security;
};
struct btf_func_model {
  u8 ret_size, ret_flags, nr_args, arg_size[12], arg_flags[12];
};
struct bpf_trampoline {
  struct hlist_node hlist_key, hlist_ip; struct ftrace_ops *fops; refcount_t refcnt; u32 flags;
  u64 key; unsigned long ip;
  struct {
    struct btf_func_model model; void *addr; bool ftrace_managed;
  } func;
  struct bpf_prog *extension_prog; struct hlist_head progs_hlist[3]; int progs_cnt[3];
  struct bpf_tramp_image *cur_image; struct list_head images;
  struct {
    struct bpf_tramp_image *old_image; u32 old_flags;
  } multi_attach;
};
typedef unsigned long long ext4_fsblk_t;
typedef __u32 ext4_lblk_t;
typedef int ext4_grpblk_t;
struct ext4_prealloc_space {
  union {
    struct rb_node inode_node; struct list_head lg_list;
  } pa_node;
  struct list_head pa_group_list;
  union {
    struct list_head pa_tmp_list; struct callback_head pa_rcu;
  } u;
  spinlock_t pa_lock; atomic_t pa_count; unsigned int pa_deleted; ext4_fsblk_t pa_pstart;
  ext4_lblk_t pa_lstart; ext4_grpblk_t pa_len, pa_free; unsigned short pa_type;
  union {
    rwlock_t *inode_lock; spinlock_t *lg_lock;
  } pa_node_lock;
  struct inode *pa_inode;
};
struct fd_range {
  unsigned int from, to;
};
struct fib6_result {
  struct fib6_nh *nh; struct fib6_info *f6i; u32 fib6_flags; u8 fib6_type; struct rt6_info *rt6;
};
struct fib_table {
  struct hlist_node tb_hlist; u32 tb_id; int tb_num_default; struct callback_head rcu;
  unsigned long *tb_data, __data[0];
};
struct file_kattr {
  u32 flags, fsx_xflags, fsx_extsize, fsx_nextents, fsx_projid, fsx_cowextsize;
  bool flags_valid:1, fsx_valid:1;
};
struct file_lease {
  struct file_lock_core c; struct fasync_struct *fl_fasync;
  unsigned long fl_break_time, fl_downgrade_time; const struct lease_manager_operations *fl_lmops;
};
struct file_lock_context {
  spinlock_t flc_lock; struct list_head flc_flock, flc_posix, flc_lease;
};
struct flowi {
  union {
    struct flowi_common __fl_common; struct flowi4 ip4; struct flowi6 ip6;
  } u;
};
struct hrtimer_sleeper {
  struct hrtimer timer; struct task_struct *task;
};
struct io_uring_cmd {
  struct file *file; const struct io_uring_sqe *sqe; u32 cmd_op, flags; u8 pdu[32], unused[8];
};
typedef __u32 req_flags_t;
struct request {
  struct request_queue *q; struct blk_mq_ctx *mq_ctx; struct blk_mq_hw_ctx *mq_hctx;
  blk_opf_t cmd_flags; req_flags_t rq_flags; int tag, internal_tag;
  unsigned int timeout, __data_len; sector_t __sector; struct bio *bio, *biotail;
  union {
    struct list_head queuelist; struct request *rq_next;
  };
  struct block_device *part; u64 alloc_time_ns, start_time_ns, io_start_time_ns;
} 256;
struct irqaction {
  @8 union {
    void *dev_id, *percpu_dev_id;
  };
  const struct cpumask *affinity; struct irqaction *next; @40 struct task_struct *thread;
  struct irqaction *secondary; unsigned int irq, flags; unsigned long thread_flags, thread_mask;
  const char *name; struct proc_dir_entry *dir;
} 128;
struct itimerspec64 {
  struct timespec64 it_interval, it_value;
};
struct k_sigaction {
  struct sigaction sa;
};
struct ksignal {
  struct k_sigaction ka; kernel_siginfo_t info; int sig;
};
struct lsm_context {
  char *context; u32 len; int id;
};
struct mmu_gather_batch {
  struct mmu_gather_batch *next; unsigned int nr, max; struct encoded_page *encoded_pages[0];
};
struct mmu_gather {
  struct mm_struct *mm; struct mmu_table_batch *batch; unsigned long start, end;
  unsigned int fullmm:1, need_flush_all:1, freed_tables:1, delayed_rmap:1, cleared_ptes:1;
  unsigned int cleared_pmds:1, cleared_puds:1, cleared_p4ds:1, vma_exec:1, vma_huge:1, vma_pfn:1;
  unsigned int unshared_tables:1, fully_unshared_tables:1, batch_count;
  struct mmu_gather_batch *active, local; struct page *__pages[8];
};
struct posix_acl_hdr {
  refcount_t a_refcount; unsigned int a_count; struct callback_head a_rcu;
};
struct posix_acl_entry {
  short e_tag; unsigned short e_perm;
  union {
    kuid_t e_uid; kgid_t e_gid;
  };
};
struct posix_acl {
  union {
    struct {
      refcount_t a_refcount; unsigned int a_count; struct callback_head a_rcu;
    };
    struct posix_acl_hdr hdr;
  };
  struct posix_acl_entry a_entries[0];
};
struct proto_accept_arg {
  int flags, err, is_empty; bool kern;
};
struct __kernel_old_timeval {
  __kernel_long_t tv_sec, tv_usec;
};
struct rusage {
  struct __kernel_old_timeval ru_utime, ru_stime;
  __kernel_long_t ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap;
  __kernel_long_t ru_inblock, ru_oublock, ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};
struct selinux_audit_data {
  u32 ssid, tsid; u16 tclass; u32 requested, audited, denied; int result;
};
struct sembuf {
  unsigned short sem_num; short sem_op, sem_flg;
};
struct tasklet_struct {
  struct tasklet_struct *next; unsigned long state; atomic_t count; bool use_callback;
  union {
    void *func, *callback;
  };
  unsigned long data;
};
struct timezone {
  int tz_minuteswest, tz_dsttime;
};
struct ma_state {
  struct maple_tree *tree; unsigned long index, last; struct maple_enode *node;
  unsigned long min, max; struct slab_sheaf *sheaf; struct maple_node *alloc;
  unsigned long node_request; enum maple_status status;
  unsigned char depth, offset, mas_flags, end; enum store_type store_type;
};
struct vma_iterator {
  struct ma_state mas;
};
struct xdp_cpumap_stats {
  unsigned int redirect, pass, drop;
};
struct xfrm_sec_ctx {
  __u8 ctx_doi, ctx_alg; __u16 ctx_len; __u32 ctx_sid; char ctx_str[0];
};
struct xfrm_user_sec_ctx {
  __u16 len, exttype; __u8 ctx_alg, ctx_doi; __u16 ctx_len;
};
`;
