import { ENOMEM, EPERM } from './errno.ts';
import type { Kasan } from './kasan.ts';
import type { Machine } from './machine.ts';
import { mm_struct } from './mm/structs.ts';
import { CLONE_THREAD, SUID_DUMP_DISABLE, SUID_DUMP_USER } from './process/uapi.ts';
import type { Sched } from './sched.ts';
import type { KmemCache } from './slab.ts';
import { cred } from './structs.ts';
import type { Task } from './task.ts';

/** include/uapi/linux/capability.h: the ones that this kernel asks for. */
export const CAP_SETGID = 6;
export const CAP_SETUID = 7;
export const CAP_SETPCAP = 8;
export const CAP_SYS_MODULE = 16;
export const CAP_SYS_PTRACE = 19;
export const CAP_SYS_ADMIN = 21;
export const CAP_SYS_BOOT = 22;
export const CAP_SYS_RESOURCE = 24;
const CAP_LAST_CAP = 40;
export const ALL_CAPS = (1n << BigInt(CAP_LAST_CAP + 1)) - 1n;

/** include/uapi/linux/securebits.h */
export const SECBIT_KEEP_CAPS = 1 << 4;

type Cred = ReturnType<typeof cred.at>;

/** What commit_creds() may change. */
export type CredChange = Partial<
  Pick<
    Cred,
    | 'uid'
    | 'gid'
    | 'euid'
    | 'egid'
    | 'securebits'
    | 'cap_permitted'
    | 'cap_effective'
    | 'cap_inheritable'
  >
>;

/**
 * Credentials: immutable once committed, shared by threads, replaced whole. There is one set of
 * ids: no saved and no file-system ones. kernel/cred.c, security/commoncap.c
 */
export class Creds {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #kasan: Pick<Kasan, 'free'>;
  readonly #cache: KmemCache;

  constructor(machine: Machine, sched: Sched, kasan: Pick<Kasan, 'free'>) {
    this.#machine = machine;
    this.#sched = sched;
    this.#kasan = kasan;
    this.#cache = machine.slab.cache('cred_jar', cred.sizeBytes);
  }

  of(task: Task): Cred {
    return cred.at(this.#machine.memory, task.s.cred);
  }

  /** Root's, with every capability. */
  create(): number {
    const { slab, memory } = this.#machine;
    const made = cred.at(memory, slab.zalloc(this.#cache));
    made.usage = 1;
    made.cap_permitted = ALL_CAPS;
    made.cap_effective = ALL_CAPS;
    return made.addr;
  }

  /** Whether the current task has a capability. kernel/capability.c */
  capable(cap: number): boolean {
    return this.#machine.memory.unwatched(() => {
      const task = this.#sched.current;
      return (this.of(task).cap_effective & (1n << BigInt(cap))) !== 0n;
    });
  }

  /** The child's own copy, or the parent's where it is a thread. */
  copy_creds(child: Task, flags: number): number {
    return this.#machine.memory.unwatched(() => {
      const old = this.of(child);
      if (flags & CLONE_THREAD) {
        old.usage++;
        return 0;
      }
      const made = this.prepare_creds(old);
      if (made === 0) return -ENOMEM;
      child.s.cred = made;
      return 0;
    });
  }

  /** Drops the task's reference. exit_creds() */
  put_cred(task: Task): void {
    this.#machine.memory.unwatched(() => {
      const addr = task.s.cred;
      task.s.cred = 0;
      this.#put(addr);
    });
  }

  /** A copy with one reference, or 0. */
  prepare_creds(old: Cred): number {
    const { slab, memory } = this.#machine;
    const made = this.#machine.mayAlloc('cred') ? slab.alloc(this.#cache) : 0;
    if (made === 0) return 0;
    memory.copy(made, old.addr, cred.sizeBytes);
    cred.at(memory, made).usage = 1;
    return made;
  }

  /** Gives the current task a changed copy: 0 or -ENOMEM. */
  change(change: CredChange): number {
    const prepared = this.prepare();
    if (prepared === 0) return -ENOMEM;
    this.commit_creds(prepared, change);
    return 0;
  }

  /** A copy of the current task's, for commit_creds() or abort_creds(); or 0. */
  prepare(): number {
    return this.#machine.memory.unwatched(() => this.prepare_creds(this.of(this.#sched.current)));
  }

  abort_creds(prepared: number): void {
    this.#machine.memory.unwatched(() => this.#put(prepared));
  }

  /**
   * The prepared copy, changed, becomes the current task's. Where its power or identity changes,
   * it can no longer be dumped, and forgets its parent-death signal. kernel/cred.c
   */
  commit_creds(addr: number, change: CredChange): void {
    this.#machine.memory.unwatched(() => {
      const task = this.#sched.current;
      const old = this.of(task);
      const made = cred.at(this.#machine.memory, addr);
      Object.assign(made, change);
      const gained = (made.cap_permitted & ~old.cap_permitted) !== 0n;
      if (
        made.uid !== old.uid ||
        made.gid !== old.gid ||
        made.euid !== old.euid ||
        made.egid !== old.egid ||
        gained
      ) {
        if (task.s.mm !== 0) this.setDumpable(task, SUID_DUMP_DISABLE);
        task.s.pdeath_signal = 0;
      }
      task.s.cred = addr;
      this.#put(old.addr);
    });
  }

  /** kernel/sys.c: __sys_setuid() */
  setuid(uid: number): number {
    const { uid: real, euid, securebits, cap_permitted } = this.of(this.#sched.current);
    if (!this.capable(CAP_SETUID)) {
      return uid === real || uid === euid ? this.change({ euid: uid }) : -EPERM;
    }
    // cap_emulate_setxuid()
    const change: CredChange = { uid, euid: uid };
    const wasRoot = real === 0 || euid === 0;
    if (wasRoot && uid !== 0 && (securebits & SECBIT_KEEP_CAPS) === 0) change.cap_permitted = 0n;
    if (euid === 0 && uid !== 0) change.cap_effective = 0n;
    if (euid !== 0 && uid === 0) change.cap_effective = cap_permitted;
    return this.change(change);
  }

  /** kernel/sys.c: __sys_setgid() */
  setgid(gid: number): number {
    const { gid: real, egid } = this.of(this.#sched.current);
    if (this.capable(CAP_SETGID)) return this.change({ gid, egid: gid });
    return gid === real || gid === egid ? this.change({ egid: gid }) : -EPERM;
  }

  /** What exec leaves: root gets everything back, others nothing. cap_bprm_creds_from_file() */
  execCreds(): CredChange {
    const { euid, uid, cap_inheritable, securebits } = this.of(this.#sched.current);
    const caps = uid === 0 || euid === 0 ? ALL_CAPS : 0n;
    return {
      securebits: securebits & ~SECBIT_KEEP_CAPS,
      cap_permitted: caps,
      cap_effective: euid === 0 ? caps : 0n,
      cap_inheritable,
    };
  }

  /**
   * Whether the current task may look into another: PTRACE_MODE_ATTACH_REALCREDS. kernel/ptrace.c:
   * __ptrace_may_access(), security/commoncap.c: cap_ptrace_access_check()
   */
  ptrace_may_access(task: Task): boolean {
    const { current } = this.#sched;
    if (this.capable(CAP_SYS_PTRACE)) return true;
    return this.#machine.memory.unwatched(() => {
      if (task.s.signal === current.s.signal) return true;
      const own = this.of(current);
      const other = this.of(task);
      const same =
        own.uid === other.uid &&
        own.uid === other.euid &&
        own.gid === other.gid &&
        own.gid === other.egid;
      const isSubset = (other.cap_permitted & ~own.cap_permitted) === 0n;
      return same && isSubset && (task.s.mm === 0 || this.dumpable(task) === SUID_DUMP_USER);
    });
  }

  dumpable(task: Task): number {
    return mm_struct.at(this.#machine.memory, task.s.mm).flags & 3;
  }

  /** fs/exec.c: set_dumpable() */
  setDumpable(task: Task, value: number): void {
    mm_struct.at(this.#machine.memory, task.s.mm).flags = value;
  }

  #put(addr: number): void {
    const old = cred.at(this.#machine.memory, addr);
    if (--old.usage === 0) this.#kasan.free(addr);
  }
}
