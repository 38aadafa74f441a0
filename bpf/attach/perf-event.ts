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
  ENOTTY,
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
import type { RunRules } from './run-rules.ts';
import type { TracepointPrograms } from './tracepoints.ts';

/** include/uapi/linux/perf_event.h */
export const PERF_TYPE_TRACEPOINT = 2;
export const PERF_FLAG_FD_CLOEXEC = 8;
export const PERF_EVENT_IOC_ENABLE = 0x2400;
export const PERF_EVENT_IOC_DISABLE = 0x2401;
export const PERF_EVENT_IOC_SET_BPF = 0x4004_2408;
const PERF_FLAG_ALL = 0xf;
const PERF_ATTR_SIZE_VER0 = 64;
const PAGE_SIZE = 4_096;

const CAP_SYS_ADMIN = 21;
const CAP_PERFMON = 38;

/** include/linux/perf_event.h: an event that counts nothing, and carries a program. */
export const perf_event = struct('perf_event', {
  type: u32, // PERF_TYPE_*
  config: u32, // of a tracepoint: the trace event's id
  cpu: s32,
  pid: s32,
  enabled: u32,
  prog: ptr('struct bpf_prog'),
});

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
 * does not matter to the program, nor for whom. kernel/events/core.c
 */
export class PerfEvents {
  readonly #parts: PerfEventParts;
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
    if (attr.type !== PERF_TYPE_TRACEPOINT) return -ENOENT;
    if (!this.#parts.eventById(attr.config)) return -EINVAL;
    const { memory, slab } = kernel.machine;
    const addr = kernel.machine.mayAlloc('perf_event') ? slab.kzalloc(perf_event.sizeBytes) : 0;
    if (addr === 0) return -ENOMEM;
    memory.unwatched(() => Object.assign(perf_event.at(memory, addr), attr, { cpu, pid }));
    const fd = yield* this.#parts.anon.anon_inode_getfd({
      ops: this.ops,
      flags: O_RDWR | (flags & PERF_FLAG_FD_CLOEXEC ? O_CLOEXEC : 0),
      privateData: addr,
    });
    if (fd < 0) kernel.kasan.free(addr);
    return fd;
  }

  /** perf_copy_attr() */
  *#copyAttr(from: number): Sim<{ type: number; config: number } | number> {
    const { mm } = this.#parts.rules.kernel;
    const head = yield* mm.copy_from_user(from, PERF_ATTR_SIZE_VER0);
    if (!head) return -EFAULT;
    const size = Number(unsignedAt(head, 4, 4)) || PERF_ATTR_SIZE_VER0;
    if (size < PERF_ATTR_SIZE_VER0 || size > PAGE_SIZE) return -E2BIG;
    const config = unsignedAt(head, 8, 8);
    return { type: Number(unsignedAt(head, 0, 4)), config: Number(config & 0xffff_ffffn) };
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
    kernel.kasan.free(privateOf(kernel.machine, file));
    return 0;
  }

  /** 0, and the reference to the program is the event's; or -errno. `file` is a perf event's. */
  perf_event_set_bpf_prog(file: number, prog: ExecProgram): number {
    const { tracepoints, eventById } = this.#parts;
    const event = this.#eventOf(file);
    return this.#unwatched(() => {
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
    yield* programs.bpf_prog_put(prog.addr);
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
