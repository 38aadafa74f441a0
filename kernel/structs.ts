import {
  chars,
  cType,
  embed,
  long,
  ptr,
  s32,
  struct,
  u32,
  u64,
  u8,
  unsimulated,
} from '../base/layout.ts';

/**
 * The structs of tasks, as far as this kernel models them. Field names are Linux's, offsets are
 * ours. Sources: include/linux/sched.h, sched/signal.h, cred.h, wait.h, fdtable.h, fs.h, mm_types.h
 */

/** include/linux/wait.h: here the first waiting task; the rest hang on task_struct.wait_next. */
export const wait_queue_head = struct('wait_queue_head', {
  lock: u32,
  head: ptr('struct task_struct'),
});

/** include/linux/mutex.h: 0, or the task that holds it; and who waits. */
export const mutex = struct('mutex', {
  owner: ptr('struct task_struct'),
  wait: embed(wait_queue_head),
});

export const task_struct = struct('task_struct', {
  __state: u32, // TASK_*
  flags: u32, // PF_*
  pid: cType('pid_t', s32), // thread id
  tgid: cType('pid_t', s32), // thread group id: what getpid() returns
  exit_state: s32, // EXIT_*
  exit_code: s32, // as wait4() reports it
  exit_signal: s32, // what the parent gets; -1 in a thread that is not the leader
  pdeath_signal: s32,
  usage: cType('refcount_t', s32),
  cpu: s32,
  prio: s32,
  personality: u32,
  comm: chars(16), // TASK_COMM_LEN
  mm: ptr('struct mm_struct'),
  active_mm: ptr('struct mm_struct'),
  fs: ptr('struct fs_struct'),
  files: ptr('struct files_struct'), // alloc_lock
  signal: ptr('struct signal_struct'),
  sighand: ptr('struct sighand_struct'),
  cred: ptr('struct cred'),
  real_parent: ptr('struct task_struct'), // tasklist_lock
  group_leader: ptr('struct task_struct'), // tasklist_lock
  children: ptr('struct task_struct'), // tasklist_lock: the eldest child
  sibling: ptr('struct task_struct'), // tasklist_lock: the next child of the same parent
  thread_next: ptr('struct task_struct'), // tasklist_lock: the next thread of the group
  vfork_done: ptr('struct task_struct'), // alloc_lock: who sleeps in vfork() for this one
  set_child_tid: cType('int *', long), // user address, CLONE_CHILD_SETTID
  clear_child_tid: cType('int *', long), // user address, CLONE_CHILD_CLEARTID
  wait_next: ptr('struct task_struct'), // next on the wait queue this task sleeps on
  wait_head: ptr('struct wait_queue_head'), // that queue
  alloc_lock: u32, // spinlock_t: mm, files, fs pointers
  no_new_privs: u32, // task->atomic_flags bit PFA_NO_NEW_PRIVS
  seccomp_mode: u32,
  default_timer_slack_ns: cType('u64', long),
  timer_slack_ns: cType('u64', long),
  start_time: cType('u64', long), // ns since boot
  pending: u64, // signals, bit n-1 for signal n
  blocked: u64,
  bpf_storage: ptr('struct bpf_local_storage'), // whatever hangs off a task and dies with it
  bpf_user_writable: ptr('struct bpf_user_writable'), // of the feature regwrite; else NULL
  unsimulated: unsimulated(2264),
});

export const signal_struct = struct('signal_struct', {
  sigcnt: cType('refcount_t', s32),
  live: cType('atomic_t', s32), // threads that have not begun to exit
  nr_threads: s32,
  flags: u32, // SIGNAL_*
  group_exit_code: s32,
  is_child_subreaper: u8,
  has_child_subreaper: u8,
  notify_count: s32, // threads that exec waits for; -1: for the leader
  group_exec_task: ptr('struct task_struct'),
  thread_head: ptr('struct task_struct'), // tasklist_lock: the first thread
  pgrp: s32,
  session: s32,
  shared_pending: u64,
  wait_chldexit: embed(wait_queue_head), // parents in wait4()
  cred_guard_mutex: embed(mutex), // from the start of an exec to its end
  exec_update_lock: embed(mutex), // rw_semaphore: while exec changes mm and credentials
  rlim_nofile_cur: long,
  rlim_nofile_max: long,
  rlim_nproc_cur: long,
  rlim_nproc_max: long,
  unsimulated: unsimulated(536),
});

export const sighand_struct = struct('sighand_struct', {
  count: cType('refcount_t', s32),
  siglock: u32, // spinlock_t
  ignored: u64, // bit n-1: SIG_IGN for signal n
  handled: u64, // bit n-1: a handler is installed
});

export const cred = struct('cred', {
  usage: s32,
  uid: cType('kuid_t', u32),
  gid: cType('kgid_t', u32),
  euid: cType('kuid_t', u32),
  egid: cType('kgid_t', u32),
  securebits: u32, // SECBIT_KEEP_CAPS
  cap_permitted: cType('kernel_cap_t', u64),
  cap_effective: cType('kernel_cap_t', u64),
  cap_inheritable: cType('kernel_cap_t', u64),
  unsimulated: unsimulated(128),
});

export const fs_struct = struct('fs_struct', {
  users: s32,
  lock: u32,
  umask: s32,
  unsimulated: unsimulated(48),
});

/** include/linux/binfmts.h: what of it exec's trace events tell. */
export const linux_binprm = struct('linux_binprm', {
  mm: ptr('struct mm_struct'),
  cred: ptr('struct cred'),
  argc: s32,
  envc: s32,
  filename: ptr('const char'), // as exec was asked for it
  interp: ptr('const char'), // what is executed
  unsimulated: unsimulated(360),
});

const register = cType('unsigned long', u64);

/** User registers at the entry to the kernel. arch/x86/include/asm/ptrace.h */
export const pt_regs = struct('pt_regs', {
  r15: register,
  r14: register,
  r13: register,
  r12: register,
  bp: register,
  bx: register,
  r11: register,
  r10: register,
  r9: register,
  r8: register,
  ax: register, // the result
  cx: register,
  dx: register,
  si: register,
  di: register,
  orig_ax: register, // the number of the system call
  ip: register,
  cs: register,
  flags: register,
  sp: register,
  ss: register,
});
