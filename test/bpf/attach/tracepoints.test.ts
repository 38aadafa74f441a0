import { describe, expect, test } from 'vitest';
import {
  PERF_EVENT_IOC_ENABLE,
  PERF_EVENT_IOC_SET_BPF,
  PERF_FLAG_FD_CLOEXEC,
  PERF_TYPE_TRACEPOINT,
} from '../../../bpf/uapi-perf.ts';
import type { Attachment } from '../../../bpf/attach/links.ts';
import type { ExecProgram } from '../../../bpf/prog/exec-program.ts';
import { kernelAddress } from '../../../bpf/vm/frame.ts';
import { EBADF, EEXIST, EFAULT, EINVAL, ENOENT } from '../../../kernel/errno.ts';
import { sys_enter } from '../../../kernel/trace-events.ts';
import type { Sim } from '../../../sim/request.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { HookWorld } from '../../kit/hook-world.ts';

const TRACEPOINT = 5;
const RAW_TRACEPOINT = 17;

/** Attaches as a raw tracepoint program; gives what takes it off. */
function raw(w: HookWorld, event: string, prog: ExecProgram): Attachment {
  const made = w.hooks.links.rawTracepoint({ ...prog, type: RAW_TRACEPOINT }, event);
  if (typeof made === 'number') throw new Error(`${event}: ${made}`);
  expect(made.attach()).toBe(0);
  return made;
}

/** Opens an event as libbpf does: reads its id, then asks for a perf event. */
function* perfEvent(w: HookWorld, name: string): Sim<number> {
  const fd = yield* w.sys('open', yield* w.path(`/sys/kernel/tracing/events/${name}/id`), 0, 0);
  if (fd < 0) return fd;
  const at = yield* w.userBytes(new Uint8Array(16), 256);
  const size = yield* w.sys('read', fd, at, 16);
  yield* w.sys('close', fd);
  const { mm } = w.kernel;
  const text = new TextDecoder().decode(mm.copy_from_user_nofault(at, size)!);
  expect(text.endsWith('\n')).toBe(true);
  return yield* perfEventOpen(w, Number(text));
}

function* perfEventOpen(w: HookWorld, config: number, cpu = 0): Sim<number> {
  const attr = new Uint8Array(64);
  const view = new DataView(attr.buffer);
  view.setUint32(0, PERF_TYPE_TRACEPOINT, true);
  view.setUint32(4, 64, true);
  view.setUint32(8, config, true);
  const at = yield* w.userBytes(attr, 512);
  return yield* w.sys('perf_event_open', at, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

describe('raw tracepoints', () => {
  test('the context is the arguments of the event: pointers, and narrow ones with zeros', () => {
    const w = new HookWorld({ cpuCount: 1 });
    const link = raw(w, 'sched_switch', w.program('on_switch', 4));
    let init = 0n;
    let child = 0;
    const failures = w.run(function* () {
      init = kernelAddress(w.kernel.sched.current.addr);
      yield* w.fork('child', function* () {
        child = w.kernel.sched.current.addr;
      });
      yield* w.sys('wait4', -1, 0, 0, 0);
      link.release();
    });
    expect(failures).toEqual([]);
    const swapper = kernelAddress(w.kernel.cpus.all[0]!.idle!.addr);
    const own = w.seen.filter(({ comm }) => !comm.startsWith('kworker'));
    expect(own.map(({ comm, words }) => [comm, ...words])).toEqual([
      ['swapper/0', 0n, swapper, init, 0n],
      ['init', 0n, init, kernelAddress(child), 1n],
      ['child', 0n, kernelAddress(child), init, 0x80n],
    ]);
    expect(own[0]).toMatchObject({ rcuDepth: 1 });
    const frames = ['bpf_prog_0badc0de01020304_on_switch', 'bpf_trace_run4', '__schedule'];
    expect(own[0]!.stack).toEqual(frames);
    expect(own[1]!.stack.slice(0, 5)).toEqual([...frames, 'schedule', 'wait_event_interruptible']);
  });

  test('a wake-up is seen on the CPU of the waker, before the woken task can run', () => {
    for (let run = 0; run < 60; run++) {
      const w = new HookWorld();
      const ran: string[] = [];
      let wakes = 0;
      const note = w.program('on_wakeup', 1, {
        *act() {
          wakes++;
          ran.push('program');
        },
      });
      raw(w, 'sched_wakeup', note);
      const strategy = new Random(5);
      strategy.begin(run);
      const failures = w.run(function* () {
        yield* w.fork('child', function* () {
          return 0;
        });
        const result = yield* w.sys('wait4', -1, 0, 0, 0);
        ran.push(`init has ${result > 0 ? 'its child' : result}`);
      }, strategy);
      expect(failures.map(({ text }) => text)).toEqual([]);
      if (wakes > 0) expect(ran.at(-1)).toBe('init has its child');
      for (const { comm } of w.seen)
        expect(['child', 'init', 'swapper/0', 'swapper/1']).toContain(comm);
    }
  });

  test('a program in whose run its event comes again misses that, and another does not', () => {
    const w = new HookWorld({ cpuCount: 1 });
    const again = w.program('again', 2, { act: () => getpidBegins(w) });
    const other = w.program('other', 2);
    raw(w, 'sys_enter', again);
    raw(w, 'sys_enter', other);
    expect(w.run(() => w.sys('close', -1))).toEqual([]);
    expect(w.seen.map(({ program, words }) => [program, words[1]])).toEqual([
      ['again', 3n],
      ['other', 39n],
      ['other', 3n],
    ]);
    expect([w.misses(again), w.misses(other)]).toEqual([1n, 0n]);
  });

  test('names that there are not, and programs of other types, are refused', () => {
    const { hooks, ...w } = new HookWorld();
    expect(w).toBeDefined();
    const prog = { type: RAW_TRACEPOINT, attachTo: '' } as ExecProgram;
    expect(hooks.links.rawTracepoint(prog, 'sched_switched')).toBe(-ENOENT);
    expect(hooks.links.rawTracepoint(prog, 'sys_enter_close')).toBe(-ENOENT);
    expect(hooks.links.rawTracepoint(prog, undefined)).toBe(-EFAULT);
    expect(hooks.links.rawTracepoint({ ...prog, type: TRACEPOINT }, 'sched_switch')).toBe(-EINVAL);
  });
});

describe('trace events', () => {
  test('opened by their id, the program gets the record; that of one system call alone', () => {
    const w = new HookWorld();
    const prog = w.program('on_close', 2, { from: 8, type: TRACEPOINT, r0: 1 });
    w.fds.set(900, prog);
    const failures = w.run(function* () {
      const fd = yield* perfEvent(w, 'syscalls/sys_enter_close');
      expect(yield* w.sys('ioctl', fd, PERF_EVENT_IOC_SET_BPF, 900)).toBe(0);
      expect(yield* w.sys('ioctl', fd, PERF_EVENT_IOC_ENABLE, 0)).toBe(0);
      expect(yield* w.sys('ioctl', fd, PERF_EVENT_IOC_SET_BPF, 900)).toBe(-EEXIST);
      yield* w.sys('getpid');
      yield* w.sys('close', 55);
      yield* w.sys('close', fd);
      yield* w.sys('close', 56);
    });
    expect(failures).toEqual([]);
    expect(w.seen.map(({ words }) => words)).toEqual([
      [3n, 55n],
      [3n, expect.any(BigInt)],
    ]);
    expect(w.seen[0]).toMatchObject({ rcuDepth: 1, preemptCount: 1 });
    expect(w.put).toEqual([prog, prog]);
    expect(w.kernel.machine.tracepoints.isAny).toBe(false);
  });

  test('a link keeps the perf event, and takes the program off', () => {
    const w = new HookWorld();
    const prog = w.program('on_exit', 1, { from: 24, type: TRACEPOINT, r0: 1 });
    const failures = w.run(function* () {
      const fd = yield* perfEvent(w, 'sched/sched_process_exit');
      const link = yield* w.hooks.links.perfEvent(prog, fd);
      if (typeof link === 'number') throw new Error(`${link}`);
      expect(yield* link.attach() as Sim<number>).toBe(0);
      yield* w.sys('close', fd);
      const childDoes = function* (): Sim<void> {};
      yield* w.fork('child', childDoes);
      yield* w.sys('wait4', -1, 0, 0, 0);
      yield* link.release() as Sim<void>;
      yield* w.fork('late', childDoes);
      yield* w.sys('wait4', -1, 0, 0, 0);
    });
    expect(failures).toEqual([]);
    expect(w.seen.map(({ comm, words }) => [comm, words[0]])).toEqual([
      ['child', (120n << 32n) | 101n],
    ]);
  });

  test('while one program of an event runs on a CPU no other does: all of them miss it', () => {
    const w = new HookWorld({ cpuCount: 1 });
    const enter = w.program('on_enter', 0, {
      type: TRACEPOINT,
      act: () => getpidBegins(w),
    });
    const rawOne = w.program('raw', 0);
    const inner = w.program('inner', 0, { type: TRACEPOINT });
    const { tracepoints } = w.hooks;
    const event = (name: string) => w.hooks.event('syscalls', name)!;
    expect(tracepoints.perf_event_attach_bpf_prog(event('sys_enter_close'), enter)).toBe(0);
    expect(tracepoints.perf_event_attach_bpf_prog(event('sys_enter_close'), enter)).toBe(-EEXIST);
    expect(tracepoints.perf_event_attach_bpf_prog(event('sys_enter_getpid'), inner)).toBe(0);
    raw(w, 'sys_enter', rawOne);
    w.hooks.rules.bpf_prog_active(0, 1);
    const failures = w.run(function* () {
      yield* w.sys('close', -1); // as from within a map operation
      w.hooks.rules.bpf_prog_active(0, -1);
      yield* w.sys('close', -1);
    });
    expect(failures).toEqual([]);
    expect(w.seen.map(({ program }) => program)).toEqual(['raw', 'on_enter', 'raw', 'raw']);
    expect(w.misses(enter)).toBe(1n);
    expect(w.misses(inner)).toBe(0n); // no record is begun inside another: nobody counts that
  });

  test('perf_event_open() refuses as Linux does', () => {
    const w = new HookWorld();
    const results: number[] = [];
    w.run(function* () {
      results.push(yield* perfEventOpen(w, 9));
      results.push(yield* w.sys('perf_event_open', 8, -1, 0, -1, 0x10));
      const none = yield* w.hooks.links.perfEvent({ type: TRACEPOINT } as ExecProgram, 77);
      results.push(none as number);
      results.push(yield* perfEvent(w, 'sched/none'));
    });
    expect(results).toEqual([-EINVAL, -EINVAL, -EBADF, -ENOENT]);
  });
});

/** As if a system call began inside a program. */
function getpidBegins({ kernel }: HookWorld): Sim<void> {
  return kernel.machine.tracepoints.trace(sys_enter, [kernel.sched.current.regs, 39]);
}
