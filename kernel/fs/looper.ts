import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Cpus } from '../cpu.ts';
import { ENOIOCTLCMD } from '../errno.ts';
import type { FileOps, InodeKind } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import { wait_queue_head } from '../structs.ts';
import type { TaskWorks } from '../task-work.ts';
import type { Waits } from '../wait.ts';
import type { Closing } from './close.ts';
import { S_IFCHR } from './uapi.ts';

/** _IO('l', 1): closes the descriptor given as argument, then serves until told to leave. */
export const LOOPER_SERVE = 0x6c01;

const SERVE = site('looper_ioctl', 'serve');

export interface LooperParts {
  readonly closing: Pick<Closing, 'close_fd_after_ioctl'>;
  readonly waits: Pick<Waits, 'wait_event_interruptible'>;
  readonly works: Pick<TaskWorks, 'mustReturnToUser'>;
}

/**
 * /dev/looper: not a device of Linux, but the part of binder that spec 00 H9 is about. A thread
 * that serves in the kernel closes a descriptor by task work, as binder does (R52), and then waits
 * for requests, of which none ever comes. The work runs only if the thread is made to leave for
 * user mode. drivers/android/binder.c: binder_deferred_fd_close(), looper_need_return
 */
export class Looper {
  readonly #cpus: Cpus;
  readonly #parts: LooperParts;
  readonly #queue: number;
  readonly ops: FileOps = {
    name: 'looper_fops',
    module: '',
    unlocked_ioctl: (file, cmd, arg) => this.looper_ioctl(file, cmd, arg),
  };
  readonly kinds: readonly InodeKind[] = [{ path: '/dev/looper', ops: this.ops, type: S_IFCHR }];

  constructor(machine: Machine, cpus: Cpus, parts: LooperParts) {
    this.#cpus = cpus;
    this.#parts = parts;
    this.#queue = machine.slab.kzalloc(wait_queue_head.sizeBytes);
  }

  *looper_ioctl(_file: number, cmd: number, arg: number): Sim<number> {
    if (cmd !== LOOPER_SERVE) return -ENOIOCTLCMD;
    const result = yield* this.#parts.closing.close_fd_after_ioctl(arg | 0);
    if (result < 0) return result;
    yield* step(SERVE);
    return yield* this.looper_wait_for_work();
  }

  /** 0 once the thread has something to do in user mode; -ERESTARTSYS where a signal comes. */
  *looper_wait_for_work(): Sim<number> {
    const { waits, works } = this.#parts;
    const task = this.#cpus.current;
    return yield* waits.wait_event_interruptible(this.#queue, () => works.mustReturnToUser(task));
  }
}

kernelText(Looper);
