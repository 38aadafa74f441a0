import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import {
  EACCES,
  EAFNOSUPPORT,
  EBADF,
  EFAULT,
  EINVAL,
  ENOBUFS,
  ENOIOCTLCMD,
  ENOMEM,
  ENOTSOCK,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from '../errno.ts';
import type { FileOps, SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import type { Security } from '../security.ts';
import { pointerText } from '../oops.ts';
import {
  FIONREAD,
  intBytes,
  isNonblocking,
  longBytes,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  privateOf,
  type DriverParts,
} from './driver.ts';
import type { FileTable } from './file.ts';
import type { Lookup } from './lookup.ts';
import {
  bufferMsg,
  copyMsghdr,
  MSGHDR_CONTROLLEN,
  MSGHDR_FLAGS,
  MSGHDR_NAMELEN,
  type Msg,
} from './msghdr.ts';
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from './uapi.ts';
import { ScmRights } from './scm.ts';
import { UnixGc } from './unix-gc.ts';
import { UnixMessages } from './unix-message.ts';
import { UnixSocks, type UnixParts } from './unix.ts';
import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  RCV_SHUTDOWN,
  SHUTDOWN_MASK,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  socket,
  type UnixSock,
} from './unix-structs.ts';

const SOCK_RAW = 3;
const SOCK_PACKET = 10;
const SOCK_MAX = 11;
const SOCK_TYPE_MASK = 0xf;
const AF_INET = 2;
const AF_INET6 = 10;
/** NPROTO */
const AF_MAX = 46;
const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_MAX = 263;
const CAP_NET_RAW = 13;
const TIOCOUTQ = 0x5411;
const MSG_CMSG_COMPAT = 0x8000_0000;
/** Up to this many bytes of control data stand on the stack. */
const CONTROL_ON_STACK = 36;
/** net.core.optmem_max: for the rest. */
const OPTMEM_MAX = { 'v6.1': 20_480, 'v7.2': 131_072 } as const;

const CREATE = site('__sys_socketpair', 'create');
const CLOSE = site('sock_close', 'close');

export interface SocketParts extends DriverParts {
  readonly refcounts: UnixParts['refcounts'];
  readonly lookup: Pick<Lookup, 'fdget' | 'fdput' | 'fget_raw' | 'use'>;
  readonly files: DriverParts['files'] & Pick<FileTable, 'opsOf'>;
  /** Of the current task. kernel/cred.ts */
  readonly capable: (cap: number) => boolean;
  readonly security: Security;
}

/** The system calls of sockets, and sockets as files. net/socket.c */
export class Sockets {
  readonly #machine: Machine;
  readonly #parts: SocketParts;
  readonly #socks: UnixSocks;
  readonly #messages: UnixMessages;
  readonly #scm: ScmRights;
  readonly rows: readonly SyscallRow[];
  readonly #fileOps: FileOps = {
    name: 'socket_file_ops',
    module: '',
    read: (file, buf, count) => this.sock_read_iter(file, buf, count),
    write: (file, buf, count) => this.sock_write_iter(file, buf, count),
    unlocked_ioctl: (file, cmd, arg) => this.unix_ioctl(file, cmd, arg),
    release: (file) => this.sock_close(file),
    poll: (file) => this.#poll(file),
  };
  readonly ops: readonly FileOps[] = [this.#fileOps];

  constructor(machine: Machine, parts: SocketParts) {
    this.#machine = machine;
    this.#parts = parts;
    const scm = new ScmRights(machine, parts);
    const socks = new UnixSocks(machine, { ...parts, scm });
    this.#scm = scm;
    this.#socks = socks;
    this.#messages = new UnixMessages(machine, { ...parts, socks, scm });
    new UnixGc(machine, { ...parts, socks, scm });
    this.rows = this.#syscalls();
  }

  /** The files that queued messages refer to, as often as they do: for the file census. */
  inFlight(): { readonly file: number; readonly what: string }[] {
    return this.#machine.memory.unwatched(() =>
      [...this.#socks.all()].flatMap((sk) =>
        this.#socks
          .messagesOf(sk)
          .flatMap((skb) =>
            this.#scm
              .filesOf(this.#socks.skb(skb).fp)
              .map((file) => ({ file, what: `message to the socket at ${pointerText(sk.addr)}` })),
          ),
      ),
    );
  }

  #syscalls(): SyscallRow[] {
    return [
      {
        nr: 53,
        name: 'socketpair',
        args: ['family', 'type', 'protocol', 'usockvec'],
        run: (family, type, protocol, vec) =>
          this.__sys_socketpair(
            { family: family! | 0, type: type! | 0, protocol: protocol! | 0 },
            vec!,
          ),
      },
      {
        nr: 46,
        name: 'sendmsg',
        args: ['fd', 'msg', 'flags'],
        run: (fd, msg, flags) => this.__sys_sendmsg(fd! | 0, msg!, flags! >>> 0),
      },
      {
        nr: 47,
        name: 'recvmsg',
        args: ['fd', 'msg', 'flags'],
        run: (fd, msg, flags) => this.__sys_recvmsg(fd! | 0, msg!, flags! >>> 0),
      },
      {
        nr: 48,
        name: 'shutdown',
        args: ['fd', 'how'],
        run: (fd, how) => this.__sys_shutdown(fd! | 0, how! | 0),
      },
    ];
  }

  /** Descriptors first, and their numbers in user memory; only then the sockets. */
  *__sys_socketpair(wanted: SocketKind, vec: number): Sim<number> {
    const { tables, user } = this.#parts;
    const flags = wanted.type & ~SOCK_TYPE_MASK;
    if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
    const fd1 = yield* tables.get_unused_fd_flags(flags);
    if (fd1 < 0) return fd1;
    const fd2 = yield* tables.get_unused_fd_flags(flags);
    if (fd2 < 0) {
      yield* tables.put_unused_fd(fd1);
      return fd2;
    }
    let result =
      (yield* user.copy_to_user(vec, intBytes(fd1))) > 0 ||
      (yield* user.copy_to_user(vec + 4, intBytes(fd2))) > 0
        ? -EFAULT
        : 0;
    if (result === 0) result = yield* this.#connectPair(wanted, flags, fd1, fd2);
    if (result === 0) return 0;
    yield* tables.put_unused_fd(fd2);
    yield* tables.put_unused_fd(fd1);
    return result;
  }

  *#connectPair(wanted: SocketKind, flags: number, fd1: number, fd2: number): Sim<number> {
    const { files, tables } = this.#parts;
    const socks = this.#socks;
    const type = socketType(wanted, this.#parts.capable(CAP_NET_RAW));
    if (type < 0) return type;
    yield* step(CREATE);
    const first = socks.create(type);
    if (first === 0) return -ENOMEM;
    const second = socks.create(type);
    if (second === 0) {
      yield* socks.unix_release(first);
      return -ENOMEM;
    }
    yield* socks.unix_socketpair(first, second);
    const file1 = yield* this.sock_alloc_file(first, flags);
    if (file1 < 0) {
      yield* socks.unix_release(second);
      return file1;
    }
    const file2 = yield* this.sock_alloc_file(second, flags);
    if (file2 < 0) {
      yield* files.fput(file1);
      return file2;
    }
    yield* tables.fd_install(fd1, file1);
    yield* tables.fd_install(fd2, file2);
    return 0;
  }

  /** The file of a socket, which owns it from here on; or -errno, and the socket is gone too. */
  *sock_alloc_file(sock: number, flags: number): Sim<number> {
    const { files } = this.#parts;
    const file = yield* files.alloc_file({
      ops: this.#fileOps,
      flags: O_RDWR | (flags & O_NONBLOCK),
      privateData: sock,
    });
    if (file < 0) yield* this.#socks.unix_release(sock);
    else socket.at(this.#machine.memory, sock).file = file;
    return file;
  }

  /** Does something with the socket of a descriptor, inside fdget(): sockfd_lookup_light() */
  *#onSocket(fd: number, act: (file: number) => Sim<number>): Sim<number> {
    const { lookup } = this.#parts;
    const found = yield* lookup.fdget(fd);
    if (found.file === 0) return -EBADF;
    yield* lookup.use(found);
    const result = this.#isSocket(found.file) ? yield* act(found.file) : -ENOTSOCK;
    yield* lookup.fdput(found);
    return result;
  }

  *__sys_sendmsg(fd: number, addr: number, flags: number): Sim<number> {
    if (flags & MSG_CMSG_COMPAT) return -EINVAL;
    return yield* this.#onSocket(fd, (file) => this.___sys_sendmsg(file, addr, flags));
  }

  *___sys_sendmsg(file: number, addr: number, flags: number): Sim<number> {
    const { user } = this.#parts;
    const msg = yield* copyMsghdr(user, addr, true);
    if (typeof msg === 'number') return msg;
    const { controlBytes } = msg;
    const limit = OPTMEM_MAX[this.#machine.profile];
    if (controlBytes > CONTROL_ON_STACK && controlBytes >= limit) return -ENOBUFS;
    const control = yield* user.copy_from_user(msg.control, controlBytes);
    if (!control) return -EFAULT;
    msg.flags = flags | (isNonblocking(this.#machine, file) ? MSG_DONTWAIT : 0);
    return yield* this.sock_sendmsg(this.#sockOf(file), msg, control);
  }

  *sock_sendmsg(sk: UnixSock, msg: Msg, control: Uint8Array): Sim<number> {
    const messages = this.#messages;
    if (sk.sk_type === SOCK_STREAM) return yield* messages.unix_stream_sendmsg(sk, msg, control);
    return yield* messages.unix_dgram_sendmsg(sk, msg, control);
  }

  *__sys_recvmsg(fd: number, addr: number, flags: number): Sim<number> {
    if (flags & MSG_CMSG_COMPAT) return -EINVAL;
    return yield* this.#onSocket(fd, (file) => this.___sys_recvmsg(file, addr, flags));
  }

  *___sys_recvmsg(file: number, addr: number, flags: number): Sim<number> {
    const { user } = this.#parts;
    const msg = yield* copyMsghdr(user, addr, false);
    if (typeof msg === 'number') return msg;
    const { control } = msg;
    msg.flags = flags | (isNonblocking(this.#machine, file) ? MSG_DONTWAIT : 0);
    msg.out = flags & MSG_CMSG_CLOEXEC;
    const result = yield* this.sock_recvmsg(this.#sockOf(file), msg);
    if (result < 0) return result;
    if (msg.nameAddr !== 0 && (yield* user.copy_to_user(addr + MSGHDR_NAMELEN, intBytes(0))) > 0) {
      return -EFAULT;
    }
    if ((yield* user.copy_to_user(addr + MSGHDR_FLAGS, intBytes(msg.out))) > 0) return -EFAULT;
    const used = longBytes(BigInt(msg.control - control));
    return (yield* user.copy_to_user(addr + MSGHDR_CONTROLLEN, used)) > 0 ? -EFAULT : result;
  }

  *sock_recvmsg(sk: UnixSock, msg: Msg): Sim<number> {
    const messages = this.#messages;
    if (sk.sk_type === SOCK_STREAM) return yield* messages.unix_stream_recvmsg(sk, msg);
    return yield* messages.unix_dgram_recvmsg(sk, msg);
  }

  *__sys_shutdown(fd: number, how: number): Sim<number> {
    const { lookup } = this.#parts;
    const found = yield* lookup.fdget(fd);
    if (found.file === 0) return -EBADF;
    let result = this.#isSocket(found.file) ? 0 : -ENOTSOCK;
    if (result === 0 && (how < 0 || how + 1 > SHUTDOWN_MASK)) result = -EINVAL;
    if (result === 0) yield* this.#socks.unix_shutdown(this.#sockOf(found.file).addr, how + 1);
    yield* lookup.fdput(found);
    return result;
  }

  // As files.

  /** As System V had it, reading nothing looks at nothing. */
  *sock_read_iter(file: number, buf: number, count: number): Sim<number> {
    if (count === 0) return 0;
    const flags = isNonblocking(this.#machine, file) ? MSG_DONTWAIT : 0;
    return yield* this.sock_recvmsg(
      this.#sockOf(file),
      bufferMsg(this.#parts.user, buf, count, flags),
    );
  }

  *sock_write_iter(file: number, buf: number, count: number): Sim<number> {
    const flags = isNonblocking(this.#machine, file) ? MSG_DONTWAIT : 0;
    return yield* this.sock_sendmsg(
      this.#sockOf(file),
      bufferMsg(this.#parts.user, buf, count, flags),
      new Uint8Array(0),
    );
  }

  /** How many bytes can be read; how many of those sent are not read yet. */
  *unix_ioctl(file: number, cmd: number, arg: number): Sim<number> {
    const { memory } = this.#machine;
    const sk = this.#sockOf(file);
    let count: number;
    if (cmd === TIOCOUTQ) count = memory.unwatched(() => sk.sk_wmem_alloc);
    else if (cmd === FIONREAD) count = memory.unwatched(() => this.#unread(sk));
    else return -ENOIOCTLCMD;
    return (yield* this.#parts.user.copy_to_user(arg, intBytes(count))) > 0 ? -EFAULT : 0;
  }

  *sock_close(file: number): Sim<number> {
    yield* step(CLOSE);
    yield* this.#socks.unix_release(privateOf(this.#machine, file));
    return 0;
  }

  /** unix_inq_len() */
  #unread(sk: UnixSock): number {
    const socks = this.#socks;
    let count = 0;
    for (let addr = sk.queue_head; addr !== 0; addr = socks.skb(addr).next) {
      count += socks.skb(addr).len - socks.skb(addr).consumed;
      if (sk.sk_type === SOCK_DGRAM) break;
    }
    return count;
  }

  #poll(file: number): number {
    const sk = this.#sockOf(file);
    return this.#machine.memory.unwatched(() => {
      const closed = sk.sk_shutdown;
      return (
        (sk.queue_head !== 0 || closed & RCV_SHUTDOWN ? POLLIN : 0) |
        (sk.sk_wmem_alloc * 4 <= sk.sk_sndbuf ? POLLOUT : 0) |
        (sk.sk_err !== 0 ? POLLERR : 0) |
        (closed === SHUTDOWN_MASK ? POLLHUP : 0)
      );
    });
  }

  #isSocket(file: number): boolean {
    return this.#parts.files.opsOf(file) === this.#fileOps;
  }

  #sockOf(file: number): UnixSock {
    const { sk } = socket.at(this.#machine.memory, privateOf(this.#machine, file));
    return this.#socks.at(sk);
  }
}

kernelText(Sockets);

interface SocketKind {
  readonly family: number;
  /** SOCK_*, with SOCK_CLOEXEC and SOCK_NONBLOCK in it. */
  readonly type: number;
  readonly protocol: number;
}

/**
 * The type of a pair of unix sockets, or why there is none: __sock_create(), then unix_create().
 */
function socketType(wanted: SocketKind, mayRaw: boolean): number {
  const { family, protocol } = wanted;
  const type = wanted.type & SOCK_TYPE_MASK;
  if (family < 0 || family >= AF_MAX) return -EAFNOSUPPORT;
  if (type >= SOCK_MAX) return -EINVAL;
  if (family === AF_INET || family === AF_INET6) return internetPair(wanted, mayRaw);
  if (family !== AF_UNIX) return -EAFNOSUPPORT;
  if (protocol !== 0 && protocol !== AF_UNIX) return -EPROTONOSUPPORT;
  if (type === SOCK_RAW) return SOCK_DGRAM;
  return type === SOCK_STREAM || type === SOCK_DGRAM || type === SOCK_SEQPACKET
    ? type
    : -ESOCKTNOSUPPORT;
}

/** Sockets of the internet exist, as far as that goes, but come in no pairs. inet_create() */
function internetPair({ family, type, protocol }: SocketKind, mayRaw: boolean): number {
  const privileged = mayRaw ? -EOPNOTSUPP : -EPERM;
  const kind = type & SOCK_TYPE_MASK;
  if (family === AF_INET && kind === SOCK_PACKET) return privileged;
  if (protocol < 0 || protocol >= IPPROTO_MAX) return -EINVAL;
  if (kind === SOCK_RAW) return protocol === 0 ? -EPROTONOSUPPORT : privileged;
  if (kind !== SOCK_STREAM && kind !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
  const ping = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  if (kind === SOCK_DGRAM && protocol === ping) return -EACCES; // net.ipv4.ping_group_range
  const own = kind === SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  return protocol === 0 || protocol === own ? -EOPNOTSUPP : -EPROTONOSUPPORT;
}
