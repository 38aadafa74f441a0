/** include/uapi/asm-generic/signal.h, arch/x86/include/uapi/asm/signal.h */
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGWINCH = 28;
export const SIGSYS = 31;
export const NSIG = 64;

/** As the handler in struct sigaction. */
export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** How rt_sigprocmask() changes the mask. */
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

/** A signal set is 64 bits: bit n-1 for signal n. */
export function sigmask(...signals: readonly number[]): bigint {
  return signals.reduce((mask, sig) => mask | (1n << BigInt(sig - 1)), 0n);
}

/** include/linux/signal.h: SIG_KERNEL_*_MASK, and the synchronous ones of kernel/signal.c */
export const SIG_KERNEL_ONLY_MASK = sigmask(SIGKILL, SIGSTOP);
export const SIG_KERNEL_STOP_MASK = sigmask(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
export const SIG_KERNEL_IGNORE_MASK = sigmask(SIGCONT, SIGCHLD, SIGWINCH, SIGURG);
export const SYNCHRONOUS_MASK = sigmask(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);
