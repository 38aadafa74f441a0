import { kfuncSet, type DeclaredKfunc } from './declare.ts';

// Kfuncs of parts of the kernel, and of its self-tests.

/** fs/bpf_fs_kfuncs.c: bpf_fs_kfunc_set_ids */
export const FS: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tracing'], filter: 'lsm' },
  `
  int bpf_get_dentry_xattr(struct dentry *dentry, const char *name__str, struct bpf_dynptr
    *value_p) KF_SLEEPABLE;
  int bpf_get_file_xattr(struct file *file, const char *name__str, struct bpf_dynptr *value_p)
    KF_SLEEPABLE;
  struct file *bpf_get_task_exe_file(struct task_struct *task) KF_ACQUIRE KF_RET_NULL;
  int bpf_path_d_path(const struct path *path, char *buf, size_t buf__sz);
  void bpf_put_file(struct file *file) KF_RELEASE;
  struct inode *bpf_real_data_inode(struct file *file) KF_RET_NULL KF_SLEEPABLE;
  int bpf_remove_dentry_xattr(struct dentry *dentry, const char *name__str) KF_SLEEPABLE;
  int bpf_set_dentry_xattr(struct dentry *dentry, const char *name__str, const struct bpf_dynptr
    *value_p, int flags) KF_SLEEPABLE;
`,
);

/** fs/verity/measure.c: fsverity_set_ids */
export const FSVERITY: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tracing'], filter: 'lsm' },
  `
  int bpf_get_fsverity_digest(struct file *file, const struct bpf_dynptr *digest_p);
`,
);

/** kernel/trace/bpf_trace.c: session_kfunc_set_ids */
export const SESSION: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['kprobe', 'tracing'], filter: 'session' },
  `
  __u64 *bpf_session_cookie(void *ctx);
  bool bpf_session_is_return(void *ctx);
`,
);

/** kernel/cgroup/rstat.c: bpf_rstat_kfunc_ids */
export const RSTAT: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tracing'] },
  `
  void css_rstat_flush(struct cgroup_subsys_state *css) KF_SLEEPABLE;
  void css_rstat_updated(struct cgroup_subsys_state *css, int cpu);
`,
);

/** drivers/base/power/wakeup.c */
export const WAKEUP: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['syscall'] },
  `
  void *bpf_wakeup_sources_get_head();
  struct bpf_ws_lock *bpf_wakeup_sources_read_lock() KF_ACQUIRE;
  void bpf_wakeup_sources_read_unlock(struct bpf_ws_lock *lock) KF_RELEASE;
`,
);

/** io_uring/bpf-ops.c */
export const IO_URING: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['struct_ops'] },
  `
  __u8 *bpf_io_uring_get_region(struct iou_ctx *loop_ctx, __u32 region_id, const size_t
    rdwr_buf_size) KF_RET_NULL;
  int bpf_io_uring_submit_sqes(struct iou_ctx *loop_ctx, u32 nr) KF_SLEEPABLE;
`,
);

/** net/bpf/test_run.c: test_sk_check_kfunc_ids */
export const TEST_RELEASE: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tc', 'tracing', 'syscall'] },
  `
  void bpf_kfunc_call_memb_release(struct prog_test_member *p) KF_RELEASE;
  void bpf_kfunc_call_test_release(struct prog_test_ref_kfunc *p) KF_RELEASE;
`,
);

/** net/bpf/test_run.c: bpf_test_modify_return_ids */
export const TEST_MODIFY_RETURN: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['fmodret'] },
  `
  int bpf_fentry_test1(int a) KF_SLEEPABLE;
  int bpf_modify_return_test(int a, int *b);
  int bpf_modify_return_test2(int a, int *b, short c, int d, void *e, char f, int g);
  int bpf_modify_return_test_tp(int nonce);
`,
);
