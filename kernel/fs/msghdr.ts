import type { Sim } from '../../sim/request.ts';
import { EFAULT, EINVAL, EMSGSIZE } from '../errno.ts';
import { access_ok } from '../mm/address-space.ts';
import { intAt, unsignedAt, type DriverParts } from './driver.ts';

/** struct user_msghdr on x86-64. include/linux/socket.h */
export const MSGHDR_BYTES = 56;
export const MSGHDR_NAMELEN = 8;
const MSGHDR_IOV = 16;
const MSGHDR_IOVLEN = 24;
const MSGHDR_CONTROL = 32;
export const MSGHDR_CONTROLLEN = 40;
export const MSGHDR_FLAGS = 48;

const IOVEC_BYTES = 16;
/** sizeof(struct sockaddr_storage) */
const NAME_MAX = 128;
const UIO_MAXIOV = 1_024;
const MAX_RW_COUNT = 0x7fff_f000;

type User = DriverParts['user'];

/** What a call to sendmsg or recvmsg works on: struct msghdr. */
export interface Msg {
  readonly iter: IovIter;
  readonly nameAddr: number;
  readonly nameBytes: number;
  /** User address; recvmsg moves it on as it stores. */
  control: number;
  controlBytes: number;
  /** MSG_*: of the call and the descriptor. */
  flags: number;
  /** MSG_*: what recvmsg tells the caller. */
  out: number;
}

/** Pieces of user memory, gone through once. lib/iov_iter.c */
export class IovIter {
  readonly #user: User;
  readonly #segments: { addr: number; bytes: number }[];
  /** Bytes not yet gone through. */
  count: number;

  constructor(user: User, segments: { addr: number; bytes: number }[]) {
    this.#user = user;
    this.#segments = segments;
    this.count = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** How many of the bytes there was room for and could be stored. */
  *copyTo(bytes: Uint8Array): Sim<number> {
    let done = 0;
    while (done < bytes.length && this.count > 0) {
      const [addr, room] = this.#here();
      const chunk = bytes.subarray(done, done + Math.min(room, bytes.length - done));
      const left = yield* this.#user.copy_to_user(addr, chunk);
      this.#advance(chunk.length - left);
      done += chunk.length - left;
      if (left > 0) break;
    }
    return done;
  }

  /** The next `size` bytes, or null where one cannot be read. */
  *copyFrom(size: number): Sim<Uint8Array | null> {
    const bytes = new Uint8Array(size);
    for (let done = 0; done < size;) {
      const [addr, room] = this.#here();
      const chunk = Math.min(room, size - done);
      const read = yield* this.#user.copy_from_user(addr, chunk);
      if (!read) return null;
      bytes.set(read, done);
      this.#advance(chunk);
      done += chunk;
    }
    return bytes;
  }

  #here(): [number, number] {
    while (this.#segments[0]!.bytes === 0) this.#segments.shift();
    const { addr, bytes } = this.#segments[0]!;
    return [addr, bytes];
  }

  #advance(bytes: number): void {
    const segment = this.#segments[0]!;
    segment.addr += bytes;
    segment.bytes -= bytes;
    this.count -= bytes;
  }
}

/** One buffer, for read and write. */
export function bufferMsg(user: User, addr: number, bytes: number, flags: number): Msg {
  return {
    iter: new IovIter(user, [{ addr, bytes }]),
    nameAddr: 0,
    nameBytes: 0,
    control: 0,
    controlBytes: 0,
    flags,
    out: 0,
  };
}

/**
 * The message that a struct user_msghdr describes, or -errno. The address of a receiver is read
 * too, where it is `sent`. net/socket.c: copy_msghdr_from_user()
 */
export function* copyMsghdr(user: User, addr: number, sent: boolean): Sim<Msg | number> {
  const bytes = yield* user.copy_from_user(addr, MSGHDR_BYTES);
  if (!bytes) return -EFAULT;
  const nameAddr = Number(unsignedAt(bytes, 0, 8));
  const nameBytes = nameAddr === 0 ? 0 : intAt(bytes, MSGHDR_NAMELEN);
  if (nameBytes < 0) return -EINVAL;
  const name = sent ? yield* user.copy_from_user(nameAddr, Math.min(nameBytes, NAME_MAX)) : null;
  if (sent && !name) return -EFAULT;
  const segmentCount = Number(unsignedAt(bytes, MSGHDR_IOVLEN, 8));
  if (segmentCount > UIO_MAXIOV) return -EMSGSIZE;
  const iov = Number(unsignedAt(bytes, MSGHDR_IOV, 8));
  const segments = yield* importIovec(user, iov, segmentCount);
  if (typeof segments === 'number') return segments;
  return {
    iter: new IovIter(user, segments),
    nameAddr,
    nameBytes,
    control: Number(unsignedAt(bytes, MSGHDR_CONTROL, 8)),
    controlBytes: Number(unsignedAt(bytes, MSGHDR_CONTROLLEN, 8)),
    flags: 0,
    out: 0,
  };
}

/** lib/iov_iter.c: import_iovec() */
function* importIovec(
  user: User,
  addr: number,
  count: number,
): Sim<{ addr: number; bytes: number }[] | number> {
  if (count === 0) return [];
  const bytes = yield* user.copy_from_user(addr, count * IOVEC_BYTES);
  if (!bytes) return -EFAULT;
  const segments = Array.from({ length: count }, (_, i) => ({
    addr: Number(unsignedAt(bytes, i * IOVEC_BYTES, 8)),
    bytes: Number(BigInt.asIntN(64, unsignedAt(bytes, i * IOVEC_BYTES + 8, 8))),
  }));
  if (segments.some((segment) => segment.bytes < 0)) return -EINVAL;
  let total = 0;
  for (const segment of segments) {
    if (count === 1) segment.bytes = Math.min(segment.bytes, MAX_RW_COUNT);
    if (!access_ok(segment.addr, segment.bytes)) return -EFAULT;
    segment.bytes = Math.min(segment.bytes, MAX_RW_COUNT - total);
    total += segment.bytes;
  }
  return segments;
}
