import type { Proc } from '../../scenarios/proc.ts';
import type { Sim } from '../../sim/request.ts';
import type { FdWorld } from './fd-world.ts';
import { solo } from './fd-world.ts';

/** Size of the attributes unless a call says otherwise: those of Linux 7.2. */
const ATTR_BYTES = 168;

/** One call of bpf(2): its result, and what stands in the buffers that it was to fill. */
export interface BpfResult {
  readonly result: number;
  /** By offset of the pointer to it. */
  readonly out: ReadonlyMap<number, Uint8Array>;
  /** The attributes afterwards. */
  readonly attr: Uint8Array;
}

/**
 * bpf(2) by a process in a kernel of its own, in a language of raw calls: words of the form
 * `OFFSET:WIDTH=VALUE` fill the attributes. VALUE is a number, `$name` (what an earlier call gave),
 * `&HEX` (a pointer to these bytes, in which `{name}` is such a result as 4 bytes), or `>N` (a
 * pointer to N bytes that the kernel fills). `size=N` is the size given; the count of instructions
 * is filled in.
 */
export class BpfCaller {
  readonly p: Proc;
  readonly #fds = new Map<string, number>();
  readonly #defs = new Map<string, string>();

  constructor(p: Proc) {
    this.p = p;
  }

  define(name: string, words: string): void {
    this.#defs.set(name, words);
  }

  /** `[name =] bpf CMD WORDS`, or `[name =] DEFINED WORDS`. */
  *call(line: string): Sim<BpfResult> {
    const [, name, rest] = /^(?:(\w+) = )?(.*)$/.exec(line)!;
    const words = rest!.trim().split(/\s+/);
    const defined = this.#defs.get(words[0]!);
    const [, command, ...fields] = [...(defined?.split(' ') ?? [words[0]!]), ...words.slice(1)];
    const made = yield* this.#call(Number(command), fields);
    if (name) this.#fds.set(name, made.result);
    return made;
  }

  *#call(command: number, fields: readonly string[]): Sim<BpfResult> {
    const { p } = this;
    const bytes = new Uint8Array(4096 * 2);
    const view = new DataView(bytes.buffer);
    const outs = new Map<number, { addr: number; size: number }>();
    const set = (at: number, width: number, value: bigint): void => {
      for (let i = 0; i < width; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    };
    const hasCount = fields.some((field) => field.startsWith('4:4='));
    let size = ATTR_BYTES;
    for (const field of fields) {
      const [place, value] = field.split('=') as [string, string];
      if (place === 'size') size = Number(value);
      else {
        const [at, width] = place.split(':').map(Number) as [number, number];
        if (at + width > size && place !== 'size') size = at + width;
        if (value.startsWith('&')) {
          const content = this.#bytes(value.slice(1));
          set(at, width, BigInt(p.mmap({ content, sizeBytes: pages(content.length) })));
          const isCounted = command === 5 && at === 8 && !hasCount;
          if (isCounted) view.setUint32(4, content.length / 8, true);
          outs.delete(at);
        } else if (value.startsWith('>')) {
          const room = Number(value.replaceAll('>', ''));
          const addr = p.mmap({ sizeBytes: pages(room) });
          outs.set(at, { addr, size: room });
          set(at, width, BigInt(addr));
        } else {
          const known = this.#fds.get(value.slice(1));
          set(at, width, BigInt(value.startsWith('$') ? known! : value));
        }
      }
    }
    const addr = p.mmap({ content: bytes, sizeBytes: bytes.length });
    const result = yield* p.sys('bpf', command, addr, size);
    const out = new Map<number, Uint8Array>();
    for (const [at, { addr: from, size: room }] of outs) {
      out.set(at, (yield* p.peek(from, room))!);
    }
    return { result, out, attr: (yield* p.peek(addr, ATTR_BYTES))! };
  }

  #bytes(hex: string): Uint8Array {
    const whole = hex.replace(/\{(\w+)\}/g, (_, name: string) => {
      const fd = this.#fds.get(name)!;
      return [0, 8, 16, 24].map((n) => ((fd >> n) & 255).toString(16).padStart(2, '0')).join('');
    });
    return Uint8Array.from(whole.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  }
}

function pages(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / 4096)) * 4096;
}

/** Boots a kernel, and runs one process that calls bpf(2). Without failures. */
export function bpfSolo(body: (bpf: BpfCaller, p: Proc, world: FdWorld) => Sim<void>): FdWorld {
  return solo('v7.2', (p, world) => body(new BpfCaller(p), p, world));
}

export function le32(bytes: Uint8Array, at = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(at, true);
}

export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? undefined : end));
}
