import { EBADF, EFAULT, EINVAL, ENOENT } from '../../kernel/errno.ts';
import type { KernelFunction } from '../../kernel/functions.ts';
import type { TraceEvent } from '../../kernel/tracepoint.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { bpf_prog, bpf_prog_aux } from '../prog/program.ts';
import { ATTACH_TYPE, LINK_TYPE, PROG_TYPE } from '../uapi.ts';
import {
  PERF_COUNT_SW_CPU_CLOCK,
  PERF_COUNT_SW_TASK_CLOCK,
  PERF_TYPE_SOFTWARE,
} from '../uapi-perf.ts';
import type { LinkInfo, LinkOps } from './link.ts';
import type { PerfEvents, ProgramRefs } from './perf-event.ts';
import type { RunRules } from './run-rules.ts';
import type { TracepointPrograms } from './tracepoints.ts';
import type { BpfTrampolines, TrampKind } from './trampoline.ts';

/** enum bpf_perf_event_type. include/uapi/linux/bpf.h */
const BPF_PERF_EVENT_TRACEPOINT = 5;
const BPF_PERF_EVENT_EVENT = 6;
/** Clocks have types of their own, by their order at boot. perf_swevent_init() */
const CLOCK_TYPES: ReadonlyMap<number, number> = new Map([
  [PERF_COUNT_SW_CPU_CLOCK, 6],
  [PERF_COUNT_SW_TASK_CLOCK, 7],
]);
/** Of the kernel's own types. */
const VMLINUX_BTF_ID = 1;

const TRAMP_KINDS: ReadonlyMap<number, TrampKind> = new Map([
  [ATTACH_TYPE.TRACE_FENTRY, 'fentry'],
  [ATTACH_TYPE.MODIFY_RETURN, 'fmod_ret'],
  [ATTACH_TYPE.TRACE_FEXIT, 'fexit'],
]);

/** bpf_perf_link_attach() */
const ON_PERF_EVENTS: ReadonlySet<number> = new Set([
  PROG_TYPE.PERF_EVENT,
  PROG_TYPE.TRACEPOINT,
  PROG_TYPE.KPROBE,
]);

/** A link whose program does not hang anywhere yet. */
export interface Attachment extends LinkOps {
  /** Hangs it there: 0, or -errno, and then nothing is to be undone. */
  attach(): Sim<number> | number;
  /** Where attach() is never called, or has failed. */
  abandon?(): Sim<void>;
}

export interface TraceLinkParts {
  readonly rules: RunRules;
  readonly tracepoints: TracepointPrograms;
  readonly trampolines: BpfTrampolines;
  readonly perfEvents: PerfEvents;
  readonly programs: ProgramRefs;
  rawEvent(name: string): TraceEvent | undefined;
  function(name: string): KernelFunction | undefined;
}

/** What links hang programs on trace events and functions. kernel/bpf/syscall.c */
export class TraceLinks {
  readonly #hooks: TraceLinkParts;

  constructor(hooks: TraceLinkParts) {
    this.#hooks = hooks;
  }

  /**
   * Of BPF_RAW_TRACEPOINT_OPEN, and of BPF_LINK_CREATE for tracing programs: `name` is what user
   * space named, undefined for NULL. bpf_raw_tp_link_attach()
   */
  rawTracepoint(prog: ExecProgram, name: string | undefined): Attachment | number {
    switch (prog.type) {
      case PROG_TYPE.TRACING:
      case PROG_TYPE.LSM:
        if (name !== undefined) return -EINVAL;
        return this.tracing(prog);
      case PROG_TYPE.RAW_TRACEPOINT:
      case PROG_TYPE.RAW_TRACEPOINT_WRITABLE:
        return name === undefined ? -EFAULT : this.#onEvent(prog, name);
      default:
        return -EINVAL;
    }
  }

  /**
   * By what the program has been loaded for. bpf_tracing_prog_attach(), bpf_attach_type_to_tramp()
   */
  tracing(prog: ExecProgram): Attachment | number {
    const isHook = prog.type === PROG_TYPE.LSM;
    if (prog.type !== PROG_TYPE.TRACING && !isHook) return -EINVAL;
    const target = targetOf(prog);
    if (prog.expectedAttachType === ATTACH_TYPE.TRACE_RAW_TP) return this.#onEvent(prog, target);
    const isKnown = isHook === (prog.expectedAttachType === ATTACH_TYPE.LSM_MAC);
    const fn = this.#hooks.function(target);
    // What a hook that returns nothing would return cannot be modified.
    const kindOfHook = fn?.returns === 'void' ? 'fexit' : 'fmod_ret';
    const kind = isHook ? kindOfHook : TRAMP_KINDS.get(prog.expectedAttachType);
    if (!kind || !isKnown) return -EINVAL;
    if (!fn) return -ENOENT;
    const { trampolines } = this.#hooks;
    const btfId = this.#btfIdOf(prog);
    return {
      type: LINK_TYPE.TRACING,
      attach: () => trampolines.bpf_trampoline_link_prog(fn, prog, kind, btfId),
      release: () => trampolines.bpf_trampoline_unlink_prog(fn, prog),
      fillInfo: (info) => {
        info.u32(16, prog.expectedAttachType);
        info.u32(20, VMLINUX_BTF_ID);
        info.u32(24, btfId);
      },
    };
  }

  /** BPF_LINK_CREATE on the descriptor of a perf event. bpf_perf_link_attach() */
  *perfEvent(prog: ExecProgram, fd: number): Sim<Attachment | number> {
    const { perfEvents, rules, programs } = this.#hooks;
    const { fs } = rules.kernel;
    if (!ON_PERF_EVENTS.has(prog.type)) return -EINVAL;
    const file = yield* fs.lookup.fget(fd);
    if (file === 0) return -EBADF;
    const put = (): Sim<void> => fs.files.fput(file);
    if (fs.files.opsOf(file) !== perfEvents.ops) {
      yield* put();
      return -EBADF;
    }
    return {
      type: LINK_TYPE.PERF_EVENT,
      heldFile: file,
      abandon: put,
      *attach() {
        yield* programs.bpf_prog_inc(prog.addr);
        const result = perfEvents.perf_event_set_bpf_prog(file, prog);
        if (result < 0) yield* programs.bpf_prog_put(prog.addr);
        return result;
      },
      *release() {
        yield* perfEvents.perf_event_free_bpf_prog(file);
        yield* put();
      },
      fillInfo: (info) => fillPerf(info, perfEvents.describe(file)),
    };
  }

  #onEvent(prog: ExecProgram, name: string): Attachment | number {
    const event = this.#hooks.rawEvent(name);
    if (!event) return -ENOENT;
    const { tracepoints } = this.#hooks;
    const probe = tracepoints.probe(event, prog);
    return {
      type: LINK_TYPE.RAW_TRACEPOINT,
      attach: () => tracepoints.bpf_probe_register(event, probe),
      release: () => tracepoints.bpf_probe_unregister(event, probe),
      fillInfo: (info) => info.name(16, 24, event.name),
    };
  }

  #btfIdOf({ addr }: ExecProgram): number {
    const { memory } = this.#hooks.rules.kernel.machine;
    return memory.unwatched(() => {
      const { aux } = bpf_prog.at(memory, addr);
      return aux === 0 ? 0 : bpf_prog_aux.at(memory, aux).attach_btf_id;
    });
  }
}

kernelText(TraceLinks);

/** `close_fd`, `sched_switch`: without what BTF puts in front of the names of trace events. */
function targetOf({ attachTo }: ExecProgram): string {
  return attachTo.slice(attachTo.lastIndexOf('/') + 1).replace(/^btf_trace_/, '');
}

function fillPerf(info: LinkInfo, event: ReturnType<PerfEvents['describe']>): void {
  if ('record' in event) {
    info.u32(16, BPF_PERF_EVENT_TRACEPOINT);
    info.name(24, 32, event.name);
    return;
  }
  const { type, config } = event;
  info.u32(16, BPF_PERF_EVENT_EVENT);
  info.u64(24, BigInt(config));
  info.u32(32, type === PERF_TYPE_SOFTWARE ? (CLOCK_TYPES.get(config) ?? type) : type);
}
