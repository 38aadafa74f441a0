import { embed, ptr, struct, u32, type Fields, type StructType } from '../../base/layout.ts';
import { EFAULT, ENOENT, ENOMEM, ENOSPC } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';
import { stackLines } from '../../kernel/oops.ts';
import { mutex } from '../../kernel/structs.ts';
import { entryAt, type StackEntry } from '../../sim/fiber.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site, siteOf } from '../../sim/site.ts';
import type { Program } from './program.ts';
import type { LineInfo } from '../verifier/program.ts';

const LOCK = site('bpf_stream_read', 'lock');
const UNLOCK = site('bpf_stream_read', 'unlock');
const DUMP = 'bpf_stream_stage_dump_stack';
const stream_lock = lockClass('&stream->lock', 'mutex');

/** include/uapi/linux/bpf.h: enum bpf_stream_id */
export const BPF_STREAM_STDOUT = 1;
export const BPF_STREAM_STDERR = 2;
/** Bytes that wait to be read. include/linux/bpf.h: BPF_STREAM_MAX_CAPACITY */
const BPF_STREAM_MAX_CAPACITY = 100_000;
/** No report is shorter. */
const REPORT_MIN = 64;
/** Of one element: what a bpf_bprintf_buffers can hold. */
const ELEM_MAX = 1_024;

/** include/linux/bpf.h */
const bpf_stream = struct('bpf_stream', {
  capacity: u32, // atomic_t: bytes that wait
  pad: u32,
  log: ptr('struct bpf_stream_elem'), // newest first: struct llist_head
  lock: embed(mutex as unknown as StructType<Fields>), // of readers
  backlog_head: ptr('struct bpf_stream_elem'), // oldest first
  backlog_tail: ptr('struct bpf_stream_elem'),
});

/** What the output of one program is kept in. */
const bpf_prog_streams = struct('bpf_prog_streams', {
  stdout: embed(bpf_stream as unknown as StructType<Fields>),
  stderr: embed(bpf_stream as unknown as StructType<Fields>),
});

/** The text stands behind it. */
const bpf_stream_elem = struct('bpf_stream_elem', {
  next: ptr('struct bpf_stream_elem'),
  total_len: u32,
  consumed_len: u32,
});

const { off, sizeBytes } = bpf_stream_elem;

/**
 * What programs print for user space, and what the kernel says of them: two streams each, which are
 * read through the program's descriptor and go with it. Adding takes no lock. kernel/bpf/stream.c
 */
export class Streams {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** With a new program: 0 where memory is exhausted. bpf_prog_stream_init() */
  alloc(): number {
    return this.#kernel.machine.slab.kzalloc(bpf_prog_streams.sizeBytes);
  }

  /** bpf_prog_stream_free() */
  free(streams: number): void {
    const { memory } = this.#kernel.machine;
    for (const id of [BPF_STREAM_STDOUT, BPF_STREAM_STDERR]) {
      const stream = bpf_stream.at(memory, this.#of(streams, id));
      for (const head of [stream.log, stream.backlog_head]) this.#freeList(head);
    }
    this.#kernel.kasan.free(streams);
  }

  /** bpf_stream_get(): its address, or 0. */
  get({ streams }: Program, id: number): number {
    if (id !== BPF_STREAM_STDOUT && id !== BPF_STREAM_STDERR) return 0;
    return this.#of(streams!, id);
  }

  /** 0, -ENOSPC or -ENOMEM. bpf_stream_push_str() */
  push(prog: Program, id: number, text: string): number {
    return this.#commit(this.get(prog, id), [text]);
  }

  /**
   * What the kernel has to say of a program, with who runs it and the call trace: all of it, or
   * nothing. `via`: the functions between the program and this one, innermost first.
   * bpf_stream_stage(), bpf_stream_stage_dump_stack()
   */
  report(prog: Program, id: number, lines: string | undefined, via: readonly string[]): number {
    const stream = this.get(prog, id);
    if (this.isFull(stream, REPORT_MIN)) return -ENOSPC;
    const { machine, cpus, creds } = this.#kernel;
    const cpu = machine.engine.cpu.id;
    const current = cpus.this.current;
    const { pid, comm } = current ?? { pid: 0, comm: `swapper/${cpu}` };
    const uid = current ? creds.of(current).uid : 0;
    const texts = [
      ...(lines === undefined ? [] : lines.split('\n').map((line) => `${line}\n`)),
      `CPU: ${cpu} UID: ${uid} PID: ${pid} Comm: ${comm}\n`,
      'Call trace:\n',
      ...traceTexts(prog, [...[DUMP, ...via].map(calling), ...machine.stack()]),
      '\n',
    ];
    return this.#commit(stream, texts);
  }

  /** Whether there is no room for that many bytes, so that no text need be made. */
  isFull(stream: number, size: number): boolean {
    const { memory } = this.#kernel.machine;
    return memory.rawU32(stream + bpf_stream.off.capacity) + size >= BPF_STREAM_MAX_CAPACITY;
  }

  /** How many bytes were read, or -ENOENT, -EFAULT. bpf_prog_stream_read() */
  *bpf_prog_stream_read(prog: Program, id: number, buf: number, len: number): Sim<number> {
    const stream = this.get(prog, id);
    if (stream === 0) return -ENOENT;
    const { mutexes } = this.#kernel;
    const lock = stream + bpf_stream.off.lock;
    yield* mutexes.mutex_lock(stream_lock, lock, LOCK);
    const result = yield* this.#read(stream, buf, len);
    yield* mutexes.mutex_unlock(stream_lock, lock, UNLOCK);
    return result;
  }

  *#read(stream: number, buf: number, len: number): Sim<number> {
    const { memory } = this.#kernel.machine;
    const s = bpf_stream.at(memory, stream);
    let done = 0;
    while (done < len) {
      if (s.backlog_head === 0) this.#fillBacklog(stream);
      const elem = s.backlog_head;
      if (elem === 0) break;
      const at = bpf_stream_elem.at(memory, elem);
      const count = Math.min(at.total_len - at.consumed_len, len - done);
      const bytes = memory.copyOut(elem + sizeBytes + at.consumed_len, count);
      if ((yield* this.#kernel.mm.copy_to_user(buf + done, bytes)) > 0) return -EFAULT;
      at.consumed_len += count;
      done += count;
      if (at.consumed_len < at.total_len) continue;
      s.backlog_head = elem === s.backlog_tail ? 0 : at.next;
      if (elem === s.backlog_tail) s.backlog_tail = 0;
      s.capacity -= at.total_len;
      this.#kernel.kasan.free(elem);
    }
    return done;
  }

  /** All that is there, whoever reads it: for looking on from outside. */
  textOf(prog: Program, id: number): string {
    const { memory } = this.#kernel.machine;
    return memory.unwatched(() => {
      const s = bpf_stream.at(memory, this.get(prog, id));
      const elems: number[] = [];
      for (let at = s.log; at !== 0; at = memory.ptr(at)) elems.unshift(at);
      const older: number[] = [];
      for (let at = s.backlog_head; at !== 0; at = memory.ptr(at)) older.push(at);
      return [...older, ...elems].map((elem) => this.#textAt(elem)).join('');
    });
  }

  #textAt(elem: number): string {
    const { memory } = this.#kernel.machine;
    const { total_len, consumed_len } = bpf_stream_elem.at(memory, elem);
    const bytes = memory.copyOut(elem + sizeBytes + consumed_len, total_len - consumed_len);
    return String.fromCharCode(...bytes);
  }

  #of(streams: number, id: number): number {
    const { stdout, stderr } = bpf_prog_streams.off;
    return streams + (id === BPF_STREAM_STDOUT ? stdout : stderr);
  }

  /** llist_add() of each, if there is room for all. */
  #commit(stream: number, texts: readonly string[]): number {
    const { memory } = this.#kernel.machine;
    return memory.unwatched(() => {
      const s = bpf_stream.at(memory, stream);
      const size = texts.reduce((sum, { length }) => sum + length, 0);
      if (s.capacity + size >= BPF_STREAM_MAX_CAPACITY) return -ENOSPC;
      for (const text of texts) {
        const elem = this.#elem(text);
        if (elem === 0) return -ENOMEM;
        memory.setPtr(elem + off.next, s.log);
        s.log = elem;
        s.capacity += text.length;
      }
      return 0;
    });
  }

  #elem(text: string): number {
    const { slab, memory } = this.#kernel.machine;
    if (text.length > ELEM_MAX) return 0;
    const elem = slab.kzalloc(sizeBytes + text.length);
    if (elem === 0) return 0;
    memory.setU32(elem + off.total_len, text.length);
    memory.copyIn(
      elem + sizeBytes,
      Uint8Array.from(text, (char) => char.charCodeAt(0)),
    );
    return elem;
  }

  /** What was added since, oldest first. bpf_stream_backlog_fill() */
  #fillBacklog(stream: number): void {
    const { memory } = this.#kernel.machine;
    const s = bpf_stream.at(memory, stream);
    let head = 0;
    const tail = s.log;
    for (let elem = s.log; elem !== 0;) {
      const next = memory.ptr(elem + off.next);
      memory.setPtr(elem + off.next, head);
      head = elem;
      elem = next;
    }
    s.log = 0;
    s.backlog_head = head;
    s.backlog_tail = tail;
  }

  #freeList(head: number): void {
    const { memory } = this.#kernel.machine;
    for (let elem = head; elem !== 0;) {
      const next = memory.ptr(elem + off.next);
      this.#kernel.kasan.free(elem);
      elem = next;
    }
  }
}

kernelText(Streams);

const known = new WeakMap<Kernel, Streams>();

/** Those of a kernel. */
export function streamsOf(kernel: Kernel): Streams {
  let streams = known.get(kernel);
  if (!streams) known.set(kernel, (streams = new Streams(kernel)));
  return streams;
}

/** A function in a call of the one within. */
const calling = (fn: string): StackEntry => entryAt(site(fn, 'call'));

/** A line for each frame, and the source of those of the program. */
function traceTexts(prog: Program, stack: readonly StackEntry[]): string[] {
  return stackLines(stack).map((symbol, i) => {
    const insn = insnOf(prog, stack[i]!);
    const line = insn === undefined ? undefined : lineOf(prog.sourceLines ?? [], insn);
    if (!line) return `${symbol}\n`;
    const file = line.fileName.slice(line.fileName.lastIndexOf('/') + 1);
    return `${symbol}\n  ${line.line.trimStart()} @ ${file}:${line.lineNumber}\n`;
  });
}

/** Sites of programs are called by their instruction: bpf/vm/prepared.ts */
function insnOf({ name }: Program, { site: at }: StackEntry): number | undefined {
  if (at === 0) return undefined;
  const { fn, point } = siteOf(at);
  return fn === `prog ${name}` ? Number(point.slice('insn '.length)) : undefined;
}

function lineOf(lines: readonly LineInfo[], insn: number): LineInfo | undefined {
  return lines.findLast(({ insnOff }) => insnOff <= insn);
}
