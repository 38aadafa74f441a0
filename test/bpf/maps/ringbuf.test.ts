import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as flag from '../../../bpf/maps/flags.ts';
import { BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP, type Ringbuf } from '../../../bpf/maps/ringbuf.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { EAGAIN, EINVAL } from '../../../kernel/errno.ts';
import type { Kernel } from '../../../kernel/kernel.ts';
import type { Sim } from '../../../sim/request.ts';
import { bpfSolo } from '../../kit/bpf.ts';
import { FdWorld } from '../../kit/fd-world.ts';
import { makeMap, requestOf } from '../../kit/map-user.ts';

const SIZE = 4_096;
const [AVAIL, RING_SIZE, CONS, PROD, OVERWRITE] = [0, 1, 2, 3, 4];

function solo(flags: number, body: (rb: Ringbuf, kernel: Kernel) => Sim<void>): void {
  bpfSolo(function* (_bpf, _p, { world, kernel }) {
    const shape = { type: MAP_TYPE.RINGBUF, keySize: 0, valueSize: 0, maxEntries: SIZE, flags };
    yield* body((yield* makeMap(world.bpf.maps, shape)) as Ringbuf, kernel);
  });
}

function* reserve(rb: Ringbuf, kernel: Kernel, size: number, byte: number): Sim<number> {
  const sample = yield* rb.bpf_ringbuf_reserve(size, 0);
  if (sample !== 0) kernel.machine.memory.fill(sample, size, byte);
  return sample;
}

function told(records: readonly Uint8Array[]): string[] {
  return records.map((bytes) => `${bytes.length}:${[...new Set(bytes)].join()}`);
}

const recordBytes = (size: number): number => Math.ceil((size + 8) / 8) * 8;

interface Op {
  readonly op: 'reserve' | 'submit' | 'discard' | 'consume';
  readonly size: number;
  readonly which: number;
}

const ops = fc.array(
  fc.record<Op>({
    op: fc.constantFrom('reserve', 'reserve', 'submit', 'submit', 'discard', 'consume'),
    size: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 500, max: 1_500 })),
    which: fc.nat(9),
  }),
  { maxLength: 120 },
);

interface Sent {
  readonly size: number;
  readonly byte: number;
  readonly sample: number;
  state: 'busy' | 'ready' | 'discarded';
}

test('records are read whole and in order, up to the first that is not committed', () => {
  solo(0, function* (rb, kernel) {
    let byte = 0;
    for (const run of fc.sample(ops, { numRuns: 30, seed: 3 })) {
      let queue: Sent[] = [];
      for (const { op, size, which } of run) {
        const busy = queue.filter(({ state }) => state === 'busy');
        const chosen = busy[which % busy.length];
        if (op === 'reserve') {
          byte = (byte % 250) + 1;
          const used = queue.reduce((sum, each) => sum + recordBytes(each.size), 0);
          const sample = yield* reserve(rb, kernel, size, byte);
          expect(sample !== 0).toBe(used + recordBytes(size) <= SIZE - 1);
          if (sample !== 0) queue.push({ size, byte, sample, state: 'busy' });
        } else if (op === 'consume') {
          const end = queue.findIndex(({ state }) => state === 'busy');
          const ready = queue.splice(0, end < 0 ? queue.length : end);
          const wanted = ready.filter(({ state }) => state === 'ready');
          const texts = wanted.map((each) => `${each.size}:${each.byte}`);
          expect(told(yield* rb.consume())).toEqual(texts);
        } else if (chosen) {
          yield* rb.bpf_ringbuf_commit(chosen.sample, 0, op === 'discard');
          chosen.state = op === 'discard' ? 'discarded' : 'ready';
        }
      }
      for (const { sample, state } of queue) {
        if (state === 'busy') yield* rb.bpf_ringbuf_commit(sample, 0, true);
      }
      yield* rb.consume();
      queue = [];
      expect(rb.bpf_ringbuf_query(AVAIL!)).toBe(0n);
    }
  });
});

describe('bpf_ringbuf_output()', () => {
  test('wakes the reader where the record is the next one, or as its flags say', () => {
    solo(0, function* (rb, kernel) {
      const from = kernel.machine.slab.kzalloc(8);
      const wakeups: number[] = [];
      for (const flags of [0, 0, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP]) {
        expect(yield* rb.bpf_ringbuf_output(from, 8, flags)).toBe(0);
        wakeups.push(rb.wakeups);
      }
      yield* rb.consume();
      yield* rb.bpf_ringbuf_output(from, 8, BPF_RB_NO_WAKEUP);
      wakeups.push(rb.wakeups);
      expect(wakeups).toEqual([1, 1, 2, 2, 2]);
      expect(yield* rb.bpf_ringbuf_output(from, 8, 4)).toBe(-EINVAL);
    });
  });

  test('gives -EAGAIN where there is no room, and tells of positions', () => {
    solo(0, function* (rb, kernel) {
      const from = kernel.machine.slab.kzalloc(SIZE);
      expect(yield* rb.bpf_ringbuf_output(from, SIZE - 8, 0)).toBe(-EAGAIN);
      expect(yield* rb.bpf_ringbuf_output(from, SIZE - 16, 0)).toBe(0);
      expect(yield* rb.bpf_ringbuf_output(from, 1, 0)).toBe(-EAGAIN);
      yield* rb.consume();
      expect(yield* rb.bpf_ringbuf_output(from, 1, 0)).toBe(0);
      const queried = [AVAIL, RING_SIZE, CONS, PROD, 9].map((what) => rb.bpf_ringbuf_query(what!));
      expect(queried).toEqual([16n, 4096n, 4088n, 4104n, 0n]);
    });
  });
});

test('BPF_F_RB_OVERWRITE: the newest records are there, but for what is not committed', () => {
  solo(flag.RB_OVERWRITE, function* (rb, kernel) {
    for (let i = 1; i <= 100; i++) {
      yield* rb.bpf_ringbuf_commit(yield* reserve(rb, kernel, 100, i), 0, false);
    }
    const count = Math.floor((SIZE - 1) / recordBytes(100));
    expect(rb.bpf_ringbuf_query(OVERWRITE!)).toBe(BigInt((100 - count) * recordBytes(100)));
    const newest = Array.from({ length: count }, (_, i) => `100:${100 - count + 1 + i}`);
    expect(told(yield* rb.consume())).toEqual(newest);
    const busy = yield* reserve(rb, kernel, 8, 1);
    for (let i = 0; i < count; i++) {
      yield* rb.bpf_ringbuf_commit(yield* reserve(rb, kernel, 100, 2), 0, false);
    }
    expect(yield* reserve(rb, kernel, 100, 3)).toBe(0);
    yield* rb.bpf_ringbuf_commit(busy, 0, false);
    expect(yield* reserve(rb, kernel, 100, 3)).not.toBe(0);
  });
});

test('two CPUs write and one reads at once: every record once, whole, each CPU’s in order', () => {
  let read: string[] = [];
  let open = 0;
  let rb: Ringbuf | undefined;
  function* write(w: FdWorld, byte: number): Sim<void> {
    for (const size of [8, 16]) {
      const sample = yield* reserve(rb!, w.kernel, size, byte);
      yield* rb!.bpf_ringbuf_commit(sample, 0, false);
    }
    open--;
  }
  const w: FdWorld = new FdWorld({
    cpus: 2,
    processes: {
      *A(p) {
        open = 2;
        read = [];
        const shape = { type: MAP_TYPE.RINGBUF, keySize: 0, valueSize: 0, maxEntries: SIZE };
        const made = yield* w.world.bpf.maps.map_create(requestOf(shape));
        rb = made as Ringbuf;
        yield* p.fork(() => write(w, 1));
        yield* write(w, 2);
        read.push(...told(yield* rb.consume()));
        while (open > 0) yield* p.nanosleep(1_000);
        read.push(...told(yield* rb.consume()));
      },
    },
  });
  const after = (): void => {
    expect(read.filter((text) => text.endsWith(':1'))).toEqual(['8:1', '16:1']);
    expect(read.filter((text) => text.endsWith(':2'))).toEqual(['8:2', '16:2']);
  };
  w.everyRun('random', after, 300);
  w.everyRun('exhaustive:2', after, 300);
});
