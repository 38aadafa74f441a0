import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import {
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
} from '../errno.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Machine } from '../machine.ts';
import { SIGPIPE, type DriverParts } from './driver.ts';
import type { Msg } from './msghdr.ts';
import type { Scm, ScmRights } from './scm.ts';
import { STREAM_CHUNK_MAX, unix_state_lock, type UnixSocks } from './unix.ts';
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  SOCK_SEQPACKET,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  unix_sock,
  type UnixSock,
} from './unix-structs.ts';

const STREAM_LOCK = site('unix_stream_sendmsg', 'lock');
const STREAM_QUEUE = site('unix_stream_sendmsg', 'queue');
const STREAM_UNLOCK = site('unix_stream_sendmsg', 'unlock');
const DGRAM_LOCK = site('unix_dgram_sendmsg', 'lock');
const DGRAM_QUEUE = site('unix_dgram_sendmsg', 'queue');
const DGRAM_UNLOCK = site('unix_dgram_sendmsg', 'unlock');
const PEER_LOCK = site('unix_peer_get', 'lock');
const PEER_UNLOCK = site('unix_peer_get', 'unlock');
const READ_MUTEX = site('unix_stream_read_generic', 'iolock');
const READ_MUTEX_UNLOCK = site('unix_stream_read_generic', 'iounlock');
const READ_LOCK = site('unix_stream_read_generic', 'lock');
const READ_UNLOCK = site('unix_stream_read_generic', 'unlock');
const READ_COPY = site('unix_stream_read_generic', 'copy');
const RECV_MUTEX = site('unix_dgram_recvmsg', 'iolock');
const RECV_MUTEX_UNLOCK = site('unix_dgram_recvmsg', 'iounlock');
const RECV_LOCK = site('unix_dgram_recvmsg', 'lock');
const RECV_UNLOCK = site('unix_dgram_recvmsg', 'unlock');
const RECV_COPY = site('unix_dgram_recvmsg', 'copy');

const iolock = lockClass('&u->iolock', 'mutex');

/** Beside the data, of what a socket may have on its way. */
const DGRAM_OVERHEAD = 32;

export interface UnixMessageParts extends Pick<
  DriverParts,
  'cpus' | 'mutexes' | 'spinlocks' | 'signals'
> {
  readonly socks: UnixSocks;
  readonly scm: ScmRights;
}

/** Sending and receiving. `control` is what the sender wrote. net/unix/af_unix.c */
export class UnixMessages {
  readonly #machine: Machine;
  readonly #parts: UnixMessageParts;

  constructor(machine: Machine, parts: UnixMessageParts) {
    this.#machine = machine;
    this.#parts = parts;
  }

  /** Bytes sent, in messages of their own; or -errno where none was. */
  *unix_stream_sendmsg(sk: UnixSock, msg: Msg, control: Uint8Array): Sim<number> {
    const { scm: rights } = this.#parts;
    const scm: Scm = { fp: 0 };
    let sent = 0;
    let error = yield* rights.__scm_send(control, scm);
    if (error === 0) error = this.#streamRefuses(sk, msg);
    while (error === 0 && msg.iter.count > 0) {
      const size = Math.min(msg.iter.count, (sk.sk_sndbuf >> 1) - 64, STREAM_CHUNK_MAX);
      error = yield* this.#streamPart(sk, msg, { size, first: sent === 0 }, scm);
      if (error === 0) sent += size;
    }
    yield* rights.scm_destroy(scm);
    return sent > 0 ? sent : error;
  }

  #streamRefuses(sk: UnixSock, msg: Msg): number {
    const { socks } = this.#parts;
    if (msg.flags & MSG_OOB) return -EOPNOTSUPP; // CONFIG_AF_UNIX_OOB is not modelled
    if (msg.nameBytes > 0) {
      return socks.peek(sk, 'sk_state') === TCP_ESTABLISHED ? -EISCONN : -EOPNOTSUPP;
    }
    if (this.#peerOf(sk) === 0) return -ENOTCONN;
    return socks.peek(sk, 'sk_shutdown') & SEND_SHUTDOWN ? this.#brokenPipe(msg) : 0;
  }

  #brokenPipe(msg: Msg): number {
    const { signals, cpus } = this.#parts;
    if ((msg.flags & MSG_NOSIGNAL) === 0) signals.send_sig(SIGPIPE, cpus.current);
    return -EPIPE;
  }

  /** One message of the stream: 0 or -errno. The descriptors go with the first. */
  *#streamPart(
    sk: UnixSock,
    msg: Msg,
    part: { size: number; first: boolean },
    scm: Scm,
  ): Sim<number> {
    const { socks, spinlocks } = this.#parts;
    const { size } = part;
    const skb = yield* socks.sock_alloc_send_pskb(sk, size, msg.flags);
    if (skb < 0) return skb;
    const unfilled = yield* this.#fill(skb, msg, size, scm);
    if (unfilled < 0) return unfilled;
    const peer = this.#peerOf(sk);
    const other = socks.at(peer);
    yield* spinlocks.spin_lock(unix_state_lock, peer, STREAM_LOCK);
    const gone = other.sk_dead !== 0 || (other.sk_shutdown & RCV_SHUTDOWN) !== 0;
    yield* step(STREAM_QUEUE);
    if (!gone) socks.append(other, skb);
    yield* spinlocks.spin_unlock(unix_state_lock, peer, STREAM_UNLOCK);
    if (!gone) return 0;
    const error = part.first ? this.#brokenPipe(msg) : -EPIPE;
    yield* socks.consume_skb(skb);
    return error;
  }

  /** Puts the descriptors and the data into a message; on an error the message is freed. */
  *#fill(skb: number, msg: Msg, size: number, scm: Scm): Sim<number> {
    const { socks, scm: rights } = this.#parts;
    const { memory } = this.#machine;
    let error = 0;
    if (scm.fp !== 0) {
      error = rights.tooMany();
      if (error === 0) socks.unix_attach_fds(skb, scm);
    }
    const bytes = error === 0 ? yield* msg.iter.copyFrom(size) : null;
    if (error === 0 && !bytes) error = -EFAULT;
    if (bytes) memory.copyIn(socks.skb(skb).data, bytes);
    else yield* socks.consume_skb(skb);
    return error;
  }

  /** Bytes sent: all of them, as one message; or -errno. */
  *unix_dgram_sendmsg(sk: UnixSock, msg: Msg, control: Uint8Array): Sim<number> {
    const { socks, scm: rights } = this.#parts;
    if (sk.sk_type === SOCK_SEQPACKET) {
      const refused = socks.takeError(sk);
      if (refused < 0) return refused;
      if (socks.peek(sk, 'sk_state') !== TCP_ESTABLISHED) return -ENOTCONN;
    }
    const size = msg.iter.count;
    const scm: Scm = { fp: 0 };
    let error = yield* rights.__scm_send(control, scm);
    if (error === 0) error = yield* this.#dgramSend(sk, msg, scm);
    yield* rights.scm_destroy(scm);
    return error < 0 ? error : size;
  }

  *#dgramSend(sk: UnixSock, msg: Msg, scm: Scm): Sim<number> {
    const { socks } = this.#parts;
    if (msg.flags & MSG_OOB) return -EOPNOTSUPP;
    // Nothing is ever bound to a name here.
    if (msg.nameBytes > 0 && sk.sk_type !== SOCK_SEQPACKET) return -ECONNREFUSED;
    const peerFirst = this.#machine.profile === 'v6.1';
    let peer = peerFirst ? yield* this.unix_peer_get(sk) : 0;
    if (peerFirst && peer === 0) return -ENOTCONN;
    const size = msg.iter.count;
    let error = size > sk.sk_sndbuf - DGRAM_OVERHEAD ? -EMSGSIZE : 0;
    const skb = error < 0 ? error : yield* socks.sock_alloc_send_pskb(sk, size, msg.flags);
    error = skb < 0 ? skb : yield* this.#fill(skb, msg, size, scm);
    if (error === 0 && !peerFirst) {
      peer = yield* this.unix_peer_get(sk);
      error = peer === 0 ? -ENOTCONN : 0;
      if (peer === 0) yield* socks.consume_skb(skb);
    }
    if (error === 0) error = yield* this.#dgramQueue(sk, socks.at(peer), skb);
    if (peer !== 0) yield* socks.sock_put(peer);
    return error;
  }

  *#dgramQueue(sk: UnixSock, other: UnixSock, skb: number): Sim<number> {
    const { socks, spinlocks } = this.#parts;
    yield* spinlocks.spin_lock(unix_state_lock, other.addr, DGRAM_LOCK);
    const dead = other.sk_dead !== 0;
    const closed = (other.sk_shutdown & RCV_SHUTDOWN) !== 0;
    yield* step(DGRAM_QUEUE);
    if (!dead && !closed) socks.append(other, skb);
    yield* spinlocks.spin_unlock(unix_state_lock, other.addr, DGRAM_UNLOCK);
    if (!dead && !closed) return 0;
    yield* socks.consume_skb(skb);
    if (!dead || sk.sk_type === SOCK_SEQPACKET) return -EPIPE;
    yield* this.unix_dgram_disconnected(sk, other);
    return -ECONNREFUSED;
  }

  /** The peer is dead: the socket has none any more, and what came from it is lost. */
  *unix_dgram_disconnected(sk: UnixSock, other: UnixSock): Sim<void> {
    const { socks, spinlocks } = this.#parts;
    const lost: number[] = [];
    yield* spinlocks.spin_lock(unix_state_lock, sk.addr, DGRAM_LOCK);
    const mine = sk.peer === other.addr;
    if (mine) {
      sk.peer = 0;
      sk.sk_state = TCP_CLOSE;
      while (sk.queue_head !== 0) lost.push(socks.unlink(sk));
    }
    yield* spinlocks.spin_unlock(unix_state_lock, sk.addr, DGRAM_UNLOCK);
    for (const skb of lost) yield* socks.consume_skb(skb);
    if (mine) yield* socks.sock_put(other.addr);
  }

  // Receiving.

  /** Bytes received, up to a message with descriptors; 0 at the end; -errno where none was. */
  *unix_stream_recvmsg(sk: UnixSock, msg: Msg): Sim<number> {
    const { socks, mutexes, scm: rights } = this.#parts;
    if (socks.peek(sk, 'sk_state') !== TCP_ESTABLISHED) return -EINVAL;
    if (msg.flags & MSG_OOB) return -EINVAL;
    const scm: Scm = { fp: 0 };
    const wanted = msg.flags & MSG_WAITALL ? msg.iter.count : Math.min(1, msg.iter.count);
    let copied = 0;
    let error = 0;
    yield* mutexes.mutex_lock(iolock, sk.iolock, READ_MUTEX);
    for (;;) {
      const skb = yield* this.#firstOf(sk, copied >= Math.max(1, wanted));
      if (skb < 0) error = skb;
      else if (skb === 0) break;
      if (skb === -EAGAIN && (msg.flags & MSG_DONTWAIT) === 0) {
        yield* mutexes.mutex_unlock(iolock, sk.iolock, READ_MUTEX_UNLOCK);
        error = yield* this.#waitForData(sk);
        if (error < 0) return copied > 0 ? copied : error;
        yield* mutexes.mutex_lock(iolock, sk.iolock, READ_MUTEX);
        continue;
      }
      if (error < 0) break;
      const peeks = (msg.flags & MSG_PEEK) !== 0;
      const chunk = peeks
        ? yield* this.#peekStream(sk, msg, scm)
        : yield* this.#takePart(sk, skb, msg, scm);
      if (chunk >= 0) copied += chunk;
      else if (copied === 0) copied = chunk;
      if (chunk < 0 || scm.fp !== 0 || peeks || msg.iter.count === 0) break;
    }
    yield* mutexes.mutex_unlock(iolock, sk.iolock, READ_MUTEX_UNLOCK);
    yield* rights.scm_recv(msg, scm);
    return copied === 0 ? error : copied;
  }

  /** The first message; 0 at the end, or where there was `enough`; -EAGAIN where one must wait. */
  *#firstOf(sk: UnixSock, enough: boolean): Sim<number> {
    const { socks, spinlocks } = this.#parts;
    yield* spinlocks.spin_lock(unix_state_lock, sk.addr, READ_LOCK);
    let skb = sk.queue_head;
    if (sk.sk_dead) skb = -ECONNRESET;
    else if (skb === 0 && !enough) {
      skb = socks.takeError(sk);
      if (skb === 0 && (sk.sk_shutdown & RCV_SHUTDOWN) === 0) skb = -EAGAIN;
    }
    yield* spinlocks.spin_unlock(unix_state_lock, sk.addr, READ_UNLOCK);
    return skb;
  }

  /** Bytes copied of one message, which goes once it is empty. */
  *#takePart(sk: UnixSock, addr: number, msg: Msg, scm: Scm): Sim<number> {
    const { socks, spinlocks } = this.#parts;
    const skb = socks.skb(addr);
    const chunk = Math.min(skb.len - skb.consumed, msg.iter.count);
    yield* step(READ_COPY);
    const bytes = this.#machine.memory.copyOut(skb.data + skb.consumed, chunk);
    if ((yield* msg.iter.copyTo(bytes)) < chunk) return -EFAULT;
    skb.consumed += chunk;
    if (skb.fp !== 0) scm.fp = socks.unix_detach_fds(addr).fp;
    if (skb.consumed < skb.len) return chunk;
    yield* spinlocks.spin_lock(unix_state_lock, sk.addr, READ_LOCK);
    socks.unlink(sk);
    yield* spinlocks.spin_unlock(unix_state_lock, sk.addr, READ_UNLOCK);
    yield* socks.consume_skb(addr);
    return chunk;
  }

  /**
   * MSG_PEEK: what is there stays there, and descriptors come with references of their own. Once
   * the room is used up it goes on, up to the first that carries some.
   */
  *#peekStream(sk: UnixSock, msg: Msg, scm: Scm): Sim<number> {
    const { socks, scm: rights } = this.#parts;
    const { memory } = this.#machine;
    let copied = 0;
    let at = socks.peek(sk, 'queue_head');
    while (at !== 0 && scm.fp === 0) {
      const skb = socks.skb(at);
      const chunk = Math.min(skb.len - skb.consumed, msg.iter.count);
      yield* step(READ_COPY);
      const bytes = memory.copyOut(skb.data + skb.consumed, chunk);
      if ((yield* msg.iter.copyTo(bytes)) < chunk) return copied > 0 ? copied : -EFAULT;
      copied += chunk;
      if (skb.fp !== 0) scm.fp = yield* rights.scm_fp_dup(skb.fp);
      at = memory.unwatched(() => skb.next);
    }
    return copied;
  }

  *#waitForData(sk: UnixSock): Sim<number> {
    return yield* this.#parts.socks.wait(
      sk,
      () =>
        sk.queue_head !== 0 ||
        sk.sk_err !== 0 ||
        (sk.sk_shutdown & RCV_SHUTDOWN) !== 0 ||
        sk.sk_dead !== 0,
    );
  }

  /** Bytes of one message; what finds no room is lost. */
  *unix_dgram_recvmsg(sk: UnixSock, msg: Msg): Sim<number> {
    const { socks, mutexes } = this.#parts;
    const sequenced = sk.sk_type === SOCK_SEQPACKET;
    if (sequenced && socks.peek(sk, 'sk_state') !== TCP_ESTABLISHED) return -ENOTCONN;
    if (msg.flags & MSG_OOB) return -EOPNOTSUPP;
    for (;;) {
      yield* mutexes.mutex_lock(iolock, sk.iolock, RECV_MUTEX);
      const skb = yield* this.#tryRecv(sk, msg.flags);
      if (skb > 0) {
        const result = yield* this.#takeDgram(skb, msg);
        yield* mutexes.mutex_unlock(iolock, sk.iolock, RECV_MUTEX_UNLOCK);
        return result;
      }
      yield* mutexes.mutex_unlock(iolock, sk.iolock, RECV_MUTEX_UNLOCK);
      if (skb < 0) return skb;
      const closed = (socks.peek(sk, 'sk_shutdown') & RCV_SHUTDOWN) !== 0;
      if (msg.flags & MSG_DONTWAIT) return sequenced && closed ? 0 : -EAGAIN;
      if (closed) return 0;
      const interrupted = yield* this.#waitForData(sk);
      if (interrupted < 0) return interrupted;
    }
  }

  /** The first message, taken out unless it is only peeked at; an error; or 0. */
  *#tryRecv(sk: UnixSock, flags: number): Sim<number> {
    const { socks, spinlocks } = this.#parts;
    yield* spinlocks.spin_lock(unix_state_lock, sk.addr, RECV_LOCK);
    let skb = socks.takeError(sk);
    if (skb === 0) skb = sk.queue_head;
    if (skb > 0 && (flags & MSG_PEEK) === 0) socks.unlink(sk);
    yield* spinlocks.spin_unlock(unix_state_lock, sk.addr, RECV_UNLOCK);
    return skb;
  }

  *#takeDgram(addr: number, msg: Msg): Sim<number> {
    const { socks, scm: rights } = this.#parts;
    const skb = socks.skb(addr);
    const { len, fp } = skb;
    const peeks = (msg.flags & MSG_PEEK) !== 0;
    const size = Math.min(len, msg.iter.count);
    if (size < len) msg.out |= MSG_TRUNC;
    yield* step(RECV_COPY);
    const bytes = this.#machine.memory.copyOut(skb.data, size);
    const result =
      (yield* msg.iter.copyTo(bytes)) < size ? -EFAULT : msg.flags & MSG_TRUNC ? len : size;
    if (result >= 0 && fp !== 0) {
      const scm = peeks ? { fp: yield* rights.scm_fp_dup(fp) } : socks.unix_detach_fds(addr);
      yield* rights.scm_recv(msg, scm);
    }
    if (!peeks) yield* socks.consume_skb(addr);
    return result;
  }

  /** The peer, with a reference, or 0. */
  *unix_peer_get(sk: UnixSock): Sim<number> {
    const { socks, spinlocks } = this.#parts;
    yield* spinlocks.spin_lock(unix_state_lock, sk.addr, PEER_LOCK);
    const { peer } = sk;
    if (peer !== 0) yield* socks.sock_hold(peer);
    yield* spinlocks.spin_unlock(unix_state_lock, sk.addr, PEER_UNLOCK);
    return peer;
  }

  #peerOf(sk: UnixSock): number {
    const { memory } = this.#machine;
    return memory.unwatched(() => memory.ptr(sk.addr + unix_sock.off.peer));
  }
}

kernelText(UnixMessages);
