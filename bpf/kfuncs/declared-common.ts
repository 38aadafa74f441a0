import { kfuncSet, type DeclaredKfunc } from './declare.ts';

// Kfuncs that programs of all types may call.

/** For programs of all types. kernel/bpf/helpers.c: common_btf_ids */
export const COMMON: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['common'] },
  `
  void __bpf_trap();
  void *bpf_cast_to_kern_ctx(void *obj) KF_FASTCALL;
  int bpf_cgroup_read_xattr(struct cgroup *cgroup, const char *name__str, struct bpf_dynptr
    *value_p) KF_RCU;
  int bpf_copy_from_user_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size, const void
    *unsafe_ptr__ign) KF_SLEEPABLE;
  int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags)
    KF_SLEEPABLE;
  int bpf_copy_from_user_str_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size, const void
    *unsafe_ptr__ign) KF_SLEEPABLE;
  int bpf_copy_from_user_task_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size, const void
    *unsafe_ptr__ign, struct task_struct *tsk) KF_SLEEPABLE;
  int bpf_copy_from_user_task_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, struct
    task_struct *tsk, u64 flags) KF_SLEEPABLE;
  int bpf_copy_from_user_task_str_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size, const
    void *unsafe_ptr__ign, struct task_struct *tsk) KF_SLEEPABLE;
  int bpf_dynptr_adjust(struct bpf_dynptr *p, u64 start, u64 end);
  int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone__uninit);
  int bpf_dynptr_copy(const struct bpf_dynptr *dst_ptr, u64 dst_off, const struct bpf_dynptr
    *src_ptr, u64 src_off, u64 size);
  int bpf_dynptr_file_discard(struct bpf_dynptr *dynptr) KF_RELEASE;
  int bpf_dynptr_from_file(struct file *file, u32 flags, struct bpf_dynptr *ptr__uninit);
  bool bpf_dynptr_is_null(const struct bpf_dynptr *p);
  bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p);
  int bpf_dynptr_memset(const struct bpf_dynptr *p, u64 offset, u64 size, u8 val);
  u64 bpf_dynptr_size(const struct bpf_dynptr *p);
  void *bpf_dynptr_slice(const struct bpf_dynptr *p, u64 offset, void *buffer__nullable, u64
    buffer__szk) KF_RET_NULL;
  void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u64 offset, void *buffer__nullable, u64
    buffer__szk) KF_RET_NULL;
  struct kmem_cache *bpf_get_kmem_cache(u64 addr);
  void bpf_iter_bits_destroy(struct bpf_iter_bits *it) KF_ITER_DESTROY;
  int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *unsafe_ptr__ign, u32 nr_words)
    KF_ITER_NEW;
  int *bpf_iter_bits_next(struct bpf_iter_bits *it) KF_RET_NULL KF_ITER_NEXT;
  void bpf_iter_css_destroy(struct bpf_iter_css *it) KF_ITER_DESTROY;
  int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *start, unsigned int
    flags) KF_ITER_NEW KF_RCU_PROTECTED;
  struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) KF_RET_NULL KF_ITER_NEXT;
  void bpf_iter_css_task_destroy(struct bpf_iter_css_task *it) KF_ITER_DESTROY;
  int bpf_iter_css_task_new(struct bpf_iter_css_task *it, struct cgroup_subsys_state *css,
    unsigned int flags) KF_ITER_NEW;
  struct task_struct *bpf_iter_css_task_next(struct bpf_iter_css_task *it) KF_RET_NULL
    KF_ITER_NEXT;
  void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it) KF_SLEEPABLE KF_ITER_DESTROY;
  int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it) KF_SLEEPABLE KF_ITER_NEW;
  struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it) KF_RET_NULL KF_SLEEPABLE
    KF_ITER_NEXT;
  void bpf_iter_kmem_cache_destroy(struct bpf_iter_kmem_cache *it) KF_SLEEPABLE KF_ITER_DESTROY;
  int bpf_iter_kmem_cache_new(struct bpf_iter_kmem_cache *it) KF_SLEEPABLE KF_ITER_NEW;
  struct kmem_cache *bpf_iter_kmem_cache_next(struct bpf_iter_kmem_cache *it) KF_RET_NULL
    KF_SLEEPABLE KF_ITER_NEXT;
  void bpf_iter_num_destroy(struct bpf_iter_num *it) KF_ITER_DESTROY;
  int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) KF_ITER_NEW;
  int *bpf_iter_num_next(struct bpf_iter_num *it) KF_RET_NULL KF_ITER_NEXT;
  void bpf_iter_task_destroy(struct bpf_iter_task *it) KF_ITER_DESTROY;
  int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task__nullable, unsigned int
    flags) KF_ITER_NEW KF_RCU_PROTECTED;
  struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) KF_RET_NULL KF_ITER_NEXT;
  void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) KF_ITER_DESTROY;
  int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *task, u64 addr)
    KF_RCU KF_ITER_NEW;
  struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) KF_RET_NULL
    KF_ITER_NEXT;
  void bpf_local_irq_restore(unsigned long *flags__irq_flag);
  void bpf_local_irq_save(unsigned long *flags__irq_flag);
  int bpf_modify_return_test_tp(int nonce);
  void bpf_preempt_disable();
  void bpf_preempt_enable();
  int bpf_probe_read_kernel_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size, const void
    *unsafe_ptr__ign);
  int bpf_probe_read_kernel_str_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size, const
    void *unsafe_ptr__ign);
  int bpf_probe_read_user_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size, const void
    *unsafe_ptr__ign);
  int bpf_probe_read_user_str_dynptr(const struct bpf_dynptr *dptr, u64 off, u64 size, const void
    *unsafe_ptr__ign);
  void bpf_rcu_read_lock();
  void bpf_rcu_read_unlock();
  void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k) KF_FASTCALL;
  int bpf_strcasecmp(const char *s1__ign, const char *s2__ign);
  int bpf_strcasestr(const char *s1__ign, const char *s2__ign);
  int bpf_strchr(const char *s__ign, char c);
  int bpf_strchrnul(const char *s__ign, char c);
  int bpf_strcmp(const char *s1__ign, const char *s2__ign);
  int bpf_strcspn(const char *s__ign, const char *reject__ign);
  int bpf_stream_print_stack(int stream_id) KF_IMPLICIT_ARGS;
  int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args, u32 len__sz)
    KF_IMPLICIT_ARGS;
  int bpf_strlen(const char *s__ign);
  int bpf_strncasecmp(const char *s1__ign, const char *s2__ign, size_t len);
  int bpf_strncasestr(const char *s1__ign, const char *s2__ign, size_t len);
  int bpf_strnchr(const char *s__ign, size_t count, char c);
  int bpf_strnlen(const char *s__ign, size_t count);
  int bpf_strnstr(const char *s1__ign, const char *s2__ign, size_t len);
  int bpf_strrchr(const char *s__ign, int c);
  int bpf_strspn(const char *s__ign, const char *accept__ign);
  int bpf_strstr(const char *s1__ign, const char *s2__ign);
  int bpf_task_work_schedule_resume(struct task_struct *task, struct bpf_task_work *tw, void
    *map__map, bpf_task_work_callback_t callback) KF_IMPLICIT_ARGS;
  int bpf_task_work_schedule_signal(struct task_struct *task, struct bpf_task_work *tw, void
    *map__map, bpf_task_work_callback_t callback) KF_IMPLICIT_ARGS;
  int bpf_timer_cancel_async(struct bpf_timer *timer);
  int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags);
  int bpf_wq_set_callback(struct bpf_wq *wq, int (*callback_fn)(void *, int *, void *), unsigned
    int flags) KF_IMPLICIT_ARGS;
  int bpf_wq_start(struct bpf_wq *wq, unsigned int flags);
`,
);

/** kernel/bpf/rqspinlock.c: rqspinlock_kfunc_ids */
export const LOCKS: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['common'] },
  `
  int bpf_res_spin_lock(struct bpf_res_spin_lock *lock) KF_RET_NULL;
  int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *lock, unsigned long *flags__irq_flag)
    KF_RET_NULL;
  void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock);
  void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *lock, unsigned long
    *flags__irq_flag);
`,
);

/** kernel/bpf/arena.c: arena_kfuncs */
export const ARENA: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['common'] },
  `
  void *bpf_arena_alloc_pages(void *p__map, void *addr__ign, u32 page_cnt, int node_id, u64 flags)
    KF_ARENA_RET KF_ARENA_ARG2;
  void bpf_arena_free_pages(void *p__map, void *ptr__ign, u32 page_cnt) KF_ARENA_ARG2;
  int bpf_arena_reserve_pages(void *p__map, void *ptr__ign, u32 page_cnt) KF_ARENA_ARG2;
`,
);

/** kernel/bpf/map_iter.c: bpf_map_iter_kfunc_ids */
export const MAP_ITER: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['common'] },
  `
  s64 bpf_map_sum_elem_count(const struct bpf_map *map);
`,
);

/** mm/bpf_memcontrol.c: bpf_memcontrol_kfuncs */
export const MEMCG: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['common'] },
  `
  struct mem_cgroup *bpf_get_mem_cgroup(struct cgroup_subsys_state *css) KF_ACQUIRE KF_RET_NULL
    KF_RCU;
  struct mem_cgroup *bpf_get_root_mem_cgroup() KF_ACQUIRE KF_RET_NULL;
  void bpf_mem_cgroup_flush_stats(struct mem_cgroup *memcg) KF_SLEEPABLE;
  unsigned long bpf_mem_cgroup_memory_events(struct mem_cgroup *memcg, enum memcg_memory_event
    event);
  unsigned long bpf_mem_cgroup_page_state(struct mem_cgroup *memcg, int idx);
  unsigned long bpf_mem_cgroup_usage(struct mem_cgroup *memcg);
  unsigned long bpf_mem_cgroup_vm_events(struct mem_cgroup *memcg, enum vm_event_item event);
  void bpf_put_mem_cgroup(struct mem_cgroup *memcg) KF_RELEASE;
`,
);
