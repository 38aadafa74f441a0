import * as autofs from './fs/autofs.ts';
import { FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, intAt, unsignedAt } from './fs/driver.ts';
import { LOOPER_SERVE } from './fs/looper.ts';
import { SLOW_GET, SLOW_SET, SLOW_SWAP } from './fs/slow.ts';
import * as pidfds from './fs/pidfd.ts';
import * as fs from './fs/uapi.ts';
import * as unix from './fs/unix-structs.ts';
import * as proc from './process/uapi.ts';
import { CMD_NAMES } from './uapi-bpf.ts';
import * as signals from './uapi-signal.ts';

/**
 * System calls as strace writes them: `open("/dev/null", O_RDWR)`. For traces that somebody will
 * read, and for nothing else.
 */

/** What can be seen of user memory without a fault: null where it is not there. */
export type Peek = (addr: number, sizeBytes: number) => Uint8Array | null;

/** A call, as far as a trace knows it. */
export interface Call {
  readonly name: string;
  /** Names of the arguments: for calls that are not in the table below. */
  readonly names: readonly string[];
  /** Register values. */
  readonly args: readonly number[];
}

interface Seen extends Call {
  readonly peek: Peek;
}

/** One argument; undefined leaves it out, as one that the kernel does not look at. */
type Show = (arg: number, call: Seen) => string | undefined;

/** `close(6)` */
export function callText(call: Call, peek: Peek): string {
  const row = CALLS[call.name] ?? call.names.map(showOf);
  const texts = call.args.map((arg, i) => (row[i] ?? number)(arg, { ...call, peek }));
  return `${call.name}(${texts.filter((text) => text !== undefined).join(', ')})`;
}

/** What the call has stored in user memory, as `[3, 4]` of a pipe; or ''. */
export function storedText(call: Call, result: number, peek: Peek): string {
  return (result >= 0 && STORED[call.name]?.(result, { ...call, peek })) || '';
}

function showOf(name: string): Show {
  if (/^(filename|pathname|path|name)$/.test(name)) return path;
  return /buf|addr|ptr|tid/.test(name) ? pointer : /flags/.test(name) ? hex : number;
}

// Numbers

const hex = (arg: number): string => `0x${arg.toString(16)}`;
const number = (arg: number): string => (arg > 0xffff ? hex(arg) : String(arg));
const int = (arg: number): string => String(arg | 0);
const unsigned = (arg: number): string => String(arg >>> 0);
const octal = (arg: number): string => `0${arg.toString(8)}`;
const pointer = (arg: number): string => (arg === 0 ? 'NULL' : hex(arg));
const dirfd: Show = (arg) => ((arg | 0) === fs.AT_FDCWD ? 'AT_FDCWD' : int(arg));
const unread: Show = () => undefined;

/** Only worth a word where it is not zero: `tls=0x10`. */
const seldom =
  (name: string): Show =>
  (arg) =>
    arg === 0 ? undefined : `${name}=${hex(arg)}`;

// Names

type Names = readonly (readonly [name: string, value: number])[];

/** Those of a file of constants whose names begin like this. */
function named(constants: Readonly<Record<string, unknown>>, prefix: string): Names {
  return Object.entries(constants).filter(
    (entry): entry is [string, number] =>
      entry[0].startsWith(prefix) && typeof entry[1] === 'number',
  );
}

const oneOf =
  (names: Names): Show =>
  (arg) =>
    names.find(([, value]) => value === (arg | 0))?.[0] ?? number(arg);

const flags =
  (names: Names): Show =>
  (arg) =>
    flagsText(arg >>> 0, names).join('|') || '0';

/** A flag made of several bits stands for those that it has in it. */
function flagsText(arg: number, names: Names): string[] {
  const whole = names.filter(([, value]) => value !== 0 && (arg & value) === value);
  const shown = whole.filter(
    ([, value]) => !whole.some(([, more]) => more !== value && (more & value) === value),
  );
  const rest = shown.reduce((left, [, value]) => left & ~value, arg) >>> 0;
  return [...shown.map(([name]) => name), ...(rest === 0 ? [] : [hex(rest)])];
}

const openFlags: Show = (arg) => {
  const mode = oneOf(ACCESS_MODES)(arg & fs.O_ACCMODE, NO_CALL)!;
  return [mode, ...flagsText((arg & ~fs.O_ACCMODE) >>> 0, OPEN_FLAGS)].join('|');
};

const cloneFlags: Show = (arg) => {
  const sig = arg & proc.CSIGNAL;
  const names = flagsText((arg & ~proc.CSIGNAL) >>> 0, CLONE_FLAGS);
  return `flags=${[...names, ...(sig === 0 ? [] : [signal(sig, NO_CALL)])].join('|') || '0'}`;
};

/** Where it says what a created file may be used for: it is not looked at without these flags. */
const modeAfter =
  (flagsAt: number): Show =>
  (arg, { args }) =>
    args[flagsAt]! & (fs.O_CREAT | (fs.O_TMPFILE & ~fs.O_DIRECTORY)) ? octal(arg) : undefined;

/** An argument that the one before it says how to read. */
const by =
  (commandAt: number, shows: ReadonlyMap<number, Show>, other: Show): Show =>
  (arg, call) =>
    (shows.get(call.args[commandAt]! >>> 0) ?? other)(arg, call);

// What is in user memory

const BYTES_SHOWN = 32;
const PATH_SHOWN = 64;
const STRINGS_SHOWN = 8;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function quoted(bytes: Uint8Array, isWhole: boolean): string {
  const text = Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    const isPrintable = byte >= 0x20 && byte < 0x7f;
    return ESCAPES[char] ?? (isPrintable ? char : `\\${byte.toString(8)}`);
  }).join('');
  return `"${text}"${isWhole ? '' : '...'}`;
}

function bytesText(addr: number, sizeBytes: number, peek: Peek): string {
  const shown = Math.min(sizeBytes, BYTES_SHOWN);
  const bytes = shown > 0 ? peek(addr, shown) : null;
  return bytes === null ? pointer(addr) : quoted(bytes, shown === sizeBytes);
}

function stringText(addr: number, peek: Peek): string {
  const bytes: number[] = [];
  while (bytes.length < PATH_SHOWN) {
    const byte = peek(addr + bytes.length, 1)?.[0];
    if (byte === undefined) return pointer(addr);
    if (byte === 0) return quoted(Uint8Array.from(bytes), true);
    bytes.push(byte);
  }
  return quoted(Uint8Array.from(bytes), false);
}

const path: Show = (arg, { peek }) => stringText(arg, peek);

/** As many bytes as the argument after it says. */
const buffer: Show = (arg, { args, peek }) => bytesText(arg, args[2] ?? 0, peek);

/** A struct as `show` has it, or where it stands. */
const at =
  (sizeBytes: number, show: (bytes: Uint8Array, peek: Peek) => string): Show =>
  (arg, { peek }) => {
    const bytes = arg === 0 ? null : peek(arg, sizeBytes);
    return bytes === null ? pointer(arg) : show(bytes, peek);
  };

const wordAt = (bytes: Uint8Array, index: number): number =>
  Number(unsignedAt(bytes, index * 8, 8));

function intsText(bytes: Uint8Array): string {
  return `[${Array.from({ length: bytes.length / 4 }, (_, i) => intAt(bytes, i * 4)).join(', ')}]`;
}

const pointedInt = at(4, intsText);
const pointedPair = at(8, intsText);
const pointedLong = at(8, (bytes) => `[${wordAt(bytes, 0)}]`);
const timespec = at(16, (b) => `{tv_sec=${wordAt(b, 0)}, tv_nsec=${wordAt(b, 1)}}`);
const rlimit = at(16, (b) => `{rlim_cur=${limit(wordAt(b, 0))}, rlim_max=${limit(wordAt(b, 1))}}`);
const limit = (value: number): string => (value > 2 ** 53 ? 'RLIM64_INFINITY' : String(value));
const sigset = at(8, (bytes) => {
  const set = unsignedAt(bytes, 0, 8);
  const names = SIGNALS.filter(([, sig]) => (set & proc.sigmask(sig)) !== 0n);
  return `[${names.map(([name]) => name.slice(3)).join(' ')}]`;
});
const sigaction = at(8, (bytes) => {
  const handler = wordAt(bytes, 0);
  return `{sa_handler=${['SIG_DFL', 'SIG_IGN'][handler] ?? hex(handler)}}`;
});
const autofsBlock = at(autofs.autofs_dev_ioctl.sizeBytes, (bytes) => {
  return `{ioctlfd=${intAt(bytes, autofs.autofs_dev_ioctl.off.ioctlfd)}}`;
});

const strings: Show = (arg, { peek }) => {
  const texts: string[] = [];
  for (let addr = arg; texts.length < STRINGS_SHOWN; addr += 8) {
    const bytes = peek(addr, 8);
    if (bytes === null) return pointer(arg);
    if (wordAt(bytes, 0) === 0) return `[${texts.join(', ')}]`;
    texts.push(stringText(wordAt(bytes, 0), peek));
  }
  return `[${texts.join(', ')}, ...]`;
};

/** struct cmsghdr, and the words of struct user_msghdr. */
const CMSG_HEADER_BYTES = 16;
const CMSG_TYPE = 12;
const MSGHDR_BYTES = 56;
const [MSG_IOV, MSG_IOVLEN, MSG_CONTROL, MSG_CONTROLLEN] = [2, 3, 4, 5] as const;

/** `{"hello", SCM_RIGHTS=[3]}`; of what was received, so many bytes. */
const message = (receivedBytes = Infinity): Show =>
  at(MSGHDR_BYTES, (msg, peek) => {
    const iov = wordAt(msg, MSG_IOVLEN) === 0 ? null : peek(wordAt(msg, MSG_IOV), 16);
    const data = iov && bytesText(wordAt(iov, 0), Math.min(wordAt(iov, 1), receivedBytes), peek);
    return `{${[...(data ? [data] : []), ...rightsText(msg, peek)].join(', ')}}`;
  });

function rightsText(msg: Uint8Array, peek: Peek): string[] {
  const room = wordAt(msg, MSG_CONTROLLEN);
  const control = room < CMSG_HEADER_BYTES ? null : peek(wordAt(msg, MSG_CONTROL), room);
  if (control === null || intAt(control, CMSG_TYPE) !== unix.SCM_RIGHTS) return [];
  const end = Math.min(wordAt(control, 0), room);
  if (end < CMSG_HEADER_BYTES) return [];
  const fds = control.subarray(CMSG_HEADER_BYTES, end - (end % 4));
  return [`SCM_RIGHTS=${intsText(fds)}`];
}

// Names of constants, by the file that has them

const NO_CALL: Seen = { name: '', names: [], args: [], peek: () => null };
const OPEN_FLAGS = named(fs, 'O_').filter(([name, value]) => name !== 'O_ACCMODE' && value > 3);
const ACCESS_MODES = named(fs, 'O_').filter(([name, value]) => name !== 'O_ACCMODE' && value < 3);
const CLONE_FLAGS = named(proc, 'CLONE_').filter(([name]) => name !== 'CLONE_NEW_PRIVILEGED');
const SIGNALS = [...named(proc, 'SIG'), ...named(signals, 'SIG')].filter(([name]) =>
  /^SIG[A-Z0-9]+$/.test(name),
);
const signal = oneOf(SIGNALS);
const SIGMASK_HOW = named(signals, 'SIG_').filter(([name]) => /BLOCK|SETMASK/.test(name));
const fileFlags = flags(OPEN_FLAGS);
const eventfdFlags = flags([
  ['EFD_SEMAPHORE', 1],
  ['EFD_CLOEXEC', fs.O_CLOEXEC],
  ['EFD_NONBLOCK', fs.O_NONBLOCK],
]);
const socketType: Show = (arg) => {
  const type = oneOf(named(unix, 'SOCK_'))(arg & 0xf, NO_CALL)!;
  const more = flagsText((arg & ~0xf) >>> 0, [
    ['SOCK_CLOEXEC', fs.O_CLOEXEC],
    ['SOCK_NONBLOCK', fs.O_NONBLOCK],
  ]);
  return [type, ...more].join('|');
};
const pidfdFlags = flags(named(pidfds, 'PIDFD_'));
const messageFlags = flags(named(unix, 'MSG_'));
const waitOptions = flags([...named(proc, 'W'), ...named(proc, '__W')]);
const resource = oneOf(named(proc, 'RLIMIT_'));
const whence = oneOf([
  ['SEEK_SET', 0],
  ['SEEK_CUR', 1],
  ['SEEK_END', 2],
  ['SEEK_DATA', 3],
  ['SEEK_HOLE', 4],
]);

const IOCTLS: Names = [
  ...named(autofs, 'AUTOFS_DEV_IOCTL_'),
  ...Object.entries({ FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, LOOPER_SERVE }),
  ...Object.entries({ SLOW_GET, SLOW_SET, SLOW_SWAP }),
];
const ioctlArg = by(
  1,
  new Map<number, Show>([
    ...named(autofs, 'AUTOFS_DEV_IOCTL_').map(([, cmd]) => [cmd, autofsBlock] as const),
    [FIOCLEX, unread],
    [FIONCLEX, unread],
    [FIONBIO, pointedInt],
    [LOOPER_SERVE, int],
    [SLOW_SET, pointedLong],
    [SLOW_SWAP, pointedLong],
  ]),
  number,
);

const FCNTLS = named(fs, 'F_');
const fcntlArg = by(
  1,
  new Map<number, Show>([
    [fs.F_GETFD, unread],
    [fs.F_GETFL, unread],
    [fs.F_GETOWN, unread],
    [fs.F_SETFD, flags([['FD_CLOEXEC', fs.FD_CLOEXEC]])],
    [fs.F_SETFL, openFlags],
  ]),
  int,
);

/** include/uapi/linux/prctl.h: what kernel/prctl.ts knows, and how its argument prints. */
const PRCTLS: readonly (readonly [name: string, option: number, arg: Show])[] = [
  ['PR_SET_PDEATHSIG', 1, signal],
  ['PR_GET_PDEATHSIG', 2, pointer],
  ['PR_GET_DUMPABLE', 3, unread],
  ['PR_SET_DUMPABLE', 4, int],
  ['PR_GET_KEEPCAPS', 7, unread],
  ['PR_SET_KEEPCAPS', 8, int],
  ['PR_SET_NAME', 15, path],
  ['PR_GET_NAME', 16, pointer],
  ['PR_GET_SECCOMP', 21, unread],
  ['PR_SET_SECCOMP', 22, int],
  ['PR_SET_TIMERSLACK', 29, int],
  ['PR_GET_TIMERSLACK', 30, unread],
  ['PR_SET_CHILD_SUBREAPER', 36, int],
  ['PR_GET_CHILD_SUBREAPER', 37, pointer],
  ['PR_SET_NO_NEW_PRIVS', 38, int],
  ['PR_GET_NO_NEW_PRIVS', 39, unread],
];
const prctlArg = by(0, new Map(PRCTLS.map(([, option, arg]) => [option, arg])), number);

/** Left out where it is 0: the later arguments of prctl mostly are. */
const more: Show = (arg) => (arg === 0 ? undefined : number(arg));

/** How the arguments of each call print, in their order. */
const CALLS: Readonly<Record<string, readonly Show[]>> = {
  read: [int, pointer, unsigned],
  write: [int, buffer, unsigned],
  open: [path, openFlags, modeAfter(1)],
  openat: [dirfd, path, openFlags, modeAfter(2)],
  creat: [path, octal],
  close: [int],
  close_range: [unsigned, unsigned, flags(named(fs, 'CLOSE_RANGE_'))],
  lseek: [int, String, whence],
  ioctl: [int, oneOf(IOCTLS.map(([name, cmd]) => [name, cmd | 0])), ioctlArg],
  dup: [int],
  dup2: [int, int],
  dup3: [int, int, flags([['O_CLOEXEC', fs.O_CLOEXEC]])],
  fcntl: [int, oneOf(FCNTLS), fcntlArg],
  pipe: [pointer],
  pipe2: [pointer, fileFlags],
  eventfd: [unsigned],
  eventfd2: [unsigned, eventfdFlags],
  socketpair: [oneOf(named(unix, 'AF_')), socketType, int, pointer],
  sendmsg: [int, message(), messageFlags],
  recvmsg: [int, pointer, messageFlags],
  shutdown: [
    int,
    oneOf([
      ['SHUT_RD', 0],
      ['SHUT_WR', 1],
      ['SHUT_RDWR', 2],
    ]),
  ],
  clone: [
    cloneFlags,
    seldom('child_stack'),
    seldom('parent_tid'),
    seldom('child_tid'),
    seldom('tls'),
  ],
  execve: [path, strings, strings],
  exit: [int],
  exit_group: [int],
  wait4: [int, pointer, waitOptions, pointer],
  waitid: [oneOf(named(proc, 'P_')), int, pointer, waitOptions, pointer],
  kill: [int, signal],
  tkill: [int, signal],
  tgkill: [int, int, signal],
  rt_sigaction: [signal, sigaction, pointer, unsigned],
  rt_sigprocmask: [oneOf(SIGMASK_HOW), sigset, pointer, unsigned],
  nanosleep: [timespec, pointer],
  prctl: [oneOf(PRCTLS.map(([name, option]) => [name, option])), prctlArg, more, more, more],
  getrlimit: [resource, pointer],
  setrlimit: [resource, rlimit],
  prlimit64: [int, resource, rlimit, pointer],
  setuid: [unsigned],
  setgid: [unsigned],
  pidfd_open: [int, pidfdFlags],
  pidfd_getfd: [int, int, unsigned],
  bpf: [oneOf(CMD_NAMES.map((name, number) => [`BPF_${name}`, number])), pointer, unsigned],
  delete_module: [path, fileFlags],
};

/** What calls leave in user memory for their caller. */
const STORED: Readonly<Record<string, Show>> = {
  read: (result, { args, peek }) => (result > 0 ? bytesText(args[1]!, result, peek) : ''),
  pipe: (_, call) => pointedPair(call.args[0]!, call),
  pipe2: (_, call) => pointedPair(call.args[0]!, call),
  socketpair: (_, call) => pointedPair(call.args[3]!, call),
  recvmsg: (result, call) => message(result)(call.args[1]!, call),
  wait4: (result, call) => (result > 0 && call.args[1] ? pointedInt(call.args[1], call) : ''),
};
