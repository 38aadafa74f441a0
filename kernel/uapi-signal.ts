import { SIGCHLD, SIGKILL, SIGSEGV, sigmask } from './process/uapi.ts';

/** include/uapi/asm-generic/signal.h: those that are not in process/uapi.ts */
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGUSR1 = 10;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGWINCH = 28;
export const SIGSYS = 31;

/** As the handler in struct sigaction. */
export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** How rt_sigprocmask() changes the mask. */
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

/** include/linux/signal.h: SIG_KERNEL_*_MASK, and the synchronous ones of kernel/signal.c */
const set = (...signals: readonly number[]): bigint =>
  signals.reduce((mask, sig) => mask | sigmask(sig), 0n);
export const SIG_KERNEL_ONLY_MASK = set(SIGKILL, SIGSTOP);
export const SIG_KERNEL_STOP_MASK = set(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
export const SIG_KERNEL_IGNORE_MASK = set(SIGCONT, SIGCHLD, SIGWINCH, SIGURG);
export const SYNCHRONOUS_MASK = set(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);
