import { kernelText, type Sim } from '../sim/request.ts';
import { CAP_SYS_RESOURCE, type Creds } from './cred.ts';
import { EFAULT, EINVAL, EPERM, ESRCH } from './errno.ts';
import type { SyscallRow } from './hooks.ts';
import type { Machine } from './machine.ts';
import type { UserMm } from './mm/user-mm.ts';
import type { Shared } from './process/shared.ts';
import { RLIM_INFINITY, RLIMIT_NOFILE, RLIMIT_NPROC } from './process/uapi.ts';
import type { Sched } from './sched.ts';
import type { Task } from './task.ts';
import type { Tasks } from './tasks.ts';

const RLIM_NLIMITS = 16;
/** sysctl_nr_open: fs/file.c */
const NR_OPEN = 1_048_576;
const RLIM64_INFINITY = 0xffff_ffff_ffff_ffffn;

export interface RlimitParts {
  readonly tasks: Tasks;
  readonly creds: Creds;
  readonly shared: Shared;
  readonly user: Pick<UserMm, 'copy_to_user' | 'copy_from_user'>;
}

/** struct rlimit64, with RLIM_INFINITY as the largest number. */
interface Rlimit {
  readonly cur: number;
  readonly max: number;
}

/**
 * Resource limits: descriptors and processes. The others are unlimited, and setting them has no
 * effect. kernel/sys.c
 */
export class Rlimits {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #parts: RlimitParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, sched: Sched, parts: RlimitParts) {
    this.#machine = machine;
    this.#sched = sched;
    this.#parts = parts;
    this.rows = [
      {
        nr: 97,
        name: 'getrlimit',
        args: ['resource', 'rlim_addr'],
        run: (resource, addr) => this.sys_getrlimit(resource! >>> 0, addr!),
      },
      {
        nr: 160,
        name: 'setrlimit',
        args: ['resource', 'rlim_addr'],
        run: (resource, addr) => this.sys_setrlimit(resource! >>> 0, addr!),
      },
      {
        nr: 302,
        name: 'prlimit64',
        args: ['pid', 'resource', 'new_rlim_addr', 'old_rlim_addr'],
        run: (pid, resource, from, to) =>
          this.sys_prlimit64(pid! | 0, resource! >>> 0, { from: from!, to: to! }),
      },
    ];
  }

  *sys_getrlimit(resource: number, addr: number): Sim<number> {
    if (resource >= RLIM_NLIMITS) return -EINVAL;
    const bytes = bytesOf(this.#get(this.#sched.current, resource));
    return (yield* this.#parts.user.copy_to_user(addr, bytes)) === 0 ? 0 : -EFAULT;
  }

  *sys_setrlimit(resource: number, addr: number): Sim<number> {
    const bytes = yield* this.#parts.user.copy_from_user(addr, 16);
    if (bytes === null) return -EFAULT;
    return this.do_prlimit(this.#sched.current, resource, rlimitOf(bytes));
  }

  *sys_prlimit64(pid: number, resource: number, at: { from: number; to: number }): Sim<number> {
    const { user, tasks } = this.#parts;
    let wanted: Rlimit | undefined;
    if (at.from !== 0) {
      const bytes = yield* user.copy_from_user(at.from, 16);
      if (bytes === null) return -EFAULT;
      wanted = rlimitOf(bytes);
    }
    const task = pid === 0 ? this.#sched.current : tasks.byPid(pid);
    if (!task) return -ESRCH;
    if (!this.#permitted(task)) return -EPERM;
    const old = resource < RLIM_NLIMITS ? this.#get(task, resource) : { cur: 0, max: 0 };
    const result = this.do_prlimit(task, resource, wanted);
    if (result < 0 || at.to === 0) return result;
    return (yield* user.copy_to_user(at.to, bytesOf(old))) === 0 ? 0 : -EFAULT;
  }

  /** Checks, and sets where a new limit is given. */
  do_prlimit(task: Task, resource: number, wanted: Rlimit | undefined): number {
    if (resource >= RLIM_NLIMITS) return -EINVAL;
    if (!wanted) return 0;
    if (wanted.cur > wanted.max) return -EINVAL;
    if (resource === RLIMIT_NOFILE && wanted.max > NR_OPEN) return -EPERM;
    const { creds, shared } = this.#parts;
    if (wanted.max > this.#get(task, resource).max && !creds.capable(CAP_SYS_RESOURCE)) {
      return -EPERM;
    }
    this.#machine.memory.unwatched(() => {
      const signal = shared.signalOf(task);
      if (resource === RLIMIT_NOFILE) {
        signal.rlim_nofile_cur = wanted.cur;
        signal.rlim_nofile_max = wanted.max;
      } else if (resource === RLIMIT_NPROC) {
        signal.rlim_nproc_cur = wanted.cur;
        signal.rlim_nproc_max = wanted.max;
      }
    });
    return 0;
  }

  #get(task: Task, resource: number): Rlimit {
    return this.#machine.memory.unwatched(() => {
      const signal = this.#parts.shared.signalOf(task);
      if (resource === RLIMIT_NOFILE) {
        return { cur: signal.rlim_nofile_cur, max: signal.rlim_nofile_max };
      }
      if (resource === RLIMIT_NPROC) {
        return { cur: signal.rlim_nproc_cur, max: signal.rlim_nproc_max };
      }
      return { cur: RLIM_INFINITY, max: RLIM_INFINITY };
    });
  }

  /** check_prlimit_permission() */
  #permitted(task: Task): boolean {
    const { creds } = this.#parts;
    const { current } = this.#sched;
    if (task === current || creds.capable(CAP_SYS_RESOURCE)) return true;
    return this.#machine.memory.unwatched(() => {
      const own = creds.of(current);
      const other = creds.of(task);
      return (
        own.uid === other.uid &&
        own.uid === other.euid &&
        own.gid === other.gid &&
        own.gid === other.egid
      );
    });
  }
}

kernelText(Rlimits);

function rlimitOf(bytes: Uint8Array): Rlimit {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const value = (at: number): number =>
    Math.min(Number(view.getBigUint64(at, true)), RLIM_INFINITY);
  return { cur: value(0), max: value(8) };
}

function bytesOf({ cur, max }: Rlimit): Uint8Array {
  const value = (limit: number): bigint =>
    limit === RLIM_INFINITY ? RLIM64_INFINITY : BigInt(limit);
  return new Uint8Array(new BigUint64Array([value(cur), value(max)]).buffer);
}
