import { CAP_PERFMON, CAP_SYS_ADMIN } from '../capabilities.ts';
import { ptr, s32, struct, u32 } from '../../base/layout.ts';
import {
  E2BIG,
  EACCES,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOENT,
  ENOMEM,
  ENOSPC,
  ENOTTY,
  EOPNOTSUPP,
  ESRCH,
} from '../../kernel/errno.ts';
import type { AnonInodes } from '../../kernel/fs/anon-inode.ts';
import { privateOf, unsignedAt } from '../../kernel/fs/driver.ts';
import { O_CLOEXEC, O_RDWR } from '../../kernel/fs/uapi.ts';
import type { FileOps, SyscallRow } from '../../kernel/hooks.ts';
import type { TraceEvent } from '../../kernel/tracepoint.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { PROG_TYPE } from '../uapi.ts';
import {
  PERF_ATTR_SIZE_VER0,
  PERF_COUNT_SW_BPF_OUTPUT,
  PERF_EVENT_IOC_DISABLE,
  PERF_EVENT_IOC_ENABLE,
  PERF_EVENT_IOC_SET_BPF,
  PERF_FLAG_FD_CLOEXEC,
  PERF_SAMPLE_RAW,
  PERF_TYPE_SOFTWARE,
  PERF_TYPE_TRACEPOINT,
} from '../uapi-perf.ts';
import { PerfBuffers, type PerfRecord } from './perf-buffer.ts';
import type { RunRules } from './run-rules.ts';
import type { TracepointPrograms } from './tracepoints.ts';

const PERF_FLAG_ALL = 0xf;
const PAGE_SIZE = 4_096;

/** include/linux/perf_event.h: an event that counts nothing: it carries a program, or records. */
export const perf_event = struct('perf_event', {
  type: u32, // PERF_TYPE_*
  config: u32, // of a tracepoint: the trace event's id
  cpu: s32,
  pid: s32, // -1: whoever runs there
  enabled: u32,
  prog: ptr('struct bpf_prog'),
  rb: ptr('struct perf_buffer'), // once it is mapped
});

/** What of struct perf_event_attr matters here. */
interface EventAttr {
  readonly type: number;
  readonly config: number;
  readonly sampleType: bigint;
  readonly enabled: number;
}

/** What is asked of the table of programs. */
export interface ProgramRefs {
  /** The program behind a descriptor, with a reference; or -errno. */
  bpf_prog_get(fd: number): Sim<ExecProgram | number>;
  bpf_prog_inc(addr: number): Sim<unknown>;
  bpf_prog_put(addr: number): Sim<void>;
  at(addr: number): ExecProgram | undefined;
}

export interface PerfEventParts {
  readonly rules: RunRules;
  readonly tracepoints: TracepointPrograms;
  readonly anon: Pick<AnonInodes, 'anon_inode_getfd'>;
  readonly programs: ProgramRefs;
  /** The trace event of an id. */
  readonly eventById: (id: number) => TraceEvent | undefined;
}

/**
 * perf_event_open(2) for trace events: a descriptor to hang a program on. Whether the event counts
 * does not matter to the program, nor for whom. And for PERF_COUNT_SW_BPF_OUTPUT: a buffer for what
 * programs write with bpf_perf_event_output(). kernel/events/core.c
 */
export class PerfEvents {
  readonly #parts: PerfEventParts;
  readonly #buffers: PerfBuffers;
  readonly rows: readonly SyscallRow[];
  readonly ops: FileOps = {
    name: 'perf_fops',
    module: '',
    read: () => this.perf_read(),
    unlocked_ioctl: (file, cmd, arg) => this.perf_ioctl(file, cmd, arg),
    release: (file) => this.perf_release(file),
  };

  constructor(parts: PerfEventParts) {
    this.#parts = parts;
    this.#buffers = new PerfBuffers(parts.rules.kernel);
    this.rows = [
      {
        nr: 298,
        name: 'perf_event_open',
        args: ['attr_uptr', 'pid', 'cpu', 'group_fd', 'flags'],
        run: (attr, pid, cpu, group, flags) =>
          this.sys_perf_event_open(attr!, { pid: pid! | 0, cpu: cpu! | 0 }, group! | 0, flags!),
      },
    ];
  }

  *sys_perf_event_open(
    from: number,
    { pid, cpu }: { pid: number; cpu: number },
    group: number,
    flags: number,
  ): Sim<number> {
    if (flags & ~PERF_FLAG_ALL) return -EINVAL;
    const attr = yield* this.#copyAttr(from);
    if (typeof attr === 'number') return attr;
    const { kernel } = this.#parts.rules;
    const mayTrace = kernel.creds.capable(CAP_PERFMON) || kernel.creds.capable(CAP_SYS_ADMIN);
    if (!mayTrace) return -EACCES;
    if (pid === -1 && cpu === -1) return -EINVAL;
    if (pid > 0 && !kernel.tasks.byPid(pid)) return -ESRCH;
    if (cpu >= kernel.cpus.all.length || cpu < -1) return pid === -1 ? -ENODEV : -EINVAL;
    if (group !== -1) return -EBADF; // there is nothing to group with
    const wrong = this.#checkKind(attr);
    if (wrong < 0) return wrong;
    const { memory, slab } = kernel.machine;
    const addr = kernel.machine.mayAlloc('perf_event') ? slab.kzalloc(perf_event.sizeBytes) : 0;
    if (addr === 0) return -ENOMEM;
    memory.unwatched(() => {
      const { type, config, enabled } = attr;
      const owner = pid === 0 ? kernel.cpus.current.pid : pid;
      Object.assign(perf_event.at(memory, addr), { type, config, enabled, cpu, pid: owner });
    });
    const fd = yield* this.#parts.anon.anon_inode_getfd({
      ops: this.ops,
      flags: O_RDWR | (flags & PERF_FLAG_FD_CLOEXEC ? O_CLOEXEC : 0),
      privateData: addr,
    });
    if (fd < 0) kernel.kasan.free(addr);
    return fd;
  }

  /** Of software events, only the one for programs' records; records have the raw bytes alone. */
  #checkKind({ type, config, sampleType }: EventAttr): number {
    if (type === PERF_TYPE_TRACEPOINT) return this.#parts.eventById(config) ? 0 : -EINVAL;
    if (type !== PERF_TYPE_SOFTWARE || config !== PERF_COUNT_SW_BPF_OUTPUT) return -ENOENT;
    return sampleType === PERF_SAMPLE_RAW ? 0 : -EINVAL;
  }

  /** perf_copy_attr() */
  *#copyAttr(from: number): Sim<EventAttr | number> {
    const { mm } = this.#parts.rules.kernel;
    const head = yield* mm.copy_from_user(from, PERF_ATTR_SIZE_VER0);
    if (!head) return -EFAULT;
    const size = Number(unsignedAt(head, 4, 4)) || PERF_ATTR_SIZE_VER0;
    if (size < PERF_ATTR_SIZE_VER0 || size > PAGE_SIZE) return -E2BIG;
    const config = unsignedAt(head, 8, 8);
    return {
      type: Number(unsignedAt(head, 0, 4)),
      config: Number(config & 0xffff_ffffn),
      sampleType: unsignedAt(head, 24, 8),
      enabled: Number(unsignedAt(head, 40, 8) & 1n) ^ 1,
    };
  }

  *perf_ioctl(file: number, cmd: number, arg: number): Sim<number> {
    const event = this.#eventOf(file);
    switch (cmd) {
      case PERF_EVENT_IOC_ENABLE:
      case PERF_EVENT_IOC_DISABLE:
        this.#unwatched(() => (event.enabled = cmd === PERF_EVENT_IOC_ENABLE ? 1 : 0));
        return 0;
      case PERF_EVENT_IOC_SET_BPF: {
        const { programs } = this.#parts;
        const prog = yield* programs.bpf_prog_get(arg | 0);
        if (typeof prog === 'number') return prog;
        const result = this.perf_event_set_bpf_prog(file, prog);
        if (result < 0) yield* programs.bpf_prog_put(prog.addr);
        return result;
      }
      default:
        return -ENOTTY;
    }
  }

  /** Counters of trace events are not kept. */
  *perf_read(): Sim<number> {
    return -EINVAL;
  }

  *perf_release(file: number): Sim<number> {
    yield* this.perf_event_free_bpf_prog(file);
    const { kernel } = this.#parts.rules;
    const rb = this.#unwatched(() => this.#eventOf(file).rb);
    if (rb !== 0) this.#buffers.free(rb);
    kernel.kasan.free(privateOf(kernel.machine, file));
    return 0;
  }

  /** 0, and the reference to the program is the event's; or -errno. `file` is a perf event's. */
  perf_event_set_bpf_prog(file: number, prog: ExecProgram): number {
    const { tracepoints, eventById } = this.#parts;
    const event = this.#eventOf(file);
    return this.#unwatched(() => {
      if (event.type !== PERF_TYPE_TRACEPOINT) return -EINVAL;
      if (event.prog !== 0) return -EEXIST;
      if (prog.type !== PROG_TYPE.TRACEPOINT) return -EINVAL;
      const result = tracepoints.perf_event_attach_bpf_prog(eventById(event.config)!, prog);
      if (result === 0) event.prog = prog.addr;
      return result;
    });
  }

  /** Takes the event's program off, and puts it. */
  *perf_event_free_bpf_prog(file: number): Sim<void> {
    const { tracepoints, eventById, programs } = this.#parts;
    const event = this.#eventOf(file);
    const prog = this.#unwatched(() => {
      const at = event.prog;
      event.prog = 0;
      return at === 0 ? undefined : programs.at(at);
    });
    if (!prog) return;
    tracepoints.perf_event_detach_bpf_prog(eventById(event.config)!, prog);
    const { rcuTasksTrace, machine } = this.#parts.rules.kernel;
    // One that may not sleep may still run where others may. 6.1 knows no such place.
    if (machine.profile !== 'v6.1') yield* rcuTasksTrace.synchronize_rcu_tasks_trace();
    yield* programs.bpf_prog_put(prog.addr);
  }

  // Records of programs.

  /** mmap(2) of a descriptor with so many pages for records: 0 or -errno. perf_mmap() */
  *perf_mmap(fd: number, pages: number): Sim<number> {
    return yield* this.#withFile(fd, function* (events, file) {
      const event = events.#eventOf(file);
      if (events.#unwatched(() => event.rb) !== 0) return -EINVAL;
      const rb = events.#buffers.alloc(pages);
      if (rb < 0) return rb;
      events.#unwatched(() => (event.rb = rb));
      return 0;
    });
  }

  /** What user space reads through that mapping; or -errno. */
  *consume(fd: number): Sim<PerfRecord[] | number> {
    return yield* this.#withFile(fd, function* (events, file): Sim<PerfRecord[] | number> {
      const rb = events.#unwatched(() => events.#eventOf(file).rb);
      return rb === 0 ? -EINVAL : yield* events.#buffers.consume(rb);
    });
  }

  /** The file behind a descriptor, with a reference; or -EBADF. */
  *perf_event_get(fd: number): Sim<number> {
    const { fs } = this.#parts.rules.kernel;
    const file = yield* fs.lookup.fget(fd);
    if (file === 0) return -EBADF;
    if (fs.files.opsOf(file) === this.ops) return file;
    yield* fs.files.fput(file);
    return -EBADF;
  }

  *#withFile<T>(
    fd: number,
    use: (events: PerfEvents, file: number) => Sim<T | number>,
  ): Sim<T | number> {
    const file = yield* this.perf_event_get(fd);
    if (file < 0) return file;
    const result = yield* use(this, file);
    yield* this.#parts.rules.kernel.fs.files.fput(file);
    return result;
  }

  /**
   * A record of the event of a file, from the CPU that it is on: -EINVAL where it takes none,
   * -EOPNOTSUPP where it is not on this CPU now, -ENOSPC. __bpf_perf_event_output()
   */
  *perf_event_output(file: number, from: number, size: number): Sim<number> {
    const event = this.#eventOf(file);
    const { rb, isOutput, onCpu } = this.#unwatched(() => ({
      rb: event.rb,
      isOutput: event.type === PERF_TYPE_SOFTWARE && event.config === PERF_COUNT_SW_BPF_OUTPUT,
      onCpu: this.#onCpu(event),
    }));
    if (!isOutput) return -EINVAL;
    if (!onCpu) return -EOPNOTSUPP;
    return rb === 0 ? -ENOSPC : yield* this.#buffers.perf_output(rb, event.addr, from, size);
  }

  /** Whether event->oncpu is this CPU. */
  #onCpu({ enabled, cpu, pid }: ReturnType<typeof perf_event.at>): boolean {
    const { cpus } = this.#parts.rules.kernel;
    if (enabled === 0 || (cpu !== -1 && cpu !== cpus.this.id)) return false;
    return pid === -1 || pid === cpus.current.pid;
  }

  /** The trace event that a perf event file is about. */
  traceEventOf(file: number): TraceEvent {
    return this.#parts.eventById(this.#unwatched(() => this.#eventOf(file).config))!;
  }

  #eventOf(file: number): ReturnType<typeof perf_event.at> {
    const { machine } = this.#parts.rules.kernel;
    return perf_event.at(
      machine.memory,
      this.#unwatched(() => privateOf(machine, file)),
    );
  }

  /** What event->ctx->mutex and bpf_event_mutex cover. */
  #unwatched<T>(act: () => T): T {
    return this.#parts.rules.kernel.machine.memory.unwatched(act);
  }
}

kernelText(PerfEvents);
