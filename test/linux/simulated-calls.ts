/** Single calls of programs on the simulated kernel, and what is reported of them. */
import type { Sim } from '../../sim/request.ts';
import { RLIMIT_NOFILE } from '../../kernel/process/uapi.ts';
import { cString, intAt, ints, textOf, wordAt, words } from '../../scenarios/user-memory.ts';
import type { Call, Ref } from './program.ts';
import { dataOut } from './report.ts';
import { BUFFER_BYTES, statusOut, type Answer, type Process } from './simulated-process.ts';

type Kind = Exclude<Call['kind'], 'exit' | 'exec'>;
type CallOf<K extends Kind> = Extract<Call, { kind: K }>;
/** `at` is the number of the op. */
export type Calls = { readonly [K in Kind]: (op: CallOf<K>, at: number) => Sim<Answer> };

const F_DUPFD = 0;
const F_GETFD = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const O_NONBLOCK = 0x800;
const O_PATH = 0x200000;
const EAGAIN = 11;
const SEEK_END = 2;
const SEEK_HOLE = 4;
const SOCKET_OPS = 'socket_file_ops';
const DIRECTORY_OPS = 'simple_dir_operations';
const MODE = 0o600;
const PR_GET_PDEATHSIG = 2;
const PR_GET_NAME = 16;
const PR_GET_CHILD_SUBREAPER = 37;
const NAME_BYTES = 16;
/** What of a word the runner keeps. */
const WORD_MAX = 39;

// Where things stand in the scratch area.
const IOVEC = 256;
const MSGHDR = 512;
const CONTROL = 1024;
const MSGHDR_BYTES = 56;
const MSGHDR_CONTROLLEN = 40;
const MSGHDR_FLAGS = 48;
const CMSG_BYTES = 16;
const FDS_MAX = 256;
const SOL_SOCKET = 1;
const OTHER_LEVEL = 12_345;
const SCM_RIGHTS = 1;
const UNKNOWN_TYPE = 99;

/** Every call, as `process` makes it. */
export function callsOf(process: Process): Calls {
  const { p } = process;
  const value = (operand: number | Ref): number => process.value(operand);
  const made = new Maker(process);
  const messages = new Messages(process, made);
  return {
    wait4: (op) => wait4(process, op),
    getpid: function* () {
      return { ret: process.shared.processName(yield* p.getpid()) };
    },
    getppid: function* () {
      return { ret: process.shared.processName(yield* p.getppid()) };
    },
    clone: (op) => plain(p.sys('clone', op.flags, 0, 0, 0, 0)),
    open: function* (op, at) {
      return yield* made.fd(at, p.sys('open', yield* process.path(op.path), op.flags, MODE));
    },
    dup: (op, at) => made.fd(at, p.dup(value(op.fd))),
    dup2: (op, at) => made.fd(at, p.dup2(value(op.from), value(op.to))),
    dup3: (op, at) => made.fd(at, p.dup3(value(op.from), value(op.to), op.flags)),
    close: (op) => plain(p.close(value(op.fd))),
    close_range: (op) => plain(p.close_range(value(op.first), value(op.last), op.flags)),
    fcntl: (op, at) => {
      const result = p.fcntl(value(op.fd), op.cmd, op.arg);
      const dups = (op.cmd | 0) === F_DUPFD || (op.cmd | 0) === F_DUPFD_CLOEXEC;
      return dups ? made.fd(at, result) : plain(result);
    },
    pipe2: (op, at) =>
      made.pair(at, p.sys('pipe2', process.pointer(op.fds, process.scratch), op.flags)),
    socketpair: (op, at) => {
      const fds = process.pointer(op.fds, process.scratch);
      return made.pair(at, p.sys('socketpair', op.domain, op.type, op.protocol, fds));
    },
    eventfd2: (op, at) => made.fd(at, p.eventfd(op.count, op.flags)),
    read: (op) => read(process, op),
    write: (op) => write(process, op),
    lseek: (op) => lseek(process, op),
    sendmsg: (op) => messages.send(op),
    recvmsg: (op, at) => messages.receive(op, at),
    setrlimit: function* (op) {
      yield* process.store(process.scratch, words(op.soft, op.hard));
      return { ret: yield* p.sys('setrlimit', RLIMIT_NOFILE, process.scratch) };
    },
    prctl: (op) => prctl(process, op),
    survey: () => survey(process),
  };
}

function* plain(result: Sim<number>): Sim<Answer> {
  return { ret: yield* result };
}

/** Calls that make descriptors, which later ops may refer to. */
class Maker {
  readonly #process: Process;

  constructor(process: Process) {
    this.#process = process;
  }

  *fd(at: number, call: Sim<number>): Sim<Answer> {
    const ret = yield* call;
    if (ret >= 0) this.note(at, ret);
    return { ret };
  }

  /** Two, whose numbers the call has stored. */
  *pair(at: number, call: Sim<number>): Sim<Answer> {
    const ret = yield* call;
    if (ret !== 0) return { ret };
    const bytes = yield* this.#process.load(this.#process.scratch, 8);
    const fds = [intAt(bytes, 0), intAt(bytes, 4)];
    for (const fd of fds) this.note(at, fd);
    return { ret, out: [`fds=${fds.join(',')}`] };
  }

  note(at: number, fd: number): void {
    this.#process.shared.made(at, fd);
  }
}

/** Makes a call with the file nonblocking meanwhile; `blocks` where it would have slept. */
function* unblocked(
  process: Process,
  fd: number,
  call: Sim<number>,
): Sim<{ ret: number; blocks: string[] }> {
  const { p } = process;
  const flags = yield* p.fcntl(fd, F_GETFL);
  let changed = flags >= 0 && (flags & (O_NONBLOCK | O_PATH)) === 0;
  if (changed) changed = (yield* p.fcntl(fd, F_SETFL, flags | O_NONBLOCK)) >= 0;
  const ret = yield* call;
  if (changed) yield* p.fcntl(fd, F_SETFL, flags);
  return { ret, blocks: changed && ret === -EAGAIN ? ['blocks'] : [] };
}

function* read(process: Process, op: CallOf<'read'>): Sim<Answer> {
  const fd = process.value(op.fd);
  const buffer = process.pointer(op.buffer, process.buffer);
  const call = process.p.sys('read', fd, buffer, op.count);
  const { ret, blocks } = yield* unblocked(process, fd, call);
  const out =
    ret >= 0 && buffer === process.buffer ? [dataOut(yield* process.load(buffer, ret))] : [];
  return { ret, out: [...out, ...blocks] };
}

function* write(process: Process, op: CallOf<'write'>): Sim<Answer> {
  const fd = process.value(op.fd);
  const buffer = process.pointer(op.buffer, process.buffer);
  if (buffer === process.buffer) yield* fill(process, op);
  const call = process.p.sys('write', fd, buffer, op.count);
  const { ret, blocks } = yield* unblocked(process, fd, call);
  return { ret, out: blocks };
}

function* lseek(process: Process, op: CallOf<'lseek'>): Sim<Answer> {
  const fd = process.value(op.fd);
  const whence = op.whence | 0;
  if (whence >= SEEK_END && whence <= SEEK_HOLE && process.opsOf(fd) === DIRECTORY_OPS) {
    return { ret: -1, skipped: true };
  }
  return { ret: yield* process.p.lseek(fd, op.offset, op.whence) };
}

/** The bytes of `value`, lowest first, again and again. */
function* fill(process: Process, op: { value: bigint; count: number }): Sim<void> {
  const bytes = new Uint8Array(Math.min(op.count < 0 ? BUFFER_BYTES : op.count, BUFFER_BYTES));
  for (let i = 0; i < bytes.length && i < 8; i++) {
    bytes[i] = Number((op.value >> BigInt(i * 8)) & 255n);
  }
  for (let done = 8; done < bytes.length; done *= 2) bytes.copyWithin(done, 0, done);
  if (bytes.length > 0) yield* process.store(process.buffer, bytes);
}

function* wait4(process: Process, op: CallOf<'wait4'>): Sim<Answer> {
  const { scratch } = process;
  yield* process.store(scratch, ints(0));
  const status = process.pointer(op.status, scratch);
  const ret = yield* process.p.sys(
    'wait4',
    process.value(op.pid),
    status,
    op.options,
    process.pointer(op.usage, scratch + IOVEC),
  );
  if (ret <= 0) return { ret };
  const out = status === scratch ? [statusOut(intAt(yield* process.load(scratch, 4), 0))] : [];
  return { ret: process.shared.processName(ret), out };
}

function* survey(process: Process): Sim<Answer> {
  yield* process.p.sys('getrlimit', RLIMIT_NOFILE, process.scratch);
  const limit = wordAt(yield* process.load(process.scratch, 8), 0) | 0;
  return { ret: 0, out: [`limit=${limit}`, ...(yield* process.descriptors())] };
}

function* prctl(process: Process, op: CallOf<'prctl'>): Sim<Answer> {
  const { arg2, option } = op;
  const out = process.scratch;
  const register = (word: bigint): number => Number(BigInt.asIntN(64, word));
  let address: number;
  if (typeof arg2 === 'bigint') address = register(arg2);
  else if (arg2.startsWith('=')) {
    address = out + IOVEC;
    yield* process.store(address, cString(arg2.slice(1, WORD_MAX)));
  } else {
    address = process.pointer(arg2 as 'buf', out);
    yield* process.store(out, ints(-1, -1, -1, -1));
  }
  const ret = yield* process.p.sys(
    'prctl',
    option,
    address,
    register(op.arg3),
    register(op.arg4),
    register(op.arg5),
  );
  if (ret < 0 || address !== out) return { ret };
  const bytes = yield* process.load(out, NAME_BYTES);
  if (option === PR_GET_NAME) return { ret, out: [`name=${textOf(bytes).split('\0')[0]}`] };
  const isInt = option === PR_GET_PDEATHSIG || option === PR_GET_CHILD_SUBREAPER;
  return isInt ? { ret, out: [`value=${intAt(bytes, 0)}`] } : { ret };
}

/** sendmsg and recvmsg. The struct msghdr and what it points to stand in the scratch area. */
class Messages {
  readonly #process: Process;
  readonly #made: Maker;

  constructor(process: Process, made: Maker) {
    this.#process = process;
    this.#made = made;
  }

  *send(op: CallOf<'sendmsg'>): Sim<Answer> {
    const process = this.#process;
    const fd = process.value(op.fd);
    const rights: number[] = [];
    for (let copy = 0; copy < op.copies; copy++) {
      for (const each of op.fds) if (rights.length < FDS_MAX) rights.push(process.value(each));
    }
    if (rights.some((each) => process.opsOf(each) === SOCKET_OPS))
      return { ret: -1, skipped: true };
    const space = CMSG_BYTES + Math.ceil((rights.length * 4) / 8) * 8;
    const length = { short: CMSG_BYTES - 1, long: space + 1 }[op.control as string];
    const header = new Uint8Array(space);
    header.set(words(length ?? CMSG_BYTES + rights.length * 4));
    const level = op.control === 'other' ? OTHER_LEVEL : SOL_SOCKET;
    const type = op.control === 'unknown' ? UNKNOWN_TYPE : SCM_RIGHTS;
    header.set(ints(level, type, ...rights), 8);
    yield* process.store(process.scratch + CONTROL, header);
    const controlBytes = op.control === 'none' ? 0 : space;
    const msg = yield* this.#header(op, controlBytes);
    if (op.buffer === 'ok' || op.buffer === 'msg') yield* fill(process, op);
    const call = process.p.sys('sendmsg', fd, msg, op.flags);
    const { ret, blocks } = yield* unblocked(process, fd, call);
    return { ret, out: blocks };
  }

  *receive(op: CallOf<'recvmsg'>, at: number): Sim<Answer> {
    const process = this.#process;
    const fd = process.value(op.fd);
    const msg = yield* this.#header(op, op.room);
    const call = process.p.sys('recvmsg', fd, msg, op.flags);
    const { ret, blocks } = yield* unblocked(process, fd, call);
    if (ret < 0) return { ret, out: blocks };
    const data =
      op.buffer === 'ok' || ret === 0 ? [dataOut(yield* process.load(process.buffer, ret))] : [];
    return { ret, out: [...data, ...(yield* this.#received(at)), ...blocks] };
  }

  /** What a struct msghdr says after recvmsg(). */
  *#received(at: number): Sim<string[]> {
    const process = this.#process;
    const header = yield* process.load(process.scratch + MSGHDR, MSGHDR_BYTES);
    const controlBytes = wordAt(header, MSGHDR_CONTROLLEN);
    const flags = intAt(header, MSGHDR_FLAGS) >>> 0;
    const out = [`flags=${flags.toString(16)}`, `control=${controlBytes}`];
    if (controlBytes < CMSG_BYTES) return out;
    const control = yield* process.load(process.scratch + CONTROL, controlBytes);
    const fds: string[] = [];
    for (let i = CMSG_BYTES; i + 4 <= wordAt(control, 0); i += 4) {
      const fd = intAt(control, i);
      this.#made.note(at, fd);
      fds.push(`${fd}${(yield* process.p.fcntl(fd, F_GETFD)) === 0 ? '' : 'c'}`);
    }
    return [...out, `${intAt(control, 12) === SCM_RIGHTS ? 'rights' : 'other'}=${fds.join(',')}`];
  }

  /** The address of the struct msghdr. */
  *#header(op: CallOf<'sendmsg' | 'recvmsg'>, controlBytes: number): Sim<number> {
    const process = this.#process;
    const { scratch } = process;
    const buffer =
      op.buffer === 'msg' ? process.buffer : process.pointer(op.buffer, process.buffer);
    const iovec = scratch + IOVEC;
    yield* process.store(iovec, words(buffer, op.count));
    const header = words(0, 0, iovec, 1, scratch + CONTROL, controlBytes, 0);
    yield* process.store(scratch + MSGHDR, header);
    return op.buffer === 'msg' ? process.pointer('bad', 0) : scratch + MSGHDR;
  }
}
