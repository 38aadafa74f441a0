import { kfuncSet, type DeclaredKfunc } from './declare.ts';

// Kfuncs of the general kind: objects, graphs, tasks, cgroups, masks of CPUs, ciphers.

/** kernel/bpf/helpers.c: generic_btf_ids */
export const GENERIC: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tracing', 'tc', 'xdp', 'struct_ops', 'syscall', 'cgroup'] },
  `
  struct cgroup *bpf_cgroup_acquire(struct cgroup *cgrp) KF_ACQUIRE KF_RET_NULL KF_RCU;
  struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp, int level) KF_ACQUIRE KF_RET_NULL
    KF_RCU;
  struct cgroup *bpf_cgroup_from_id(u64 cgid) KF_ACQUIRE KF_RET_NULL;
  void bpf_cgroup_release(struct cgroup *cgrp) KF_RELEASE;
  void bpf_key_put(struct bpf_key *bkey) KF_RELEASE;
  int bpf_list_add(struct bpf_list_head *head, struct bpf_list_node *new, struct bpf_list_node
    *prev__nonown_allowed) KF_IMPLICIT_ARGS;
  struct bpf_list_node *bpf_list_back(struct bpf_list_head *head) KF_RET_NULL;
  struct bpf_list_node *bpf_list_del(struct bpf_list_head *head, struct bpf_list_node
    *node__nonown_allowed) KF_ACQUIRE KF_RET_NULL;
  bool bpf_list_empty(struct bpf_list_head *head);
  struct bpf_list_node *bpf_list_front(struct bpf_list_head *head) KF_RET_NULL;
  bool bpf_list_is_first(struct bpf_list_head *head, struct bpf_list_node *node__nonown_allowed);
  bool bpf_list_is_last(struct bpf_list_head *head, struct bpf_list_node *node__nonown_allowed);
  struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *head) KF_ACQUIRE KF_RET_NULL;
  struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) KF_ACQUIRE KF_RET_NULL;
  int bpf_list_push_back(struct bpf_list_head *head, struct bpf_list_node *node) KF_IMPLICIT_ARGS;
  int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node, void
    *meta__ign, u64 off);
  int bpf_list_push_front(struct bpf_list_head *head, struct bpf_list_node *node)
    KF_IMPLICIT_ARGS;
  int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void
    *meta__ign, u64 off);
  struct bpf_key *bpf_lookup_system_key(u64 id) KF_ACQUIRE KF_RET_NULL;
  struct bpf_key *bpf_lookup_user_key(s32 serial, u64 flags) KF_ACQUIRE KF_RET_NULL KF_SLEEPABLE;
  void bpf_obj_drop(void *p__alloc) KF_RELEASE KF_IMPLICIT_ARGS;
  void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) KF_RELEASE;
  void *bpf_obj_new(u64 local_type_id__k) KF_ACQUIRE KF_RET_NULL KF_IMPLICIT_ARGS;
  void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign) KF_ACQUIRE KF_RET_NULL;
  void bpf_percpu_obj_drop(void *p__alloc) KF_RELEASE KF_IMPLICIT_ARGS;
  void bpf_percpu_obj_drop_impl(void *p__alloc, void *meta__ign) KF_RELEASE;
  void *bpf_percpu_obj_new(u64 local_type_id__k) KF_ACQUIRE KF_RET_NULL KF_IMPLICIT_ARGS;
  void *bpf_percpu_obj_new_impl(u64 local_type_id__k, void *meta__ign) KF_ACQUIRE KF_RET_NULL;
  int bpf_rbtree_add(struct bpf_rb_root *root, struct bpf_rb_node *node, bool (*less)(struct
    bpf_rb_node *, const struct bpf_rb_node *)) KF_IMPLICIT_ARGS;
  int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node, bool (*less)(struct
    bpf_rb_node *, const struct bpf_rb_node *), void *meta__ign, u64 off);
  struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root) KF_RET_NULL;
  struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *root, struct bpf_rb_node *node)
    KF_RET_NULL;
  struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node)
    KF_ACQUIRE KF_RET_NULL;
  struct bpf_rb_node *bpf_rbtree_right(struct bpf_rb_root *root, struct bpf_rb_node *node)
    KF_RET_NULL;
  struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *root) KF_RET_NULL;
  void *bpf_refcount_acquire(void *p__refcounted_kptr) KF_ACQUIRE KF_RET_NULL KF_RCU
    KF_IMPLICIT_ARGS;
  void *bpf_refcount_acquire_impl(void *p__refcounted_kptr, void *meta__ign) KF_ACQUIRE
    KF_RET_NULL KF_RCU;
  int bpf_send_signal_task(struct task_struct *task, int sig, enum pid_type type, u64 value);
  struct task_struct *bpf_task_acquire(struct task_struct *p) KF_ACQUIRE KF_RET_NULL KF_RCU;
  struct task_struct *bpf_task_from_pid(s32 pid) KF_ACQUIRE KF_RET_NULL;
  struct task_struct *bpf_task_from_vpid(s32 vpid) KF_ACQUIRE KF_RET_NULL;
  struct cgroup *bpf_task_get_cgroup1(struct task_struct *task, int hierarchy_id) KF_ACQUIRE
    KF_RET_NULL KF_RCU;
  void bpf_task_release(struct task_struct *p) KF_RELEASE;
  long bpf_task_under_cgroup(struct task_struct *task, struct cgroup *ancestor) KF_RCU;
  void bpf_throw(u64 cookie);
  int bpf_verify_pkcs7_signature(const struct bpf_dynptr *data_p, const struct bpf_dynptr *sig_p,
    struct bpf_key *trusted_keyring) KF_SLEEPABLE;
  void crash_kexec(struct pt_regs *regs) KF_DESTRUCTIVE;
`,
);

/** kernel/bpf/cpumask.c: cpumask_kfunc_btf_ids */
export const CPUMASK: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tracing', 'struct_ops', 'syscall'] },
  `
  struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *cpumask) KF_ACQUIRE;
  bool bpf_cpumask_and(struct bpf_cpumask *dst, const struct cpumask *src1, const struct cpumask
    *src2) KF_RCU;
  u32 bpf_cpumask_any_and_distribute(const struct cpumask *src1, const struct cpumask *src2)
    KF_RCU;
  u32 bpf_cpumask_any_distribute(const struct cpumask *cpumask) KF_RCU;
  void bpf_cpumask_clear(struct bpf_cpumask *cpumask) KF_RCU;
  void bpf_cpumask_clear_cpu(u32 cpu, struct bpf_cpumask *cpumask) KF_RCU;
  void bpf_cpumask_copy(struct bpf_cpumask *dst, const struct cpumask *src) KF_RCU;
  struct bpf_cpumask *bpf_cpumask_create() KF_ACQUIRE KF_RET_NULL;
  bool bpf_cpumask_empty(const struct cpumask *cpumask) KF_RCU;
  bool bpf_cpumask_equal(const struct cpumask *src1, const struct cpumask *src2) KF_RCU;
  u32 bpf_cpumask_first(const struct cpumask *cpumask) KF_RCU;
  u32 bpf_cpumask_first_and(const struct cpumask *src1, const struct cpumask *src2) KF_RCU;
  u32 bpf_cpumask_first_zero(const struct cpumask *cpumask) KF_RCU;
  bool bpf_cpumask_full(const struct cpumask *cpumask) KF_RCU;
  bool bpf_cpumask_intersects(const struct cpumask *src1, const struct cpumask *src2) KF_RCU;
  void bpf_cpumask_or(struct bpf_cpumask *dst, const struct cpumask *src1, const struct cpumask
    *src2) KF_RCU;
  int bpf_cpumask_populate(struct bpf_cpumask *cpumask, void *src, size_t src__sz) KF_RCU;
  void bpf_cpumask_release(struct bpf_cpumask *cpumask) KF_RELEASE;
  void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *cpumask) KF_RCU;
  void bpf_cpumask_setall(struct bpf_cpumask *cpumask) KF_RCU;
  bool bpf_cpumask_subset(const struct cpumask *src1, const struct cpumask *src2) KF_RCU;
  bool bpf_cpumask_test_and_clear_cpu(u32 cpu, struct bpf_cpumask *cpumask) KF_RCU;
  bool bpf_cpumask_test_and_set_cpu(u32 cpu, struct bpf_cpumask *cpumask) KF_RCU;
  bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) KF_RCU;
  u32 bpf_cpumask_weight(const struct cpumask *cpumask) KF_RCU;
  void bpf_cpumask_xor(struct bpf_cpumask *dst, const struct cpumask *src1, const struct cpumask
    *src2) KF_RCU;
`,
);

/** kernel/bpf/crypto.c: crypt_kfunc_btf_ids */
export const CRYPTO: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tc', 'sched_act', 'xdp'] },
  `
  int bpf_crypto_decrypt(struct bpf_crypto_ctx *ctx, const struct bpf_dynptr *src, const struct
    bpf_dynptr *dst, const struct bpf_dynptr *siv__nullable) KF_RCU;
  int bpf_crypto_encrypt(struct bpf_crypto_ctx *ctx, const struct bpf_dynptr *src, const struct
    bpf_dynptr *dst, const struct bpf_dynptr *siv__nullable) KF_RCU;
`,
);

/** kernel/bpf/crypto.c: crypt_init_kfunc_btf_ids */
export const CRYPTO_INIT: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['syscall'] },
  `
  struct bpf_crypto_ctx *bpf_crypto_ctx_acquire(struct bpf_crypto_ctx *ctx) KF_ACQUIRE KF_RET_NULL
    KF_RCU;
  struct bpf_crypto_ctx *bpf_crypto_ctx_create(const struct bpf_crypto_params *params, u32
    params__sz, int *err) KF_ACQUIRE KF_RET_NULL KF_SLEEPABLE;
  void bpf_crypto_ctx_release(struct bpf_crypto_ctx *ctx) KF_RELEASE;
`,
);
