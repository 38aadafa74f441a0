import type { Reg } from '../values/reg.ts';

/**
 * Members of the kernel's structs that are as safe as the struct itself is, by struct, member and
 * the struct that it points to. BTF_TYPE_SAFE_*
 */
type SafeFields = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Safe in a read section, and never NULL. BTF_TYPE_SAFE_RCU */
const RCU: SafeFields = {
  task_struct: {
    cpus_ptr: 'cpumask',
    cgroups: 'css_set',
    real_parent: 'task_struct',
    group_leader: 'task_struct',
  },
  cgroup: { kn: 'kernfs_node' },
  css_set: { dfl_cgrp: 'cgroup' },
  cgroup_subsys_state: { cgroup: 'cgroup' },
};

/** Safe in a read section, or NULL. BTF_TYPE_SAFE_RCU_OR_NULL */
const RCU_OR_NULL: SafeFields = {
  mm_struct: { exe_file: 'file', owner: 'task_struct' },
  sk_buff: { sk: 'sock' },
  request_sock: { sk: 'sock' },
};

/** Safe outside of read sections too, and never NULL. BTF_TYPE_SAFE_TRUSTED */
const TRUSTED: SafeFields = {
  bpf_iter_meta: { seq: 'seq_file' },
  bpf_iter__task: { meta: 'bpf_iter_meta', task: 'task_struct' },
  linux_binprm: { file: 'file' },
  file: { f_inode: 'inode' },
};

/** Safe outside of read sections too, or NULL. BTF_TYPE_SAFE_TRUSTED_OR_NULL */
const TRUSTED_OR_NULL: SafeFields = {
  dentry: { d_inode: 'inode' },
  socket: { sk: 'sock' },
  vm_area_struct: { vm_mm: 'mm_struct', vm_file: 'file' },
};

/** btf_nested_type_is_trusted() */
function isListed(lists: SafeFields, reg: Reg, field: string, btfId: number): boolean {
  const { types } = reg.btf!;
  const type = types[reg.btfId];
  if (type?.kind !== 'struct' || !Object.hasOwn(lists, type.name)) return false;
  const fields = lists[type.name]!;
  return Object.hasOwn(fields, field) && fields[field] === types[btfId]?.name;
}

/** type_is_rcu() */
export function typeIsRcu(reg: Reg, field: string, btfId: number): boolean {
  return isListed(RCU, reg, field, btfId);
}

/** type_is_rcu_or_null() */
export function typeIsRcuOrNull(reg: Reg, field: string, btfId: number): boolean {
  return isListed(RCU_OR_NULL, reg, field, btfId);
}

/** type_is_trusted() */
export function typeIsTrusted(reg: Reg, field: string, btfId: number): boolean {
  return isListed(TRUSTED, reg, field, btfId);
}

/** type_is_trusted_or_null() */
export function typeIsTrustedOrNull(reg: Reg, field: string, btfId: number): boolean {
  return isListed(TRUSTED_OR_NULL, reg, field, btfId);
}
