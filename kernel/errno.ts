/**
 * include/uapi/asm-generic/errno-base.h, errno.h, and the restart codes of include/linux/errno.h
 */
export const ERRNOS = [
  { name: 'EPERM', number: 1 },
  { name: 'ENOENT', number: 2 },
  { name: 'ESRCH', number: 3 },
  { name: 'EINTR', number: 4 },
  { name: 'EIO', number: 5 },
  { name: 'ENXIO', number: 6 },
  { name: 'E2BIG', number: 7 },
  { name: 'ENOEXEC', number: 8 },
  { name: 'EBADF', number: 9 },
  { name: 'ECHILD', number: 10 },
  { name: 'EAGAIN', number: 11 },
  { name: 'ENOMEM', number: 12 },
  { name: 'EACCES', number: 13 },
  { name: 'EFAULT', number: 14 },
  { name: 'ENOTBLK', number: 15 },
  { name: 'EBUSY', number: 16 },
  { name: 'EEXIST', number: 17 },
  { name: 'EXDEV', number: 18 },
  { name: 'ENODEV', number: 19 },
  { name: 'ENOTDIR', number: 20 },
  { name: 'EISDIR', number: 21 },
  { name: 'EINVAL', number: 22 },
  { name: 'ENFILE', number: 23 },
  { name: 'EMFILE', number: 24 },
  { name: 'ENOTTY', number: 25 },
  { name: 'ETXTBSY', number: 26 },
  { name: 'EFBIG', number: 27 },
  { name: 'ENOSPC', number: 28 },
  { name: 'ESPIPE', number: 29 },
  { name: 'EROFS', number: 30 },
  { name: 'EMLINK', number: 31 },
  { name: 'EPIPE', number: 32 },
  { name: 'EDOM', number: 33 },
  { name: 'ERANGE', number: 34 },
  { name: 'EDEADLK', number: 35 },
  { name: 'ENAMETOOLONG', number: 36 },
  { name: 'ENOLCK', number: 37 },
  { name: 'ENOSYS', number: 38 },
  { name: 'ENOTEMPTY', number: 39 },
  { name: 'ELOOP', number: 40 },
  { name: 'ENODATA', number: 61 },
  { name: 'ETIME', number: 62 },
  { name: 'ENOPKG', number: 65 },
  { name: 'EOVERFLOW', number: 75 },
  { name: 'EBADFD', number: 77 },
  { name: 'EPROTO', number: 71 },
  { name: 'ENOTSOCK', number: 88 },
  { name: 'EMSGSIZE', number: 90 },
  { name: 'EPROTONOSUPPORT', number: 93 },
  { name: 'ESOCKTNOSUPPORT', number: 94 },
  { name: 'EOPNOTSUPP', number: 95 },
  { name: 'EAFNOSUPPORT', number: 97 },
  { name: 'ECONNRESET', number: 104 },
  { name: 'ENOBUFS', number: 105 },
  { name: 'EISCONN', number: 106 },
  { name: 'ENOTCONN', number: 107 },
  { name: 'ETOOMANYREFS', number: 109 },
  { name: 'ETIMEDOUT', number: 110 },
  { name: 'ECONNREFUSED', number: 111 },
  { name: 'ECANCELED', number: 125 },
  { name: 'ERESTARTSYS', number: 512 },
  { name: 'ERESTARTNOINTR', number: 513 },
  { name: 'ENOIOCTLCMD', number: 515 },
  { name: 'ENOTSUPP', number: 524 },
] as const;
export type ErrnoName = (typeof ERRNOS)[number]['name'];

const numbers = new Map<string, number>(ERRNOS.map(({ name, number }) => [name, number]));
const names = new Map<number, string>(ERRNOS.map(({ name, number }) => [number, name]));

function number(name: ErrnoName): number {
  return numbers.get(name)!;
}

/** `-EBADF` for -9; the value itself, as text, where it is no error. */
export function errnoText(result: number): string {
  const name = result < 0 ? names.get(-result) : undefined;
  return name ? `-${name}` : String(result);
}

export const EPERM = number('EPERM');
export const ENOENT = number('ENOENT');
export const ESRCH = number('ESRCH');
export const EINTR = number('EINTR');
export const EIO = number('EIO');
export const ENXIO = number('ENXIO');
export const E2BIG = number('E2BIG');
export const ENOEXEC = number('ENOEXEC');
export const EBADF = number('EBADF');
export const EBADFD = number('EBADFD');
export const ECHILD = number('ECHILD');
export const EAGAIN = number('EAGAIN');
export const ENOMEM = number('ENOMEM');
export const EACCES = number('EACCES');
export const EFAULT = number('EFAULT');
export const EBUSY = number('EBUSY');
export const EEXIST = number('EEXIST');
export const ENODEV = number('ENODEV');
export const ENOTDIR = number('ENOTDIR');
export const EISDIR = number('EISDIR');
export const EINVAL = number('EINVAL');
export const ENFILE = number('ENFILE');
export const EMFILE = number('EMFILE');
export const ENOTTY = number('ENOTTY');
export const EFBIG = number('EFBIG');
export const ENOSPC = number('ENOSPC');
export const ESPIPE = number('ESPIPE');
export const EPIPE = number('EPIPE');
export const ERANGE = number('ERANGE');
export const EDEADLK = number('EDEADLK');
export const ENAMETOOLONG = number('ENAMETOOLONG');
export const ELOOP = number('ELOOP');
export const ENOSYS = number('ENOSYS');
export const ENOPKG = number('ENOPKG');
export const ENOTSOCK = number('ENOTSOCK');
export const EMSGSIZE = number('EMSGSIZE');
export const EPROTO = number('EPROTO');
export const EPROTONOSUPPORT = number('EPROTONOSUPPORT');
export const ESOCKTNOSUPPORT = number('ESOCKTNOSUPPORT');
export const EOPNOTSUPP = number('EOPNOTSUPP');
export const EOVERFLOW = number('EOVERFLOW');
export const EAFNOSUPPORT = number('EAFNOSUPPORT');
export const ECONNRESET = number('ECONNRESET');
export const ENOBUFS = number('ENOBUFS');
export const EISCONN = number('EISCONN');
export const ENOTCONN = number('ENOTCONN');
export const ETOOMANYREFS = number('ETOOMANYREFS');
export const ETIMEDOUT = number('ETIMEDOUT');
export const ECONNREFUSED = number('ECONNREFUSED');
export const ERESTARTSYS = number('ERESTARTSYS');
export const ERESTARTNOINTR = number('ERESTARTNOINTR');
export const ENOIOCTLCMD = number('ENOIOCTLCMD');
export const ENOTSUPP = number('ENOTSUPP');
/** fs/exec and drivers return it for "try again later": the same number as EAGAIN. */
export const EWOULDBLOCK = EAGAIN;
