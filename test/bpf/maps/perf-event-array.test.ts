import { expect, test } from 'vitest';
import { PERF_EVENT_IOC_DISABLE } from '../../../bpf/uapi-perf.ts';
import * as flag from '../../../bpf/maps/flags.ts';
import type { PerfEventArray } from '../../../bpf/maps/perf-event-array.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { E2BIG, EBADF, EINVAL, ENOENT, ENOSPC, EOPNOTSUPP } from '../../../kernel/errno.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { BpfCaller } from '../../kit/bpf.ts';
import { FdWorld } from '../../kit/fd-world.ts';
import { makeMap, MapUser, rest } from '../../kit/map-user.ts';

const CURRENT_CPU = 0xffff_ffffn;
const TYPE = MAP_TYPE.PERF_EVENT_ARRAY;

/** perf_event_open() of a buffer for programs' records. */
function* openEvent(p: Proc, cpu: number, pid = -1): Sim<number> {
  const attr = new DataView(new ArrayBuffer(64));
  attr.setUint32(0, 1, true); // PERF_TYPE_SOFTWARE
  attr.setUint32(4, 64, true);
  attr.setBigUint64(8, 10n, true); // PERF_COUNT_SW_BPF_OUTPUT
  attr.setBigUint64(24, 1n << 10n, true); // PERF_SAMPLE_RAW
  const at = p.mmap({ content: new Uint8Array(attr.buffer) });
  return p.ok(yield* p.sys('perf_event_open', at, pid, cpu, -1, 0));
}

function* output(w: FdWorld, map: PerfEventArray, text: string, flags = CURRENT_CPU): Sim<number> {
  const { slab, memory } = w.kernel.machine;
  const at = slab.kzalloc(text.length);
  memory.unwatched(() => memory.copyIn(at, new TextEncoder().encode(text)));
  w.kernel.rcu.rcu_read_lock();
  const result = yield* map.bpf_perf_event_output(flags, at, text.length);
  w.kernel.rcu.rcu_read_unlock();
  w.kernel.kasan.free(at);
  return result;
}

function solo(body: (p: Proc, w: FdWorld, map: PerfEventArray, user: MapUser) => Sim<void>): void {
  const w: FdWorld = new FdWorld({
    cpus: 2,
    processes: {
      *A(p) {
        const map = yield* makeMap(w.world.bpf.maps, { type: TYPE, valueSize: 4, maxEntries: 2 });
        yield* body(p, w, map as PerfEventArray, new MapUser(w.kernel, map));
      },
    },
  });
  w.run();
}

test('every reason for which a record is not written has its errno', () => {
  solo(function* (p, w, map, user) {
    const here = w.kernel.cpus.this.id;
    expect(yield* output(w, map, 'x')).toBe(-ENOENT);
    expect(yield* output(w, map, 'x', 2n)).toBe(-E2BIG);
    expect(yield* output(w, map, 'x', 1n << 32n)).toBe(-EINVAL);
    expect(yield* user.set(here, [99n])).toBe(-EBADF);
    const other = yield* openEvent(p, 1 - here);
    expect(yield* user.set(here, [BigInt(other)])).toBe(0);
    expect(yield* output(w, map, 'x')).toBe(-EOPNOTSUPP);
    const fd = yield* openEvent(p, here);
    expect(yield* user.set(here, [BigInt(fd)])).toBe(0);
    expect(yield* output(w, map, 'x')).toBe(-ENOSPC); // nobody has mapped it
    expect(yield* w.world.bpf.hooks.perfEvents.perf_mmap(fd, 3)).toBe(-EINVAL);
    expect(yield* w.world.bpf.hooks.perfEvents.perf_mmap(fd, 1)).toBe(0);
    expect(yield* output(w, map, 'x')).toBe(0);
    expect(yield* p.sys('ioctl', fd, PERF_EVENT_IOC_DISABLE, 0)).toBe(0);
    expect(yield* output(w, map, 'x')).toBe(-EOPNOTSUPP);
    expect(yield* user.remove(here)).toBe(0);
    expect(yield* user.remove(here)).toBe(-ENOENT);
    yield* rest(p);
    expect(w.refs(fd)).toBe(1);
  });
});

test('records come out as they went in, across the end of the buffer; the lost are told of', () => {
  solo(function* (p, w, map, user) {
    const { perfEvents } = w.world.bpf.hooks;
    const here = w.kernel.cpus.this.id;
    const fd = yield* openEvent(p, here);
    yield* user.set(here, [BigInt(fd)]);
    yield* perfEvents.perf_mmap(fd, 1);
    for (let round = 0; round < 5; round++) {
      const sent: string[] = [];
      let lost = 0;
      for (let i = 0; i < 50; i++) {
        const text = `${round}.${i}:`.padEnd(100 + i, 'x');
        const result = yield* output(w, map, text);
        if (result === 0) sent.push(text);
        else lost += result === -ENOSPC ? 1 : Number.NaN;
      }
      const got = (yield* perfEvents.consume(fd)) as { data?: Uint8Array; lost?: number }[];
      const texts = got.flatMap(({ data }) => (data ? [new TextDecoder().decode(data)] : []));
      expect(texts.map((text) => text.replace(/\0+$/, ''))).toEqual(sent);
      expect(lost).toBe(50 - sent.length);
      expect(lost).toBeGreaterThan(0);
      expect(got.flatMap((record) => record.lost ?? [])).toEqual(round === 0 ? [] : [lost]);
    }
  });
});

test.each([
  ['goes with the file of the map', 0, 1],
  ['stays with BPF_F_PRESERVE_ELEMS', flag.PRESERVE_ELEMS, 2],
])('an event %s', (_, flags, refs) => {
  const w: FdWorld = new FdWorld({
    processes: {
      *A(p) {
        const bpf = new BpfCaller(p);
        const make = `m = bpf 0 0:4=${TYPE} 4:4=4 8:4=4 12:4=2 16:4=${flags}`;
        const m = p.ok((yield* bpf.call(make)).result);
        const again = p.ok((yield* bpf.call('bpf 14 0:4=1')).result); // another file of it
        const event = yield* openEvent(p, 0);
        const value = `16:8=&${event.toString(16).padStart(2, '0')}000000`;
        p.ok((yield* bpf.call(`bpf 2 0:4=$m 8:8=&00000000 ${value}`)).result);
        p.ok(yield* p.close(m));
        yield* rest(p);
        expect(w.refs(event)).toBe(refs);
        p.ok(yield* p.close(again));
        yield* rest(p);
        expect(w.refs(event)).toBe(1);
      },
    },
  });
  w.run();
});
