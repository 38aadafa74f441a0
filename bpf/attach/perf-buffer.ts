import { ptr, struct, u32, u64 } from '../../base/layout.ts';
import { EINVAL, ENOMEM, ENOSPC } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { ACQUIRE, kernelText, RELEASE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';

const TAIL = site('perf_output_begin', 'data_tail');
const HEAD = site('perf_output_end', 'data_head');
const USER_HEAD = site('perf_event_read_simple', 'data_head');
const USER_TAIL = site('perf_event_read_simple', 'data_tail');

/** include/uapi/linux/perf_event.h */
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
const PERF_RECORD_MISC_KERNEL = 1;
const HEADER_BYTES = 8;
const LOST_BYTES = 24;
const RECORD_MAX = 0xffff;

/** kernel/events/internal.h, with what struct perf_event_mmap_page has of it. */
const perf_buffer = struct('perf_buffer', {
  data: ptr('void'),
  size: u32, // a power of two
  lost: u32, // records that found no room, not told of yet
  wakeups: u32, // of whoever polls
  pad: u32,
  data_head: u64, // positions only grow
  data_tail: u64,
});

/** What user space reads: a record's bytes, or how many there was no room for. */
export type PerfRecord = { readonly data: Uint8Array } | { readonly lost: number };

/**
 * The buffer of one event: written by the CPU that the event is on, read by user space through a
 * mapping. kernel/events/ring_buffer.c
 */
export class PerfBuffers {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get #memory() {
    return this.#kernel.machine.memory;
  }

  #at(rb: number): ReturnType<typeof perf_buffer.at> {
    return perf_buffer.at(this.#memory, rb);
  }

  /** With so many pages for records: its address, or -errno. rb_alloc() */
  alloc(pages: number): number {
    if (pages <= 0 || (pages & (pages - 1)) !== 0) return -EINVAL;
    const { machine, kasan } = this.#kernel;
    const size = pages * PAGE_SIZE;
    const rb = machine.mayAlloc('perf_buffer') ? machine.slab.kzalloc(perf_buffer.sizeBytes) : 0;
    if (rb === 0) return -ENOMEM;
    const data = size < machine.memory.sizeBytes ? machine.slab.kzalloc(size) : 0;
    if (data === 0) {
      kasan.free(rb);
      return -ENOMEM;
    }
    this.#memory.unwatched(() => Object.assign(this.#at(rb), { data, size }));
    return rb;
  }

  free(rb: number): void {
    this.#kernel.kasan.free(this.#memory.unwatched(() => this.#at(rb).data));
    this.#kernel.kasan.free(rb);
  }

  wakeups(rb: number): number {
    return this.#memory.unwatched(() => this.#at(rb).wakeups);
  }

  /** A sample of raw bytes: 0, or -ENOSPC where the reader is too slow. perf_event_output() */
  *perf_output(rb: number, id: number, from: number, size: number): Sim<number> {
    const { atomics } = this.#kernel;
    const raw = Math.ceil((size + 4) / 8) * 8 - 4;
    const bytes = HEADER_BYTES + 4 + raw;
    const tail = yield* atomics.read64(TAIL, rb + perf_buffer.off.data_tail);
    const s = this.#at(rb);
    const head = this.#memory.unwatched(() => s.data_head);
    const { lost, size: room } = s;
    const wanted = bytes + (lost > 0 ? LOST_BYTES : 0);
    if (bytes > RECORD_MAX || room - 1 - Number(head - tail) < wanted) {
      s.lost++;
      return -ENOSPC;
    }
    let at = head;
    if (lost > 0) at = this.#putLost(rb, at, id, lost);
    const header = [PERF_RECORD_SAMPLE, 4, PERF_RECORD_MISC_KERNEL, 2, bytes, 2, raw, 4];
    at = this.#put(rb, at, header);
    const content = new Uint8Array(raw);
    content.set(this.#memory.copyOut(from, size));
    at = this.#write(rb, at, content);
    yield* atomics.write64(HEAD, rb + perf_buffer.off.data_head, at, RELEASE);
    this.#memory.unwatched(() => s.wakeups++);
    return 0;
  }

  #putLost(rb: number, at: bigint, id: number, lost: number): bigint {
    this.#at(rb).lost = 0;
    return this.#put(rb, at, [PERF_RECORD_LOST, 4, 0, 2, LOST_BYTES, 2, id, 8, lost, 8]);
  }

  /** Little-endian numbers, each with its size behind it. Where it goes on. */
  #put(rb: number, at: bigint, pairs: readonly number[]): bigint {
    const bytes: number[] = [];
    for (let i = 0; i < pairs.length; i += 2) {
      for (let k = 0; k < pairs[i + 1]!; k++)
        bytes.push(Math.floor(pairs[i]! / 2 ** (8 * k)) & 255);
    }
    return this.#write(rb, at, Uint8Array.from(bytes));
  }

  /** From the end of the buffer on to its beginning. */
  #write(rb: number, at: bigint, bytes: Uint8Array): bigint {
    const { data, size } = this.#at(rb);
    const place = Number(at % BigInt(size));
    const first = Math.min(bytes.length, size - place);
    this.#memory.copyIn(data + place, bytes.subarray(0, first));
    if (first < bytes.length) this.#memory.copyIn(data, bytes.subarray(first));
    return at + BigInt(bytes.length);
  }

  #read(rb: number, at: bigint, size: number): Uint8Array {
    const s = this.#at(rb);
    const place = Number(at % BigInt(s.size));
    const first = Math.min(size, s.size - place);
    const bytes = new Uint8Array(size);
    bytes.set(this.#memory.copyOut(s.data + place, first));
    if (first < size) bytes.set(this.#memory.copyOut(s.data, size - first), first);
    return bytes;
  }

  /** What user space does: every record there is, and then they are read. libbpf.c */
  *consume(rb: number): Sim<PerfRecord[]> {
    const { atomics } = this.#kernel;
    const records: PerfRecord[] = [];
    const head = yield* atomics.read64(USER_HEAD, rb + perf_buffer.off.data_head, ACQUIRE);
    let tail = this.#memory.unwatched(() => this.#at(rb).data_tail);
    while (tail < head) {
      const header = new DataView(this.#read(rb, tail, HEADER_BYTES).buffer);
      const size = header.getUint16(6, true);
      const body = this.#read(rb, tail + BigInt(HEADER_BYTES), size - HEADER_BYTES);
      const view = new DataView(body.buffer);
      if (header.getUint32(0, true) === PERF_RECORD_SAMPLE) records.push({ data: body.slice(4) });
      else records.push({ lost: Number(view.getBigUint64(8, true)) });
      tail += BigInt(size);
    }
    yield* atomics.write64(USER_TAIL, rb + perf_buffer.off.data_tail, tail, RELEASE);
    return records;
  }
}

kernelText(PerfBuffers);
