import { InputError } from '../../base/errors.ts';
import type { Sim } from '../../sim/request.ts';
import { ATTACH_TYPE } from '../uapi.ts';
import type { BpfCalls } from './calls.ts';
import {
  PERF_ATTR_SIZE_VER0,
  PERF_EVENT_IOC_ENABLE,
  PERF_FLAG_FD_CLOEXEC,
  PERF_TYPE_TRACEPOINT,
} from '../uapi-perf.ts';
import { LoadError } from './load-error.ts';
import type { ProgramSpec } from '../object/spec.ts';

const EVENTS = '/sys/kernel/tracing/events';

/** A program to be attached: as its section says, or elsewhere. */
export interface AttachRequest {
  readonly spec: ProgramSpec;
  readonly fd: number;
  /** In place of the section's: `sched/sched_switch`. */
  readonly target?: string;
}

/** What hangs somewhere: descriptors to be closed, the link first. */
export interface Attached {
  readonly fd: number;
  readonly others: readonly number[];
}

/** Attaches by what the section says. libbpf.c: bpf_program__attach() */
export class Attacher {
  readonly #calls: BpfCalls;

  constructor(calls: BpfCalls) {
    this.#calls = calls;
  }

  *attach(request: AttachRequest): Sim<Attached> {
    const info = request.spec.info!;
    const target = request.target ?? info.target;
    switch (info.attach) {
      case 'tracepoint':
        return yield* this.#tracepoint(request, target);
      case 'raw_tracepoint':
        return this.#link(request, yield* this.#calls.rawTracepointOpen(target, request.fd));
      case 'trace':
      case 'lsm': {
        const attachType = ATTACH_TYPE[info.attachType as keyof typeof ATTACH_TYPE];
        const created = yield* this.#calls.linkCreate({ progFd: request.fd, attachType });
        return this.#link(request, created);
      }
      default:
        throw new InputError(
          `prog '${request.spec.name}': section '${request.spec.section}' ` +
            'is not attached by itself',
        );
    }
  }

  #link({ spec }: AttachRequest, fd: number, others: readonly number[] = []): Attached {
    if (fd < 0) throw new LoadError(`prog '${spec.name}': failed to attach`, fd);
    return { fd, others };
  }

  /** bpf_program__attach_tracepoint(): a perf event that the program hangs on. */
  *#tracepoint(request: AttachRequest, target: string): Sim<Attached> {
    const { port } = this.#calls;
    const id = yield* this.#eventId(request, target);
    const attr = new DataView(new ArrayBuffer(PERF_ATTR_SIZE_VER0));
    attr.setUint32(0, PERF_TYPE_TRACEPOINT, true);
    attr.setUint32(4, PERF_ATTR_SIZE_VER0, true);
    attr.setBigUint64(8, BigInt(id), true);
    port.begin();
    const at = yield* port.put(new Uint8Array(attr.buffer));
    const event = yield* port.sys('perf_event_open', at, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
    if (event < 0) {
      throw new LoadError(`prog '${request.spec.name}': perf_event_open for ${target}`, event);
    }
    return yield* this.attachPerfEvent(request, event);
  }

  /**
   * To an event of the caller's, whose descriptor is closed with the link.
   * bpf_program__attach_perf_event()
   */
  *attachPerfEvent(request: AttachRequest, event: number): Sim<Attached> {
    const { port } = this.#calls;
    const link = yield* this.#calls.linkCreate({
      progFd: request.fd,
      targetFd: event,
      attachType: ATTACH_TYPE.PERF_EVENT,
    });
    if (link >= 0) yield* port.sys('ioctl', event, PERF_EVENT_IOC_ENABLE, 0);
    else yield* port.sys('close', event);
    return this.#link(request, link, [event]);
  }

  /** What the file of the event says. determine_tracepoint_id() */
  *#eventId({ spec }: AttachRequest, target: string): Sim<number> {
    const { port } = this.#calls;
    const path = `${EVENTS}/${target}/id`;
    port.begin();
    const at = yield* port.put(Uint8Array.from(`${path}\0`, (char) => char.charCodeAt(0)));
    const file = yield* port.sys('open', at, 0, 0);
    if (file < 0) {
      throw new LoadError(`prog '${spec.name}': failed to determine tracepoint '${target}'`, file);
    }
    const buffer = port.reserve(16);
    const count = yield* port.sys('read', file, buffer, 16);
    const text = String.fromCharCode(...port.take(buffer, Math.max(0, count)));
    yield* port.sys('close', file);
    return Number.parseInt(text, 10);
  }
}
