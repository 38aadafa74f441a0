import { kernelText, type Sim } from '../../sim/request.ts';
import { ECHILD, EFAULT, EINVAL, ESRCH } from '../errno.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import type { UserMm } from '../mm/user-mm.ts';
import type { Sched } from '../sched.ts';
import { cred, signal_struct } from '../structs.ts';
import { EXIT_DEAD, EXIT_ZOMBIE, type Task } from '../task.ts';
import type { Tasks } from '../tasks.ts';
import type { Waits } from '../wait.ts';
import type { Exits } from './exit.ts';
import type { Shared } from './shared.ts';
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  P_ALL,
  P_PGID,
  P_PID,
  SIGCHLD,
  SIGNAL_GROUP_EXIT,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WUNTRACED,
} from './uapi.ts';

const WAIT4_OPTIONS = (WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL) >>> 0;
const WAITID_OPTIONS =
  (WNOHANG | WNOWAIT | WEXITED | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL) >>> 0;
const INT_MIN = -(2 ** 31);
const RUSAGE_BYTES = 144;
const SIGINFO_BYTES = 128;
/** include/uapi/asm-generic/siginfo.h */
const CLD_EXITED = 1;
const CLD_KILLED = 2;

export interface WaitParts {
  readonly tasks: Tasks;
  readonly shared: Shared;
  readonly exits: Pick<Exits, 'release'>;
  readonly waits: Pick<Waits, 'wait_event_interruptible'>;
  readonly user: Pick<UserMm, 'copy_to_user'>;
}

/** struct wait_opts, kernel/exit.h */
interface WaitOptions {
  readonly matches: (child: Task) => boolean;
  readonly options: number;
}

/** A child that has been waited for. */
interface Reaped {
  readonly pid: number;
  readonly uid: number;
  readonly status: number;
}

/** wait4 and waitid. There are no stopped or continued children. kernel/exit.c, spec 00 R44 */
export class WaitCalls {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #parts: WaitParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, sched: Sched, parts: WaitParts) {
    this.#machine = machine;
    this.#sched = sched;
    this.#parts = parts;
    this.rows = [
      {
        nr: 61,
        name: 'wait4',
        args: ['pid', 'stat_addr', 'options', 'ru_addr'],
        run: (pid, status, options, usage) =>
          this.kernel_wait4(pid! | 0, status ?? 0, (options ?? 0) >>> 0, usage ?? 0),
      },
      {
        nr: 247,
        name: 'waitid',
        args: ['which', 'pid', 'info_addr', 'options', 'ru_addr'],
        run: (which, pid, info, options, usage) =>
          this.kernel_waitid(which! | 0, pid! | 0, {
            info: info ?? 0,
            options: (options ?? 0) >>> 0,
            usage: usage ?? 0,
          }),
      },
    ];
  }

  *kernel_wait4(pid: number, status: number, options: number, usage: number): Sim<number> {
    if ((options & ~WAIT4_OPTIONS) !== 0) return -EINVAL;
    if (pid === INT_MIN) return -ESRCH;
    const matches = this.#matcher(
      pid < -1 || pid === 0 ? P_PGID : pid === -1 ? P_ALL : P_PID,
      Math.abs(pid),
    );
    const found = yield* this.do_wait({ matches, options: options | WEXITED });
    if (typeof found === 'number') return found;
    const { user } = this.#parts;
    if (status !== 0 && (yield* user.copy_to_user(status, words(4, found.status))) !== 0) {
      return -EFAULT;
    }
    if (usage !== 0 && (yield* user.copy_to_user(usage, new Uint8Array(RUSAGE_BYTES))) !== 0) {
      return -EFAULT;
    }
    return found.pid;
  }

  *kernel_waitid(
    which: number,
    pid: number,
    to: { info: number; options: number; usage: number },
  ): Sim<number> {
    const { info, options, usage } = to;
    if ((options & ~WAITID_OPTIONS) !== 0) return -EINVAL;
    if ((options & (WEXITED | WUNTRACED | WCONTINUED)) === 0) return -EINVAL;
    if (which === P_PID ? pid <= 0 : which === P_PGID ? pid < 0 : which !== P_ALL) return -EINVAL;
    const found = yield* this.do_wait({ matches: this.#matcher(which, pid), options });
    if (typeof found === 'number' && found < 0) return found;
    const { user } = this.#parts;
    if (usage !== 0 && (yield* user.copy_to_user(usage, new Uint8Array(RUSAGE_BYTES))) !== 0) {
      return -EFAULT;
    }
    const bytes = typeof found === 'number' ? new Uint8Array(SIGINFO_BYTES) : siginfo(found);
    if (info !== 0 && (yield* user.copy_to_user(info, bytes)) !== 0) return -EFAULT;
    return 0;
  }

  /** What was found, 0 where WNOHANG found nothing, or -errno. */
  *do_wait(wanted: WaitOptions): Sim<Reaped | number> {
    const { waits } = this.#parts;
    const queue = this.#sched.current.s.signal + signal_struct.off.wait_chldexit;
    let found: Reaped | number | undefined;
    const result = yield* waits.wait_event_interruptible(queue, () => {
      found = this.#machine.memory.unwatched(() => this.#scan(wanted));
      return found !== undefined;
    });
    return found ?? result;
  }

  /** One look at all children, as under tasklist_lock; undefined: sleep on. __do_wait() */
  #scan({ matches, options }: WaitOptions): Reaped | number | undefined {
    const { tasks } = this.#parts;
    const current = this.#sched.current;
    const parents = options & __WNOTHREAD ? [current] : tasks.threadsOf(current);
    let exists = false;
    for (const parent of parents) {
      for (const child of tasks.childrenOf(parent)) {
        if (!matches(child) || !eligible(child, options)) continue;
        if (child.s.exit_state === EXIT_DEAD) continue;
        exists = true;
        const zombie = child.s.exit_state === EXIT_ZOMBIE && tasks.threadsOf(child).length === 1;
        if (zombie && options & WEXITED) return this.#wait_task_zombie(child, options);
      }
    }
    if (!exists) return -ECHILD;
    return options & WNOHANG ? 0 : undefined;
  }

  #wait_task_zombie(child: Task, options: number): Reaped {
    const { shared, exits } = this.#parts;
    const signal = shared.signalOf(child);
    const status = signal.flags & SIGNAL_GROUP_EXIT ? signal.group_exit_code : child.s.exit_code;
    const { uid } = cred.at(this.#machine.memory, child.s.cred);
    const found = { pid: child.pid, uid, status };
    if (options & WNOWAIT) return found;
    child.s.exit_state = EXIT_DEAD;
    exits.release(child);
    this.#machine.remark(() => `${child.path} reaped, pid ${found.pid} is free`);
    return found;
  }

  #matcher(which: number, id: number): (child: Task) => boolean {
    if (which === P_ALL) return () => true;
    if (which === P_PID) return (child) => child.pid === id;
    const { shared } = this.#parts;
    const group =
      id === 0
        ? this.#machine.memory.unwatched(() => shared.signalOf(this.#sched.current).pgrp)
        : id;
    return (child) => shared.signalOf(child).pgrp === group;
  }
}

kernelText(WaitCalls);

/** Children with another exit signal than SIGCHLD only for those who ask. eligible_child() */
function eligible(child: Task, options: number): boolean {
  if (options & __WALL) return true;
  return (child.s.exit_signal !== SIGCHLD) === ((options & __WCLONE) !== 0);
}

/** A little-endian number in `size` bytes. */
function words(size: number, ...values: number[]): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setInt32(i * 4, value, true));
  return bytes;
}

/** si_signo, si_errno, si_code, padding, si_pid, si_uid, si_status */
function siginfo({ pid, uid, status }: Reaped): Uint8Array {
  const killed = (status & 0x7f) !== 0;
  return words(
    SIGINFO_BYTES,
    SIGCHLD,
    0,
    killed ? CLD_KILLED : CLD_EXITED,
    0,
    pid,
    uid,
    killed ? status & 0x7f : (status >> 8) & 0xff,
  );
}
