// Kfuncs with rules of their own, by name. special_kfunc_list

type Names = ReadonlySet<string>;

/** is_bpf_obj_new_kfunc() */
export const OBJ_NEW_KFUNCS: Names = new Set(['bpf_obj_new', 'bpf_obj_new_impl']);

/** is_bpf_percpu_obj_new_kfunc() */
export const PERCPU_OBJ_NEW_KFUNCS: Names = new Set([
  'bpf_percpu_obj_new',
  'bpf_percpu_obj_new_impl',
]);

/** is_bpf_obj_drop_kfunc() */
export const OBJ_DROP_KFUNCS: Names = new Set(['bpf_obj_drop', 'bpf_obj_drop_impl']);

/** is_bpf_percpu_obj_drop_kfunc() */
export const PERCPU_OBJ_DROP_KFUNCS: Names = new Set([
  'bpf_percpu_obj_drop',
  'bpf_percpu_obj_drop_impl',
]);

/** is_bpf_refcount_acquire_kfunc() */
export const REFCOUNT_ACQUIRE_KFUNCS: Names = new Set([
  'bpf_refcount_acquire',
  'bpf_refcount_acquire_impl',
]);

/** is_bpf_list_push_kfunc() */
export const LIST_PUSH_KFUNCS: Names = new Set([
  'bpf_list_push_front',
  'bpf_list_push_front_impl',
  'bpf_list_push_back',
  'bpf_list_push_back_impl',
  'bpf_list_add',
]);

/** is_bpf_rbtree_add_kfunc() */
export const RBTREE_ADD_KFUNCS: Names = new Set(['bpf_rbtree_add', 'bpf_rbtree_add_impl']);

/** is_bpf_rbtree_api_kfunc() */
export const RBTREE_KFUNCS: Names = new Set([
  ...RBTREE_ADD_KFUNCS,
  'bpf_rbtree_remove',
  'bpf_rbtree_first',
  'bpf_rbtree_root',
  'bpf_rbtree_left',
  'bpf_rbtree_right',
]);

/** is_task_work_add_kfunc() */
export const TASK_WORK_KFUNCS: Names = new Set([
  'bpf_task_work_schedule_signal',
  'bpf_task_work_schedule_resume',
]);

/** Kfuncs that put an object into a list or tree. */
export const GRAPH_ADD_KFUNCS: Names = new Set([...LIST_PUSH_KFUNCS, ...RBTREE_ADD_KFUNCS]);

/** kfunc_spin_allowed() */
export const SPIN_KFUNCS: Names = new Set([
  ...RBTREE_KFUNCS,
  ...LIST_PUSH_KFUNCS,
  'bpf_list_pop_front',
  'bpf_list_pop_back',
  'bpf_list_del',
  'bpf_list_front',
  'bpf_list_back',
  'bpf_list_is_first',
  'bpf_list_is_last',
  'bpf_list_empty',
  ...REFCOUNT_ACQUIRE_KFUNCS,
  'bpf_iter_num_new',
  'bpf_iter_num_next',
  'bpf_iter_num_destroy',
  'bpf_res_spin_lock',
  'bpf_res_spin_unlock',
  'bpf_res_spin_lock_irqsave',
  'bpf_res_spin_unlock_irqrestore',
  'bpf_arena_alloc_pages',
  'bpf_arena_free_pages',
  'bpf_arena_reserve_pages',
  'bpf_stream_vprintk',
  'bpf_stream_print_stack',
]);
