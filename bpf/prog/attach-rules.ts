/* What may be attached where, by names of kernel functions. kernel/bpf/verifier.c */

/** Functions registered for fmod_ret; true: they may sleep. btf_kfunc_is_modify_return() */
const FMOD_RET: ReadonlyMap<string, boolean> = new Map([
  ['bpf_modify_return_test', false],
  ['bpf_modify_return_test2', false],
  ['bpf_modify_return_test_tp', false],
  ['bpf_fentry_test1', true],
  ['update_socket_protocol', false],
]);
const SECURITY_PREFIX = 'security_';
const SYSCALL_PREFIX = '__x64_sys_';

/**
 * Its entry may be traced by a program that sleeps: as where CONFIG_FUNCTION_ERROR_INJECTION is
 * not set. check_attach_sleepable()
 */
export function mayTracerSleep(func: string): boolean {
  return func.startsWith(SYSCALL_PREFIX) || FMOD_RET.get(func) === true;
}

/** A program may say what it returns. check_attach_modify_return() */
export function isModifiable(func: string): boolean {
  return func.startsWith(SYSCALL_PREFIX) || func.startsWith(SECURITY_PREFIX) || FMOD_RET.has(func);
}

/** Tracepoints whose programs may sleep. tracepoint_is_faultable() */
export const FAULTABLE_TRACEPOINTS: ReadonlySet<string> = new Set(['sys_enter', 'sys_exit']);

/** Called by what runs programs: btf_id_deny */
export const TRACING_DENIED: ReadonlySet<string> = new Set([
  '___migrate_enable',
  'migrate_disable',
  'migrate_enable',
  'rcu_read_unlock_strict',
  'preempt_count_add',
  'preempt_count_sub',
  '__rcu_read_lock',
  '__rcu_read_unlock',
]);

/** They never return, so nothing may wait for it: noreturn_deny */
export const NEVER_RETURNS: ReadonlySet<string> = new Set([
  '__ia32_sys_exit',
  '__ia32_sys_exit_group',
  '__kunit_abort',
  'kunit_try_catch_throw',
  '__module_put_and_kthread_exit',
  '__x64_sys_exit',
  '__x64_sys_exit_group',
  'do_exit',
  'do_group_exit',
  'kthread_complete_and_exit',
  'make_task_dead',
]);

/** Functions named bpf_lsm_* that are no hooks. */
export const NO_LSM_HOOKS: ReadonlySet<string> = new Set([
  'bpf_lsm_find_cgroup_shim',
  'bpf_lsm_has_d_inode_locked',
  'bpf_lsm_verify_prog',
  'bpf_lsm_func_proto',
  'bpf_lsm_is_sleepable_hook',
  'bpf_lsm_is_trusted',
  'bpf_lsm_get_retval_range',
  'bpf_lsm_hook_returns_errno',
  'bpf_lsm_init',
]);
