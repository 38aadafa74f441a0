import { EFAULT } from '../../kernel/errno.ts';
import { privateOf } from '../../kernel/fs/driver.ts';
import { file as fileStruct } from '../../kernel/fs/structs.ts';
import { S_IFREG } from '../../kernel/fs/uapi.ts';
import type { FileOps, InodeKind } from '../../kernel/hooks.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { TraceEvent } from '../../kernel/tracepoint.ts';
import { kernelText, type Sim } from '../../sim/request.ts';

const EVENTS = '/sys/kernel/tracing/events';

/** The one file of each trace event that loaders read: its id. kernel/trace/trace_events.c */
export class TraceFs {
  readonly #kernel: Kernel;
  readonly kinds: readonly InodeKind[];

  constructor(kernel: Kernel, events: readonly TraceEvent[]) {
    this.#kernel = kernel;
    const ops: FileOps = {
      name: 'ftrace_event_id_fops',
      module: '',
      read: (file, buf, count) => this.event_id_read(file, buf, count),
    };
    this.kinds = events.map(({ system, name, id }) => ({
      path: `${EVENTS}/${system}/${name}/id`,
      ops,
      type: S_IFREG,
      privateData: id,
    }));
  }

  *event_id_read(file: number, buf: number, count: number): Sim<number> {
    const { machine, mm } = this.#kernel;
    const text = Uint8Array.from(`${privateOf(machine, file)}\n`, (char) => char.charCodeAt(0));
    const view = fileStruct.at(machine.memory, file);
    const bytes = text.subarray(view.f_pos, view.f_pos + count);
    const left = yield* mm.copy_to_user(buf, bytes);
    if (left === bytes.length && left > 0) return -EFAULT;
    const done = bytes.length - left;
    view.f_pos += done;
    return done;
  }
}

kernelText(TraceFs);
