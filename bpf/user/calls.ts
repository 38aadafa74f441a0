import { F_DUPFD_CLOEXEC } from '../../kernel/fs/uapi.ts';
import type { Sim } from '../../sim/request.ts';
import { CMD } from '../uapi.ts';
import { PERF_ATTR_SIZE, PERF_FLAG_FD_CLOEXEC } from '../uapi-perf.ts';
import { Attr } from './attr.ts';
import type { UserPort } from './port.ts';

export interface MapCreate {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  readonly name?: string;
  readonly innerMapFd?: number;
  readonly btfFd?: number;
  readonly btfKeyTypeId?: number;
  readonly btfValueTypeId?: number;
  readonly btfVmlinuxValueTypeId?: number;
  readonly extra?: number;
}

/** Records of .BTF.ext that go with a program: `recordBytes` each. */
export interface InfoRecords {
  readonly recordBytes: number;
  readonly bytes: Uint8Array;
}

export interface ProgLoad {
  readonly type: number;
  readonly insns: Uint8Array;
  readonly license: string;
  readonly name: string;
  readonly flags?: number;
  readonly expectedAttachType?: number;
  readonly btfFd?: number;
  readonly funcInfo?: InfoRecords | undefined;
  readonly lineInfo?: InfoRecords | undefined;
  readonly attachBtfId?: number;
  readonly fdArray?: readonly number[] | undefined;
  readonly logLevel?: number;
}

export interface Loaded {
  /** A descriptor, or -errno. */
  readonly fd: number;
  readonly log: string;
}

export interface TestRun {
  readonly dataIn?: Uint8Array;
  readonly dataOutBytes?: number;
  readonly ctxIn?: Uint8Array;
  readonly ctxOutBytes?: number;
  readonly repeat?: number;
  readonly flags?: number;
  readonly cpu?: number;
}

export interface TestRunResult {
  /** 0 or -errno: whether the program ran. */
  readonly result: number;
  readonly retval: number;
  /** Nanoseconds for one run, of virtual time. */
  readonly durationNs: number;
  readonly dataOut: Uint8Array;
  readonly ctxOut: Uint8Array;
}

/** What perf_event_open(2) is asked for. include/uapi/linux/perf_event.h */
export interface PerfEventOpen {
  /** PERF_TYPE_*, PERF_COUNT_*: bpf/uapi-perf.ts */
  readonly type: number;
  readonly config: number | bigint;
  /** Units, or with `isFrequency` how often a second; 0: it only counts. */
  readonly sample?: number | bigint;
  readonly isFrequency?: boolean;
  readonly sampleType?: bigint;
  readonly disabled?: boolean;
  /** Default: 0, the caller. -1: whoever is on the CPU. */
  readonly pid?: number;
  /** Default: -1, wherever that task is. */
  readonly cpu?: number;
  readonly groupFd?: number;
  readonly flags?: number;
}

export interface LinkCreate {
  readonly progFd: number;
  readonly targetFd?: number;
  readonly attachType: number;
  readonly flags?: number;
  readonly cookie?: bigint;
}

const LOG_BYTES = 1 << 16;
const ATTR_BYTES = 152;

const STDERR = 2;

/** bpf(2), one method a command. Results are -errno where they fail. tools/lib/bpf/bpf.c */
export class BpfCalls {
  readonly port: UserPort;

  constructor(port: UserPort) {
    this.port = port;
  }

  *mapCreate(map: MapCreate): Sim<number> {
    this.port.begin();
    const attr = new Attr(80)
      .u32(0, map.type)
      .u32(4, map.keySize)
      .u32(8, map.valueSize)
      .u32(12, map.maxEntries)
      .u32(16, map.flags ?? 0)
      .u32(20, map.innerMapFd ?? 0)
      .name(28, map.name ?? '')
      .u32(48, map.btfFd ?? 0)
      .u32(52, map.btfKeyTypeId ?? 0)
      .u32(56, map.btfValueTypeId ?? 0)
      .u32(60, map.btfVmlinuxValueTypeId ?? 0)
      .u64(64, map.extra ?? 0);
    return yield* this.#openCall(CMD.MAP_CREATE, attr);
  }

  /** The value, or -errno. */
  *mapLookup(fd: number, key: Uint8Array, valueBytes: number, flags = 0): Sim<Uint8Array | number> {
    return yield* this.#lookup(CMD.MAP_LOOKUP_ELEM, fd, key, valueBytes, flags);
  }

  *mapLookupAndDelete(
    fd: number,
    key: Uint8Array,
    valueBytes: number,
    flags = 0,
  ): Sim<Uint8Array | number> {
    return yield* this.#lookup(CMD.MAP_LOOKUP_AND_DELETE_ELEM, fd, key, valueBytes, flags);
  }

  *mapUpdate(fd: number, key: Uint8Array, value: Uint8Array, flags = 0): Sim<number> {
    const { port } = this;
    port.begin();
    const attr = new Attr(32).u32(0, fd).u64(8, yield* port.put(key));
    attr.u64(16, yield* port.put(value)).u64(24, flags);
    return yield* this.#call(CMD.MAP_UPDATE_ELEM, attr);
  }

  *mapDelete(fd: number, key: Uint8Array): Sim<number> {
    this.port.begin();
    const attr = new Attr(32).u32(0, fd).u64(8, yield* this.port.put(key));
    return yield* this.#call(CMD.MAP_DELETE_ELEM, attr);
  }

  /** The key behind `key`, the first where there is none; or -errno: -ENOENT behind the last. */
  *mapNextKey(fd: number, key: Uint8Array | null, keyBytes: number): Sim<Uint8Array | number> {
    const { port } = this;
    port.begin();
    const next = port.reserve(keyBytes);
    const attr = new Attr(32).u32(0, fd).u64(16, next);
    if (key) attr.u64(8, yield* port.put(key));
    const result = yield* this.#call(CMD.MAP_GET_NEXT_KEY, attr);
    return result < 0 ? result : port.take(next, keyBytes);
  }

  *mapFreeze(fd: number): Sim<number> {
    this.port.begin();
    return yield* this.#call(CMD.MAP_FREEZE, new Attr(4).u32(0, fd));
  }

  *btfLoad(btf: Uint8Array, logLevel = 0): Sim<Loaded> {
    const { port } = this;
    port.begin();
    const log = logLevel > 0 ? yield* port.put(new Uint8Array(LOG_BYTES)) : 0;
    const attr = new Attr(32).u64(0, yield* port.put(btf)).u32(16, btf.length);
    if (log) attr.u64(8, log).u32(20, LOG_BYTES).u32(24, logLevel);
    const fd = yield* this.#openCall(CMD.BTF_LOAD, attr);
    return { fd, log: log ? this.#text(log, LOG_BYTES) : '' };
  }

  *progLoad(prog: ProgLoad): Sim<Loaded> {
    const { port } = this;
    port.begin();
    const attr = new Attr(ATTR_BYTES)
      .u32(0, prog.type)
      .u32(4, prog.insns.length / 8)
      .u64(8, yield* port.put(prog.insns))
      .u64(16, yield* port.put(latin(`${prog.license}\0`)))
      .u32(44, prog.flags ?? 0)
      .name(48, prog.name)
      .u32(68, prog.expectedAttachType ?? 0)
      .u32(72, prog.btfFd ?? 0)
      .u32(108, prog.attachBtfId ?? 0);
    yield* this.#infos(attr, prog);
    const { logLevel = 0 } = prog;
    const log = logLevel > 0 ? yield* port.put(new Uint8Array(LOG_BYTES)) : 0;
    if (log) attr.u32(24, logLevel).u32(28, LOG_BYTES).u64(32, log);
    const fd = yield* this.#openCall(CMD.PROG_LOAD, attr);
    return { fd, log: log ? this.#text(log, LOG_BYTES) : '' };
  }

  *#infos(attr: Attr, { funcInfo, lineInfo, fdArray }: ProgLoad): Sim<void> {
    const { port } = this;
    if (funcInfo) {
      attr.u32(76, funcInfo.recordBytes).u64(80, yield* port.put(funcInfo.bytes));
      attr.u32(88, funcInfo.bytes.length / funcInfo.recordBytes);
    }
    if (lineInfo) {
      attr.u32(92, lineInfo.recordBytes).u64(96, yield* port.put(lineInfo.bytes));
      attr.u32(104, lineInfo.bytes.length / lineInfo.recordBytes);
    }
    if (fdArray) {
      const fds = Int32Array.from(fdArray);
      attr.u64(120, yield* port.put(new Uint8Array(fds.buffer)));
    }
  }

  /** What is read of a program's stream at once: bytes, or -errno. */
  *streamRead(progFd: number, id: number, sizeBytes: number): Sim<Uint8Array | number> {
    const { port } = this;
    port.begin();
    const buf = port.reserve(sizeBytes);
    const attr = new Attr(24).u64(0, buf).u32(8, sizeBytes).u32(12, id).u32(16, progFd);
    const result = yield* this.#call(CMD.PROG_STREAM_READ_BY_FD, attr);
    return result < 0 ? result : port.take(buf, result);
  }

  *testRun(progFd: number, run: TestRun = {}): Sim<TestRunResult> {
    const { port } = this;
    const { dataIn, ctxIn, dataOutBytes = 0, ctxOutBytes = 0 } = run;
    port.begin();
    const attr = new Attr(80).u32(0, progFd).u32(32, run.repeat ?? 0);
    attr.u32(64, run.flags ?? 0).u32(68, run.cpu ?? 0);
    const dataOut = dataOutBytes > 0 ? port.reserve(dataOutBytes) : 0;
    const ctxOut = ctxOutBytes > 0 ? port.reserve(ctxOutBytes) : 0;
    let ctx = ctxOut;
    if (dataIn) attr.u32(8, dataIn.length).u64(16, yield* port.put(dataIn));
    if (dataOut) attr.u32(12, dataOutBytes).u64(24, dataOut);
    if (ctxIn) attr.u32(40, ctxIn.length).u64(48, (ctx = yield* port.put(ctxIn)));
    if (ctxOut) attr.u32(44, ctxOutBytes).u64(56, ctxOut);
    const result = yield* this.#call(CMD.PROG_TEST_RUN, attr);
    const view = new DataView(attr.bytes.buffer);
    return {
      result,
      retval: view.getUint32(4, true),
      durationNs: view.getUint32(36, true),
      dataOut: dataOut
        ? port.take(dataOut, Math.min(dataOutBytes, view.getUint32(12, true)))
        : NONE,
      // A syscall program's context comes back where it was put. net/bpf/test_run.c
      ctxOut: ctxOut ? port.take(ctxOut, ctxOutBytes) : ctxIn ? port.take(ctx, ctxIn.length) : NONE,
    };
  }

  *rawTracepointOpen(name: string, progFd: number, cookie = 0n): Sim<number> {
    this.port.begin();
    const addr = name === '' ? 0 : yield* this.port.put(latin(`${name}\0`));
    const attr = new Attr(24).u64(0, addr).u32(8, progFd).u64(16, cookie);
    return yield* this.#openCall(CMD.RAW_TRACEPOINT_OPEN, attr);
  }

  *linkCreate(link: LinkCreate): Sim<number> {
    this.port.begin();
    const attr = new Attr(48)
      .u32(0, link.progFd)
      .u32(4, link.targetFd ?? 0)
      .u32(8, link.attachType)
      .u32(12, link.flags ?? 0);
    // perf_event.bpf_cookie and tracing.cookie stand at different places.
    if (link.cookie !== undefined) attr.u64((link.targetFd ?? 0) > 0 ? 16 : 24, link.cookie);
    return yield* this.#openCall(CMD.LINK_CREATE, attr);
  }

  /** A descriptor, or -errno. */
  *perfEventOpen(event: PerfEventOpen): Sim<number> {
    const { port } = this;
    port.begin();
    const bits = (event.disabled ? 1 : 0) | (event.isFrequency ? 1 << 10 : 0);
    const attr = new Attr(PERF_ATTR_SIZE)
      .u32(0, event.type)
      .u32(4, PERF_ATTR_SIZE)
      .u64(8, event.config)
      .u64(16, event.sample ?? 0)
      .u64(24, event.sampleType ?? 0n)
      .u64(40, bits);
    const { pid = 0, cpu = -1, groupFd = -1, flags = PERF_FLAG_FD_CLOEXEC } = event;
    return yield* port.sys(
      'perf_event_open',
      yield* port.put(attr.bytes),
      pid,
      cpu,
      groupFd,
      flags,
    );
  }

  *linkUpdate(linkFd: number, newProgFd: number, flags = 0, oldProgFd = 0): Sim<number> {
    this.port.begin();
    const attr = new Attr(16).u32(0, linkFd).u32(4, newProgFd).u32(8, flags).u32(12, oldProgFd);
    return yield* this.#call(CMD.LINK_UPDATE, attr);
  }

  *linkDetach(linkFd: number): Sim<number> {
    this.port.begin();
    return yield* this.#call(CMD.LINK_DETACH, new Attr(4).u32(0, linkFd));
  }

  *objPin(fd: number, path: string): Sim<number> {
    this.port.begin();
    const attr = new Attr(16).u64(0, yield* this.port.put(latin(`${path}\0`))).u32(8, fd);
    return yield* this.#call(CMD.OBJ_PIN, attr);
  }

  *objGet(path: string): Sim<number> {
    this.port.begin();
    const attr = new Attr(16).u64(0, yield* this.port.put(latin(`${path}\0`)));
    return yield* this.#openCall(CMD.OBJ_GET, attr);
  }

  /** The first bytes of the object's info, or -errno. */
  *objInfo(fd: number, infoBytes: number): Sim<Uint8Array | number> {
    const { port } = this;
    port.begin();
    const info = yield* port.put(new Uint8Array(infoBytes));
    const attr = new Attr(16).u32(0, fd).u32(4, infoBytes).u64(8, info);
    const result = yield* this.#call(CMD.OBJ_GET_INFO_BY_FD, attr);
    return result < 0 ? result : port.take(info, infoBytes);
  }

  *#lookup(
    cmd: number,
    fd: number,
    key: Uint8Array,
    valueBytes: number,
    flags: number,
  ): Sim<Uint8Array | number> {
    const { port } = this;
    port.begin();
    const value = port.reserve(valueBytes);
    const attr = new Attr(32).u32(0, fd).u64(8, yield* port.put(key));
    attr.u64(16, value).u64(24, flags);
    const result = yield* this.#call(cmd, attr);
    return result < 0 ? result : port.take(value, valueBytes);
  }

  /** The attributes get what the kernel has stored. */
  *#call(cmd: number, attr: Attr): Sim<number> {
    const addr = yield* this.port.put(attr.bytes);
    const result = yield* this.port.sys('bpf', cmd, addr, attr.bytes.length);
    attr.bytes.set(this.port.take(addr, attr.bytes.length));
    return result;
  }

  /**
   * One that gives a descriptor: never one of the first three, since 0 in an attribute is none, and
   * others may take these for the standard streams. libbpf_internal.h: ensure_good_fd()
   */
  *#openCall(cmd: number, attr: Attr): Sim<number> {
    const fd = yield* this.#call(cmd, attr);
    if (fd < 0 || fd > STDERR) return fd;
    const moved = yield* this.port.sys('fcntl', fd, F_DUPFD_CLOEXEC, STDERR + 1);
    yield* this.port.sys('close', fd);
    return moved;
  }

  #text(addr: number, sizeBytes: number): string {
    const bytes = this.port.take(addr, sizeBytes);
    const end = bytes.indexOf(0);
    let text = '';
    for (let i = 0; i < (end < 0 ? sizeBytes : end); i++) text += String.fromCharCode(bytes[i]!);
    return text;
  }
}

const NONE = new Uint8Array(0);

function latin(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);
}
