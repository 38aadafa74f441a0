import { array, embed, long, ptr, s32, struct, u32 } from '../../base/layout.ts';
import { mutex, wait_queue_head } from '../structs.ts';

/** The structs of sockets: include/linux/net.h, skbuff.h, include/net/sock.h, af_unix.h, scm.h. */

export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;

/** enum sock_shutdown_cmd, plus 1: what a socket no longer does. include/net/sock.h */
export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;
export const SHUTDOWN_MASK = 3;

export const TCP_ESTABLISHED = 1;
export const TCP_CLOSE = 7;

/** include/linux/socket.h */
export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_WAITALL = 0x100;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;

export const SOL_SOCKET = 1;
export const SCM_RIGHTS = 1;
export const SCM_CREDENTIALS = 2;
export const SCM_MAX_FD = 253;

/** What a file of a socket points to: include/linux/net.h. */
export const socket = struct('socket', {
  state: u32,
  type: u32, // SOCK_*
  file: ptr('struct file'),
  sk: ptr('struct sock'),
  wq: embed(wait_queue_head),
});

/** struct sock and struct unix_sock in one. */
export const unix_sock = struct('unix_sock', {
  lock: u32, // spinlock_t: unix_state_lock(); here it guards the queue as well
  sk_type: u32,
  sk_state: u32, // lock
  sk_shutdown: u32, // lock
  sk_dead: u32, // lock; SOCK_DEAD: the file is gone
  sk_err: u32,
  sk_refcnt: s32, // refcount_t: the socket, who has it as peer, what it has sent
  sk_wmem_alloc: s32, // atomic_t: bytes sent and not yet received
  sk_sndbuf: s32,
  sk_socket: ptr('struct socket'), // lock
  sk_wq: ptr('struct wait_queue_head'), // lock
  peer: ptr('struct unix_sock'), // lock
  queue_head: ptr('struct sk_buff'), // lock
  queue_tail: ptr('struct sk_buff'), // lock
  iolock: embed(mutex), // one reader at a time
  inflight: u32, // messages that hold a reference to its file: unix_gc_lock
  gc_refs: u32, // unix_gc()
  gc_next: ptr('struct unix_sock'), // all of them, newest first
});

/** A message, or a part of one. include/linux/skbuff.h */
export const sk_buff = struct('sk_buff', {
  next: ptr('struct sk_buff'),
  sk: ptr('struct unix_sock'), // who sent it and pays for it
  data: ptr('unsigned char'),
  fp: ptr('struct scm_fp_list'), // UNIXCB(skb).fp
  len: u32,
  consumed: u32, // UNIXCB(skb).consumed
  truesize: u32,
});

/** Files on their way, each with a reference. include/net/scm.h */
export const scm_fp_list = struct('scm_fp_list', {
  count: u32,
  uid: u32, // whom they are counted for: struct user_struct in Linux
  fp: array(ptr('struct file'), SCM_MAX_FD),
});

/** How many files a user has in flight. include/linux/sched/user.h */
export const user_struct = struct('user_struct', {
  known: u32,
  uid: u32,
  unix_inflight: long,
});

export type UnixSock = ReturnType<typeof unix_sock.at>;
export type SkBuff = ReturnType<typeof sk_buff.at>;
