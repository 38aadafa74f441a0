import { autofs_dev_ioctl, AUTOFS_DEV_IOCTL_CLOSEMOUNT, AUTOFS_DEV_IOCTL_ISMOUNTPOINT,
  AUTOFS_DEV_IOCTL_OPENMOUNT, AUTOFS_DEV_IOCTL_VERSION } from './fs/autofs.ts';
import { FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, intAt, unsignedAt } from './fs/driver.ts';
import { LOOPER_SERVE } from './fs/looper.ts';
import { SLOW_GET, SLOW_SET, SLOW_SWAP } from './fs/slow.ts';
import * as file from './fs/uapi.ts';
import * as unix from './fs/unix-structs.ts';
import * as process from './process/uapi.ts';
import * as signal from './uapi-signal.ts';

/**
 * System calls as strace writes them: `openat(AT_FDCWD, "/dev/null", O_RDWR)`. For traces that
 * somebody will read, and for nothing else.
 */

/** What can be seen of user memory without a fault: null where it is not there. */
export type Peek = (addr: number, sizeBytes: number) => Uint8Array | null;

/** One argument; undefined leaves it out, as the kernel does not look at it. */
type Show = (arg: number, call: Call) => string | undefined;

interface Call {
  readonly args: readonly number[];
  readonly peek: Peek;
}

/** `close(6)` */
export function callText(name: string, args: readonly number[], peek: Peek): string {
  const row = CALLS[name];
  const call = { args, peek };
  const texts = args.map((arg, i) => (row ? row[i]?.(arg, call) : number(arg)));
  return `${name}(${texts.filter((text) => text !== undefined).join(', ')})`;
}

/** What a call has stored in user memory: `[3, 4]`, or ''. */
export function storedText(
  name: string,
  args: readonly number[],
  result: number,
  peek: Peek,
): string {
  return (result >= 0 && STORED[name]?.({ args, peek }, result)) || '';
}

// How arguments look

const hex = (arg: number): string => `0x${arg.toString(16)}`;
const number: Show = (arg) => (arg > 0xffff ? hex(arg) : String(arg));
const int: Show = (arg) => String(arg | 0);
const unsigned: Show = (arg) => String(arg >>> 0);
const octal: Show = (arg) => `0${arg.toString(8)}`;
const pointer: Show = (arg) => (arg === 0 ? 'NULL' : hex(arg));
/** Only worth a word where it is not zero. */
const seldom =
  (name: string, show: Show = pointer): Show =>
  (arg, call) =>
    arg === 0 ? undefined : `${name}=${show(arg, call)}`;

const dirfd: Show = (arg) => ((arg | 0) === AT_FDCWD ? 'AT_FDCWD' : String(arg | 0));

const oneOf =
  (names: Names): Show =>
  (arg) =>
    names.find(([, value]) => value === arg)?.[0] ?? number(arg, NOTHING);

const flags =
  (names: Names, none = '0'): Show =>
  (arg) =>
    flagsText(arg, names, none);

function flagsText(arg: number, names: Names, none: string): string {
  let rest = arg;
  const texts: string[] = [];
  // A flag made of several bits comes before those that it has in it.
  for (const [name, value] of names.toSorted((a, b) => bitsOf(b[1]) - bitsOf(a[1]))) {
    if (value === 0 || (rest & value) !== value) continue;
    texts.push(name);
    rest &= ~value;
  }
  texts.sort((a, b) => indexIn(names, a) - indexIn(names, b));
  if (rest !== 0) texts.push(hex(rest >>> 0));
  return texts.length === 0 ? none : texts.join('|');
}

const indexIn = (names: Names, name: string): number => names.findIndex(([known]) => known === name);

function bitsOf(value: number): number {
  return value.toString(2).replaceAll('0', '').length;
}

/** `"ping 0"`; after so many bytes `"ping"...` */
function quoted(bytes: Uint8Array, isWhole: boolean): string {
  const text = Array.from(bytes, (byte) => ESCAPES[byte] ?? printable(byte)).join('');
  return `"${text}"${isWhole ? '' : '...'}`;
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8)}`;
}

/** Bytes whose number is the argument at `sizeAt`. */
const buffer =
  (sizeAt: number): Show =>
  (arg, { args, peek }) =>
    bufferText(arg, args[sizeAt] ?? 0, peek);

function bufferText(addr: number, size: number, peek: Peek): string {
  const shown = Math.min(size, BYTES_SHOWN);
  const bytes = peek(addr, shown);
  return bytes === null ? pointer(addr, NOTHING)! : quoted(bytes, shown === size);
}

const path: Show = (arg, { peek }) => pathText(arg, peek);

function pathText(addr: number, peek: Peek): string {
  const bytes: number[] = [];
  for (; bytes.length < PATH_SHOWN; ) {
    const byte = peek(addr + bytes.length, 1)?.[0];
    if (byte === undefined) return pointer(addr, NOTHING)!;
    if (byte === 0) return quoted(Uint8Array.from(bytes), true);
    bytes.push(byte);
  }
  return quoted(Uint8Array.from(bytes), false);
}

/** Words at an address, as `show` has them; the address where they are not there. */
function words(addr: number, count: number, peek: Peek, show: (words: number[]) => string): string {
  const bytes = addr === 0 ? null : peek(addr, count * 8);
  if (bytes === null) return pointer(addr, NOTHING)!;
  return show(Array.from({ length: count }, (_, i) => Number(unsignedAt(bytes, i * 8, 8))));
}

const timespec: Show = (arg, { peek }) =>
  words(arg, 2, peek, ([sec, nsec]) => `{tv_sec=${sec}, tv_nsec=${nsec}}`);

const rlimit: Show = (arg, { peek }) =>
  words(arg, 2, peek, ([cur, max]) => `{rlim_cur=${limit(cur!)}, rlim_max=${limit(max!)}}`);
const limit = (value: number): string => (value >= 2 ** 53 ? 'RLIM64_INFINITY' : String(value));

const sigset: Show = (arg, { peek }) =>
  words(arg, 1, peek, () => {
    const set = unsignedAt(peek(arg, 8)!, 0, 8);
    const names = SIGNALS.filter(([, sig]) => set & signal_bit(sig)).map(([name]) => name.slice(3));
    return `[${names.join(' ')}]`;
  });
const signal_bit = (sig: number): bigint => process.sigmask(sig);

const sigaction: Show = (arg, { peek }) =>
  words(arg, 1, peek, ([handler]) => {
    const known = ['SIG_DFL', 'SIG_IGN'][handler!];
    return `{sa_handler=${known ?? hex(handler!)}}`;
  });

const strings: Show = (arg, { peek }) => {
  const texts: string[] = [];
  for (let at = arg; texts.length < STRINGS_SHOWN; at += 8) {
    const bytes = peek(at, 8);
    if (bytes === null) return pointer(arg, NOTHING);
    const addr = Number(unsignedAt(bytes, 0, 8));
    if (addr === 0) return `[${texts.join(', ')}]`;
    texts.push(pathText(addr, peek));
  }
  return `[${texts.join(', ')}, ...]`;
};

/** `{"hello", SCM_RIGHTS=[3]}` */
const message: Show = (arg, { peek }) => messageText(arg, undefined, peek);

function messageText(addr: number, size: number | undefined, peek: Peek): string {
  return words(addr, 7, peek, ([, , iov, iovCount, control, controlBytes]) => {
    const parts: string[] = [];
    if (iovCount! > 0) {
      parts.push(words(iov!, 2, peek, ([base, length]) => bufferText(base!, size ?? length!, peek)));
    }
    const header = controlBytes! < CMSG_HEADER_BYTES ? null : peek(control!, controlBytes!);
    if (header !== null && intAt(header, CMSG_TYPE) === unix.SCM_RIGHTS) {
      const length = Math.min(Number(unsignedAt(header, 0, 8)), header.length);
      const fds: number[] = [];
      for (let at = CMSG_HEADER_BYTES; at + 4 <= length; at += 4) fds.push(intAt(header, at));
      parts.push(`SCM_RIGHTS=[${fds.join(', ')}]`);
    }
    return `{${parts.join(', ')}}`;
  });
}

function ints(addr: number, count: number, peek: Peek): string {
  const bytes = peek(addr, count * 4);
  if (bytes === null) return '';
  return `[${Array.from({ length: count }, (_, i) => intAt(bytes, i * 4)).join(', ')}]`;
}

/** The argument of an ioctl or fcntl or prctl, which its command says how to read. */
const byCommand =
  (commandAt: number, shows: ReadonlyMap<number, Show>, other: Show): Show =>
  (arg, call) =>
    (shows.get(call.args[commandAt]! >>> 0) ?? other)(arg, call);

const autofsBlock: Show = (arg, { peek }) => {
  const bytes = peek(arg, autofs_dev_ioctl.sizeBytes);
  if (bytes === null) return pointer(arg, NOTHING);
  return `{ioctlfd=${intAt(bytes, autofs_dev_ioctl.off.ioctlfd)}}`;
};
const long: Show = (arg, { peek }) => words(arg, 1, peek, ([value]) => `[${value}]`);
const pointedInt: Show = (arg, { peek }) => ints(arg, 1, peek) || pointer(arg, NOTHING);
const unread: Show = () => undefined;

// Names

type Names = readonly (readonly [name: string, value: number])[];

function named(constants: Readonly<Record<string, unknown>>, prefix: RegExp): Names {
  return Object.entries(constants).filter(
    (entry): entry is [string, number] => prefix.test(entry[0]) && typeof entry[1] === 'number',
  );
}
