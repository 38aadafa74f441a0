/** Tasks, pids, cgroups, CPUs. */
export const SCHED = `
struct thread_info {
  unsigned long flags, syscall_work; u32 status, cpu;
};
struct load_weight {
  unsigned long weight; u32 inv_weight;
};
struct sched_entity {
  struct load_weight load; struct rb_node run_node;
  u64 deadline, min_vruntime, min_slice, max_slice; struct list_head group_node;
  unsigned char on_rq, sched_delayed, rel_deadline, custom_slice;
  u64 exec_start, sum_exec_runtime, prev_sum_exec_runtime, vruntime; s64 vlag;
  u64 vprot, slice, nr_migrations; int depth; struct sched_entity *parent;
  struct cfs_rq *cfs_rq, *my_q; unsigned long runnable_weight;
} 320;
struct sched_rt_entity {
  struct list_head run_list; unsigned long timeout, watchdog_stamp; unsigned int time_slice;
  unsigned short on_rq, on_list; struct sched_rt_entity *back;
};
struct sched_dl_entity {
  @24 u64 dl_runtime; u64 dl_deadline, dl_period; @64 s64 runtime; u64 deadline;
} 272;
struct sched_info {
  unsigned long pcount;
  unsigned long long run_delay, max_run_delay, min_run_delay, last_arrival, last_queued;
  struct timespec64 max_run_delay_ts;
};
struct rq {
  unsigned int nr_running; @32 struct task_struct *idle; @64 u64 nr_switches;
  @3608 unsigned long nr_uninterruptible; @3624 struct task_struct *stop;
  @3640 unsigned long next_balance; @3712 u64 clock_task; @3728 u64 clock; @3880 int cpu;
  int online;
} 4480;
enum pid_type {
  PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX,
};
struct upid {
  int nr; struct pid_namespace *ns;
};
struct rhash_head {
  struct rhash_head *next;
};
struct pid {
  refcount_t count; unsigned int level; spinlock_t lock;
  struct {
    u64 ino; struct rhash_head pidfs_hash; struct dentry *stashed; struct pidfs_attr *attr;
  };
  struct hlist_head tasks[4], inodes; @112 struct callback_head rcu; struct upid numbers[0];
};
struct pid_namespace {
  struct idr idr; struct callback_head rcu; unsigned int pid_allocated; int memfd_noexec_scope;
  @152 struct ctl_table_header *sysctls; struct task_struct *child_reaper;
  struct kmem_cache *pid_cachep; unsigned int level; int pid_max; struct pid_namespace *parent;
  struct fs_pin *bacct; struct user_namespace *user_ns; struct ucounts *ucounts; int reboot;
  @256 struct ns_common ns; struct work_struct work;
} 576;
struct uid_gid_extent {
  u32 first, lower_first, count;
};
struct uid_gid_map {
  union {
    struct {
      struct uid_gid_extent extent[5]; u32 nr_extents;
    };
    struct {
      struct uid_gid_extent *forward, *reverse;
    };
  };
};
struct user_namespace {
  struct uid_gid_map uid_map, gid_map, projid_map; struct user_namespace *parent; int level;
  @204 kuid_t owner; kgid_t group; @256 struct ns_common ns; unsigned long flags;
  bool parent_could_setfcap; struct list_head keyring_name_list;
  struct key *user_keyring_register; struct rw_semaphore keyring_sem;
  struct key *persistent_keyring_register; struct work_struct work;
  @728 struct ctl_table_header *sysctls; struct ucounts *ucounts;
  long ucount_max[12], rlimit_max[4]; struct binfmt_misc *binfmt_misc;
} 896;
struct new_utsname {
  char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
struct mnt_namespace {
  struct ns_common ns; struct mount *root;
  struct {
    struct rb_root mounts; struct rb_node *mnt_last_node, *mnt_first_node;
  };
  struct user_namespace *user_ns; struct ucounts *ucounts; @328 u64 seq_origin; u64 event;
  __u32 n_fsnotify_mask; struct fsnotify_mark_connector *n_fsnotify_marks;
  struct hlist_head mnt_visible_mounts; unsigned int nr_mounts, pending_mounts;
  refcount_t passive; bool is_anon;
};
struct nsproxy {
  refcount_t count; struct uts_namespace *uts_ns; struct ipc_namespace *ipc_ns;
  struct mnt_namespace *mnt_ns; struct pid_namespace *pid_ns_for_children; struct net *net_ns;
  struct time_namespace *time_ns, *time_ns_for_children; struct cgroup_namespace *cgroup_ns;
};
struct cgroup_namespace {
  struct ns_common ns; struct user_namespace *user_ns; struct ucounts *ucounts;
  struct css_set *root_cset;
} 320;
enum cgroup_subsys_id {
  cpuset_cgrp_id, cpu_cgrp_id, cpuacct_cgrp_id, io_cgrp_id, memory_cgrp_id, devices_cgrp_id,
  freezer_cgrp_id, net_cls_cgrp_id, perf_event_cgrp_id, net_prio_cgrp_id, hugetlb_cgrp_id,
  pids_cgrp_id, rdma_cgrp_id, misc_cgrp_id, CGROUP_SUBSYS_COUNT,
};
struct cgroup_subsys_state {
  struct cgroup *cgroup; struct cgroup_subsys *ss; struct percpu_ref refcnt;
  struct css_rstat_cpu *rstat_cpu; struct list_head sibling, children; int id; unsigned int flags;
  u64 serial_nr; atomic_t online_cnt; struct work_struct destroy_work;
  struct rcu_work destroy_rwork; struct cgroup_subsys_state *parent;
  int nr_descendants, nr_populated_csets, nr_populated_children;
  struct work_struct kill_finish_work; struct cgroup_subsys_state *rstat_flush_next;
};
struct cgroup_file {
  struct kernfs_node *kn; unsigned long notified_at; struct timer_list notify_timer;
  spinlock_t lock;
};
struct task_cputime {
  u64 stime, utime; unsigned long long sum_exec_runtime;
};
struct cgroup_base_stat {
  struct task_cputime cputime; u64 ntime;
};
struct cgroup_bpf {
  struct bpf_prog_array *effective[38]; struct hlist_head progs[38]; u8 flags[38];
  u64 revisions[38]; struct list_head storages; struct bpf_prog_array *inactive;
  struct percpu_ref refcnt; struct work_struct release_work;
};
struct cgroup_freezer_state {
  bool freeze, e_freeze; int nr_frozen_descendants, nr_frozen_tasks;
  seqcount_spinlock_t freeze_seq; u64 freeze_start_nsec, frozen_nsec;
};
struct prev_cputime {
  u64 utime, stime; raw_spinlock_t lock;
};
struct cgroup {
  struct cgroup_subsys_state self; unsigned long flags;
  int level, max_depth, nr_descendants, nr_dying_descendants, max_descendants;
  int nr_populated_domain_children, nr_populated_threaded_children, nr_threaded_children;
  unsigned int kill_seq; struct kernfs_node *kn;
  struct cgroup_file procs_file, events_file, psi_files[3];
  u32 subtree_control, subtree_ss_mask, old_subtree_control, old_subtree_ss_mask;
  struct cgroup_subsys_state *subsys[14]; int nr_dying_subsys[14]; struct cgroup_root *root;
  struct list_head cset_links, e_csets[14]; struct cgroup *dom_cgrp, *old_dom_cgrp;
  struct cgroup_rstat_base_cpu *rstat_base_cpu; @1088 struct cgroup_base_stat last_bstat;
  struct cgroup_base_stat bstat; struct prev_cputime prev_cputime; struct list_head pidlists;
  struct mutex pidlist_mutex; @1240 struct work_struct release_agent_work; struct psi_group *psi;
  struct cgroup_bpf bpf; struct cgroup_freezer_state freezer;
  struct bpf_local_storage *bpf_cgrp_storage; struct scx_sched *scx_sched;
  union {
    struct {
      struct cgroup *_root_ancestor;
    };
  };
} 2368;
struct cgroup_root {
  struct kernfs_root *kf_root; unsigned int subsys_mask; int hierarchy_id;
  struct list_head root_list; struct callback_head rcu; atomic_t nr_cgrps; unsigned int flags;
  char release_agent_path[4096], name[64]; @4224 struct cgroup cgrp;
};
struct cgroup_subsys {
  void *css_alloc, *css_online, *css_offline, *css_released, *css_free, *css_reset, *css_killed;
  void *css_rstat_flush, *css_extra_stat_show, *css_local_stat_show, *can_attach, *cancel_attach;
  void *attach, *can_fork, *cancel_fork, *fork, *exit, *release, *bind;
  bool early_init:1, implicit_on_dfl:1, threaded:1; int id; const char *name, *legacy_name;
  struct cgroup_root *root; struct idr css_idr; struct list_head cfts;
  struct cftype *dfl_cftypes, *legacy_cftypes; unsigned int depends_on;
  @244 spinlock_t rstat_ss_lock; struct llist_head *lhead;
};
struct css_set {
  struct cgroup_subsys_state *subsys[14]; refcount_t refcount; struct css_set *dom_cset;
  struct cgroup *dfl_cgrp; int nr_tasks;
  struct list_head tasks, mg_tasks, dying_tasks, task_iters, e_cset_node[14], threaded_csets;
  struct list_head threaded_csets_node; struct hlist_node hlist;
  struct list_head cgrp_links, mg_src_preload_node, mg_dst_preload_node, mg_node;
  struct cgroup *mg_src_cgrp, *mg_dst_cgrp; struct css_set *mg_dst_cset; bool dead;
  struct callback_head callback_head;
};
struct kernfs_elem_dir {
  unsigned long subdirs; struct rb_root children; struct kernfs_root *root; unsigned long rev;
};
struct kernfs_elem_symlink {
  struct kernfs_node *target_kn;
};
struct kernfs_elem_attr {
  const struct kernfs_ops *ops; struct kernfs_open_node *open; loff_t size;
  struct kernfs_node *notify_next;
};
struct kernfs_node {
  atomic_t count; @4 atomic_t active; struct kernfs_node *__parent; const char *name;
  struct rb_node rb; const struct ns_common *ns; unsigned int hash; unsigned short flags;
  umode_t mode;
  union {
    struct kernfs_elem_dir dir; struct kernfs_elem_symlink symlink; struct kernfs_elem_attr attr;
  };
  u64 id; void *priv; struct kernfs_iattrs *iattr; struct callback_head rcu;
};
struct simple_xattr_cache {
  struct rhashtable *ht;
};
struct kernfs_root {
  struct kernfs_node *kn; unsigned int flags; struct idr ino_idr; spinlock_t kernfs_idr_lock;
  u32 last_id_lowbits, id_highbits; struct kernfs_syscall_ops *syscall_ops;
  struct list_head supers; @104 struct rw_semaphore kernfs_rwsem;
  struct rw_semaphore kernfs_iattr_rwsem, kernfs_supers_rwsem; rwlock_t kernfs_rename_lock;
  struct callback_head rcu; struct simple_xattr_cache xa_cache;
};
struct mem_cgroup_private_id {
  int id; @4 refcount_t ref;
};
struct page_counter {
  atomic_long_t usage; unsigned long failcnt; @64 unsigned long emin;
  atomic_long_t min_usage, children_min_usage; unsigned long elow;
  atomic_long_t low_usage, children_low_usage; unsigned long watermark, local_watermark;
  bool protection_support, track_failcnt; unsigned long min, low, high, max;
  struct page_counter *parent;
} 192;
typedef struct wait_queue_head wait_queue_head_t;
struct wb_completion {
  atomic_t cnt; wait_queue_head_t *waitq; unsigned long progress_stamp, wait_start;
};
struct memcg_cgwb_frn {
  u64 bdi_id; int memcg_id; u64 at; struct wb_completion done;
};
struct lru_gen_mm_list {
  struct list_head fifo; spinlock_t lock;
};
struct mem_cgroup {
  struct cgroup_subsys_state css; struct mem_cgroup_private_id id; struct page_counter memory;
  union {
    struct page_counter swap, memsw;
  };
  struct list_head memory_peaks, swap_peaks; spinlock_t peaks_lock; struct work_struct high_work;
  unsigned long zswap_max; bool zswap_writeback; @840 bool oom_group; int swappiness;
  struct cgroup_file events_file, events_local_file, swap_events_file;
  struct memcg_vmstats *vmstats; atomic_long_t memory_events[10], memory_events_local[10];
  u64 socket_pressure; int kmemcg_id; struct list_head cgwb_list;
  @1280 struct memcg_vmstats_percpu *vmstats_percpu; @1408 struct memcg_cgwb_frn cgwb_frn[4];
  struct lru_gen_mm_list mm_list; struct mem_cgroup_per_node *nodeinfo[0];
} 1664;
struct css_task_iter {
  struct cgroup_subsys *ss; unsigned int flags;
  struct list_head *cset_pos, *cset_head, *tcset_pos, *tcset_head, *task_pos, *cur_tasks_head;
  struct css_set *cur_cset, *cur_dcset; struct task_struct *cur_task; struct list_head iters_node;
};
struct sigpending {
  struct list_head list; sigset_t signal;
};
typedef unsigned int __kernel_uid32_t;
typedef int __kernel_timer_t;
union sigval {
  int sival_int; void *sival_ptr;
};
typedef union sigval sigval_t;
typedef __kernel_long_t __kernel_clock_t;
union __sifields {
  struct {
    __kernel_pid_t _pid; __kernel_uid32_t _uid;
  } _kill;
  struct {
    __kernel_timer_t _tid; int _overrun; sigval_t _sigval; int _sys_private;
  } _timer;
  struct {
    __kernel_pid_t _pid; __kernel_uid32_t _uid; sigval_t _sigval;
  } _rt;
  struct {
    __kernel_pid_t _pid; __kernel_uid32_t _uid; int _status; __kernel_clock_t _utime, _stime;
  } _sigchld;
  struct {
    void *_addr;
    union {
      int _trapno; short _addr_lsb;
      struct {
        char _dummy_bnd[8]; void *_lower, *_upper;
      } _addr_bnd;
      struct {
        char _dummy_pkey[8]; __u32 _pkey;
      } _addr_pkey;
      struct {
        unsigned long _data; __u32 _type, _flags;
      } _perf;
    };
  } _sigfault;
  struct {
    long _band; int _fd;
  } _sigpoll;
  struct {
    void *_call_addr; int _syscall; unsigned int _arch;
  } _sigsys;
};
struct kernel_siginfo {
  struct {
    int si_signo, si_errno, si_code; union __sifields _sifields;
  };
};
struct sigaction {
  @8 unsigned long sa_flags; @24 sigset_t sa_mask;
};
struct seccomp {
  int mode; @4 atomic_t filter_count; struct seccomp_filter *filter;
};
struct task_io_accounting {
  u64 rchar, wchar, syscr, syscw, read_bytes, write_bytes, cancelled_write_bytes;
};
struct timerqueue_head {
  struct rb_root_cached rb_root;
};
struct posix_cputimer_base {
  u64 nextevt; struct timerqueue_head tqhead;
};
struct posix_cputimers {
  struct posix_cputimer_base bases[3]; unsigned int timers_active, expiry_active;
};
struct rlimit {
  __kernel_ulong_t rlim_cur, rlim_max;
};
struct perf_event_attr {
  __u32 type, size; __u64 config;
  union {
    __u64 sample_period, sample_freq;
  };
  __u64 sample_type, read_format, disabled:1, inherit:1, pinned:1, exclusive:1, exclude_user:1;
  __u64 exclude_kernel:1, exclude_hv:1, exclude_idle:1, mmap:1, comm:1, freq:1, inherit_stat:1;
  __u64 enable_on_exec:1, task:1, watermark:1, precise_ip:2, mmap_data:1, sample_id_all:1;
  __u64 exclude_host:1, exclude_guest:1, exclude_callchain_kernel:1, exclude_callchain_user:1;
  __u64 mmap2:1, comm_exec:1, use_clockid:1, context_switch:1, write_backward:1, namespaces:1;
  __u64 ksymbol:1, bpf_event:1, aux_output:1, cgroup:1, text_poke:1, build_id:1, inherit_thread:1;
  __u64 remove_on_exec:1, sigtrap:1, defer_callchain:1, defer_output:1, __reserved_1:24;
  union {
    __u32 wakeup_events, wakeup_watermark;
  };
  __u32 bp_type;
  union {
    __u64 bp_addr, kprobe_func, uprobe_path, config1;
  };
  union {
    __u64 bp_len, kprobe_addr, probe_offset, config2;
  };
  __u64 branch_sample_type, sample_regs_user; __u32 sample_stack_user; __s32 clockid;
  __u64 sample_regs_intr; __u32 aux_watermark; __u16 sample_max_stack, __reserved_2;
  __u32 aux_sample_size;
  union {
    __u32 aux_action;
    struct {
      __u32 aux_start_paused:1, aux_pause:1, aux_resume:1, __reserved_3:29;
    };
  };
  __u64 sig_data, config3, config4;
};
union perf_sample_weight {
  __u64 full;
  struct {
    __u32 var1_dw; __u16 var2_w, var3_w;
  };
};
union perf_mem_data_src {
  __u64 val;
  struct {
    __u64 mem_op:5, mem_lvl:14, mem_snoop:5, mem_lock:2, mem_dtlb:7, mem_lvl_num:4, mem_remote:1;
    __u64 mem_snoopx:2, mem_blk:3, mem_hops:3, mem_region:5, mem_rsvd:13;
  };
};
struct perf_regs {
  __u64 abi; struct pt_regs *regs;
};
struct perf_sample_data {
  u64 sample_flags, period, dyn_size, type;
  struct {
    u32 pid, tid;
  } tid_entry;
  u64 time, id;
  struct {
    u32 cpu, reserved;
  } cpu_entry;
  u64 ip; struct perf_callchain_entry *callchain; struct perf_raw_record *raw;
  struct perf_branch_stack *br_stack; u64 *br_stack_cntr; union perf_sample_weight weight;
  union perf_mem_data_src data_src; u64 txn; struct perf_regs regs_user, regs_intr;
  u64 stack_user_size, stream_id, cgroup, addr, phys_addr, data_page_size, code_page_size;
  u64 aux_size;
} 256;
struct user_regs_struct {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs;
  unsigned long flags, sp, ss, fs_base, gs_base, ds, es, fs, gs;
};
struct wakeup_source {
  const char *name; int id; struct list_head entry; spinlock_t lock; struct wake_irq *wakeirq;
  struct timer_list timer; unsigned long timer_expires;
  ktime_t total_time, max_time, last_time, start_prevent_time, prevent_sleep_time;
  unsigned long event_count, active_count, relax_count, expire_count, wakeup_count;
  struct device *dev; bool active:1, autosleep_enabled:1;
};
typedef s32 int32_t;
typedef int32_t key_serial_t;
typedef u32 uint32_t;
typedef uint32_t key_perm_t;
struct keyring_index_key {
  unsigned long hash;
  union {
    struct {
      u16 desc_len; char desc[6];
    };
    unsigned long x;
  };
  struct key_type *type; struct key_tag *domain_tag; const char *description;
};
union key_payload {
  void *rcu_data0, *data[4];
};
struct assoc_array {
  struct assoc_array_ptr *root; unsigned long nr_leaves_on_tree;
};
struct key {
  refcount_t usage; key_serial_t serial;
  union {
    struct list_head graveyard_link; struct rb_node serial_node;
  };
  struct rw_semaphore sem; struct key_user *user; void *security;
  union {
    time64_t expiry, revoked_at;
  };
  time64_t last_used_at; kuid_t uid; @100 kgid_t gid; key_perm_t perm;
  unsigned short quotalen, datalen; short state; unsigned long flags;
  union {
    struct keyring_index_key index_key;
    struct {
      unsigned long hash, len_desc; struct key_type *type; struct key_tag *domain_tag;
      char *description;
    };
  };
  union {
    union key_payload payload;
    struct {
      struct list_head name_link; struct assoc_array keys;
    };
  };
  struct key_restriction *restrict_link;
};
struct key_type {
  const char *name; size_t def_datalen; unsigned int flags;
  void *vet_description, *preparse, *free_preparse, *instantiate, *update, *match_preparse;
  void *match_free, *revoke, *destroy, *describe, *read; @120 void *lookup_restriction;
  void *asym_query, *asym_eds_op, *asym_verify_signature; struct list_head link;
};
struct key_tag {
  struct callback_head rcu; refcount_t usage; bool removed;
};
struct group_info {
  refcount_t usage; int ngroups; kgid_t gid[0];
};
struct ucounts {
  struct hlist_nulls_node node; struct user_namespace *ns; kuid_t uid; struct callback_head rcu;
  rcuref_t count; atomic_long_t ucount[12], rlimit[4];
};
`;
