import { Bug, InputError } from '../base/errors.ts';
import { openObject } from '../bpf/object/open.ts';
import { BpfCalls } from '../bpf/user/calls.ts';
import { BpfObject, type LoaderKernel } from '../bpf/user/object.ts';
import type { MappedBuffers, UserPort } from '../bpf/user/port.ts';
import { EBADF, errnoText } from '../kernel/errno.ts';
import type { FdCheckers, Handle } from '../kernel/fs/checkers.ts';
import type { FdTables } from '../kernel/fs/fdtable.ts';
import { AF_UNIX, MSG_NOSIGNAL, SOCK_STREAM } from '../kernel/fs/unix-structs.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE } from '../kernel/mm/structs.ts';
import type { UserBody } from '../kernel/process/ports.ts';
import type { TaskStorage } from '../kernel/process/storage.ts';
import { AT_FDCWD } from '../kernel/fs/uapi.ts';
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_PIDFD,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  SIGCHLD,
} from '../kernel/process/uapi.ts';
import { RESTART } from '../kernel/reboot.ts';
import type { Task } from '../kernel/task.ts';
import type { FailureKind } from '../sim/failure.ts';
import type { Sim } from '../sim/request.ts';
import { compute } from './compute.ts';
import { PAGE_BYTES, type MapFdOptions, type MapOptions } from './map-options.ts';
import { decodeMessage, encodeMessage, type Message } from './message.ts';
import {
  bytesOf,
  cString,
  intAt,
  ints,
  UserMemory,
  words,
  type SliceCounter,
  type UserMemoryParts,
} from './user-memory.ts';

/** What user code stands on: as much of the kernel as the C library and its loader see of it. */
export interface ProcKernel extends UserMemoryParts {
  readonly syscalls: { invoke(name: string, ...registers: number[]): Sim<number> };
  readonly fs: {
    readonly tables: Pick<FdTables, 'slot'>;
    readonly checkers: Pick<FdCheckers, 'expectClose' | 'forget'>;
  };
  readonly processes: {
    /** What the child of a task's next clone() does, by task. */
    readonly clones: { readonly nextBody: Map<Task, UserBody> };
    readonly storage: Pick<TaskStorage, 'bpf_task_storage_get'>;
  };
}

/** What a process may ask of the world that it runs in. */
export interface ProcWorld {
  /** Fresh for each run. */
  readonly notes: Map<string, unknown>;
  readonly variantIs: string;
  /** The body of a declared process, once. */
  take(name: string): ProcBody;
  /** Runs a body as the current task; gives its exit code. */
  userMode(body: ProcBody): Sim<number>;
  /** What a loader of objects reads of the kernel. */
  readonly loaderKernel: LoaderKernel;
  /** What the current task's mappings of buffers show. */
  readonly mapped: MappedBuffers;
}

export type ProcBody = (p: Proc) => Sim<number | void>;
export type Pair = readonly [number, number];

export interface Waited {
  readonly pid: number;
  /** As wait4() gives it: exit code << 8, or the signal. */
  readonly status: number;
}

export interface NewChild {
  readonly pid: number;
  readonly pidfd: number;
}

/** What pthread_create() asks for. */
export const THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

/**
 * The C library of simulated user code: each method marshals its arguments into memory of the
 * current task and makes one system call. An error comes back as the negative errno number.
 */
export class Proc {
  /** How traces name the task: `A`, `A/A#1`. */
  readonly path: string;
  readonly #kernel: ProcKernel;
  readonly #world: ProcWorld;
  #memory: UserMemory;
  #slices: SliceCounter = { next: 1 };

  constructor(kernel: ProcKernel, world: ProcWorld) {
    this.#kernel = kernel;
    this.#world = world;
    this.#memory = new UserMemory(kernel, 0);
    this.path = kernel.sched.current.path;
  }

  /** The variant of the scenario that runs. */
  get variant(): string {
    return this.#world.variantIs;
  }

  // What user code says to the scenario

  note(key: string, value: unknown): void {
    this.#world.notes.set(key, value);
  }

  noted(key: string): unknown {
    return this.#world.notes.get(key);
  }

  /** Ends the run with a failure where the condition is false. */
  check(condition: boolean, text: string, kind: FailureKind = 'invariant'): void {
    if (condition) return;
    const { machine } = this.#kernel;
    machine.fail({
      kind,
      title: kind === 'invariant' ? `invariant broken: ${text}` : `BUG: ${text}`,
      sites: [text],
      lines: machine.traceLines(),
    });
  }

  /** The result of a call that must not fail: without its errors. */
  ok(result: number): number;
  ok<T>(result: T | number): T;
  ok(result: unknown): unknown {
    if (typeof result === 'number') this.check(result >= 0, `call gives ${errnoText(result)}`);
    return result;
  }

  /** What a descriptor stands for now, to be closed as such later; undefined where it is closed. */
  handle(fd: number): Handle | undefined {
    const { machine, fs, sched } = this.#kernel;
    return machine.memory.unwatched(() => {
      const file = fs.tables.slot(sched.current.s.files, fd);
      return file === 0 ? undefined : { fd, file, generation: machine.slab.generationOf(file) };
    });
  }

  /** Closes a descriptor that is meant to be this file still; another one is `fd-misuse`. */
  *closeMine(handle: Handle): Sim<number> {
    const { checkers } = this.#kernel.fs;
    checkers.expectClose(handle);
    const result = yield* this.close(handle.fd);
    if (result === -EBADF) checkers.forget();
    return result;
  }

  /** In setup: forks a declared process, which runs once all is set up. Its pid. */
  *start(name: string, flags = 0): Sim<number> {
    const body = this.#world.take(name);
    const pid = yield* this.#clone(flags | SIGCHLD, body, { comm: name, path: name });
    if (pid < 0) throw new InputError(`start('${name}') gives ${errnoText(pid)}`);
    return pid;
  }

  // Any call

  *sys(name: string, ...registers: readonly number[]): Sim<number> {
    return yield* this.#kernel.syscalls.invoke(name, ...registers);
  }

  // Descriptors

  *open(path: string, flags = 0, mode = 0): Sim<number> {
    return yield* this.sys('openat', AT_FDCWD, yield* this.#text(path), flags, mode);
  }

  *close(fd: number): Sim<number> {
    return yield* this.sys('close', fd);
  }

  *close_range(first: number, last: number, flags = 0): Sim<number> {
    return yield* this.sys('close_range', first, last, flags);
  }

  *dup(fd: number): Sim<number> {
    return yield* this.sys('dup', fd);
  }

  *dup2(from: number, to: number): Sim<number> {
    return yield* this.sys('dup2', from, to);
  }

  *dup3(from: number, to: number, flags: number): Sim<number> {
    return yield* this.sys('dup3', from, to, flags);
  }

  *fcntl(fd: number, cmd: number, arg = 0): Sim<number> {
    return yield* this.sys('fcntl', fd, cmd, arg);
  }

  /** The end to read from, and the end to write to. */
  *pipe(flags = 0): Sim<Pair | number> {
    this.#memory.begin();
    const fds = this.#memory.reserve(8);
    return this.#pair(yield* this.sys('pipe2', fds, flags), fds);
  }

  *socketpair(type = SOCK_STREAM, family = AF_UNIX): Sim<Pair | number> {
    this.#memory.begin();
    const fds = this.#memory.reserve(8);
    return this.#pair(yield* this.sys('socketpair', family, type, 0, fds), fds);
  }

  *eventfd(count = 0, flags = 0): Sim<number> {
    return yield* this.sys('eventfd2', count, flags);
  }

  /** The bytes read: none at the end of the file. */
  *read(fd: number, sizeBytes: number): Sim<Uint8Array | number> {
    this.#memory.begin();
    const buf = this.#memory.reserve(sizeBytes);
    const result = yield* this.sys('read', fd, buf, sizeBytes);
    return result < 0 ? result : this.#memory.take(buf, result);
  }

  *write(fd: number, data: string | Uint8Array): Sim<number> {
    const bytes = bytesOf(data);
    this.#memory.begin();
    const buf = yield* this.#memory.put(bytes);
    return yield* this.sys('write', fd, buf, bytes.length);
  }

  *lseek(fd: number, offset: number, whence = 0): Sim<number> {
    return yield* this.sys('lseek', fd, offset, whence);
  }

  /** The argument is a number, an address say; or bytes, which get what the kernel has stored. */
  *ioctl(fd: number, cmd: number, arg: number | Uint8Array = 0): Sim<number> {
    if (typeof arg === 'number') return yield* this.sys('ioctl', fd, cmd, arg);
    this.#memory.begin();
    const addr = yield* this.#memory.put(arg);
    const result = yield* this.sys('ioctl', fd, cmd, addr);
    arg.set(this.#memory.take(addr, arg.length));
    return result;
  }

  /**
   * Sends descriptors over a socket of this machine, with at least one byte. Where nobody can
   * receive them it gives -EPIPE, without the signal.
   */
  *sendFds(sock: number, fds: readonly number[], data: string | Uint8Array = '.'): Sim<number> {
    this.#memory.begin();
    const msg = yield* encodeMessage(this.#memory, { fds, data: bytesOf(data) });
    return yield* this.sys('sendmsg', sock, msg, MSG_NOSIGNAL);
  }

  *recvFds(sock: number, fdsMax: number, sizeBytes = 64): Sim<Message | number> {
    this.#memory.begin();
    const fds = Array.from({ length: fdsMax }, () => -1);
    const room = { fds, data: new Uint8Array(sizeBytes) };
    const msg = yield* encodeMessage(this.#memory, room);
    const result = yield* this.sys('recvmsg', sock, msg, 0);
    return result < 0 ? result : decodeMessage(this.#memory, msg, result);
  }

  /** A descriptor of a process. */
  *pidfd_open(pid: number, flags = 0): Sim<number> {
    return yield* this.sys('pidfd_open', pid, flags);
  }

  /** A descriptor of one's own for what another process has as `fd`. */
  *pidfd_getfd(pidfd: number, fd: number, flags = 0): Sim<number> {
    return yield* this.sys('pidfd_getfd', pidfd, fd, flags);
  }

  // BPF

  /** What libbpf stands on. */
  get port(): UserPort {
    const memory = this.#memory;
    const world = this.#world;
    return {
      begin: () => memory.begin(),
      put: (bytes) => memory.put(bytes),
      reserve: (sizeBytes) => memory.reserve(sizeBytes),
      take: (addr, sizeBytes) => memory.take(addr, sizeBytes),
      peek: (addr, sizeBytes) => this.peek(addr, sizeBytes),
      poke: (addr, bytes) => this.poke(addr, bytes),
      cpuCount: this.#kernel.machine.engine.cpus.length,
      mapped: world.mapped,
      sys: (name, ...registers) => this.sys(name, ...registers),
    };
  }

  /** bpf(2), a method for each command. */
  get calls(): BpfCalls {
    return new BpfCalls(this.port);
  }

  /**
   * An object for BPF that clang made: opened, and nothing of it in the kernel yet. `name` is what
   * messages call it. Throws InputError.
   */
  openObject(bytes: Uint8Array, name: string): BpfObject {
    return new BpfObject(this.calls, openObject(bytes, name), this.#world.loaderKernel);
  }

  /** The attributes get what the kernel has stored. */
  *bpf(cmd: number, attr: Uint8Array): Sim<number> {
    this.#memory.begin();
    const addr = yield* this.#memory.put(attr);
    const result = yield* this.sys('bpf', cmd, addr, attr.length);
    attr.set(this.#memory.take(addr, attr.length));
    return result;
  }

  // Processes

  /** A child with a copy of everything; it runs `body`. Its pid. */
  *fork(body: ProcBody, name?: string): Sim<number> {
    return yield* this.clone(SIGCHLD, body, name);
  }

  /** A thread of this process. Its id. */
  *thread(body: ProcBody, name?: string): Sim<number> {
    return yield* this.clone(THREAD_FLAGS, body, name);
  }

  *clone(flags: number, body: ProcBody, name?: string): Sim<number> {
    return yield* this.#clone(flags, body, name === undefined ? {} : { comm: name, label: name });
  }

  /** clone() with CLONE_PIDFD: the child, and a descriptor of it. */
  *clonePidfd(flags: number, body: ProcBody, name?: string): Sim<NewChild | number> {
    this.#memory.begin();
    const pidfd = yield* this.#memory.put(ints(-1));
    const as = name === undefined ? {} : { comm: name, label: name };
    const pid = yield* this.#clone(flags | CLONE_PIDFD, body, as, pidfd);
    return pid < 0 ? pid : { pid, pidfd: intAt(this.#memory.take(pidfd, 4), 0) };
  }

  /** Comes back only where it fails. */
  *exec(path: string, argv: readonly string[] = [path]): Sim<number> {
    this.#memory.begin();
    const addrs: number[] = [];
    for (const text of argv) addrs.push(yield* this.#memory.put(cString(text)));
    const list = yield* this.#memory.put(words(...addrs, 0));
    const none = yield* this.#memory.put(words(0));
    const name = yield* this.#memory.put(cString(path));
    return yield* this.sys('execve', name, list, none);
  }

  /** Ends the process, with all its threads. */
  *exit(code = 0): Sim<never> {
    yield* this.sys('exit_group', code);
    throw new Bug('exit_group() came back');
  }

  /** wait4(): `pid` -1 is any child. Where WNOHANG finds none ready, its pid is 0. */
  *wait(pid = -1, options = 0): Sim<Waited | number> {
    this.#memory.begin();
    const status = yield* this.#memory.put(ints(0));
    const result = yield* this.sys('wait4', pid, status, options, 0);
    if (result < 0) return result;
    return { pid: result, status: intAt(this.#memory.take(status, 4), 0) };
  }

  /** A string argument, as PR_SET_NAME takes, goes by its address. */
  *prctl(option: number, arg: number | string = 0, ...more: readonly number[]): Sim<number> {
    const second = typeof arg === 'string' ? yield* this.#text(arg) : arg;
    const [third = 0, fourth = 0, fifth = 0] = more;
    return yield* this.sys('prctl', option, second, third, fourth, fifth);
  }

  *kill(pid: number, sig: number): Sim<number> {
    return yield* this.sys('kill', pid, sig);
  }

  *getpid(): Sim<number> {
    return yield* this.sys('getpid');
  }

  *getppid(): Sim<number> {
    return yield* this.sys('getppid');
  }

  *gettid(): Sim<number> {
    return yield* this.sys('gettid');
  }

  *sched_yield(): Sim<number> {
    return yield* this.sys('sched_yield');
  }

  *nanosleep(ns: number): Sim<number> {
    const second = 1_000_000_000;
    this.#memory.begin();
    const time = yield* this.#memory.put(words(Math.floor(ns / second), ns % second));
    return yield* this.sys('nanosleep', time, 0);
  }

  /** Work in user mode that takes so long. Not a system call. */
  *compute(ns: number): Sim<void> {
    yield* compute(this.#kernel.machine.engine, ns);
  }

  /** Ends the machine, and the run, whatever else is under way. */
  *reboot(): Sim<number> {
    return yield* this.sys('reboot', ...RESTART);
  }

  *setuid(uid: number): Sim<number> {
    return yield* this.sys('setuid', uid);
  }

  *setrlimit(resource: number, soft: number, hard = soft): Sim<number> {
    this.#memory.begin();
    const limit = yield* this.#memory.put(words(soft, hard));
    return yield* this.sys('setrlimit', resource, limit);
  }

  *delete_module(name: string, flags = 0): Sim<number> {
    return yield* this.sys('delete_module', yield* this.#text(name), flags);
  }

  /** Adds to the value that hangs off the task itself, as a BPF program would; gives the sum. */
  *taskStorageAdd(delta: number): Sim<number> {
    return Number(yield* this.#kernel.processes.storage.bpf_task_storage_get(BigInt(delta)));
  }

  // Memory

  /** The address of pages of the current task. Not a system call: it lays out user memory. */
  mmap(options: MapOptions = {}): number {
    const { mm, machine, sched } = this.#kernel;
    const { sizeBytes = PAGE_BYTES, blocking = false, content, addr: wanted } = options;
    const { resident = blocking !== true } = options;
    const space = machine.memory.unwatched(() => sched.current.s.mm);
    const at = wanted === undefined ? {} : { addr: wanted };
    const how = { blocking: blocking === true, resident, ...at };
    const addr = this.ok(mm.mmap(space, sizeBytes, how));
    if (content) mm.copy_to_user_nofault(addr, content);
    if (blocking === 'write') mm.writeProtect(space, addr, sizeBytes);
    return addr;
  }

  /** mmap(2) of what a descriptor stands for: the address, or -errno. */
  *mmapFd(fd: number, options: MapFdOptions = {}): Sim<number> {
    const { sizeBytes = PAGE_BYTES, offset = 0, addr = 0 } = options;
    const { prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED } = options;
    return yield* this.sys('mmap', addr, sizeBytes, prot, flags, fd, offset);
  }

  *munmap(addr: number, sizeBytes: number): Sim<number> {
    return yield* this.sys('munmap', addr, sizeBytes);
  }

  /** A load by user code: may fault, and sleep. Null where it raised SIGSEGV. */
  *peek(addr: number, sizeBytes: number): Sim<Uint8Array | null> {
    return yield* this.#kernel.mm.userRead(addr, sizeBytes);
  }

  /** A store by user code. */
  *poke(addr: number, data: string | Uint8Array): Sim<boolean> {
    return yield* this.#kernel.mm.userWrite(addr, bytesOf(data));
  }

  *#text(text: string): Sim<number> {
    this.#memory.begin();
    return yield* this.#memory.put(cString(text));
  }

  #pair(result: number, fds: number): Pair | number {
    if (result < 0) return result;
    const bytes = this.#memory.take(fds, 8);
    return [intAt(bytes, 0), intAt(bytes, 4)];
  }

  *#clone(flags: number, body: ProcBody, as: Omit<UserBody, 'run'>, parentTid = 0): Sim<number> {
    const { processes, sched } = this.#kernel;
    processes.clones.nextBody.set(sched.current, { run: this.#childOf(flags, body), ...as });
    return yield* this.sys('clone', flags, 0, parentTid, 0, 0);
  }

  /** A thread shares the arena, and takes a slice of it. */
  #childOf(flags: number, body: ProcBody): () => Sim<number> {
    const world = this.#world;
    if ((flags & CLONE_VM) === 0) return () => world.userMode(body);
    const slices = this.#slices;
    const sliceIndex = slices.next++;
    return () =>
      world.userMode((child) => {
        child.#slices = slices;
        child.#memory = new UserMemory(child.#kernel, sliceIndex);
        return body(child);
      });
  }
}
