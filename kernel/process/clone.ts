import { InputError } from '../../base/errors.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE, type Creds } from '../cred.ts';
import { E2BIG, EAGAIN, EFAULT, EINTR, EINVAL, ENOMEM, EPERM } from '../errno.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import { mm_struct } from '../mm/structs.ts';
import type { UserMm } from '../mm/user-mm.ts';
import type { Sched } from '../sched.ts';
import type { Security } from '../security.ts';
import type { Syscalls } from '../syscall.ts';
import { PF_WQ_WORKER, TASK_KILLABLE, TASK_RUNNING, type Task } from '../task.ts';
import type { Tasks } from '../tasks.ts';
import * as traced from '../trace-events.ts';
import type {
  FilesForProcess,
  NewPidfd,
  PidfdsForProcess,
  ProcessHooks,
  SignalsForProcess,
  UserBody,
} from './ports.ts';
import type { RegisteredMemory } from './registered-memory.ts';
import type { Shared } from './shared.ts';
import type { TaskStorage } from './storage.ts';
import * as uapi from './uapi.ts';

const K1 = site('copy_process', 'K1');
const K2 = site('copy_process', 'K2');
const K3 = site('copy_process', 'K3');
const K6 = site('copy_mm', 'K6');
const K8 = site('copy_process', 'K8');
const K9 = site('copy_process', 'K9');
const K10 = site('copy_process', 'K10');

/** As pidfd_open(2) has it. include/uapi/linux/pidfd.h */
const PIDFD_THREAD = 0o200;

/** struct clone_args, first version: eight 64-bit words. include/uapi/linux/sched.h */
const CLONE_ARGS_SIZE_VER0 = 64;
const CLONE_ARGS_SIZE_MAX = 4_096;

export interface CloneParts {
  readonly tasks: Tasks;
  readonly creds: Creds;
  readonly security: Security;
  readonly shared: Shared;
  readonly storage: TaskStorage;
  readonly registered: RegisteredMemory;
  readonly files: FilesForProcess;
  readonly pidfds: PidfdsForProcess;
  readonly signals: SignalsForProcess;
  readonly user: UserMm;
  readonly syscalls: Syscalls;
  readonly hooks: ProcessHooks;
}

/** struct kernel_clone_args: what of it matters here. Addresses are of user memory, 0 for none. */
export interface CloneArgs {
  readonly flags: number;
  readonly exitSignal: number;
  readonly parentTid: number;
  readonly childTid: number;
  readonly pidfd: number;
}

/** What takes back one part of a half-made task. */
type Undo = () => Sim<void>;

/** fork, vfork, clone, clone3. kernel/fork.c, spec 00 R33 to R37 */
export class Clones {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #parts: CloneParts;
  /**
   * What the child of a task's next clone will do in user mode. The C library puts it here just
   * before the system call, which takes it out: the stand-in for the copied registers and text.
   */
  readonly nextBody = new Map<Task, UserBody>();
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, sched: Sched, parts: CloneParts) {
    this.#machine = machine;
    this.#sched = sched;
    this.#parts = parts;
    const plain = { exitSignal: uapi.SIGCHLD, parentTid: 0, childTid: 0, pidfd: 0 };
    this.rows = [
      { nr: 57, name: 'fork', args: [], run: () => this.kernel_clone({ flags: 0, ...plain }) },
      {
        nr: 58,
        name: 'vfork',
        args: [],
        run: () => this.kernel_clone({ flags: uapi.CLONE_VFORK | uapi.CLONE_VM, ...plain }),
      },
      {
        nr: 56,
        name: 'clone',
        args: ['clone_flags', 'newsp', 'parent_tid', 'child_tid', 'tls'],
        run: (given, _stack, parentTid, childTid) => {
          const flags = given! & ~uapi.CSIGNAL;
          return this.kernel_clone({
            flags,
            exitSignal: given! & uapi.CSIGNAL,
            parentTid: parentTid ?? 0,
            childTid: childTid ?? 0,
            pidfd: parentTid ?? 0,
          });
        },
      },
      {
        nr: 435,
        name: 'clone3',
        args: ['uargs_addr', 'size'],
        run: (addr, size) => this.sys_clone3(addr!, size!),
      },
    ];
  }

  reset(): void {
    this.nextBody.clear();
  }

  *sys_clone3(addr: number, size: number): Sim<number> {
    const body = this.nextBody.get(this.#sched.current);
    this.nextBody.delete(this.#sched.current);
    if (size > CLONE_ARGS_SIZE_MAX) return -E2BIG;
    if (size < CLONE_ARGS_SIZE_VER0) return -EINVAL;
    const bytes = yield* this.#parts.user.copy_from_user(addr, size);
    if (bytes === null) return -EFAULT;
    if (bytes.subarray(CLONE_ARGS_SIZE_VER0).some((byte) => byte !== 0)) return -E2BIG;
    const view = new DataView(bytes.buffer);
    const word = (index: number): number => Number(view.getBigUint64(index * 8, true));
    const [flags, pidfd, childTid, parentTid, exitSignal] = [0, 1, 2, 3, 4].map(word);
    if (flags! > 0xffff_ffff || flags! & (uapi.CLONE_DETACHED | uapi.CSIGNAL)) return -EINVAL;
    if (exitSignal! > uapi.SIGNAL_MAX) return -EINVAL;
    if (flags! & (uapi.CLONE_THREAD | uapi.CLONE_PARENT) && exitSignal !== 0) return -EINVAL;
    if (body) this.nextBody.set(this.#sched.current, body);
    return yield* this.kernel_clone({
      flags: flags! | 0,
      exitSignal: exitSignal!,
      parentTid: parentTid!,
      childTid: childTid!,
      pidfd: pidfd!,
    });
  }

  /** The child's pid, in the parent; or -errno. */
  *kernel_clone(args: CloneArgs): Sim<number> {
    const parent = this.#sched.current;
    const body = this.nextBody.get(parent);
    this.nextBody.delete(parent);
    const { flags, parentTid } = args;
    const { tasks, user } = this.#parts;
    if (flags & uapi.CLONE_PIDFD && flags & uapi.CLONE_PARENT_SETTID && args.pidfd === parentTid) {
      return -EINVAL;
    }
    const child = yield* this.copy_process(args, body);
    if (typeof child === 'number') return child;
    const { pid } = child;
    const { tracepoints } = this.#machine;
    if (tracepoints.isOn(traced.sched_process_fork)) {
      yield* tracepoints.trace(traced.sched_process_fork, [parent.addr, child.addr]);
    }
    if (flags & uapi.CLONE_PARENT_SETTID) yield* user.copy_to_user(parentTid, int(pid));
    if (flags & uapi.CLONE_VFORK) {
      child.s.vfork_done = parent.addr;
      tasks.get_task_struct(child);
    }
    yield* this.#sched.wake_up_new_task(child);
    if (flags & uapi.CLONE_VFORK) yield* this.wait_for_vfork_done(child);
    return pid;
  }

  /** A child that is published and not yet awake, or -errno; then everything is as it was. */
  *copy_process(args: CloneArgs, body: UserBody | undefined): Sim<Task | number> {
    const parent = this.#sched.current;
    const refused = this.#refused(args.flags);
    if (refused !== 0) return refused;
    yield* step(K1);
    const thread = (args.flags & uapi.CLONE_THREAD) !== 0;
    const label = body?.label ?? (thread ? 'thread' : 'child');
    const path = body?.path ?? `${parent.path}/${label}#${parent.forkCount + 1}`;
    const child = this.#parts.tasks.dup_task_struct(parent, path, (task) =>
      this.#userMode(task, body),
    );
    if (!child) return -ENOMEM;
    const undo: Undo[] = [() => this.free_task(child)];
    const result = yield* this.#build(child, args, undo);
    if (result < 0) {
      while (undo.length > 0) yield* undo.pop()!();
      return result;
    }
    if (!body) throw new InputError(`${parent.path} forks, and no body is given for the child`);
    if (body.comm !== undefined) child.setComm(body.comm);
    const { registered } = this.#parts;
    if (!(args.flags & uapi.CLONE_VM)) registered.checker.forked(parent, child);
    yield* step(K10);
    const { task_newtask } = this.#parts.hooks;
    if (task_newtask) yield* task_newtask(child, args.flags);
    const { tracepoints } = this.#machine;
    if (tracepoints.isOn(traced.task_newtask)) {
      yield* tracepoints.trace(traced.task_newtask, [child.addr, args.flags >>> 0]);
    }
    return child;
  }

  /** Flags that go together with no others, and what this kernel lacks. */
  #refused(flags: number): number {
    const has = (flag: number): boolean => (flags & flag) !== 0;
    if (has(uapi.CLONE_NEWNS) && has(uapi.CLONE_FS)) return -EINVAL;
    if (has(uapi.CLONE_NEWUSER) && has(uapi.CLONE_FS)) return -EINVAL;
    if (has(uapi.CLONE_THREAD) && !has(uapi.CLONE_SIGHAND)) return -EINVAL;
    if (has(uapi.CLONE_SIGHAND) && !has(uapi.CLONE_VM)) return -EINVAL;
    const { tasks, shared } = this.#parts;
    if (
      has(uapi.CLONE_PARENT) &&
      (shared.signalOf(this.#sched.current).flags & uapi.SIGNAL_UNKILLABLE) !== 0
    ) {
      return -EINVAL;
    }
    if (has(uapi.CLONE_THREAD) && (has(uapi.CLONE_NEWUSER) || has(uapi.CLONE_NEWPID))) {
      return -EINVAL;
    }
    // For a thread since PIDFD_THREAD.
    const lone = uapi.CLONE_DETACHED | (this.#machine.profile === 'v6.1' ? uapi.CLONE_THREAD : 0);
    if (has(uapi.CLONE_PIDFD) && has(lone)) return -EINVAL;
    return tasks.nextPid() === 0 ? -EAGAIN : 0;
  }

  /** Spec 00 R34, steps 2 to 9. Each step that succeeds says how to undo it. */
  *#build(child: Task, args: CloneArgs, undo: Undo[]): Sim<number> {
    const { creds, security, shared, files, user } = this.#parts;
    const { flags } = args;
    const parent = this.#sched.current;
    yield* step(K2);
    let result = creds.copy_creds(child, flags);
    if (result < 0) return result;
    undo.push(() => later(() => creds.put_cred(child)));
    yield* step(K3);
    result = this.#checkLimits(child);
    if (result < 0) return result;
    this.#resetFields(child, parent, args);
    const { registered } = this.#parts;
    if (registered.isOn) result = yield* registered.bpf_user_writable_copy(child, flags);
    if (result < 0) return result;
    if (security.isOn) {
      result = yield* security.security_task_alloc(child, flags);
      if (result !== 0) return result;
    }
    undo.push(() => security.security_task_free(child));
    result = yield* files.copy_files(child, flags);
    if (result < 0) return result;
    undo.push(() => files.exit_files(child));
    result = shared.copy_fs(child, flags);
    if (result < 0) return result;
    undo.push(() => later(() => shared.exit_fs(child)));
    result = shared.copy_sighand(child, flags);
    if (result < 0) return result;
    undo.push(() => later(() => shared.put_sighand(child)));
    result = shared.copy_signal(child, parent, flags);
    if (result < 0) return result;
    if ((flags & uapi.CLONE_THREAD) === 0) {
      undo.push(() => later(() => shared.put_signal_struct(child)));
    }
    result = yield* this.copy_mm(child, flags);
    if (result < 0) return result;
    if (child.s.mm !== 0) undo.push(() => user.mmput(child.s.mm));
    result = this.#copyNamespaces(flags);
    if (result < 0) return result;
    if (!this.#machine.mayAlloc('pid')) return -ENOMEM;
    const pidfd = flags & uapi.CLONE_PIDFD ? yield* this.#newPidfd(child, args, undo) : null;
    if (typeof pidfd === 'number') return pidfd;
    result = yield* this.#publish(child, args);
    if (result === 0 && pidfd) yield* this.#parts.pidfds.pidfd_install(pidfd, child.pid);
    return result;
  }

  /** The parent learns the number before there is anything behind it. */
  *#newPidfd(child: Task, args: CloneArgs, undo: Undo[]): Sim<NewPidfd | number> {
    const { pidfds, user } = this.#parts;
    const flags = args.flags & uapi.CLONE_THREAD ? PIDFD_THREAD : 0;
    const made = yield* pidfds.pidfd_prepare(child, flags);
    if (typeof made === 'number') return made;
    undo.push(() => pidfds.pidfd_abandon(made));
    return (yield* user.copy_to_user(args.pidfd, int(made.fd))) > 0 ? -EFAULT : made;
  }

  /** Before anything hangs on the child but its credentials. Spec 00 R36. */
  #checkLimits(child: Task): number {
    const { tasks, creds, shared } = this.#parts;
    return this.#atomic(() => {
      const { uid } = creds.of(child);
      const limit = shared.signalOf(this.#sched.current).rlim_nproc_cur;
      const free = uid === 0 || creds.capable(CAP_SYS_RESOURCE) || creds.capable(CAP_SYS_ADMIN);
      if (!free && tasks.countOf(uid) + 1 > limit) return -EAGAIN;
      return tasks.threadCount >= tasks.maxThreads ? -EAGAIN : 0;
    });
  }

  /** What of the copy is not the parent's any more. */
  #resetFields(child: Task, parent: Task, { flags, childTid }: CloneArgs): void {
    this.#atomic(() => {
      const { s } = child;
      s.flags = (s.flags & ~(uapi.PF_SUPERPRIV | PF_WQ_WORKER)) | uapi.PF_FORKNOEXEC;
      s.children = 0;
      s.sibling = 0;
      s.thread_next = 0;
      s.vfork_done = 0;
      s.wait_next = 0;
      s.wait_head = 0;
      s.alloc_lock = 0;
      s.pending = 0n;
      s.pdeath_signal = 0;
      s.default_timer_slack_ns = parent.s.timer_slack_ns;
      s.start_time = Math.floor(this.#machine.engine.cpu.nowNs);
      s.set_child_tid = flags & uapi.CLONE_CHILD_SETTID ? childTid : 0;
      s.clear_child_tid = flags & uapi.CLONE_CHILD_CLEARTID ? childTid : 0;
    });
  }

  /** The parent's address space, or a copy of it. */
  *copy_mm(child: Task, flags: number): Sim<number> {
    yield* step(K6);
    const { user } = this.#parts;
    const { mm } = this.#sched.current.s;
    child.s.mm = 0;
    child.s.active_mm = 0;
    if (mm === 0) return 0;
    let made = mm;
    if (flags & uapi.CLONE_VM) {
      yield* user.mmget(mm);
    } else {
      made = yield* user.dup_mm(mm);
      if (made === 0) return -ENOMEM;
      const { memory } = this.#machine;
      this.#atomic(() => (mm_struct.at(memory, made).flags = mm_struct.at(memory, mm).flags));
    }
    child.s.mm = made;
    child.s.active_mm = made;
    return 0;
  }

  /** There is one of each kind. kernel/nsproxy.c: copy_namespaces() */
  #copyNamespaces(flags: number): number {
    if (flags & uapi.CLONE_NEWUSER) return -EINVAL;
    if ((flags & uapi.CLONE_NEW_PRIVILEGED) === 0) return 0;
    return this.#parts.creds.capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
  }

  /** The child becomes visible, unless its parent is to die: then nobody would kill the child. */
  *#publish(child: Task, { flags, exitSignal }: CloneArgs): Sim<number> {
    const { tasks, shared, signals } = this.#parts;
    const parent = this.#sched.current;
    yield* step(K8);
    if (signals.fatal_signal_pending(parent)) return -EINTR;
    yield* step(K9);
    if (signals.fatal_signal_pending(parent)) return -EINTR;
    this.#atomic(() => {
      const pid = tasks.nextPid();
      const { s } = child;
      const leader = tasks.leaderOf(parent);
      const thread = (flags & uapi.CLONE_THREAD) !== 0;
      s.tgid = thread ? parent.s.tgid : pid;
      s.group_leader = thread ? leader.addr : child.addr;
      const sibling = thread || (flags & uapi.CLONE_PARENT) !== 0;
      s.real_parent = sibling ? parent.s.real_parent : parent.addr;
      s.exit_signal = thread ? -1 : flags & uapi.CLONE_PARENT ? leader.s.exit_signal : exitSignal;
      s.cpu = this.#sched.emptiestCpu(parent.s.cpu);
      if (thread) {
        const signal = shared.signalOf(parent);
        signal.sigcnt++;
        signal.live++;
        signal.nr_threads++;
      }
      tasks.publish(child, pid);
      parent.forkCount++;
      child.restart(); // its fiber takes its pid
    });
    this.#machine.remark(() => `${child.path} is pid ${child.pid}`);
    return 0;
  }

  *free_task(child: Task): Sim<void> {
    yield* this.#parts.storage.bpf_local_storage_destroy(child);
    this.#atomic(() => this.#parts.tasks.free_task(child));
  }

  /** The parent sleeps until the child has let go of its address space, or a signal kills it. */
  *wait_for_vfork_done(child: Task): Sim<void> {
    const parent = this.#sched.current;
    const { signals, tasks } = this.#parts;
    const over = (): boolean =>
      this.#atomic(() => {
        parent.s.__state = TASK_KILLABLE;
        return child.s.vfork_done === 0 || signals.fatal_signal_pending(parent);
      });
    while (!over()) yield* this.#sched.schedule();
    this.#atomic(() => {
      parent.s.__state = TASK_RUNNING;
      child.s.vfork_done = 0;
    });
    tasks.put_task_struct(child);
  }

  /** A child's whole life after its first wake-up: user mode, then exit with what that gave. */
  *#userMode(task: Task, body: UserBody | undefined): Sim<void> {
    const { syscalls } = this.#parts;
    if (task.s.set_child_tid !== 0) yield* this.schedule_tail(task);
    yield* syscalls.exit_to_user_mode();
    const code = (yield* body!.run(task)) ?? 0;
    const thread = task.s.group_leader !== task.addr;
    yield* syscalls.invoke(thread ? 'exit' : 'exit_group', code);
  }

  /** kernel/sched/core.c */
  *schedule_tail(task: Task): Sim<void> {
    yield* this.#parts.user.copy_to_user(task.s.set_child_tid, int(task.pid));
  }

  /** What tasklist_lock and siglock would cover. */
  #atomic<T>(act: () => T): T {
    return this.#machine.memory.unwatched(act);
  }
}

kernelText(Clones);

function int(value: number): Uint8Array {
  return Uint8Array.of(value, value >> 8, value >> 16, value >> 24);
}

function* later(act: () => void): Sim<void> {
  act();
}
