import { kfuncSet, type DeclaredKfunc } from './declare.ts';

// Kfuncs of sched_ext.

/** kernel/sched/ext.c: scx_kfunc_ids_any */
export const SCX_ANY: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['struct_ops', 'tracing', 'syscall'], filter: 'sched_ext' },
  `
  void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) KF_ITER_DESTROY;
  int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, u64 dsq_id, u64 flags) KF_ITER_NEW
    KF_RCU_PROTECTED KF_IMPLICIT_ARGS;
  struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) KF_RET_NULL KF_ITER_NEXT;
  struct task_struct *scx_bpf_cid_curr(s32 cid) KF_RET_NULL KF_RCU_PROTECTED KF_IMPLICIT_ARGS;
  u32 scx_bpf_cidperf_cap(s32 cid) KF_IMPLICIT_ARGS;
  u32 scx_bpf_cidperf_cur(s32 cid) KF_IMPLICIT_ARGS;
  void scx_bpf_cidperf_set(s32 cid, u32 perf) KF_IMPLICIT_ARGS;
  struct task_struct *scx_bpf_cpu_curr(s32 cpu) KF_RET_NULL KF_RCU_PROTECTED KF_IMPLICIT_ARGS;
  struct rq *scx_bpf_cpu_rq(s32 cpu) KF_IMPLICIT_ARGS;
  u32 scx_bpf_cpuperf_cap(s32 cpu) KF_IMPLICIT_ARGS;
  u32 scx_bpf_cpuperf_cur(s32 cpu) KF_IMPLICIT_ARGS;
  void scx_bpf_cpuperf_set(s32 cpu, u32 perf) KF_IMPLICIT_ARGS;
  void scx_bpf_destroy_dsq(u64 dsq_id) KF_IMPLICIT_ARGS;
  s32 scx_bpf_dsq_nr_queued(u64 dsq_id) KF_IMPLICIT_ARGS;
  struct task_struct *scx_bpf_dsq_peek(u64 dsq_id) KF_RET_NULL KF_RCU_PROTECTED KF_IMPLICIT_ARGS;
  void scx_bpf_dsq_reenq(u64 dsq_id, u64 reenq_flags) KF_IMPLICIT_ARGS;
  void scx_bpf_dump_bstr(char *fmt, long unsigned long *data, u32 data__sz) KF_IMPLICIT_ARGS;
  void scx_bpf_error_bstr(char *fmt, long unsigned long *data, u32 data__sz) KF_IMPLICIT_ARGS;
  void scx_bpf_events(struct scx_event_stats *events, size_t events__sz);
  void scx_bpf_exit_bstr(s64 exit_code, char *fmt, long unsigned long *data, u32 data__sz)
    KF_IMPLICIT_ARGS;
  const struct cpumask *scx_bpf_get_online_cpumask() KF_ACQUIRE;
  const struct cpumask *scx_bpf_get_possible_cpumask() KF_ACQUIRE;
  void scx_bpf_kick_cid(s32 cid, u64 flags) KF_IMPLICIT_ARGS;
  void scx_bpf_kick_cpu(s32 cpu, u64 flags) KF_IMPLICIT_ARGS;
  struct rq *scx_bpf_locked_rq() KF_RET_NULL KF_IMPLICIT_ARGS;
  u64 scx_bpf_now();
  u32 scx_bpf_nr_cids();
  u32 scx_bpf_nr_cpu_ids();
  u32 scx_bpf_nr_node_ids();
  u32 scx_bpf_nr_online_cids();
  void scx_bpf_put_cpumask(const struct cpumask *cpumask) KF_RELEASE;
  void scx_bpf_reenqueue_local___v2() KF_IMPLICIT_ARGS;
  struct cgroup *scx_bpf_task_cgroup(struct task_struct *p) KF_ACQUIRE KF_RCU KF_IMPLICIT_ARGS;
  s32 scx_bpf_task_cid(const struct task_struct *p) KF_RCU;
  s32 scx_bpf_task_cpu(const struct task_struct *p) KF_RCU;
  bool scx_bpf_task_running(const struct task_struct *p) KF_RCU;
  bool scx_bpf_task_set_dsq_vtime(struct task_struct *p, u64 vtime) KF_RCU KF_IMPLICIT_ARGS;
  bool scx_bpf_task_set_slice(struct task_struct *p, u64 slice) KF_RCU KF_IMPLICIT_ARGS;
  s32 scx_bpf_this_cid();
  struct task_struct *scx_bpf_tid_to_task(u64 tid) KF_RET_NULL KF_RCU_PROTECTED;
`,
);

/** kernel/sched/ext_idle.c: scx_kfunc_ids_idle */
export const SCX_IDLE: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['struct_ops', 'tracing', 'syscall'], filter: 'sched_ext' },
  `
  s32 scx_bpf_cpu_node(s32 cpu) KF_IMPLICIT_ARGS;
  const struct cpumask *scx_bpf_get_idle_cpumask() KF_ACQUIRE KF_IMPLICIT_ARGS;
  const struct cpumask *scx_bpf_get_idle_cpumask_node(s32 node) KF_ACQUIRE KF_IMPLICIT_ARGS;
  const struct cpumask *scx_bpf_get_idle_smtmask() KF_ACQUIRE KF_IMPLICIT_ARGS;
  const struct cpumask *scx_bpf_get_idle_smtmask_node(s32 node) KF_ACQUIRE KF_IMPLICIT_ARGS;
  s32 scx_bpf_pick_any_cpu(const struct cpumask *cpus_allowed, u64 flags) KF_RCU KF_IMPLICIT_ARGS;
  s32 scx_bpf_pick_any_cpu_node(const struct cpumask *cpus_allowed, s32 node, u64 flags) KF_RCU
    KF_IMPLICIT_ARGS;
  s32 scx_bpf_pick_idle_cpu(const struct cpumask *cpus_allowed, u64 flags) KF_RCU
    KF_IMPLICIT_ARGS;
  s32 scx_bpf_pick_idle_cpu_node(const struct cpumask *cpus_allowed, s32 node, u64 flags) KF_RCU
    KF_IMPLICIT_ARGS;
  void scx_bpf_put_idle_cpumask(const struct cpumask *idle_mask) KF_RELEASE;
  bool scx_bpf_test_and_clear_cpu_idle(s32 cpu) KF_IMPLICIT_ARGS;
`,
);

/** kernel/sched/ext.c: scx_kfunc_ids_unlocked */
export const SCX_UNLOCKED: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['struct_ops', 'syscall'], filter: 'sched_ext' },
  `
  s32 __scx_bpf_select_cpu_and(struct task_struct *p, const struct cpumask *cpus_allowed, struct
    scx_bpf_select_cpu_and_args *args) KF_RCU KF_IMPLICIT_ARGS;
  s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) KF_SLEEPABLE KF_IMPLICIT_ARGS;
  bool scx_bpf_dsq_move(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p, u64 dsq_id, u64
    enq_flags) KF_RCU;
  void scx_bpf_dsq_move_set_slice(struct bpf_iter_scx_dsq *it__iter, u64 slice) KF_RCU;
  void scx_bpf_dsq_move_set_vtime(struct bpf_iter_scx_dsq *it__iter, u64 vtime) KF_RCU;
  bool scx_bpf_dsq_move_vtime(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p, u64
    dsq_id, u64 enq_flags) KF_RCU;
  s32 scx_bpf_select_cpu_and(struct task_struct *p, s32 prev_cpu, u64 wake_flags, const struct
    cpumask *cpus_allowed, u64 flags) KF_RCU;
  s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags, bool *is_idle)
    KF_RCU KF_IMPLICIT_ARGS;
`,
);

/** kernel/sched/ext_cid.c */
export const SCX_CID: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['struct_ops', 'tracing', 'syscall'], filter: 'sched_ext' },
  `
  s32 scx_bpf_cid_to_cpu(s32 cid) KF_IMPLICIT_ARGS;
  void scx_bpf_cid_topo(s32 cid, struct scx_cid_topo *out, size_t out__sz) KF_IMPLICIT_ARGS;
  s32 scx_bpf_cpu_to_cid(s32 cpu) KF_IMPLICIT_ARGS;
`,
);

/** kernel/sched/ext.c: of the callbacks of a scheduler */
export const SCX_STRUCT_OPS: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['struct_ops'], filter: 'sched_ext' },
  `
  void scx_bpf_cid_override(const s32 *cpu_to_cid, u32 cpu_to_cid__sz) KF_SLEEPABLE
    KF_IMPLICIT_ARGS;
  void scx_bpf_dispatch_cancel() KF_IMPLICIT_ARGS;
  u32 scx_bpf_dispatch_nr_slots() KF_IMPLICIT_ARGS;
  bool scx_bpf_dsq_move(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p, u64 dsq_id, u64
    enq_flags) KF_RCU;
  void scx_bpf_dsq_move_set_slice(struct bpf_iter_scx_dsq *it__iter, u64 slice) KF_RCU;
  void scx_bpf_dsq_move_set_vtime(struct bpf_iter_scx_dsq *it__iter, u64 vtime) KF_RCU;
  bool scx_bpf_dsq_move_to_local(u64 dsq_id) KF_IMPLICIT_ARGS;
  bool scx_bpf_dsq_move_to_local___v2(u64 dsq_id, u64 enq_flags) KF_IMPLICIT_ARGS;
  bool scx_bpf_dsq_move_vtime(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p, u64
    dsq_id, u64 enq_flags) KF_RCU;
  bool scx_bpf_sub_dispatch(u64 cgroup_id) KF_IMPLICIT_ARGS;
  u32 scx_bpf_reenqueue_local() KF_IMPLICIT_ARGS;
  bool __scx_bpf_dsq_insert_vtime(struct task_struct *p, struct scx_bpf_dsq_insert_vtime_args
    *args) KF_RCU KF_IMPLICIT_ARGS;
  void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) KF_RCU
    KF_IMPLICIT_ARGS;
  bool scx_bpf_dsq_insert___v2(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) KF_RCU
    KF_IMPLICIT_ARGS;
  void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime, u64
    enq_flags) KF_RCU;
  s32 __scx_bpf_select_cpu_and(struct task_struct *p, const struct cpumask *cpus_allowed, struct
    scx_bpf_select_cpu_and_args *args) KF_RCU KF_IMPLICIT_ARGS;
  s32 scx_bpf_select_cpu_and(struct task_struct *p, s32 prev_cpu, u64 wake_flags, const struct
    cpumask *cpus_allowed, u64 flags) KF_RCU;
  s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags, bool *is_idle)
    KF_RCU KF_IMPLICIT_ARGS;
`,
);
