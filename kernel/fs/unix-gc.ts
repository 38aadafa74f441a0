import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Machine } from '../machine.ts';
import type { FileTable } from './file.ts';
import type { ScmRights } from './scm.ts';
import type { UnixSocks } from './unix.ts';
import { socket, unix_sock, type UnixSock } from './unix-structs.ts';

const SCAN = site('unix_gc', 'scan');
const PURGE = site('unix_gc', 'purge');

export interface UnixGcParts {
  readonly socks: UnixSocks;
  readonly scm: Pick<ScmRights, 'filesOf' | 'scm_destroy'>;
  readonly files: Pick<FileTable, 'count'>;
}

/**
 * Sockets that only messages refer to which nobody can receive: a socket sent over itself, two sent
 * over each other. Their messages are emptied of descriptors, and so they go. It runs where a
 * socket dies, in that task; later versions leave it to a worker. net/unix/garbage.c
 */
export class UnixGc {
  readonly #machine: Machine;
  readonly #parts: UnixGcParts;

  constructor(machine: Machine, parts: UnixGcParts) {
    this.#machine = machine;
    this.#parts = parts;
    parts.socks.collect = () => this.unix_gc();
  }

  *unix_gc(): Sim<void> {
    const { socks, scm } = this.#parts;
    yield* step(SCAN);
    const garbage = this.#machine.memory.unwatched(() => this.#garbage());
    const { ordering } = this.#machine.engine;
    for (const { addr } of garbage) ordering?.acquire(addr + unix_sock.off.lock);
    const messages = garbage.flatMap((sk) => socks.messagesOf(sk));
    const cookies = messages.map((skb) => socks.unix_detach_fds(skb));
    for (const { addr } of garbage) ordering?.release(addr + unix_sock.off.lock);
    for (const cookie of cookies) {
      yield* step(PURGE);
      this.#machine.remark(() => 'unreachable socket: the descriptors sent to it are dropped');
      yield* scm.scm_destroy(cookie);
    }
  }

  /** Without a step in between, as under unix_gc_lock and the lock of each queue. */
  #garbage(): UnixSock[] {
    const { memory } = this.#machine;
    const { socks, files } = this.#parts;
    const candidates = [...socks.all()].filter(
      (sk) =>
        sk.inflight > 0 &&
        sk.sk_socket !== 0 &&
        files.count(socket.at(memory, sk.sk_socket).file) === sk.inflight,
    );
    const isCandidate = new Set(candidates.map(({ addr }) => addr));
    for (const sk of candidates) sk.gc_refs = sk.inflight;
    for (const sk of candidates) {
      for (const child of this.#children(sk)) {
        if (isCandidate.has(child.addr)) child.gc_refs -= 1;
      }
    }
    // What is left over comes from messages that somebody can receive, and so does all behind it.
    const reachable = candidates.filter((sk) => sk.gc_refs > 0);
    const kept = new Set(reachable.map(({ addr }) => addr));
    for (const sk of reachable) {
      for (const child of this.#children(sk)) {
        if (!isCandidate.has(child.addr) || kept.has(child.addr)) continue;
        kept.add(child.addr);
        reachable.push(child);
      }
    }
    return candidates.filter(({ addr }) => !kept.has(addr));
  }

  /** The sockets in the queue of a socket, each as often as it is there. */
  #children(sk: UnixSock): UnixSock[] {
    const { socks, scm } = this.#parts;
    const files = socks.messagesOf(sk).flatMap((skb) => scm.filesOf(socks.skb(skb).fp));
    return files.flatMap((file) => socks.ofFile(file) ?? []);
  }
}

kernelText(UnixGc);
