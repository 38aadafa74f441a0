import { CAP_PERFMON, CAP_SYS_ADMIN } from '../capabilities.ts';
import { embed, ptr, s32, struct, u32, type Fields, type StructType } from '../../base/layout.ts';
import {
  EACCES,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
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
import { hw_perf_event } from '../../kernel/pmu.ts';
import type { TraceEvent } from '../../kernel/tracepoint.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { PROG_TYPE } from '../uapi.ts';
import {
  PERF_COUNT_SW_BPF_OUTPUT,
  PERF_EVENT_IOC_DISABLE,
  PERF_EVENT_IOC_ENABLE,
  PERF_EVENT_IOC_PERIOD,
  PERF_EVENT_IOC_RESET,
  PERF_EVENT_IOC_SET_BPF,
  PERF_FLAG_FD_CLOEXEC,
  PERF_FLAG_PID_CGROUP,
  PERF_TYPE_SOFTWARE,
  PERF_TYPE_TRACEPOINT,
} from '../uapi-perf.ts';
import { bpf_overflow_handler } from './overflow.ts';
import {
  checkKind,
  checkSampling,
  copyAttr,
  counterKind,
  periodOf,
  type EventAttr,
} from './perf-attr.ts';
import { PerfBuffers, type PerfRecord } from './perf-buffer.ts';
import type { RunRules } from './run-rules.ts';
import type { TracepointPrograms } from './tracepoints.ts';

const PERF_FLAG_ALL = 0xf;
/** include/linux/perf_event.h: what a security module is asked for. */
const PERF_SECURITY_OPEN = 0;

/** include/linux/perf_event.h: an event that counts, or carries a program, or takes records. */
export const perf_event = struct('perf_event', {
  type: u32, // PERF_TYPE_*
  config: u32, // of a tracepoint: the trace event's id
  cpu: s32,
  pid: s32, // -1: whoever runs there
  enabled: u32,
  prog: ptr('struct bpf_prog'),
  rb: ptr('struct perf_buffer'), // once it is mapped
  hw: embed(hw_perf_event as unknown as StructType<Fields>), // of a counter
});

type Event = ReturnType<typeof perf_event.at>;

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
 * perf_event_open(2). For trace events: a descriptor to hang a program on. Whether the event counts
 * does not matter to the program, nor for whom. For counters: the program runs where they overflow.
 * For PERF_COUNT_SW_BPF_OUTPUT: a buffer for what programs write with bpf_perf_event_output().
 * There are no groups, no cgroups, and no copies for children of a task. kernel/events/core.c
 */
export class PerfEvents {
  readonly #parts: PerfEventParts;
  readonly #buffers: PerfBuffers;
  readonly rows: readonly SyscallRow[];
  readonly ops: FileOps = {
    name: 'perf_fops',
    module: '',
    read: (file, buf, count) => this.perf_read(file, buf, count),
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
    const { kernel } = this.#parts.rules;
    const attr = yield* copyAttr(kernel, from);
    if (typeof attr === 'number') return attr;
    const mayTrace = kernel.creds.capable(CAP_PERFMON) || kernel.creds.capable(CAP_SYS_ADMIN);
    if (!mayTrace) return -EACCES;
    if (kernel.security.isOn) {
      const refused = yield* kernel.security.security_perf_event_open(PERF_SECURITY_OPEN);
      if (refused !== 0) return refused;
    }
    const wrong = this.#check(attr, { pid, cpu }, group, flags);
    if (wrong < 0) return wrong;
    const addr = this.#alloc(attr, pid === 0 ? kernel.cpus.current.pid : pid, cpu);
    if (addr === 0) return -ENOMEM;
    const fd = yield* this.#parts.anon.anon_inode_getfd({
      ops: this.ops,
      flags: O_RDWR | (flags & PERF_FLAG_FD_CLOEXEC ? O_CLOEXEC : 0),
      privateData: addr,
    });
    if (fd < 0) {
      this.#pmu.remove(addr + perf_event.off.hw);
      kernel.kasan.free(addr);
    }
    return fd;
  }

  /** 0 or -errno, in Linux's order. */
  #check(
    attr: EventAttr,
    { pid, cpu }: { pid: number; cpu: number },
    group: number,
    flags: number,
  ): number {
    const { kernel } = this.#parts.rules;
    const wrong = checkSampling(attr);
    if (wrong < 0) return wrong;
    const isCgroup = (flags & PERF_FLAG_PID_CGROUP) !== 0;
    if (isCgroup && (pid === -1 || cpu === -1)) return -EINVAL;
    if (group !== -1) return -EBADF; // there is nothing to group with
    if (!isCgroup && pid !== -1 && pid !== 0 && !kernel.tasks.byPid(pid)) return -ESRCH;
    if (cpu < -1 || cpu >= kernel.cpus.all.length || (cpu === -1 && pid === -1)) return -EINVAL;
    if (isCgroup) return -EBADF; // no descriptor is of one
    return checkKind(attr, (id) => this.#parts.eventById(id) !== undefined);
  }

  /** perf_event_alloc(), and where it counts it begins to: 0 where memory is exhausted. */
  #alloc(attr: EventAttr, pid: number, cpu: number): number {
    const { machine } = this.#parts.rules.kernel;
    const { memory, slab } = machine;
    const addr = machine.mayAlloc('perf_event') ? slab.kzalloc(perf_event.sizeBytes) : 0;
    if (addr === 0) return 0;
    const event = perf_event.at(memory, addr);
    memory.unwatched(() => {
      const { type, enabled } = attr;
      Object.assign(event, { type, config: Number(attr.config), enabled, cpu, pid });
    });
    const kind = counterKind(attr);
    if (!kind) return addr;
    const isEnabled = (): boolean => this.#unwatched(() => event.enabled !== 0);
    const overflow = (): Sim<void> => this.#overflow(addr);
    const spec = { ...kind, cpu, pid, isEnabled, overflow };
    this.#pmu.add(addr + perf_event.off.hw, spec, periodOf(attr, kind));
    return addr;
  }

  /** Nothing else sees samples: there are no records of them. __perf_event_overflow() */
  *#overflow(addr: number): Sim<void> {
    const { programs, rules } = this.#parts;
    const { memory } = rules.kernel.machine;
    const { prog, period } = this.#unwatched(() => ({
      prog: perf_event.at(memory, addr).prog,
      period: hw_perf_event.at(memory, addr + perf_event.off.hw).sample_period,
    }));
    const program = prog === 0 ? undefined : programs.at(prog);
    const hw = addr + perf_event.off.hw;
    if (program) yield* bpf_overflow_handler(rules, program, { period, hw });
  }

  *perf_ioctl(file: number, cmd: number, arg: number): Sim<number> {
    const event = this.#eventOf(file);
    switch (cmd) {
      case PERF_EVENT_IOC_ENABLE:
      case PERF_EVENT_IOC_DISABLE:
        this.#unwatched(() => (event.enabled = cmd === PERF_EVENT_IOC_ENABLE ? 1 : 0));
        this.#pmu.changed(event.hw);
        return 0;
      case PERF_EVENT_IOC_RESET:
        if (this.#isCounter(event)) this.#pmu.zero(event.hw);
        return 0;
      case PERF_EVENT_IOC_PERIOD:
        return yield* this.#setPeriod(event, arg);
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

  *#setPeriod(event: Event, from: number): Sim<number> {
    const { mm, machine } = this.#parts.rules.kernel;
    const bytes = yield* mm.copy_from_user(from, 8);
    if (!bytes) return -EFAULT;
    const sample = unsignedAt(bytes, 0, 8);
    if (!this.#isCounter(event) || sample === 0n || sample >> 63n !== 0n) return -EINVAL;
    const hw = hw_perf_event.at(machine.memory, event.hw);
    if (this.#unwatched(() => hw.sample_period) === 0) return -EINVAL;
    this.#pmu.setPeriod(event.hw, Number(sample));
    return 0;
  }

  /** What a counter has counted. Those of trace events are not kept. perf_read() */
  *perf_read(file: number, buf: number, count: number): Sim<number> {
    const event = this.#eventOf(file);
    if (!this.#isCounter(event)) return -EINVAL;
    if (count < 8) return -ENOSPC;
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(this.#pmu.read(event.hw).count), true);
    const { mm } = this.#parts.rules.kernel;
    return (yield* mm.copy_to_user(buf, bytes)) > 0 ? -EFAULT : 8;
  }

  get #pmu() {
    return this.#parts.rules.kernel.pmu;
  }

  #isCounter(event: Event): boolean {
    return this.#unwatched(() => counterKind({ type: event.type, config: BigInt(event.config) }))
      ? true
      : false;
  }

  *perf_release(file: number): Sim<number> {
    yield* this.perf_event_free_bpf_prog(file);
    const { kernel } = this.#parts.rules;
    const event = this.#eventOf(file);
    const rb = this.#unwatched(() => event.rb);
    if (rb !== 0) this.#buffers.free(rb);
    if (this.#isCounter(event)) {
      this.#pmu.remove(event.hw);
      const { addr } = event;
      kernel.rcu.call_rcu('free_event_rcu', () => kernel.kasan.free(addr));
    } else {
      kernel.kasan.free(event.addr);
    }
    return 0;
  }

  /** 0, and the reference to the program is the event's; or -errno. `file` is a perf event's. */
  perf_event_set_bpf_prog(file: number, prog: ExecProgram): number {
    const { tracepoints, eventById, rules } = this.#parts;
    const event = this.#eventOf(file);
    return this.#unwatched(() => {
      const isTracing = event.type === PERF_TYPE_TRACEPOINT;
      if (isTracing && prog.type !== PROG_TYPE.TRACEPOINT) return -EINVAL;
      if (event.prog !== 0) return -EEXIST;
      if (!isTracing && prog.type !== PROG_TYPE.PERF_EVENT) return -EINVAL;
      const result = isTracing
        ? tracepoints.perf_event_attach_bpf_prog(eventById(event.config)!, prog)
        : 0;
      if (!isTracing) rules.kernel.machine.tracepoints.onFirst(); // it may see an idle task
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
    if (event.type !== PERF_TYPE_TRACEPOINT) return yield* programs.bpf_prog_put(prog.addr);
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
  #onCpu({ enabled, cpu, pid }: Event): boolean {
    const { cpus } = this.#parts.rules.kernel;
    if (enabled === 0 || (cpu !== -1 && cpu !== cpus.this.id)) return false;
    return pid === -1 || pid === cpus.current.pid;
  }

  /** The trace event that a perf event file is about, or what else it is. */
  describe(file: number): TraceEvent | { readonly type: number; readonly config: number } {
    const { type, config } = this.#unwatched(() => {
      const event = this.#eventOf(file);
      return { type: event.type, config: event.config };
    });
    return type === PERF_TYPE_TRACEPOINT ? this.#parts.eventById(config)! : { type, config };
  }

  #eventOf(file: number): Event {
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
