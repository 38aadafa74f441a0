import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as perf from '../../../bpf/uapi-perf.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../../bpf/uapi.ts';
import type { BpfObject } from '../../../bpf/user/object.ts';
import type { PerfEventOpen } from '../../../bpf/user/calls.ts';
import { EBADF, EEXIST, EINVAL, ENOENT, ENOSPC, ENOTTY, errnoText } from '../../../kernel/errno.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { compiledBytes } from '../../kit/compiled.ts';

const MS = 1_000_000;
const HARDWARE: PerfEventOpen = { type: perf.PERF_TYPE_HARDWARE, config: 0 };
const CYCLES_PER_MS = 3 * MS;
const CLOCK: PerfEventOpen = { type: perf.PERF_TYPE_SOFTWARE, config: 0 };
/** `r0 = 0; exit` */
const NOTHING = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

function* loaded(p: Proc, ...names: readonly string[]): Sim<BpfObject> {
  const object = p.openObject(compiledBytes('hooks', 'clang-22-v3'), 'hooks.bpf.o');
  for (const name of names) object.program(name).isWanted = true;
  yield* object.load();
  return object;
}

function* program(p: Proc, type: number): Sim<number> {
  const load = { type, insns: NOTHING, license: 'GPL', name: 'nothing' };
  return p.ok((yield* p.calls.progLoad(load)).fd);
}

function* words(object: BpfObject, name: string): Sim<number[]> {
  const bytes = yield* object.mapOf(name).variable(name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}

function* count(object: BpfObject): Sim<number> {
  return (yield* words(object, 'calls'))[0]!;
}

const inSandbox = <T>(work: (p: Proc) => Sim<T>, cpus = 1): T => new BpfSandbox({ cpus }).run(work);

describe('as Linux 7.2', () => {
  const text = readFileSync(new URL('../../data/perf-events.txt', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  test.each(rows)('perf_event_open: %s', (row) => {
    const [type, config, sample, pid, cpu, more, result] = row.split(' ');
    const [key, value] = more!.split('=');
    const fd = inSandbox((p) =>
      p.calls.perfEventOpen({
        type: Number(type),
        config: Number(config),
        sample: BigInt(sample!.replace('f', '')),
        isFrequency: sample!.endsWith('f'),
        pid: Number(pid),
        cpu: Number(cpu),
        ...(more === '-' ? {} : { [key!]: key === 'sampleType' ? BigInt(value!) : Number(value) }),
      }),
    );
    expect(fd < 0 ? errnoText(fd).slice(1) : 'fd').toBe(result);
  });

  test('programs are hung on an event by ioctl(2): one, of the right type', () => {
    const results = inSandbox(function* (p): Sim<number[]> {
      const event = p.ok(yield* p.calls.perfEventOpen({ ...CLOCK, sample: MS, pid: -1, cpu: 0 }));
      const set = (fd: number): Sim<number> => p.ioctl(event, perf.PERF_EVENT_IOC_SET_BPF, fd);
      const own = yield* program(p, PROG_TYPE.PERF_EVENT);
      const trace = yield* program(p, PROG_TYPE.TRACEPOINT);
      const given = [yield* set(trace), yield* set(yield* program(p, PROG_TYPE.KPROBE))];
      given.push(yield* set(99), yield* set(own), yield* set(own), yield* set(trace));
      const targetFd = event;
      const link = { progFd: own, targetFd, attachType: ATTACH_TYPE.PERF_EVENT };
      given.push(yield* p.calls.linkCreate(link));
      const period = new Uint8Array(8);
      period[1] = 1;
      given.push(yield* p.ioctl(event, perf.PERF_EVENT_IOC_PERIOD, period));
      given.push(yield* p.ioctl(event, perf.PERF_EVENT_IOC_PERIOD, new Uint8Array(8)));
      given.push(yield* p.ioctl(event, 0x1234));
      const [whole, half] = [yield* p.read(event, 8), yield* p.read(event, 4)];
      return [...given, typeof whole === 'number' ? whole : whole.length, half as number];
    });
    expect(results.slice(0, 7)).toEqual([-EINVAL, -EINVAL, -EBADF, 0, -EEXIST, -EEXIST, -EEXIST]);
    expect(results.slice(7)).toEqual([0, -EINVAL, -ENOTTY, 8, -ENOSPC]);
  });

  test('and by BPF_LINK_CREATE, until the link goes', () => {
    const results = inSandbox(function* (p): Sim<number[]> {
      const event = p.ok(yield* p.calls.perfEventOpen({ ...CLOCK, sample: MS, pid: -1, cpu: 0 }));
      const own = yield* program(p, PROG_TYPE.PERF_EVENT);
      const link = (progFd: number, targetFd: number, attachType: number, flags = 0): Sim<number> =>
        p.calls.linkCreate({ progFd, targetFd, attachType, flags });
      const type = ATTACH_TYPE.PERF_EVENT;
      const given = [
        yield* link(yield* program(p, PROG_TYPE.TRACEPOINT), event, type),
        yield* link(yield* program(p, PROG_TYPE.KPROBE), event, type),
        yield* link(own, event, 0),
        yield* link(own, event, ATTACH_TYPE.TRACE_FENTRY),
        yield* link(own, event, type, 1),
        yield* link(own, 99, type),
      ];
      const fd = p.ok(yield* link(own, event, type));
      given.push(yield* link(yield* program(p, PROG_TYPE.PERF_EVENT), event, type));
      const info = yield* p.calls.objInfo(fd, 40);
      yield* p.close(fd);
      const again = yield* link(own, event, type);
      given.push(again > 0 ? 1 : again, yield* p.calls.rawTracepointOpen('', own));
      const view = new DataView((info as Uint8Array).slice().buffer);
      return [...given, ...[0, 16, 24, 32].map((at) => view.getUint32(at, true))];
    });
    const refused = [-EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EBADF, -EEXIST] as const;
    expect(results).toEqual([...refused, 1, -EINVAL, 7, 6, 0, 6]);
  });
});

describe('03 R3, R14: programs run where a counter overflows', () => {
  test('cycles, as an NMI; a clock, in the interrupt of its timer', () => {
    for (const [event, perMs, symbol] of [
      [HARDWARE, CYCLES_PER_MS, 'perf_event_nmi_handler'],
      [CLOCK, MS, 'perf_swevent_hrtimer'],
    ] as const) {
      const sandbox = new BpfSandbox({ cpus: 1 });
      const stacks: string[] = [];
      const seen = sandbox.run(function* (p): Sim<number[]> {
        const object = yield* loaded(p, 'sample');
        const fd = p.ok(yield* p.calls.perfEventOpen({ ...event, sample: perMs, disabled: true }));
        sandbox.kernel.machine.engine.monitors.push({
          step(_cpu, fiber) {
            if (fiber.path.startsWith('CPU0/perf')) stacks.push(fiber.path);
          },
        });
        yield* object.program('sample').attachPerfEvent(fd); // which enables it
        yield* p.compute(20 * MS);
        yield* object.program('sample').detach();
        const calls = yield* count(object);
        yield* p.compute(20 * MS);
        const [period, addr, pid, ...rest] = yield* words(object, 'seen');
        const isOwn = pid === (yield* p.getpid()) ? 1 : 0;
        return [calls, yield* count(object), period!, addr!, isOwn, ...rest];
      });
      expect(seen[0]).toBeGreaterThanOrEqual(19);
      expect(seen[0]).toBeLessThanOrEqual(20);
      expect(seen[1]).toBe(seen[0]);
      expect(seen.slice(2, 8)).toEqual([perMs, 0, 1, 0, 0, 0x10]);
      expect(new Set(stacks)).toEqual(new Set([`CPU0/${symbol}`]));
    }
  });

  test('of one task only while it runs, of one CPU whoever does; disabled, never', () => {
    const run = (more: Partial<PerfEventOpen>): number =>
      inSandbox(function* (p): Sim<number> {
        const object = yield* loaded(p, 'sample');
        const open = { ...HARDWARE, sample: CYCLES_PER_MS, ...more };
        const fd = p.ok(yield* p.calls.perfEventOpen(open));
        p.ok(yield* p.ioctl(fd, perf.PERF_EVENT_IOC_SET_BPF, object.program('sample').fd));
        const child = yield* p.fork((c) => c.compute(10 * MS));
        yield* p.nanosleep(50 * MS);
        yield* p.wait(child);
        yield* p.compute(5 * MS);
        return yield* count(object);
      });
    expect(run({})).toBeGreaterThanOrEqual(4);
    expect(run({})).toBeLessThanOrEqual(6);
    expect(run({ pid: -1, cpu: 0 })).toBeGreaterThanOrEqual(14);
    expect(run({ pid: -1, cpu: 0 })).toBeLessThanOrEqual(16);
    expect(run({ disabled: true })).toBe(0);
  });

  test('the clock of a CPU goes on where that has nothing to do', () => {
    const seen = inSandbox(function* (p): Sim<number[]> {
      const object = yield* loaded(p, 'sample');
      // The shell is on CPU 1.
      const fd = p.ok(yield* p.calls.perfEventOpen({ ...CLOCK, sample: MS, pid: -1, cpu: 0 }));
      yield* object.program('sample').attachPerfEvent(fd);
      yield* p.compute(20 * MS);
      yield* object.program('sample').detach();
      const [, , pid, at] = yield* words(object, 'seen');
      return [yield* count(object), pid!, at!];
    }, 2);
    expect(seen[0]).toBeGreaterThanOrEqual(19);
    expect(seen[0]).toBeLessThanOrEqual(20);
    expect(seen.slice(1)).toEqual([0, 0]); // swapper/0
  });

  test('a counter reads as what its task has had of the CPU', () => {
    const counted = inSandbox(function* (p): Sim<number> {
      const fd = p.ok(yield* p.calls.perfEventOpen(HARDWARE));
      yield* p.compute(10 * MS);
      yield* p.nanosleep(30 * MS);
      const bytes = (yield* p.read(fd, 8)) as Uint8Array;
      return Number(new DataView(bytes.slice().buffer).getBigUint64(0, true));
    });
    expect(counted / CYCLES_PER_MS).toBeGreaterThan(9.9);
    expect(counted / CYCLES_PER_MS).toBeLessThan(10.2);
  });

  test('programs read what their own event has counted', () => {
    const seen = inSandbox(function* (p): Sim<number[]> {
      const object = yield* loaded(p, 'reads');
      const fd = p.ok(yield* p.calls.perfEventOpen({ ...HARDWARE, sample: CYCLES_PER_MS }));
      yield* object.program('reads').attachPerfEvent(fd);
      yield* p.compute(10.5 * MS);
      yield* object.program('reads').detach();
      return [yield* count(object), ...(yield* words(object, 'seen'))];
    });
    const [calls, counter, enabled, running, wrong, right] = seen;
    expect([wrong, right]).toEqual([-EINVAL, 0]);
    expect(counter! / CYCLES_PER_MS).toBeCloseTo(calls!, 1);
    expect(enabled! / MS).toBeCloseTo(calls!, 1);
    expect(running).toBe(enabled);
  });

  test('a signal of a program in an NMI is sent once interrupts are on', () => {
    const results = inSandbox(function* (p): Sim<number[]> {
      const child = yield* p.fork(function* (c) {
        const object = c.openObject(compiledBytes('hooks', 'clang-22-v3'), 'hooks.bpf.o');
        object.set('process', yield* c.getpid());
        object.program('kills').isWanted = true;
        yield* object.load();
        const fd = c.ok(yield* c.calls.perfEventOpen({ ...HARDWARE, sample: CYCLES_PER_MS }));
        yield* object.program('kills').attachPerfEvent(fd);
        yield* c.compute(10 * MS);
      });
      const waited = p.ok(yield* p.wait(child));
      return [waited.status];
    });
    expect(results).toEqual([9]);
  });

  test('NMIs come where interrupts are off, and not inside one another', () => {
    const calls = inSandbox(function* (p): Sim<number[]> {
      const object = yield* loaded(p, 'lingers');
      const fd = p.ok(yield* p.calls.perfEventOpen({ ...HARDWARE, sample: CYCLES_PER_MS }));
      yield* object.program('lingers').attachPerfEvent(fd);
      yield* p.compute(10 * MS);
      yield* object.program('lingers').detach();
      const seen = yield* words(object, 'seen');
      return [yield* count(object), seen[7]!];
    });
    expect(calls[0]).toBe(calls[1]);
    expect(calls[0]).toBeGreaterThanOrEqual(9);
    expect(calls[0]).toBeLessThanOrEqual(10);
  });

  test('one that overflows too often rests until the next tick', () => {
    const calls = inSandbox(function* (p): Sim<number> {
      const object = yield* loaded(p, 'sample');
      const fd = p.ok(yield* p.calls.perfEventOpen({ ...HARDWARE, sample: 300 }));
      yield* object.program('sample').attachPerfEvent(fd);
      yield* p.compute(40 * MS);
      return yield* count(object);
    });
    expect(calls).toBeGreaterThan(3_000);
    expect(calls).toBeLessThanOrEqual(400 * 14);
  });

  test('events that there are not', () => {
    const results = inSandbox(function* (p): Sim<number[]> {
      const open = (config: number): Sim<number> =>
        p.calls.perfEventOpen({ type: perf.PERF_TYPE_HARDWARE, config, sample: 1_000 });
      return [yield* open(2), yield* open(10), yield* open(99)];
    });
    expect(results).toEqual([-ENOENT, -EINVAL, -EINVAL]);
  });
});
