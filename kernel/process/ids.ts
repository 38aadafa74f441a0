import { kernelText, type Sim } from '../../sim/request.ts';
import { CAP_SETPCAP, CAP_SYS_MODULE, type Creds } from '../cred.ts';
import { EFAULT, EINVAL, EPERM, ERESTARTSYS, ESRCH } from '../errno.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import type { UserMm } from '../mm/user-mm.ts';
import type { Modules } from '../module.ts';
import type { Sched } from '../sched.ts';
import type { Tasks } from '../tasks.ts';
import type { Timers } from '../timer.ts';
import type { SignalsForProcess } from './ports.ts';

/** _LINUX_CAPABILITY_VERSION_3: include/uapi/linux/capability.h */
const CAPABILITY_VERSION_3 = 0x2008_0522;
const HEADER_BYTES = 8;
const DATA_BYTES = 24;
/** include/linux/moduleparam.h */
const MODULE_NAME_LEN = 56;
const NSEC_PER_SEC = 1_000_000_000;

export interface IdParts {
  readonly tasks: Tasks;
  readonly creds: Creds;
  readonly timers: Pick<Timers, 'schedule_timeout_interruptible'>;
  readonly signals: Pick<SignalsForProcess, 'signal_pending'>;
  readonly user: Pick<UserMm, 'copy_to_user' | 'copy_from_user' | 'strncpy_from_user'>;
  readonly modules: Pick<Modules, 'delete_module'>;
}

/** Who a task is, and the calls too small for a file. kernel/sys.c, kernel/capability.c */
export class Ids {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #parts: IdParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, sched: Sched, parts: IdParts) {
    this.#machine = machine;
    this.#sched = sched;
    this.#parts = parts;
    this.rows = [...this.#identity(), ...this.#others()];
  }

  #identity(): readonly SyscallRow[] {
    const { creds, tasks } = this.#parts;
    const sched = this.#sched;
    const value = (nr: number, name: string, get: () => number): SyscallRow => ({
      nr,
      name,
      args: [],
      run: () => this.#give(get),
    });
    const cred = (): ReturnType<Creds['of']> => creds.of(sched.current);
    return [
      value(39, 'getpid', () => sched.current.s.tgid),
      value(186, 'gettid', () => sched.current.pid),
      value(110, 'getppid', () => tasks.parentOf(sched.current)?.s.tgid ?? 0),
      value(102, 'getuid', () => cred().uid),
      value(104, 'getgid', () => cred().gid),
      value(107, 'geteuid', () => cred().euid),
      value(108, 'getegid', () => cred().egid),
      {
        nr: 105,
        name: 'setuid',
        args: ['uid'],
        run: (uid) => this.#give(() => (uid === -1 ? -EINVAL : creds.setuid(uid! >>> 0))),
      },
      {
        nr: 106,
        name: 'setgid',
        args: ['gid'],
        run: (gid) => this.#give(() => (gid === -1 ? -EINVAL : creds.setgid(gid! >>> 0))),
      },
    ];
  }

  #others(): readonly SyscallRow[] {
    const sched = this.#sched;
    return [
      { nr: 24, name: 'sched_yield', args: [], run: () => this.sys_sched_yield() },
      {
        nr: 35,
        name: 'nanosleep',
        args: ['rqtp_addr', 'rmtp_addr'],
        run: (wanted, left) => this.sys_nanosleep(wanted!, left ?? 0),
      },
      {
        nr: 176,
        name: 'delete_module',
        args: ['name', 'flags'],
        run: (name) => this.sys_delete_module(name!),
      },
      {
        nr: 218,
        name: 'set_tid_address',
        args: ['tidptr'],
        run: (addr) =>
          this.#give(() => {
            sched.current.s.clear_child_tid = addr!;
            return sched.current.pid;
          }),
      },
      {
        nr: 125,
        name: 'capget',
        args: ['header_addr', 'data_addr'],
        run: (header, data) => this.sys_capget(header!, data!),
      },
      {
        nr: 126,
        name: 'capset',
        args: ['header_addr', 'data_addr'],
        run: (header, data) => this.sys_capset(header!, data!),
      },
    ];
  }

  *sys_sched_yield(): Sim<number> {
    yield* this.#sched.schedule();
    return 0;
  }

  /** Where no handler has run, the interrupted sleep begins anew. kernel/time/hrtimer.c */
  *sys_nanosleep(wantedAddr: number, leftAddr: number): Sim<number> {
    const { user, timers, signals } = this.#parts;
    const bytes = yield* user.copy_from_user(wantedAddr, 16);
    if (bytes === null) return -EFAULT;
    const [seconds, ns] = new BigInt64Array(bytes.buffer);
    if (seconds! < 0n || ns! < 0n || ns! >= NSEC_PER_SEC) return -EINVAL;
    let left = Number(seconds) * NSEC_PER_SEC + Number(ns);
    const { current } = this.#sched;
    while (left > 0 && !signals.signal_pending(current)) {
      left = yield* timers.schedule_timeout_interruptible(left);
    }
    if (left <= 0) return 0;
    if (leftAddr === 0) return -ERESTARTSYS;
    const rest = new BigInt64Array([
      BigInt(Math.floor(left / NSEC_PER_SEC)),
      BigInt(Math.floor(left % NSEC_PER_SEC)),
    ]);
    const failed = yield* user.copy_to_user(leftAddr, new Uint8Array(rest.buffer));
    return failed === 0 ? -ERESTARTSYS : -EFAULT;
  }

  /** kernel/module/main.c. As with O_NONBLOCK, which is how everybody calls it. */
  *sys_delete_module(addr: number): Sim<number> {
    const { creds, user, modules } = this.#parts;
    if (!creds.capable(CAP_SYS_MODULE)) return -EPERM;
    const name = yield* user.strncpy_from_user(addr, MODULE_NAME_LEN - 1);
    if (typeof name === 'number') return name;
    return yield* modules.delete_module(name);
  }

  *sys_capget(headerAddr: number, dataAddr: number): Sim<number> {
    const pid = yield* this.#header(headerAddr);
    if (pid < 0) return pid;
    const { tasks, creds, user } = this.#parts;
    const target = pid === 0 ? this.#sched.current : tasks.byPid(pid);
    if (!target) return -ESRCH;
    const data = new BigUint64Array(3);
    this.#machine.memory.unwatched(() => {
      const { cap_effective, cap_permitted, cap_inheritable } = creds.of(target);
      data.set([cap_effective, cap_permitted, cap_inheritable]);
    });
    if (dataAddr === 0) return 0;
    return (yield* user.copy_to_user(dataAddr, wordsOf(data))) === 0 ? 0 : -EFAULT;
  }

  /** Only one's own: and never more permitted than there was. cap_capset() */
  *sys_capset(headerAddr: number, dataAddr: number): Sim<number> {
    const pid = yield* this.#header(headerAddr);
    if (pid < 0) return pid;
    if (pid !== 0 && pid !== this.#sched.current.pid) return -EPERM;
    const { creds, user } = this.#parts;
    const bytes = yield* user.copy_from_user(dataAddr, DATA_BYTES);
    if (bytes === null) return -EFAULT;
    const [cap_effective, cap_permitted, cap_inheritable] = setsOf(bytes);
    return this.#machine.memory.unwatched(() => {
      const old = creds.of(this.#sched.current);
      const within = (set: bigint, limit: bigint): boolean => (set & ~limit) === 0n;
      const inheritable = old.cap_inheritable | old.cap_permitted;
      if (!within(cap_inheritable!, inheritable) && !creds.capable(CAP_SETPCAP)) return -EPERM;
      if (!within(cap_permitted!, old.cap_permitted)) return -EPERM;
      if (!within(cap_effective!, cap_permitted!)) return -EPERM;
      return creds.change({
        cap_effective: cap_effective!,
        cap_permitted: cap_permitted!,
        cap_inheritable: cap_inheritable!,
      });
    });
  }

  /** The pid that a capability header names, or -errno. */
  *#header(addr: number): Sim<number> {
    const { user } = this.#parts;
    const bytes = yield* user.copy_from_user(addr, HEADER_BYTES);
    if (bytes === null) return -EFAULT;
    const view = new DataView(bytes.buffer);
    const pid = view.getInt32(4, true);
    if (view.getUint32(0, true) === CAPABILITY_VERSION_3) return pid < 0 ? -EINVAL : pid;
    view.setUint32(0, CAPABILITY_VERSION_3, true);
    return (yield* user.copy_to_user(addr, bytes.subarray(0, 4))) === 0 ? -EINVAL : -EFAULT;
  }

  *#give(get: () => number): Sim<number> {
    return this.#machine.memory.unwatched(get);
  }
}

kernelText(Ids);

/** Three 64-bit sets as they stand in two struct __user_cap_data_struct: low words, high words. */
function wordsOf(sets: BigUint64Array): Uint8Array {
  const bytes = new Uint8Array(DATA_BYTES);
  const view = new DataView(bytes.buffer);
  sets.forEach((set, i) => {
    view.setUint32(i * 4, Number(set & 0xffff_ffffn), true);
    view.setUint32(12 + i * 4, Number(set >> 32n), true);
  });
  return bytes;
}

function setsOf(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return [0, 1, 2].map(
    (i) => BigInt(view.getUint32(i * 4, true)) | (BigInt(view.getUint32(12 + i * 4, true)) << 32n),
  );
}
