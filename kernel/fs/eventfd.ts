import { embed, s32, struct, u32, u64 } from '../../base/layout.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EAGAIN, EFAULT, EINVAL, ENOMEM } from '../errno.ts';
import type { FileOps, SyscallRow } from '../hooks.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Machine } from '../machine.ts';
import { wait_queue_head } from '../structs.ts';
import type { AnonInodes } from './anon-inode.ts';
import {
  isNonblocking,
  longBytes,
  POLLERR,
  POLLIN,
  POLLOUT,
  privateOf,
  unsignedAt,
  type DriverParts,
} from './driver.ts';
import { file as fileStruct } from './structs.ts';
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from './uapi.ts';

const EFD_SEMAPHORE = 1;
const ULLONG_MAX = 0xffff_ffff_ffff_ffffn;
const VALUE_BYTES = 8;

const READ_LOCK = site('eventfd_read', 'lock');
const READ_UNLOCK = site('eventfd_read', 'unlock');
const WRITE_LOCK = site('eventfd_write', 'lock');
const WRITE_UNLOCK = site('eventfd_write', 'unlock');

const wqh_lock = lockClass('&ctx->wqh', 'spin');

/** fs/eventfd.c. The lock of the queue guards the counter. */
export const eventfd_ctx = struct('eventfd_ctx', {
  kref: s32,
  wqh: embed(wait_queue_head),
  count: u64, // wqh.lock
  flags: u32,
});

type Parts = Pick<DriverParts, 'kasan' | 'waits' | 'spinlocks' | 'user'> & {
  readonly anon: Pick<AnonInodes, 'anon_inode_getfd'>;
};

/** A counter behind a descriptor. fs/eventfd.c */
export class Eventfds {
  readonly #machine: Machine;
  readonly #parts: Parts;
  readonly rows: readonly SyscallRow[];
  readonly ops: FileOps = {
    name: 'eventfd_fops',
    module: '',
    read: (file, buf, count) => this.eventfd_read(file, buf, count),
    write: (file, buf, count) => this.eventfd_write(file, buf, count),
    release: (file) => this.eventfd_release(file),
    llseek: (file) => this.noop_llseek(file),
    poll: (file) => this.#poll(file),
  };

  constructor(machine: Machine, parts: Parts) {
    this.#machine = machine;
    this.#parts = parts;
    this.rows = [
      { nr: 284, name: 'eventfd', args: ['count'], run: (count) => this.do_eventfd(count!, 0) },
      {
        nr: 290,
        name: 'eventfd2',
        args: ['count', 'flags'],
        run: (count, flags) => this.do_eventfd(count!, flags! | 0),
      },
    ];
  }

  *do_eventfd(count: number, flags: number): Sim<number> {
    if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
    const { slab, memory } = this.#machine;
    const addr = this.#machine.mayAlloc('eventfd') ? slab.kzalloc(eventfd_ctx.sizeBytes) : 0;
    if (addr === 0) return -ENOMEM;
    const ctx = eventfd_ctx.at(memory, addr);
    ctx.kref = 1;
    ctx.count = BigInt(count >>> 0);
    ctx.flags = flags;
    const shared = flags & (O_CLOEXEC | O_NONBLOCK);
    const fd = yield* this.#parts.anon.anon_inode_getfd({
      ops: this.ops,
      flags: O_RDWR | shared,
      privateData: addr,
    });
    if (fd < 0) this.#parts.kasan.free(addr);
    return fd;
  }

  /** The counter, which becomes 0; or 1 of it, where it is a semaphore. */
  *eventfd_read(file: number, buf: number, count: number): Sim<number> {
    if (count < VALUE_BYTES) return -EINVAL;
    const ctx = eventfd_ctx.at(this.#machine.memory, privateOf(this.#machine, file));
    const { spinlocks, waits, user } = this.#parts;
    yield* spinlocks.spin_lock_irq(wqh_lock, ctx.wqh, READ_LOCK);
    while (ctx.count === 0n) {
      yield* spinlocks.spin_unlock_irq(wqh_lock, ctx.wqh, READ_UNLOCK);
      if (isNonblocking(this.#machine, file)) return -EAGAIN;
      const error = yield* this.#wait(ctx, () => ctx.count !== 0n);
      if (error < 0) return error;
      yield* spinlocks.spin_lock_irq(wqh_lock, ctx.wqh, READ_LOCK);
    }
    const value = ctx.flags & EFD_SEMAPHORE ? 1n : ctx.count;
    ctx.count -= value;
    waits.wake_up(ctx.wqh);
    yield* spinlocks.spin_unlock_irq(wqh_lock, ctx.wqh, READ_UNLOCK);
    const left = yield* user.copy_to_user(buf, longBytes(value));
    return left > 0 ? -EFAULT : VALUE_BYTES;
  }

  *eventfd_write(file: number, buf: number, count: number): Sim<number> {
    // Until 2024 more bytes were allowed, and ignored.
    const longer = this.#machine.profile === 'v6.1';
    if (count < VALUE_BYTES || (count > VALUE_BYTES && !longer)) return -EINVAL;
    const { spinlocks, waits, user } = this.#parts;
    const bytes = yield* user.copy_from_user(buf, VALUE_BYTES);
    if (!bytes) return -EFAULT;
    const value = unsignedAt(bytes, 0, 8);
    if (value === ULLONG_MAX) return -EINVAL;
    const ctx = eventfd_ctx.at(this.#machine.memory, privateOf(this.#machine, file));
    const isEarly = this.#machine.mutated('eventfd_write.early-active');
    const wasActive = !isEarly || waits.waiting(ctx.wqh);
    const fits = (): boolean => ULLONG_MAX - ctx.count > value;
    yield* spinlocks.spin_lock_irq(wqh_lock, ctx.wqh, WRITE_LOCK);
    while (!fits()) {
      yield* spinlocks.spin_unlock_irq(wqh_lock, ctx.wqh, WRITE_UNLOCK);
      if (isNonblocking(this.#machine, file)) return -EAGAIN;
      const error = yield* this.#wait(ctx, fits);
      if (error < 0) return error;
      yield* spinlocks.spin_lock_irq(wqh_lock, ctx.wqh, WRITE_LOCK);
    }
    ctx.count += value;
    if (wasActive) waits.wake_up(ctx.wqh);
    yield* spinlocks.spin_unlock_irq(wqh_lock, ctx.wqh, WRITE_UNLOCK);
    return VALUE_BYTES;
  }

  *noop_llseek(file: number): Sim<number> {
    return fileStruct.at(this.#machine.memory, file).f_pos;
  }

  *eventfd_release(file: number): Sim<number> {
    const addr = privateOf(this.#machine, file);
    const ctx = eventfd_ctx.at(this.#machine.memory, addr);
    this.#parts.waits.wake_up(ctx.wqh);
    ctx.kref -= 1;
    if (ctx.kref === 0) this.#parts.kasan.free(addr);
    return 0;
  }

  /** Without the lock: whoever is woken takes it and looks again. */
  #wait(ctx: ReturnType<typeof eventfd_ctx.at>, condition: () => boolean): Sim<number> {
    const { memory } = this.#machine;
    return this.#parts.waits.wait_event_interruptible(ctx.wqh, () => memory.unwatched(condition));
  }

  #poll(file: number): number {
    const { memory } = this.#machine;
    const ctx = eventfd_ctx.at(memory, privateOf(this.#machine, file));
    const count = memory.unwatched(() => ctx.count);
    return (
      (count > 0n ? POLLIN : 0) |
      (count === ULLONG_MAX ? POLLERR : 0) |
      (ULLONG_MAX - 1n > count ? POLLOUT : 0)
    );
  }
}

kernelText(Eventfds);
