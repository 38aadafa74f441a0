import { kernelText, type Sim } from '../sim/request.ts';
import { CAP_SYS_ADMIN, SECBIT_KEEP_CAPS, type Creds } from './cred.ts';
import { EACCES, EFAULT, EINVAL, ENOSYS } from './errno.ts';
import type { SyscallRow } from './hooks.ts';
import type { Machine } from './machine.ts';
import type { UserMm } from './mm/user-mm.ts';
import type { RegisteredMemory } from './process/registered-memory.ts';
import type { Shared } from './process/shared.ts';
import { SIGNAL_MAX, SUID_DUMP_USER } from './process/uapi.ts';
import type { Sched } from './sched.ts';
import type { Security } from './security.ts';
import type { Task } from './task.ts';
import { task_rename } from './trace-events.ts';
import { traceRename } from './trace-sites.ts';
import type { Tasks } from './tasks.ts';

const TASK_COMM_LEN = 16;
/** include/uapi/linux/seccomp.h */
const SECCOMP_MODE_FILTER = 2;

export interface PrctlParts {
  readonly tasks: Tasks;
  readonly creds: Creds;
  readonly security: Security;
  readonly shared: Shared;
  readonly registered: RegisteredMemory;
  readonly user: Pick<UserMm, 'copy_to_user' | 'copy_from_user' | 'strncpy_from_user'>;
}

/** PR_GET_KEEPCAPS, PR_SET_KEEPCAPS. security/commoncap.c: cap_task_prctl() */
const CAPABILITY_OPTIONS: ReadonlySet<number> = new Set([7, 8]);

/** The arguments after the option, as register values. */
type Args = readonly [arg2: number, arg3: number, arg4: number, arg5: number];
type Option = (task: Task, args: Args) => number | Sim<number>;

/** prctl: one row an option. kernel/sys.c. Inheritance is clone's and exec's: spec 00 R37. */
export class Prctl {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #parts: PrctlParts;
  readonly #options: ReadonlyMap<number, Option>;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, sched: Sched, parts: PrctlParts) {
    this.#machine = machine;
    this.#sched = sched;
    this.#parts = parts;
    this.#options = this.#table();
    this.rows = [
      {
        nr: 157,
        name: 'prctl',
        args: ['option', 'arg2', 'arg3', 'arg4', 'arg5'],
        run: (option, ...args) =>
          this.sys_prctl(option! | 0, [args[0] ?? 0, args[1] ?? 0, args[2] ?? 0, args[3] ?? 0]),
      },
    ];
  }

  *sys_prctl(number: number, args: Args): Sim<number> {
    const { security } = this.#parts;
    if (!security.isOn) return yield* this.#prctl(number, args);
    // The capability module is the first to be asked, and does what is its own then and there.
    const own = CAPABILITY_OPTIONS.has(number) ? yield* this.#prctl(number, args) : -ENOSYS;
    const given = yield* security.security_task_prctl(number, ...args, own);
    return given === -ENOSYS ? yield* this.#prctl(number, args) : given;
  }

  *#prctl(number: number, args: Args): Sim<number> {
    const option = this.#options.get(number);
    if (!option) return -EINVAL;
    const [arg2, arg3, arg4, arg5] = args;
    const signed: Args = [asLong(arg2), arg3, arg4, arg5];
    const result = this.#machine.memory.unwatched(() => option(this.#sched.current, signed));
    return typeof result === 'number' ? result : yield* result;
  }

  /** include/uapi/linux/prctl.h. An argument that no check names may be anything. */
  #table(): ReadonlyMap<number, Option> {
    const { creds, shared, registered } = this.#parts;
    return new Map<number, Option>([
      [
        1,
        (task, [sig]) => {
          // PR_SET_PDEATHSIG
          if (sig < 0 || sig > SIGNAL_MAX) return -EINVAL;
          task.s.pdeath_signal = sig;
          return 0;
        },
      ],
      [2, (task, [addr]) => this.#putInt(addr, task.s.pdeath_signal)], // PR_GET_PDEATHSIG
      [3, (task) => creds.dumpable(task)], // PR_GET_DUMPABLE
      [
        4,
        (task, [value]) => {
          // PR_SET_DUMPABLE
          if (value !== 0 && value !== SUID_DUMP_USER) return -EINVAL;
          creds.setDumpable(task, value);
          return 0;
        },
      ],
      [7, (task) => (creds.of(task).securebits & SECBIT_KEEP_CAPS ? 1 : 0)], // PR_GET_KEEPCAPS
      [8, (task, [value]) => this.#setKeepCaps(task, value)], // PR_SET_KEEPCAPS
      [15, (task, [addr]) => this.#setName(task, addr)], // PR_SET_NAME
      [16, (task, [addr]) => this.#getName(task, addr)], // PR_GET_NAME
      [21, (task) => task.s.seccomp_mode], // PR_GET_SECCOMP
      [22, (task, [mode, addr]) => this.#setSeccomp(task, mode, addr)], // PR_SET_SECCOMP
      [
        29,
        ({ s }, [slack]) => {
          // PR_SET_TIMERSLACK
          s.timer_slack_ns = slack === 0 ? s.default_timer_slack_ns : slack;
          return 0;
        },
      ],
      [30, ({ s }) => s.timer_slack_ns], // PR_GET_TIMERSLACK
      [36, (task, [value]) => this.#setSubreaper(task, value !== 0)], // PR_SET_CHILD_SUBREAPER
      [
        37,
        (task, [addr]) =>
          // PR_GET_CHILD_SUBREAPER
          this.#putInt(addr, shared.signalOf(task).is_child_subreaper),
      ],
      [
        38,
        ({ s }, [arg2, arg3, arg4, arg5]) => {
          // PR_SET_NO_NEW_PRIVS
          if (arg2 !== 1 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0) return -EINVAL;
          s.no_new_privs = 1;
          return 0;
        },
      ],
      [
        39,
        ({ s }, args) =>
          // PR_GET_NO_NEW_PRIVS
          args.some((arg) => arg !== 0) ? -EINVAL : s.no_new_privs,
      ],
      // PR_BPF_REGISTER_WRITABLE and PR_BPF_UNREGISTER_WRITABLE: numbers of the patch
      [71, (_, [at, size, tag]) => registered.bpf_user_writable_register(at, size, asU32(tag))],
      [72, (_, [at, size]) => registered.bpf_user_writable_unregister(at, size)],
    ]);
  }

  *#putInt(addr: number, value: number): Sim<number> {
    const bytes = Uint8Array.of(value, value >> 8, value >> 16, value >> 24);
    return (yield* this.#parts.user.copy_to_user(addr, bytes)) === 0 ? 0 : -EFAULT;
  }

  #setKeepCaps(task: Task, value: number): number {
    if (value !== 0 && value !== 1) return -EINVAL;
    const { creds } = this.#parts;
    const { securebits } = creds.of(task);
    const bit = value === 1 ? SECBIT_KEEP_CAPS : 0;
    return creds.change({ securebits: (securebits & ~SECBIT_KEEP_CAPS) | bit });
  }

  *#setName(task: Task, addr: number): Sim<number> {
    const name = yield* this.#parts.user.strncpy_from_user(addr, TASK_COMM_LEN - 1);
    if (typeof name === 'number') return name;
    if (this.#machine.tracepoints.isOn(task_rename)) yield* traceRename(this.#machine, task, name);
    this.#machine.memory.unwatched(() => task.setComm(name));
    return 0;
  }

  *#getName(task: Task, addr: number): Sim<number> {
    const bytes = new Uint8Array(TASK_COMM_LEN);
    for (let i = 0; i < task.comm.length; i++) bytes[i] = task.comm.charCodeAt(i);
    return (yield* this.#parts.user.copy_to_user(addr, bytes)) === 0 ? 0 : -EFAULT;
  }

  /** Refuses as Linux does; the modes themselves are not modelled. kernel/seccomp.c */
  #setSeccomp(task: Task, mode: number, addr: number): number | Sim<number> {
    if (mode !== SECCOMP_MODE_FILTER) return -EINVAL;
    if (task.s.no_new_privs === 0 && !this.#parts.creds.capable(CAP_SYS_ADMIN)) return -EACCES;
    return this.#badFilter(addr);
  }

  *#badFilter(addr: number): Sim<number> {
    const bytes = yield* this.#parts.user.copy_from_user(addr, 16); // struct sock_fprog
    return bytes === null ? -EFAULT : -EINVAL;
  }

  /** Descendants, present and future, look for a subreaper from then on. */
  #setSubreaper(task: Task, on: boolean): number {
    const { shared, tasks } = this.#parts;
    shared.signalOf(task).is_child_subreaper = on ? 1 : 0;
    if (!on) return 0;
    const below = tasks.threadsOf(task).flatMap((thread) => tasks.childrenOf(thread));
    for (let child = below.pop(); child; child = below.pop()) {
      shared.signalOf(child).has_child_subreaper = 1;
      for (const thread of tasks.threadsOf(child)) below.push(...tasks.childrenOf(thread));
    }
    return 0;
  }
}

kernelText(Prctl);

function asU32(value: number): number {
  return Number(BigInt.asUintN(32, BigInt(value)));
}

/** A register value as a long, brought into the range of exact numbers. */
function asLong(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  const signed = Number(BigInt.asIntN(64, BigInt(value)));
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(signed, Number.MAX_SAFE_INTEGER));
}
