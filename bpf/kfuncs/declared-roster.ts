import { kfuncSet, type DeclaredKfunc } from './declare.ts';

/** Of /dev/roster, which no Linux has: kernel/fs/roster.ts. Last, so that all else is as there. */
export const ROSTER_KFUNCS: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['tracing', 'syscall'] },
  `
  struct roster_lock *roster_lock() KF_ACQUIRE;
  void roster_unlock(struct roster_lock *lock) KF_RELEASE;
  struct roster_entry *roster_add(u32 number) KF_ACQUIRE KF_RET_NULL;
  void roster_put(struct roster_entry *entry) KF_RELEASE;
  struct roster_file *roster_open() KF_ACQUIRE KF_RET_NULL;
  void roster_close(struct roster_file *file) KF_RELEASE KF_SLEEPABLE;
`,
);
