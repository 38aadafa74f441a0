/** Members of simulated structs that the simulation has no use for: zero. See unsimulated(). */
export const UNSIMULATED = `
struct sysv_sem {
  struct sem_undo_list *undo_list;
};
struct sysv_shm {
  struct list_head shm_clist;
};
struct wake_q_node {
  struct wake_q_node *next;
};
typedef struct kernel_siginfo kernel_siginfo_t;
struct file_ra_state {
  unsigned long start; unsigned int size, async_size, ra_pages; unsigned short order, mmap_miss;
  loff_t prev_pos;
};
typedef unsigned int fop_flags_t;
typedef u64 blkcnt_t;
struct inode_state_flags {
  enum inode_state_flags_enum __state;
};
struct hlist_bl_node {
  struct hlist_bl_node *next, **pprev;
};
union shortname_store {
  unsigned char string[40]; unsigned long words[5];
};
typedef struct {
  unsigned long __vma_flags[1];
} vma_flags_t;
typedef unsigned long vm_flags_t;
struct task_struct {
  struct thread_info thread_info; void *stack; unsigned int ptrace; u8 on_cpu, on_rq;
  unsigned int wakee_flips; struct task_struct *last_wakee; int recent_used_cpu, wake_cpu;
  int static_prio; int normal_prio; unsigned int rt_priority; struct sched_entity se;
  struct sched_rt_entity rt; const struct sched_class *sched_class;
  unsigned int policy; unsigned long max_allowed_capacity; int nr_cpus_allowed;
  const cpumask_t *cpus_ptr; cpumask_t *user_cpus_ptr, cpus_mask; void *migration_pending;
  unsigned short migration_disabled, migration_flags; int rcu_read_lock_nesting;
  struct sched_info sched_info; struct list_head tasks; unsigned long jobctl;
  unsigned int sched_reset_on_fork:1, sched_contributes_to_load:1, sched_migrated:1;
  unsigned int in_execve:1, in_iowait:1, no_cgroup_migration:1, frozen:1, use_memdelay:1;
  unsigned int in_memstall:1, in_eventfd:1, in_thrashing:1; unsigned long atomic_flags;
  unsigned long stack_canary; struct task_struct *parent;
  struct list_head ptraced; struct list_head ptrace_entry; struct pid *thread_pid;
  struct list_head thread_node; void *worker_private; u64 utime, stime, gtime;
  unsigned long nvcsw; unsigned long nivcsw; u64 start_boottime;
  unsigned long min_flt, maj_flt; const struct cred *ptracer_cred;
  const struct cred *real_cred; struct nameidata *nameidata; struct sysv_sem sysvsem;
  struct sysv_shm sysvshm; unsigned long last_switch_count, last_switch_time;
  struct io_uring_task *io_uring; struct nsproxy *nsproxy;
  sigset_t real_blocked; sigset_t saved_sigmask; unsigned long sas_ss_sp;
  size_t sas_ss_size; struct callback_head *task_works; struct audit_context *audit_context;
  kuid_t loginuid; unsigned int sessionid; struct seccomp seccomp; u64 parent_exec_id;
  u64 self_exec_id; raw_spinlock_t pi_lock; struct wake_q_node wake_q;
  struct rb_root_cached pi_waiters; struct task_struct *pi_top_task;
  struct rt_mutex_waiter *pi_blocked_on; void *journal_info; struct bio_list *bio_list;
  struct blk_plug *plug; struct reclaim_state *reclaim_state; struct io_context *io_context;
  unsigned long ptrace_message; kernel_siginfo_t *last_siginfo;
  struct task_io_accounting ioac; struct css_set *cgroups;
  struct list_head cg_list; struct perf_event_context *perf_event_ctxp;
  struct mempolicy *mempolicy; struct pipe_inode_info *splice_pipe;
  struct page_frag task_frag; int nr_dirtied; unsigned long trace_recursion;
  unsigned int memcg_nr_pages_over_high; struct uprobe_task *utask;
  struct callback_head rcu; refcount_t rcu_users; refcount_t stack_refcount;
  void *security; struct bpf_run_ctx *bpf_ctx; struct bpf_net_context *bpf_net_context;
  struct llist_head rethooks;
};
struct signal_struct {
  struct task_struct *curr_target; struct hlist_head multiprocess;
  int group_stop_count; struct pid *pids[4]; struct pid *tty_old_pgrp; int leader;
  struct tty_struct *tty; struct autogroup *autogroup; seqlock_t stats_lock;
  u64 utime, stime, cutime, cstime, gtime; unsigned long nvcsw; unsigned long nivcsw;
  unsigned long min_flt; unsigned long maj_flt; unsigned long inblock;
  unsigned long oublock; unsigned long maxrss; unsigned long cmaxrss;
  struct task_io_accounting ioac; unsigned long long sum_sched_runtime; struct rlimit rlim[16];
  bool oom_flag_origin; short oom_score_adj, oom_score_adj_min; struct mm_struct *oom_mm;
};
struct cred {
  kuid_t suid; kgid_t sgid; kuid_t fsuid; kgid_t fsgid; kernel_cap_t cap_bset;
  kernel_cap_t cap_ambient; unsigned char jit_keyring;
  struct key *session_keyring, *process_keyring, *thread_keyring, *request_key_auth;
  void *security; struct user_struct *user; struct user_namespace *user_ns;
  struct ucounts *ucounts; struct group_info *group_info;
  union {
    int non_rcu; struct callback_head rcu;
  };
};
struct fs_struct {
  seqlock_t seq; int in_exec; struct path root, pwd;
};
struct file {
  struct address_space *f_mapping; unsigned int f_iocb_flags; const struct cred *f_cred;
  struct fown_struct *f_owner;
  union {
    const struct path f_path; struct path __f_path;
  };
  u64 f_pipe;
  void *f_security; errseq_t f_wb_err, f_sb_err; struct hlist_head *f_ep;
  union {
    struct callback_head f_task_work; struct llist_node f_llist; struct file_ra_state f_ra;
    freeptr_t f_freeptr;
  };
};
struct file_operations {
  fop_flags_t fop_flags; void *llseek, *read, *write, *read_iter, *write_iter;
  void *iterate_shared;
  void *poll, *unlocked_ioctl, *compat_ioctl, *mmap, *open, *flush, *release, *fsync, *fasync;
  void *lock; void *check_flags; void *flock, *splice_write, *splice_read;
  void *setlease; void *fallocate, *show_fdinfo;
};
struct inode {
  unsigned short i_opflags; unsigned int i_flags; struct posix_acl *i_acl, *i_default_acl;
  kuid_t i_uid; kgid_t i_gid; const struct inode_operations *i_op; struct super_block *i_sb;
  struct address_space *i_mapping; void *i_security; u64 i_ino;
  union {
    const unsigned int i_nlink; unsigned int __i_nlink;
  };
  dev_t i_rdev; time64_t i_atime_sec; time64_t i_mtime_sec, i_ctime_sec;
  u32 i_atime_nsec, i_mtime_nsec, i_ctime_nsec, i_generation; spinlock_t i_lock;
  unsigned short i_bytes; u8 i_blkbits; blkcnt_t i_blocks; struct inode_state_flags i_state;
  unsigned long dirtied_when; struct hlist_node i_hash; struct list_head i_lru;
  struct list_head i_sb_list;
  union {
    struct hlist_head i_dentry; struct callback_head i_rcu;
  };
  atomic64_t i_version, i_sequence; atomic_t i_dio_count; atomic_t i_readcount;
  union {
    const struct file_operations *i_fop; void *free_inode;
  };
  struct file_lock_context *i_flctx;
  union {
    struct list_head i_devices; int i_linklen;
  };
  union {
    struct pipe_inode_info *i_pipe; struct cdev *i_cdev; char *i_link; unsigned int i_dir_seq;
  };
  __u32 i_fsnotify_mask; struct fsnotify_mark_connector *i_fsnotify_marks;
};
struct dentry {
  unsigned int d_flags; seqcount_spinlock_t d_seq; struct hlist_bl_node d_hash;
  struct dentry *d_parent;
  union {
    struct qstr __d_name; const struct qstr d_name;
  };
  union shortname_store d_shortname; const struct dentry_operations *d_op;
  struct super_block *d_sb; unsigned long d_time; void *d_fsdata; struct lockref d_lockref;
  struct list_head d_lru; struct hlist_node d_sib; struct hlist_head d_children;
};
struct mm_struct {
  struct maple_tree mm_mt; unsigned long task_size; pgd_t *pgd; atomic_long_t pgtables_bytes;
  int map_count; spinlock_t page_table_lock; struct rw_semaphore mmap_lock;
  struct list_head mmlist; seqcount_t mm_lock_seq;
  unsigned long hiwater_rss, hiwater_vm, locked_vm; atomic64_t pinned_vm;
  unsigned long data_vm, exec_vm, stack_vm;
  union {
    vm_flags_t def_flags; vma_flags_t def_vma_flags;
  };
  spinlock_t arg_lock;
  unsigned long start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
  unsigned long arg_start, arg_end, env_start, env_end, saved_auxv[56];
  struct percpu_counter rss_stat[4]; struct linux_binfmt *binfmt;
  struct task_struct *owner;
};
struct vm_area_struct {
  pgprot_t vm_page_prot; struct list_head anon_vma_chain; struct anon_vma *anon_vma;
  struct mempolicy *vm_policy; refcount_t vm_refcnt;
  struct {
    struct rb_node rb; unsigned long rb_subtree_last;
  } shared;
};
struct linux_binprm {
  struct vm_area_struct *vma; unsigned long vma_pages; unsigned long p;
  unsigned int have_execfd:1, execfd_creds:1, secureexec:1, point_of_no_return:1;
  unsigned int comm_from_dentry:1, is_check:1; struct file *executable, *interpreter, *file;
  int unsafe; unsigned int per_clear; const char *fdpath; unsigned int interp_flags;
  int execfd; unsigned long exec; struct rlimit rlim_stack; char buf[256];
};
struct bpf_map {
  spinlock_t owner_lock;
  bool bypass_spec_v1, free_after_mult_rcu_gp, free_after_rcu_gp;
  atomic64_t sleepable_refcnt; s64 *elem_count; u64 cookie;
  union {
    struct work_struct work; struct callback_head rcu;
  };
};
struct bpf_prog {
  u32 jit_requested:1, cb_access:1, dst_needed:1, blinding_requested:1, blinded:1, is_func:1;
  u32 kprobe_override:1, has_callchain_buf:1, enforce_expected_attach_type:1, call_get_stack:1;
  u32 call_get_func_ip:1, sleepable:1; struct bpf_prog_stats *stats;
  void *bpf_func; struct sock_fprog_kern *orig_prog;
};
struct bpf_prog_aux {
  u32 max_pkt_offset; u32 max_tp_access; u32 func_cnt; u32 real_func_cnt, func_idx;
  u32 ctx_arg_info_size; u32 max_rdonly_access, max_rdwr_access; struct btf *attach_btf;
  void *priv_stack_ptr; struct bpf_prog *dst_prog; struct bpf_trampoline *dst_trampoline;
  enum bpf_prog_type saved_dst_prog_type; bool verifier_zext; bool exception_cb;
  bool exception_boundary; bool changes_pkt_data; bool might_sleep;
  struct bpf_arena *arena; const struct btf_type *attach_func_proto;
  const char *attach_func_name; struct bpf_prog **func; struct bpf_prog_aux *main_prog_aux;
  const struct bpf_prog_ops *ops; struct bpf_map **used_maps;
  struct btf_mod_pair *used_btfs; struct user_struct *user;
  struct bpf_map *cgroup_storage[2]; struct bpf_token *token; struct btf *btf;
  struct bpf_func_info *func_info; struct bpf_line_info *linfo; u32 nr_linfo;
  struct bpf_map *st_ops_assoc;
  struct {
    s32 keyring_serial; u8 keyring_type, verdict;
  } sig;
};
struct kernel_clone_args {
  u32 kthread:1; u32 io_thread:1, user_worker:1, no_files:1;
  unsigned long stack, stack_size, tls; pid_t *set_tid; size_t set_tid_size; int cgroup, idle;
  void *fn, *fn_arg; struct cgroup *cgrp; struct css_set *cset;
};
struct fdtable {
  unsigned long *full_fds_bits; struct callback_head rcu;
};
`;
