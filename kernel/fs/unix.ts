import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EAGAIN, ECONNRESET, ENOMEM, EPIPE } from '../errno.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Refcounts } from '../locks/refcount.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../memory.ts';
import type { DriverParts } from './driver.ts';
import type { Scm, ScmRights } from './scm.ts';
import {
  MSG_DONTWAIT,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  SHUTDOWN_MASK,
  sk_buff,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  unix_sock,
  type SkBuff,
  type UnixSock,
} from './unix-structs.ts';

const HOLD = site('sock_hold', 'get');
const PUT = site('sock_put', 'put');
const RELEASE_LOCK = site('unix_release_sock', 'lock');
const RELEASE_UNLOCK = site('unix_release_sock', 'unlock');
const PEER_LOCK = site('unix_release_sock', 'peer-lock');
const PEER_UNLOCK = site('unix_release_sock', 'peer-unlock');
const FLUSH = site('unix_release_sock', 'flush');
const SHUTDOWN_LOCK = site('unix_shutdown', 'lock');
const SHUTDOWN_UNLOCK = site('unix_shutdown', 'unlock');

export const unix_state_lock = lockClass('&u->lock', 'spin');

/** net.core.wmem_default: what a socket may have on its way. */
const SNDBUF = 212_992;
/** What a buffer's head and its sk_buff take beside the data, where they are lines of 64 bytes. */
const SHARED_INFO_BYTES = 320;
const SK_BUFF_BYTES = 256;
/** SKB_MAX_HEAD(0), SKB_MAX_ALLOC: more than that goes to whole pages. */
const SKB_MAX_HEAD = PAGE_SIZE - SHARED_INFO_BYTES;
const SKB_MAX_ALLOC = 4 * PAGE_SIZE - SHARED_INFO_BYTES;
const MAX_SKB_FRAGS = 17;
/** The most that one message of a stream carries. UNIX_SKB_FRAGS_SZ */
export const STREAM_CHUNK_MAX = SKB_MAX_HEAD + 32_768;

export interface UnixParts extends Pick<DriverParts, 'kasan' | 'waits' | 'spinlocks' | 'files'> {
  readonly refcounts: Refcounts;
  readonly scm: ScmRights;
}

/** Unix sockets: their life, and the messages on their way to them. net/unix/af_unix.c */
export class UnixSocks {
  readonly #machine: Machine;
  readonly #parts: UnixParts;
  /** Where the list of all sockets begins. unix_socket_table */
  readonly #list: number;
  /** Called where a socket has died while descriptors are in flight. net/unix/garbage.c */
  collect: () => Sim<void> = noCollector;

  constructor(machine: Machine, parts: UnixParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.#list = machine.slab.kzalloc(8);
  }

  at(addr: number): UnixSock {
    return unix_sock.at(this.#machine.memory, addr);
  }

  skb(addr: number): SkBuff {
    return sk_buff.at(this.#machine.memory, addr);
  }

  /** Every socket that has not been freed, newest first. */
  all(): UnixSock[] {
    const { memory } = this.#machine;
    return memory.unwatched(() => {
      const socks: UnixSock[] = [];
      for (let addr = memory.ptr(this.#list); addr !== 0; addr = socks.at(-1)!.gc_next) {
        socks.push(this.at(addr));
      }
      return socks;
    });
  }

  /** The socket that a file is, or undefined. unix_get_socket() */
  ofFile(file: number): UnixSock | undefined {
    const { memory } = this.#machine;
    for (const sk of this.all()) {
      const found = memory.unwatched(() => {
        const { sk_socket } = sk;
        return sk_socket !== 0 && socket.at(memory, sk_socket).file === file;
      });
      if (found) return sk;
    }
    return undefined;
  }

  /** The address of a struct socket, not connected, or 0. unix_create() */
  create(type: number): number {
    const { slab, memory } = this.#machine;
    const addr = this.#machine.mayAlloc('socket') ? slab.kzalloc(socket.sizeBytes) : 0;
    const skAddr = addr && slab.kzalloc(unix_sock.sizeBytes);
    if (skAddr === 0) {
      this.#parts.kasan.free(addr);
      return 0;
    }
    const sock = socket.at(memory, addr);
    sock.type = type;
    sock.sk = skAddr;
    const sk = this.at(skAddr);
    sk.sk_type = type;
    sk.sk_state = TCP_CLOSE;
    sk.sk_refcnt = 1;
    sk.sk_sndbuf = SNDBUF;
    sk.sk_socket = addr;
    sk.sk_wq = sock.wq;
    memory.unwatched(() => {
      sk.gc_next = memory.ptr(this.#list);
      memory.setPtr(this.#list, skAddr);
    });
    return addr;
  }

  /** Connects two new sockets. */
  *unix_socketpair(first: number, second: number): Sim<void> {
    const { memory } = this.#machine;
    const [a, b] = [socket.at(memory, first).sk, socket.at(memory, second).sk];
    for (const [own, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      yield* this.sock_hold(peer);
      this.at(own).peer = peer;
      this.at(own).sk_state = TCP_ESTABLISHED;
    }
  }

  *sock_hold(sk: number): Sim<void> {
    yield* this.#parts.refcounts.refcount_inc(HOLD, sk + unix_sock.off.sk_refcnt);
  }

  *sock_put(sk: number): Sim<void> {
    const { refcounts, kasan } = this.#parts;
    if (!(yield* refcounts.refcount_dec_and_test(PUT, sk + unix_sock.off.sk_refcnt))) return;
    const { memory } = this.#machine;
    memory.unwatched(() => {
      let slot = this.#list;
      while (memory.ptr(slot) !== sk) slot = memory.ptr(slot) + unix_sock.off.gc_next;
      memory.setPtr(slot, this.at(sk).gc_next);
    });
    kasan.free(sk);
  }

  /** The file of a socket goes; what is in its queue nobody will read. */
  *unix_release(addr: number): Sim<void> {
    const { memory } = this.#machine;
    const { sk } = socket.at(memory, addr);
    yield* this.unix_release_sock(sk);
    this.#parts.kasan.free(addr);
  }

  *unix_release_sock(addr: number): Sim<void> {
    const { spinlocks } = this.#parts;
    const sk = this.at(addr);
    yield* spinlocks.spin_lock(unix_state_lock, addr, RELEASE_LOCK);
    sk.sk_dead = 1;
    sk.sk_socket = 0;
    sk.sk_wq = 0;
    sk.sk_shutdown = SHUTDOWN_MASK;
    sk.sk_state = TCP_CLOSE;
    const { peer } = sk;
    sk.peer = 0;
    yield* spinlocks.spin_unlock(unix_state_lock, addr, RELEASE_UNLOCK);
    if (peer !== 0) {
      if (sk.sk_type !== SOCK_DGRAM) yield* this.#tellPeer(sk, peer);
      yield* this.sock_put(peer);
    }
    while (sk.queue_head !== 0) {
      yield* step(FLUSH);
      const skb = this.unlink(sk);
      yield* this.consume_skb(skb);
    }
    yield* this.sock_put(addr);
    if (this.totalInflight() > 0) yield* this.collect();
  }

  /** No more writes, and an error where something was left unread. */
  *#tellPeer(sk: UnixSock, peer: number): Sim<void> {
    const { spinlocks } = this.#parts;
    const other = this.at(peer);
    yield* spinlocks.spin_lock(unix_state_lock, peer, PEER_LOCK);
    other.sk_shutdown = SHUTDOWN_MASK;
    if (this.#leftUnread(sk)) this.setError(other, ECONNRESET);
    this.wake(other);
    yield* spinlocks.spin_unlock(unix_state_lock, peer, PEER_UNLOCK);
  }

  /** Since 6.16 an empty message at the head, as out-of-band data leaves one, does not count. */
  #leftUnread(sk: UnixSock): boolean {
    if (sk.queue_head === 0) return false;
    const { len, consumed, next } = this.skb(sk.queue_head);
    return this.#machine.profile === 'v6.1' || len > consumed || next !== 0;
  }

  /** `how` is RCV_SHUTDOWN, SEND_SHUTDOWN or both. */
  *unix_shutdown(addr: number, how: number): Sim<void> {
    const { spinlocks } = this.#parts;
    const sk = this.at(addr);
    yield* spinlocks.spin_lock(unix_state_lock, addr, SHUTDOWN_LOCK);
    sk.sk_shutdown |= how;
    const { peer } = sk;
    this.wake(sk);
    yield* spinlocks.spin_unlock(unix_state_lock, addr, SHUTDOWN_UNLOCK);
    if (peer === 0 || sk.sk_type === SOCK_DGRAM) return;
    const theirs =
      (how & RCV_SHUTDOWN ? SEND_SHUTDOWN : 0) | (how & SEND_SHUTDOWN ? RCV_SHUTDOWN : 0);
    yield* spinlocks.spin_lock(unix_state_lock, peer, SHUTDOWN_LOCK);
    this.at(peer).sk_shutdown |= theirs;
    this.wake(this.at(peer));
    yield* spinlocks.spin_unlock(unix_state_lock, peer, SHUTDOWN_UNLOCK);
  }

  // State that is looked at without the lock.

  /** The pending error, which is then gone; as -errno, or 0. sock_error() */
  takeError(sk: UnixSock): number {
    return this.#machine.memory.unwatched(() => {
      const { sk_err } = sk;
      if (sk_err !== 0) sk.sk_err = 0;
      return sk_err === 0 ? 0 : -sk_err;
    });
  }

  setError(sk: UnixSock, error: number): void {
    this.#machine.memory.unwatched(() => (sk.sk_err = error));
  }

  /** READ_ONCE() of one field. */
  peek(sk: UnixSock, field: 'sk_shutdown' | 'sk_state' | 'sk_err' | 'queue_head'): number {
    return this.#machine.memory.unwatched(() => sk[field]);
  }

  /** Wakes whoever waits on the socket: for data, for room, for the end. */
  wake(sk: UnixSock): void {
    const wq = this.#machine.memory.unwatched(() => sk.sk_wq);
    if (wq !== 0) this.#parts.waits.wake_up(wq);
  }

  *wait(sk: UnixSock, condition: () => boolean): Sim<number> {
    const { memory } = this.#machine;
    return yield* this.#parts.waits.wait_event_interruptible(
      memory.unwatched(() => sk.sk_wq),
      () => memory.unwatched(condition),
    );
  }

  // Messages.

  /** An empty message of `size` bytes that `sk` pays for, or -errno. Waits for room. */
  *sock_alloc_send_pskb(sk: UnixSock, size: number, flags: number): Sim<number> {
    const { memory } = this.#machine;
    const hasRoom = (): boolean => sk.sk_wmem_alloc < sk.sk_sndbuf;
    for (;;) {
      const error = this.takeError(sk);
      if (error < 0) return error;
      if (this.peek(sk, 'sk_shutdown') & SEND_SHUTDOWN) return -EPIPE;
      if (memory.unwatched(hasRoom)) break;
      if (flags & MSG_DONTWAIT) return -EAGAIN;
      const interrupted = yield* this.wait(
        sk,
        () => hasRoom() || (sk.sk_shutdown & SEND_SHUTDOWN) !== 0 || sk.sk_err !== 0,
      );
      if (interrupted < 0) return interrupted;
    }
    const { slab } = this.#machine;
    const addr = this.#machine.mayAlloc('sk_buff') ? slab.kzalloc(sk_buff.sizeBytes) : 0;
    const data = addr && slab.kmalloc(Math.max(size, 1));
    if (data === 0) {
      this.#parts.kasan.free(addr);
      return -ENOMEM;
    }
    const skb = this.skb(addr);
    skb.data = data;
    skb.len = size;
    skb.sk = sk.addr;
    skb.truesize = truesizeOf(size, sk.sk_type === SOCK_STREAM);
    memory.unwatched(() => (sk.sk_wmem_alloc += skb.truesize));
    yield* this.sock_hold(sk.addr);
    return addr;
  }

  /** Under the receiver's lock. skb_queue_tail(), sk_data_ready() */
  append(sk: UnixSock, addr: number): void {
    if (sk.queue_tail === 0) sk.queue_head = addr;
    else this.skb(sk.queue_tail).next = addr;
    sk.queue_tail = addr;
    this.wake(sk);
  }

  messagesOf(sk: UnixSock): number[] {
    const messages: number[] = [];
    for (let skb = sk.queue_head; skb !== 0; skb = this.skb(skb).next) messages.push(skb);
    return messages;
  }

  /** Takes the first message out of the queue. Under its lock, or from a dead socket. */
  unlink(sk: UnixSock): number {
    const addr = sk.queue_head;
    const { next } = this.skb(addr);
    sk.queue_head = next;
    if (next === 0) sk.queue_tail = 0;
    return addr;
  }

  /** The caller's files are the message's now. */
  unix_attach_fds(addr: number, scm: Scm): void {
    this.skb(addr).fp = scm.fp;
    this.#inflight(scm.fp, 1);
    scm.fp = 0;
  }

  /** The message's files are the caller's now. */
  unix_detach_fds(addr: number): Scm {
    const skb = this.skb(addr);
    const { fp } = skb;
    skb.fp = 0;
    if (fp !== 0) this.#inflight(fp, -1);
    return { fp };
  }

  /**
   * Frees a message and what is still in it; makes room for its sender. unix_destruct_scm(),
   * sock_wfree()
   */
  *consume_skb(addr: number): Sim<void> {
    const { kasan, scm } = this.#parts;
    const { memory } = this.#machine;
    yield* scm.scm_destroy(this.unix_detach_fds(addr));
    const skb = this.skb(addr);
    const sender = this.at(skb.sk);
    const writable = memory.unwatched(() => {
      sender.sk_wmem_alloc -= skb.truesize;
      return sender.sk_wmem_alloc * 4 <= sender.sk_sndbuf;
    });
    if (writable) this.wake(sender);
    kasan.free(skb.data);
    kasan.free(addr);
    yield* this.sock_put(sender.addr);
  }

  /** References to sockets that messages hold. unix_tot_inflight */
  totalInflight(): number {
    const { memory } = this.#machine;
    let total = 0;
    for (const sk of this.all()) total += memory.unwatched(() => sk.inflight);
    return total;
  }

  /** unix_inflight(), unix_notinflight() */
  #inflight(fp: number, by: 1 | -1): void {
    const { scm } = this.#parts;
    scm.count(fp, by);
    for (const file of scm.filesOf(fp)) {
      const sk = this.ofFile(file);
      if (sk) this.#machine.memory.unwatched(() => (sk.inflight += by));
    }
  }
}

kernelText(UnixSocks);

function* noCollector(): Sim<void> {}

/** What a message costs its sender: the bytes of the memory that Linux would take for it. */
export function truesizeOf(size: number, stream: boolean): number {
  const over = size - (stream ? SKB_MAX_HEAD : SKB_MAX_ALLOC);
  const pages =
    over <= 0 ? 0 : pageAlign(stream ? over : Math.min(over, MAX_SKB_FRAGS * PAGE_SIZE));
  const head = Math.ceil(Math.max(0, size - pages) / 64) * 64 + SHARED_INFO_BYTES;
  return 2 ** Math.ceil(Math.log2(head)) + SK_BUFF_BYTES + pages;
}

function pageAlign(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}
