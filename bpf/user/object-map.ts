import { InputError } from '../../base/errors.ts';
import type { Sim } from '../../sim/request.ts';
import type { MapSpec } from '../object/spec.ts';
import { MAP_TYPE } from '../uapi.ts';
import type { BpfCalls } from './calls.ts';
import { LoadError } from './load-error.ts';
import * as perf from '../uapi-perf.ts';

/** A key or a value: bytes, or a little-endian number of as many bytes as the map has. */
export type Datum = Uint8Array | number | bigint;

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** include/uapi/linux/mman.h */
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FIXED = 0x10;
const PAGE_BYTES = 4096;

const PERCPU: readonly number[] = [
  MAP_TYPE.PERCPU_ARRAY,
  MAP_TYPE.PERCPU_HASH,
  MAP_TYPE.LRU_PERCPU_HASH,
];

/** A map of an object. Results of calls are -errno where they fail. */
export class ObjectMap {
  readonly spec: MapSpec;
  /** Its descriptor; 0 before it is made. */
  fd = 0;
  /** Whether the object makes it. */
  isWanted = true;
  readonly #calls: BpfCalls;
  readonly #initial: Uint8Array;
  /** Of each CPU: the descriptor of the event with the buffer. */
  readonly #events: number[] = [];
  #lost = 0;
  #mmaped = 0;

  constructor(calls: BpfCalls, spec: MapSpec) {
    this.#calls = calls;
    this.spec = spec;
    this.#initial = spec.data?.slice() ?? new Uint8Array(0);
  }

  get name(): string {
    return this.spec.definition.name;
  }

  /** Of a map of data: what it begins with. */
  get initial(): Uint8Array {
    return this.#initial;
  }

  /** Bytes of a value in bpf(2). */
  get valueBytes(): number {
    const { type, valueSize } = this.spec.definition;
    if (!PERCPU.includes(type)) return valueSize;
    return Math.ceil(valueSize / 8) * 8 * this.#calls.port.cpuCount;
  }

  /** Changes what a variable begins with, before load(). */
  preset(variable: string, value: Datum): void {
    const { offsetBytes, sizeBytes } = this.spec.variables.get(variable)!;
    this.#initial.set(bytesOf(value, sizeBytes, `variable '${variable}'`), offsetBytes);
  }

  *lookup(key: Datum): Sim<Uint8Array | number> {
    return yield* this.#calls.mapLookup(this.fd, this.#key(key), this.valueBytes);
  }

  *update(key: Datum, value: Datum, flags = 0): Sim<number> {
    const bytes = bytesOf(value, this.valueBytes, `value of map '${this.name}'`);
    return yield* this.#calls.mapUpdate(this.fd, this.#key(key), bytes, flags);
  }

  *delete(key: Datum): Sim<number> {
    return yield* this.#calls.mapDelete(this.fd, this.#key(key));
  }

  /** Every element, in the kernel's order. */
  *entries(): Sim<Entry[]> {
    const { keySize } = this.spec.definition;
    const found: Entry[] = [];
    let key: Uint8Array | null = null;
    for (;;) {
      const next: Uint8Array | number = yield* this.#calls.mapNextKey(this.fd, key, keySize);
      if (typeof next === 'number') return found;
      key = next;
      const value = yield* this.#calls.mapLookup(this.fd, key, this.valueBytes);
      if (typeof value !== 'number') found.push({ key, value });
    }
  }

  get isArena(): boolean {
    return this.spec.definition.type === MAP_TYPE.ARENA;
  }

  /** Of an arena: where the object has it in user space; 0 before. bpf_map__initial_value() */
  get mmaped(): number {
    return this.#mmaped;
  }

  /** Of an arena: maps it whole, and puts its variables there. 0 or -errno. */
  *mmapArena(): Sim<number> {
    const { port } = this.#calls;
    const { extra, maxEntries } = this.spec.definition;
    const flags = extra === 0 ? MAP_SHARED : MAP_SHARED | MAP_FIXED;
    const size = maxEntries * PAGE_BYTES;
    const prot = PROT_READ | PROT_WRITE;
    const addr = yield* port.sys('mmap', extra, size, prot, flags, this.fd, 0);
    if (addr < 0) return addr;
    this.#mmaped = addr;
    if (this.#initial.length > 0) yield* port.poke(this.#arenaData, this.#initial);
    return 0;
  }

  get #arenaData(): number {
    return this.#mmaped + (this.spec.arenaDataAt ?? 0);
  }

  /** Of a map of data: a variable as it is now. */
  *variable(name: string): Sim<Uint8Array> {
    const variable = this.spec.variables.get(name);
    if (variable && this.isArena) {
      const at = this.#arenaData + variable.offsetBytes;
      return (yield* this.#calls.port.peek(at, variable.sizeBytes)) ?? new Uint8Array(0);
    }
    const value = yield* this.lookup(0);
    if (!variable || typeof value === 'number') {
      throw new InputError(`map '${this.name}': no variable '${name}'`);
    }
    return value.subarray(variable.offsetBytes, variable.offsetBytes + variable.sizeBytes);
  }

  /**
   * Of a perf event array: gives each CPU a buffer of so many pages, a power of two, for what
   * programs write from then on. perf_buffer__new()
   */
  *listen(pages = 8): Sim<void> {
    const { port } = this.#calls;
    if (this.spec.definition.type !== MAP_TYPE.PERF_EVENT_ARRAY) {
      throw new InputError(`map '${this.name}' is no perf event array`);
    }
    for (let cpu = 0; cpu < port.cpuCount; cpu++) {
      const event = yield* this.#openEvent(cpu);
      const mapped = event < 0 ? event : yield* port.mapped.perf_mmap(event, pages);
      const result = mapped < 0 ? mapped : yield* this.update(cpu, event);
      if (result < 0) throw new LoadError(`map '${this.name}': buffer of CPU ${cpu}`, result);
      yield* port.sys('ioctl', event, perf.PERF_EVENT_IOC_ENABLE, 0);
      this.#events.push(event);
    }
  }

  /** perf_buffer__open_cpu_buf() */
  *#openEvent(cpu: number): Sim<number> {
    const { port } = this.#calls;
    const attr = new DataView(new ArrayBuffer(perf.PERF_ATTR_SIZE_VER0));
    attr.setUint32(0, perf.PERF_TYPE_SOFTWARE, true);
    attr.setUint32(4, perf.PERF_ATTR_SIZE_VER0, true);
    attr.setBigUint64(8, BigInt(perf.PERF_COUNT_SW_BPF_OUTPUT), true);
    attr.setBigUint64(16, 1n, true); // sample_period
    attr.setBigUint64(24, perf.PERF_SAMPLE_RAW, true);
    attr.setUint32(48, 1, true); // wakeup_events
    port.begin();
    const at = yield* port.put(new Uint8Array(attr.buffer));
    return yield* port.sys('perf_event_open', at, -1, cpu, -1, perf.PERF_FLAG_FD_CLOEXEC);
  }

  /**
   * The records that are ready, and now read: of a ring buffer, or of a perf event array after
   * listen(), CPU by CPU.
   */
  *read(): Sim<Uint8Array[]> {
    const { mapped } = this.#calls.port;
    if (this.spec.definition.type !== MAP_TYPE.PERF_EVENT_ARRAY) {
      return yield* mapped.consumeRingbuf(this.fd);
    }
    if (this.#events.length === 0) {
      throw new InputError(
        `map '${this.name}' is a perf event array: listen() comes before read()`,
      );
    }
    const read: Uint8Array[] = [];
    for (const event of this.#events) {
      const records = yield* mapped.consumePerf(event);
      if (typeof records === 'number') continue;
      for (const record of records) {
        if ('data' in record) read.push(record.data);
        else this.#lost += record.lost;
      }
    }
    return read;
  }

  /** Records of a perf event array for which there was no room, as far as it has been read. */
  get lost(): number {
    return this.#lost;
  }

  *close(): Sim<void> {
    for (const event of this.#events.splice(0)) yield* this.#calls.port.sys('close', event);
    const { port } = this.#calls;
    if (this.#mmaped !== 0) {
      yield* port.sys('munmap', this.#mmaped, this.spec.definition.maxEntries * PAGE_BYTES);
    }
    this.#mmaped = 0;
    if (this.fd > 0) yield* port.sys('close', this.fd);
    this.fd = 0;
  }

  #key(key: Datum): Uint8Array {
    return bytesOf(key, this.spec.definition.keySize, `key of map '${this.name}'`);
  }
}

export function bytesOf(datum: Datum, sizeBytes: number, what: string): Uint8Array {
  if (datum instanceof Uint8Array) {
    if (datum.length === sizeBytes) return datum;
    throw new InputError(`${what} has ${datum.length} bytes, expected ${sizeBytes}`);
  }
  const bytes = new Uint8Array(sizeBytes);
  let rest = BigInt.asUintN(8 * sizeBytes, BigInt(datum));
  for (let i = 0; i < sizeBytes; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** The little-endian number in some bytes, unsigned. */
export function numberOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}
