import { intBytes, longBytes } from '../../kernel/fs/driver.ts';
import type { Task } from '../../kernel/task.ts';
import type { Sim } from '../../sim/request.ts';
import { expect } from 'vitest';
import { FsKernel } from './fs-kernel.ts';

/** Two connected sockets of a task, and user memory for messages. */
export class SocketPair {
  readonly k: FsKernel;
  readonly task: Task;
  readonly buf: number;
  a = -1;
  b = -1;

  constructor(k: FsKernel, task: Task) {
    this.k = k;
    this.task = task;
    this.buf = k.map(task, 1 << 19);
  }

  *open(type: number): Sim<void> {
    expect(yield* this.k.call('socketpair', 1, type, 0, this.buf)).toBe(0);
    [this.a, this.b] = yield* this.k.pair(this.buf);
  }

  /** Data at buf + 4096, control at buf + 512, msghdr at buf. */
  *send(
    fd: number,
    data: string | number,
    fds: readonly number[],
    more: {
      flags?: number;
      level?: number;
      type?: number;
      length?: number;
      name?: number;
      at?: number;
    } = {},
  ): Sim<number> {
    const { k, buf } = this;
    const { at = buf + 4096, level = 1, type = 1, length = 16 + 4 * fds.length } = more;
    if (typeof data === 'string') yield* k.put(at, data);
    const size = typeof data === 'string' ? data.length : data;
    yield* k.put(
      buf + 512,
      new Uint8Array([
        ...longBytes(BigInt(length)),
        ...intBytes(level),
        ...intBytes(type),
        ...fds.flatMap((number) => [...intBytes(number)]),
      ]),
    );
    const room =
      fds.length === 0 && more.type === undefined ? 0 : 16 + Math.ceil(fds.length / 2) * 8;
    yield* this.header(at, size, room, more.name);
    return yield* k.call('sendmsg', fd, buf, more.flags ?? 0);
  }

  *header(at: number, size: number, room: number, name = 0): Sim<void> {
    const { k, buf } = this;
    yield* k.put(buf + 64, new Uint8Array([...longBytes(BigInt(at)), ...longBytes(BigInt(size))]));
    yield* k.put(
      buf,
      new Uint8Array([
        ...longBytes(BigInt(name === 0 ? 0 : buf)),
        ...longBytes(BigInt(name)),
        ...longBytes(BigInt(buf + 64)),
        ...longBytes(1n),
        ...longBytes(BigInt(buf + 512)),
        ...longBytes(BigInt(room)),
        ...longBytes(0n),
      ]),
    );
  }

  /** As the runner reports it: `3 abc flags=8 control=24 rights=5,6`. */
  *recv(fd: number, size: number, room: number, flags = 0, at = this.buf + 4096): Sim<string> {
    const { k, buf } = this;
    yield* this.header(at, size, room);
    const result = yield* k.call('recvmsg', fd, buf, flags);
    if (result < 0) return String(result);
    const used = (yield* k.pair(buf + 40))[0];
    const out = (yield* k.pair(buf + 48))[0];
    let line =
      `${result} ${yield* k.getText(at, Math.min(result, size))} flags=${out.toString(16)} ` +
      `control=${used}`;
    if (used >= 16) {
      const [length] = yield* k.pair(buf + 512);
      const bytes = yield* k.get(buf + 528, length - 16);
      const view = new DataView(bytes.buffer);
      const fds = Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(4 * i, true));
      line += ` rights=${fds.join()}`;
    }
    return line;
  }
}

/** Runs a task that has a pair. */
export function withPair(type: number, body: (p: SocketPair, k: FsKernel) => Sim<void>): FsKernel {
  const k = new FsKernel();
  k.do(function* (task) {
    const pair = new SocketPair(k, task);
    yield* pair.open(type);
    yield* body(pair, k);
  });
  return k;
}
