import { embed, ptr, struct, u32 } from '../../base/layout.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import {
  EAGAIN,
  EFAULT,
  EINVAL,
  ENOIOCTLCMD,
  ENOMEM,
  ENOPKG,
  EPIPE,
  ERESTARTSYS,
} from '../errno.ts';
import type { FileOps, SyscallRow } from '../hooks.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../memory.ts';
import { mutex, wait_queue_head } from '../structs.ts';
import {
  FIONREAD,
  flagsOf,
  intBytes,
  isNonblocking,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  privateOf,
  SIGPIPE,
  type DriverParts,
} from './driver.ts';
import { file as fileStruct, FMODE_READ, FMODE_WRITE } from './structs.ts';
import { O_CLOEXEC, O_DIRECT, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY } from './uapi.ts';

/** include/linux/pipe_fs_i.h: buffers of one page each. */
const PIPE_DEF_BUFFERS = 16;
/** Needs CONFIG_WATCH_QUEUE, which this kernel is built without. */
const O_NOTIFICATION_PIPE = O_EXCL;
const PIPE_BUF_FLAG_PACKET = 0x08;
const PIPE_BUF_FLAG_CAN_MERGE = 0x10;

const READ_LOCK = site('pipe_read', 'lock');
const READ_TAKE = site('pipe_read', 'take');
const READ_UNLOCK = site('pipe_read', 'unlock');
const WRITE_LOCK = site('pipe_write', 'lock');
const WRITE_PUT = site('pipe_write', 'put');
const WRITE_UNLOCK = site('pipe_write', 'unlock');
const RELEASE_LOCK = site('pipe_release', 'lock');
const RELEASE_UNLOCK = site('pipe_release', 'unlock');
const PUT_LOCK = site('put_pipe_info', 'lock');
const PUT_UNLOCK = site('put_pipe_info', 'unlock');
const IOCTL_LOCK = site('pipe_ioctl', 'lock');
const IOCTL_UNLOCK = site('pipe_ioctl', 'unlock');

const pipe_mutex = lockClass('&pipe->mutex', 'mutex');
const i_lock = lockClass('&inode->i_lock', 'spin');

/** include/linux/pipe_fs_i.h */
export const pipe_buffer = struct('pipe_buffer', {
  page: ptr('struct page'),
  offset: u32,
  len: u32,
  flags: u32, // PIPE_BUF_FLAG_*
});

export const pipe_inode_info = struct('pipe_inode_info', {
  mutex: embed(mutex),
  rd_wait: embed(wait_queue_head),
  wr_wait: embed(wait_queue_head),
  // mutex:
  head: u32, // where the next buffer goes; not wrapped to the ring
  tail: u32, // which is read next
  max_usage: u32,
  ring_size: u32,
  readers: u32,
  writers: u32,
  bufs: ptr('struct pipe_buffer'),
  // i_lock, which is the inode's in Linux:
  i_lock: u32,
  files: u32,
});

type Pipe = ReturnType<typeof pipe_inode_info.at>;
type PipeBuffer = ReturnType<typeof pipe_buffer.at>;
type Parts = Pick<
  DriverParts,
  'cpus' | 'kasan' | 'waits' | 'mutexes' | 'spinlocks' | 'user' | 'tables' | 'files' | 'signals'
>;

/** What one write has done so far. */
interface Progress {
  done: number;
  error: number;
}

/** Pipes. fs/pipe.c */
export class Pipes {
  readonly #machine: Machine;
  readonly #parts: Parts;
  readonly rows: readonly SyscallRow[];
  readonly ops: FileOps = {
    name: 'pipefifo_fops',
    module: '',
    read: (file, buf, count) => this.pipe_read(file, buf, count),
    write: (file, buf, count) => this.pipe_write(file, buf, count),
    unlocked_ioctl: (file, cmd, arg) => this.pipe_ioctl(file, cmd, arg),
    release: (file) => this.pipe_release(file),
    poll: (file) => this.#poll(file),
  };

  constructor(machine: Machine, parts: Parts) {
    this.#machine = machine;
    this.#parts = parts;
    this.rows = [
      { nr: 22, name: 'pipe', args: ['fildes'], run: (fildes) => this.do_pipe2(fildes!, 0) },
      {
        nr: 293,
        name: 'pipe2',
        args: ['fildes', 'flags'],
        run: (fildes, flags) => this.do_pipe2(fildes!, flags! | 0),
      },
    ];
  }

  /** Where the two numbers cannot be stored, both files go again, and nobody has seen them. */
  *do_pipe2(fildes: number, flags: number): Sim<number> {
    const { user, tables, files } = this.#parts;
    const made = yield* this.__do_pipe_flags(flags);
    if (typeof made === 'number') return made;
    const [reader, writer] = made;
    const numbers = new Uint8Array([...intBytes(reader.fd), ...intBytes(writer.fd)]);
    if ((yield* user.copy_to_user(fildes, numbers)) > 0) {
      yield* files.fput(reader.file);
      yield* files.fput(writer.file);
      yield* tables.put_unused_fd(reader.fd);
      yield* tables.put_unused_fd(writer.fd);
      return -EFAULT;
    }
    yield* tables.fd_install(reader.fd, reader.file);
    yield* tables.fd_install(writer.fd, writer.file);
    return 0;
  }

  /** Both ends with reserved descriptors, not installed yet; or -errno. */
  *__do_pipe_flags(flags: number): Sim<readonly [End, End] | number> {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_NOTIFICATION_PIPE)) return -EINVAL;
    if (flags & O_NOTIFICATION_PIPE) return -ENOPKG;
    const { files, tables } = this.#parts;
    const ends = yield* this.create_pipe_files(flags);
    if (typeof ends === 'number') return ends;
    const [reader, writer] = ends;
    const fdr = yield* tables.get_unused_fd_flags(flags);
    const fdw = fdr < 0 ? fdr : yield* tables.get_unused_fd_flags(flags);
    if (fdw >= 0)
      return [
        { fd: fdr, file: reader },
        { fd: fdw, file: writer },
      ];
    if (fdr >= 0) yield* tables.put_unused_fd(fdr);
    yield* files.fput(reader);
    yield* files.fput(writer);
    return fdw;
  }

  /** The reading and the writing file, each with one reference; or -errno. */
  *create_pipe_files(flags: number): Sim<readonly [number, number] | number> {
    const { files } = this.#parts;
    const pipe = this.alloc_pipe_info();
    if (pipe === 0) return -ENOMEM;
    const writeFlags = O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT));
    const writer = yield* files.alloc_file({ ops: this.ops, flags: writeFlags, privateData: pipe });
    if (writer < 0) {
      this.free_pipe_info(pipe);
      return writer;
    }
    const view = pipe_inode_info.at(this.#machine.memory, pipe);
    view.files = 1;
    view.writers = 1;
    const reader = yield* files.alloc_file({
      ops: this.ops,
      flags: O_RDONLY | (flags & O_NONBLOCK),
      privateData: pipe,
    });
    if (reader < 0) {
      yield* files.fput(writer);
      return reader;
    }
    view.files = 2;
    view.readers = 1;
    return [reader, writer];
  }

  /** The address of a pipe_inode_info, or 0. */
  alloc_pipe_info(): number {
    const { slab, memory } = this.#machine;
    if (!this.#machine.mayAlloc('pipe')) return 0;
    const addr = slab.kzalloc(pipe_inode_info.sizeBytes);
    const bufs = addr && slab.kzalloc(PIPE_DEF_BUFFERS * pipe_buffer.sizeBytes);
    if (bufs === 0) {
      this.#parts.kasan.free(addr);
      return 0;
    }
    const pipe = pipe_inode_info.at(memory, addr);
    pipe.bufs = bufs;
    pipe.ring_size = PIPE_DEF_BUFFERS;
    pipe.max_usage = PIPE_DEF_BUFFERS;
    return addr;
  }

  free_pipe_info(addr: number): void {
    const pipe = pipe_inode_info.at(this.#machine.memory, addr);
    for (let at = pipe.tail; at < pipe.head; at++) this.#parts.kasan.free(this.#buf(pipe, at).page);
    this.#parts.kasan.free(pipe.bufs);
    this.#parts.kasan.free(addr);
  }

  *pipe_read(file: number, buf: number, count: number): Sim<number> {
    if (count === 0) return 0;
    const { mutexes, waits } = this.#parts;
    const { memory } = this.#machine;
    const pipe = this.#pipeOf(file);
    yield* mutexes.mutex_lock(pipe_mutex, pipe.mutex, READ_LOCK);
    let wasFull = isFull(pipe);
    let waited = false;
    let result = yield* this.#takeAll(pipe, buf, count);
    while (result === 0 && isEmpty(pipe) && pipe.writers > 0) {
      if (isNonblocking(this.#machine, file)) {
        result = -EAGAIN;
        break;
      }
      yield* mutexes.mutex_unlock(pipe_mutex, pipe.mutex, READ_UNLOCK);
      if (wasFull) waits.wake_up(pipe.wr_wait, 1);
      const readable = (): boolean => !isEmpty(pipe) || pipe.writers === 0;
      const interrupted = yield* waits.wait_event_interruptible(pipe.rd_wait, () =>
        memory.unwatched(readable),
      );
      if (interrupted < 0) return interrupted;
      waited = true;
      yield* mutexes.mutex_lock(pipe_mutex, pipe.mutex, READ_LOCK);
      wasFull = isFull(pipe);
      result = yield* this.#takeAll(pipe, buf, count);
    }
    const wakeReader = waited && !isEmpty(pipe);
    yield* mutexes.mutex_unlock(pipe_mutex, pipe.mutex, READ_UNLOCK);
    if (wasFull) waits.wake_up(pipe.wr_wait, 1);
    if (wakeReader) waits.wake_up(pipe.rd_wait, 1);
    return result;
  }

  /** What there is, up to `count` bytes or the end of a packet; -EFAULT before the first byte. */
  *#takeAll(pipe: Pipe, addr: number, count: number): Sim<number> {
    const { memory } = this.#machine;
    let done = 0;
    while (done < count && !isEmpty(pipe)) {
      const buf = this.#buf(pipe, pipe.tail);
      const chars = Math.min(buf.len, count - done);
      yield* step(READ_TAKE);
      const bytes = memory.copyOut(buf.page + buf.offset, chars);
      if ((yield* this.#parts.user.copy_to_user(addr + done, bytes)) > 0) {
        return done > 0 ? done : -EFAULT;
      }
      done += chars;
      buf.offset += chars;
      buf.len -= chars;
      const packet = (buf.flags & PIPE_BUF_FLAG_PACKET) !== 0;
      if (buf.len === 0 || packet) this.#releaseTail(pipe);
      if (packet) break; // the rest of it is lost
    }
    return done;
  }

  #releaseTail(pipe: Pipe): void {
    const buf = this.#buf(pipe, pipe.tail);
    this.#parts.kasan.free(buf.page);
    buf.page = 0;
    pipe.tail += 1;
  }

  *pipe_write(file: number, buf: number, count: number): Sim<number> {
    if (count === 0) return 0;
    const { mutexes, waits, signals, cpus } = this.#parts;
    const { memory } = this.#machine;
    const pipe = this.#pipeOf(file);
    const progress: Progress = { done: 0, error: 0 };
    yield* mutexes.mutex_lock(pipe_mutex, pipe.mutex, WRITE_LOCK);
    let wasEmpty = isEmpty(pipe);
    let waited = false;
    if (pipe.readers > 0 && !wasEmpty) yield* this.#merge(pipe, buf, count, progress);
    while (progress.error === 0 && progress.done < count) {
      if (pipe.readers === 0) {
        signals.send_sig(SIGPIPE, cpus.current);
        progress.error = -EPIPE;
      } else if (!isFull(pipe)) {
        yield* this.#put(pipe, file, { addr: buf, count }, progress);
      } else if (isNonblocking(this.#machine, file)) {
        progress.error = -EAGAIN;
      } else {
        yield* mutexes.mutex_unlock(pipe_mutex, pipe.mutex, WRITE_UNLOCK);
        if (wasEmpty) waits.wake_up(pipe.rd_wait, 1);
        const writable = (): boolean => !isFull(pipe) || pipe.readers === 0;
        const interrupted = yield* waits.wait_event_interruptible(pipe.wr_wait, () =>
          memory.unwatched(writable),
        );
        yield* mutexes.mutex_lock(pipe_mutex, pipe.mutex, WRITE_LOCK);
        wasEmpty = isEmpty(pipe);
        waited = true;
        if (interrupted < 0 && isFull(pipe) && pipe.readers > 0) progress.error = -ERESTARTSYS;
      }
    }
    const wakeWriter = waited && !isFull(pipe);
    yield* mutexes.mutex_unlock(pipe_mutex, pipe.mutex, WRITE_UNLOCK);
    if (wasEmpty) waits.wake_up(pipe.rd_wait, 1);
    if (wakeWriter) waits.wake_up(pipe.wr_wait, 1);
    return progress.done > 0 ? progress.done : progress.error;
  }

  /** Adds the part that is no whole page to the last buffer, where all of it fits there. */
  *#merge(pipe: Pipe, addr: number, count: number, progress: Progress): Sim<void> {
    const chars = count % PAGE_SIZE;
    const buf = this.#buf(pipe, pipe.head - 1);
    const end = buf.offset + buf.len;
    if (chars === 0 || (buf.flags & PIPE_BUF_FLAG_CAN_MERGE) === 0) return;
    if (end + chars > PAGE_SIZE) return;
    const bytes = yield* this.#parts.user.copy_from_user(addr, chars);
    if (!bytes) {
      progress.error = -EFAULT;
      return;
    }
    yield* step(WRITE_PUT);
    this.#machine.memory.copyIn(buf.page + end, bytes);
    buf.len += chars;
    progress.done = chars;
  }

  /** One more page, filled as far as there is data. It counts only once it is filled. */
  *#put(
    pipe: Pipe,
    file: number,
    from: { addr: number; count: number },
    progress: Progress,
  ): Sim<void> {
    const { memory, slab } = this.#machine;
    const chars = Math.min(from.count - progress.done, PAGE_SIZE);
    const page = this.#machine.mayAlloc('pipe page') ? slab.kmalloc(PAGE_SIZE) : 0;
    if (page === 0) {
      progress.error = -ENOMEM;
      return;
    }
    const bytes = yield* this.#parts.user.copy_from_user(from.addr + progress.done, chars);
    if (!bytes) {
      this.#parts.kasan.free(page);
      progress.error = -EFAULT;
      return;
    }
    yield* step(WRITE_PUT);
    memory.copyIn(page, bytes);
    const buf = this.#buf(pipe, pipe.head);
    buf.page = page;
    buf.offset = 0;
    buf.len = chars;
    const packet = flagsOf(this.#machine, file) & O_DIRECT;
    buf.flags = packet ? PIPE_BUF_FLAG_PACKET : PIPE_BUF_FLAG_CAN_MERGE;
    pipe.head += 1;
    progress.done += chars;
  }

  /** How many bytes wait. */
  *pipe_ioctl(file: number, cmd: number, arg: number): Sim<number> {
    if (cmd !== FIONREAD) return -ENOIOCTLCMD;
    const { mutexes, user } = this.#parts;
    const pipe = this.#pipeOf(file);
    let count = 0;
    yield* mutexes.mutex_lock(pipe_mutex, pipe.mutex, IOCTL_LOCK);
    for (let at = pipe.tail; at < pipe.head; at++) count += this.#buf(pipe, at).len;
    yield* mutexes.mutex_unlock(pipe_mutex, pipe.mutex, IOCTL_UNLOCK);
    return (yield* user.copy_to_user(arg, intBytes(count))) > 0 ? -EFAULT : 0;
  }

  *pipe_release(file: number): Sim<number> {
    const { mutexes, waits } = this.#parts;
    const pipe = this.#pipeOf(file);
    const { f_mode } = fileStruct.at(this.#machine.memory, file);
    yield* mutexes.mutex_lock(pipe_mutex, pipe.mutex, RELEASE_LOCK);
    // An end that could not be made was never counted.
    if (f_mode & FMODE_READ && pipe.readers > 0) pipe.readers -= 1;
    if (f_mode & FMODE_WRITE) pipe.writers -= 1;
    if ((pipe.readers === 0) !== (pipe.writers === 0)) {
      waits.wake_up(pipe.rd_wait);
      waits.wake_up(pipe.wr_wait);
    }
    yield* mutexes.mutex_unlock(pipe_mutex, pipe.mutex, RELEASE_UNLOCK);
    yield* this.put_pipe_info(pipe.addr);
    return 0;
  }

  *put_pipe_info(addr: number): Sim<void> {
    const pipe = pipe_inode_info.at(this.#machine.memory, addr);
    const lock = addr + pipe_inode_info.off.i_lock;
    yield* this.#parts.spinlocks.spin_lock(i_lock, lock, PUT_LOCK);
    pipe.files -= 1;
    const last = pipe.files === 0;
    yield* this.#parts.spinlocks.spin_unlock(i_lock, lock, PUT_UNLOCK);
    if (last) this.free_pipe_info(addr);
  }

  #poll(file: number): number {
    const { memory } = this.#machine;
    const { f_mode } = fileStruct.at(memory, file);
    const pipe = this.#pipeOf(file);
    return memory.unwatched(() => {
      let mask = 0;
      if (f_mode & FMODE_READ) {
        mask |= (isEmpty(pipe) ? 0 : POLLIN) | (pipe.writers === 0 ? POLLHUP : 0);
      }
      if (f_mode & FMODE_WRITE) {
        mask |= (isFull(pipe) ? 0 : POLLOUT) | (pipe.readers === 0 ? POLLERR : 0);
      }
      return mask;
    });
  }

  #pipeOf(file: number): Pipe {
    return pipe_inode_info.at(this.#machine.memory, privateOf(this.#machine, file));
  }

  #buf(pipe: Pipe, index: number): PipeBuffer {
    return pipe_buffer.at(
      this.#machine.memory,
      pipe.bufs + (index % pipe.ring_size) * pipe_buffer.sizeBytes,
    );
  }
}

kernelText(Pipes);

interface End {
  readonly fd: number;
  readonly file: number;
}

function isEmpty(pipe: Pipe): boolean {
  return pipe.head === pipe.tail;
}

function isFull(pipe: Pipe): boolean {
  return pipe.head - pipe.tail >= pipe.max_usage;
}
