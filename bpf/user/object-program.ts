import type { Sim } from '../../sim/request.ts';
import type { ProgramSpec } from '../object/spec.ts';
import type { Attached, Attacher } from './attach.ts';
import type { BpfCalls, TestRun, TestRunResult } from './calls.ts';
import { BPF_STREAM_STDERR, BPF_STREAM_STDOUT } from '../prog/streams.ts';
import {
  decodeKills,
  KILL_INFO_AT,
  KILL_INFO_BYTES,
  type ToldKills,
} from '../protect/kill-info.ts';
import { LoadError } from './load-error.ts';

/** sizeof(struct bpf_prog_info), and what stands where in it: include/uapi/linux/bpf.h */
const INFO_BYTES = 232;
const AT = { id: 4, runTimeNs: 192, runCount: 200, recursionMisses: 208 } as const;

/** Read of a stream at a time. */
const STREAM_BYTES = 4_096;

/** Statistics of a program. */
export interface ProgramStats {
  readonly id: number;
  readonly runCount: number;
  /** Virtual nanoseconds of all runs. */
  readonly runTimeNs: number;
  /** Runs that did not happen since the program ran on that CPU already. */
  readonly recursionMisses: number;
}

/** A program of an object. */
export class ObjectProgram {
  readonly spec: ProgramSpec;
  /** Its descriptor; 0 before it is loaded. */
  fd = 0;
  /** Whether load() loads it. Default: unless its section begins with `?`. */
  isWanted: boolean;
  readonly #calls: BpfCalls;
  readonly #attacher: Attacher;
  #attached: Attached[] = [];

  constructor(calls: BpfCalls, spec: ProgramSpec, attacher: Attacher) {
    this.#calls = calls;
    this.spec = spec;
    this.isWanted = !(spec.info?.optional ?? false);
    this.#attacher = attacher;
  }

  get name(): string {
    return this.spec.name;
  }

  /** The link's descriptor. `target`: in place of what the section says. */
  *attach(target?: string): Sim<number> {
    const { spec, fd } = this;
    const request = { spec, fd, ...(target === undefined ? {} : { target }) };
    const made = yield* this.#attacher.attach(request);
    this.#attached.push(made);
    return made.fd;
  }

  /** The link's descriptor: to a perf event, whose descriptor is then the link's to close. */
  *attachPerfEvent(event: number): Sim<number> {
    const made = yield* this.#attacher.attachPerfEvent(this, event);
    this.#attached.push(made);
    return made.fd;
  }

  /** Takes it off wherever it hangs. */
  *detach(): Sim<void> {
    const { port } = this.#calls;
    for (const { fd, others } of this.#attached) {
      yield* port.sys('close', fd);
      for (const other of others) yield* port.sys('close', other);
    }
    this.#attached = [];
  }

  /** Closes its descriptor, whether or not it hangs somewhere. */
  *closeFd(): Sim<void> {
    if (this.fd > 0) yield* this.#calls.port.sys('close', this.fd);
    this.fd = 0;
  }

  *close(): Sim<void> {
    yield* this.detach();
    yield* this.closeFd();
  }

  /** BPF_PROG_TEST_RUN. */
  testRun(run: TestRun = {}): Sim<TestRunResult> {
    return this.#calls.testRun(this.fd, run);
  }

  /** What it has printed, or the kernel has said of it, since somebody last read. */
  *stream(which: 'stdout' | 'stderr'): Sim<string> {
    const id = which === 'stdout' ? BPF_STREAM_STDOUT : BPF_STREAM_STDERR;
    let text = '';
    for (;;) {
      const bytes = yield* this.#calls.streamRead(this.fd, id, STREAM_BYTES);
      if (typeof bytes === 'number') throw new LoadError(`prog '${this.name}': stream`, bytes);
      if (bytes.length === 0) return text;
      text += String.fromCharCode(...bytes);
    }
  }

  /** What policies have done about its runs. Only where one may end programs. */
  *kills(): Sim<ToldKills> {
    const info = yield* this.#calls.objInfo(this.fd, KILL_INFO_AT + KILL_INFO_BYTES);
    if (typeof info === 'number') throw new LoadError(`prog '${this.name}': kills`, info);
    return decodeKills(info);
  }

  *stats(): Sim<ProgramStats> {
    const info = yield* this.#calls.objInfo(this.fd, INFO_BYTES);
    if (typeof info === 'number') throw new LoadError(`prog '${this.name}': no statistics`, info);
    const view = new DataView(info.buffer, info.byteOffset);
    return {
      id: view.getUint32(AT.id, true),
      runCount: Number(view.getBigUint64(AT.runCount, true)),
      runTimeNs: Number(view.getBigUint64(AT.runTimeNs, true)),
      recursionMisses: Number(view.getBigUint64(AT.recursionMisses, true)),
    };
  }
}
