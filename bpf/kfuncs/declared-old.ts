import { kfuncSet, type DeclaredKfunc } from './declare.ts';

/** Kfuncs that Linux has no more: of kernels whose profile has `kptrGet`. Spec 02 R13 */
export const OLD_KFUNCS: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tracing', 'syscall'] },
  `
  struct task_struct *bpf_task_kptr_get(struct task_struct **pp) KF_ACQUIRE KF_KPTR_GET
    KF_RET_NULL;
`,
);

/** The same in C, for such a kernel's BTF. */
export const OLD_KFUNC_DECLARATIONS: string = OLD_KFUNCS.map(
  ({ declaration }) => `${declaration};\n`,
).join('');
