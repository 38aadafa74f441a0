/** include/uapi/linux/sched.h */
export const CSIGNAL = 0xff;
export const CLONE_VM = 0x100;
export const CLONE_FS = 0x200;
export const CLONE_FILES = 0x400;
export const CLONE_SIGHAND = 0x800;
export const CLONE_PIDFD = 0x1000;
export const CLONE_VFORK = 0x4000;
export const CLONE_PARENT = 0x8000;
export const CLONE_THREAD = 0x1_0000;
export const CLONE_NEWNS = 0x2_0000;
export const CLONE_PARENT_SETTID = 0x10_0000;
export const CLONE_CHILD_CLEARTID = 0x20_0000;
export const CLONE_DETACHED = 0x40_0000;
export const CLONE_CHILD_SETTID = 0x100_0000;
export const CLONE_NEWCGROUP = 0x200_0000;
export const CLONE_NEWUTS = 0x400_0000;
export const CLONE_NEWIPC = 0x800_0000;
export const CLONE_NEWUSER = 0x1000_0000;
export const CLONE_NEWPID = 0x2000_0000;
export const CLONE_NEWNET = 0x4000_0000;
/** Every namespace but the user's: what needs CAP_SYS_ADMIN. */
export const CLONE_NEW_PRIVILEGED =
  CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET;

/** include/uapi/asm-generic/signal.h */
export const SIGKILL = 9;
export const SIGSEGV = 11;
export const SIGCHLD = 17;
export const SIGNAL_MAX = 64; // _NSIG
/** The bit of a signal in a set. */
export const sigmask = (sig: number): bigint => 1n << BigInt(sig - 1);

/** include/linux/sched/signal.h */
export const SIGNAL_GROUP_EXIT = 0x4;
export const SIGNAL_UNKILLABLE = 0x40;

/** include/uapi/linux/wait.h */
export const WNOHANG = 0x1;
export const WUNTRACED = 0x2;
export const WEXITED = 0x4;
export const WCONTINUED = 0x8;
export const WNOWAIT = 0x100_0000;
export const __WNOTHREAD = 0x2000_0000;
export const __WALL = 0x4000_0000;
export const __WCLONE = 0x8000_0000;
export const P_ALL = 0;
export const P_PID = 1;
export const P_PGID = 2;

/** include/uapi/linux/resource.h */
export const RLIMIT_NPROC = 6;
export const RLIMIT_NOFILE = 7;
/** RLIM_INFINITY is 2^64 - 1; limits are kept below 2^53, and this stands for it. */
export const RLIM_INFINITY = Number.MAX_SAFE_INTEGER;

/** include/linux/sched/coredump.h */
export const SUID_DUMP_DISABLE = 0;
export const SUID_DUMP_USER = 1;

/** include/linux/sched.h */
export const PF_FORKNOEXEC = 0x40;
export const PF_SUPERPRIV = 0x100;

/** include/linux/init_task.h, in nanoseconds */
export const DEFAULT_TIMER_SLACK_NS = 50_000;
