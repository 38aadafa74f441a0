import type { Sim } from '../sim/request.ts';
import { intAt, ints, wordAt, words, type UserMemory } from './user-memory.ts';

/** What a message carries: at least one byte, and descriptors. */
export interface Message {
  readonly data: Uint8Array;
  readonly fds: readonly number[];
}

const CMSG_HEADER_BYTES = 16; // struct cmsghdr
const MSGHDR_CONTROL = 32; // offsets in struct user_msghdr
const MSGHDR_CONTROLLEN = 40;
const MSGHDR_BYTES = 56;
const MSGHDR_IOV = 16;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/** Lays out a msghdr with one buffer and room for the descriptors. Its address. */
export function* encodeMessage(memory: UserMemory, message: Message): Sim<number> {
  const { data, fds } = message;
  const buffer = yield* memory.put(data);
  const iov = yield* memory.put(words(buffer, data.length));
  const controlBytes = fds.length === 0 ? 0 : CMSG_HEADER_BYTES + alignWord(fds.length * 4);
  let control = 0;
  if (fds.length > 0) {
    const cmsg = new Uint8Array(controlBytes);
    cmsg.set(words(CMSG_HEADER_BYTES + fds.length * 4));
    cmsg.set(ints(SOL_SOCKET, SCM_RIGHTS, ...fds), 8);
    control = yield* memory.put(cmsg);
  }
  return yield* memory.put(words(0, 0, iov, 1, control, controlBytes, 0));
}

/** What recvmsg() has left in a msghdr made by encodeMessage(). */
export function decodeMessage(memory: UserMemory, msg: number, sizeBytes: number): Message {
  const header = memory.take(msg, MSGHDR_BYTES);
  const iov = memory.take(wordAt(header, MSGHDR_IOV), 16);
  const data = memory.take(wordAt(iov, 0), sizeBytes);
  const controlBytes = wordAt(header, MSGHDR_CONTROLLEN);
  if (controlBytes < CMSG_HEADER_BYTES) return { data, fds: [] };
  const control = memory.take(wordAt(header, MSGHDR_CONTROL), controlBytes);
  const count = Math.floor((wordAt(control, 0) - CMSG_HEADER_BYTES) / 4);
  const fds = Array.from({ length: count }, (_, i) => intAt(control, CMSG_HEADER_BYTES + i * 4));
  return { data, fds };
}

function alignWord(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 8) * 8;
}
