/**
 * Structs of the kernel's that a map may own, and the function that gives one up.
 * register_btf_id_dtor_kfuncs()
 */
export const DTORS: ReadonlyMap<string, string> = new Map([
  ['task_struct', 'bpf_task_release_dtor'],
  ['cgroup', 'bpf_cgroup_release_dtor'],
  ['bpf_cpumask', 'bpf_cpumask_release_dtor'],
  ['bpf_crypto_ctx', 'bpf_crypto_ctx_release_dtor'],
  ['sk_buff', 'bpf_kfree_skb_dtor'],
  ['prog_test_ref_kfunc', 'bpf_kfunc_call_test_release_dtor'],
  ['prog_test_member', 'bpf_kfunc_call_memb_release_dtor'],
]);
