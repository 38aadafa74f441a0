import { describe, expect, test } from 'vitest';
import { Kernel } from '../../kernel/kernel.ts';
import type { Task } from '../../kernel/task.ts';
import { DEFAULT_PRIO } from '../../kernel/task.ts';
import * as events from '../../kernel/trace-events.ts';
import { recordText, TraceRecord } from '../../kernel/trace-record.ts';
import type { EventArgs, Probe, TraceEvent } from '../../kernel/tracepoint.ts';
import type { Mode } from '../../sim/engine.ts';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import type { Strategy } from '../../sim/strategy.ts';

const HERE = site('tracepoint_test', 'here');
const SIGCHLD = 17;

/** A kernel whose probes write down what they see: who is current, the event, its line. */
class Watched {
  readonly kernel: Kernel;
  readonly lines: string[] = [];
  readonly states: string[] = [];

  constructor(mode: Mode = 'explore', cpuCount = 1) {
    const mutations = new Set<string>();
    this.kernel = new Kernel({ cpuCount, profile: 'v7.2', mutations, mode });
  }

  probe(event: TraceEvent, more?: (args: EventArgs) => Sim<void>): Probe {
    const run = (args: EventArgs): Sim<void> => this.#see(event, args, more);
    return { name: `watch ${event.name}`, run };
  }

  watch(...watched: TraceEvent[]): void {
    for (const event of watched) this.kernel.machine.tracepoints.register(event, this.probe(event));
  }

  *#see(event: TraceEvent, args: EventArgs, more?: (args: EventArgs) => Sim<void>): Sim<void> {
    const { machine, cpus } = this.kernel;
    const { memory, slab } = machine;
    const record = new TraceRecord(event, memory, args);
    const addr = slab.kmalloc(record.sizeBytes);
    const { comm, pid } = cpus.current;
    memory.unwatched(() => {
      record.write(memory, addr, { pid, flags: 0, preemptCount: cpus.this.preemptCount });
      this.lines.push(`${comm} ${event.name}: ${recordText(event, memory, addr)}`);
    });
    slab.free(addr);
    const { irqsOff, preemptCount } = cpus.this;
    this.states.push(`${event.name} irqs ${irqsOff > 0 ? 'off' : 'on'} preempt ${preemptCount}`);
    yield* step(HERE);
    if (more) yield* more(args);
    yield* step(HERE);
  }

  run(body: (w: Watched) => Sim<unknown>, strategy: Strategy = new Stay()): void {
    this.kernel.boot(() => body(this));
    const { engine } = this.kernel.machine;
    engine.run(strategy);
    expect(engine.failures.map(({ text }) => text)).toEqual([]);
  }

  *fork(comm: string, run: (task: Task) => Sim<number | void>): Sim<number> {
    const { sched, processes, syscalls } = this.kernel;
    processes.clones.nextBody.set(sched.current, { run, comm, path: comm });
    return yield* syscalls.invoke('clone', SIGCHLD, 0, 0, 0, 0);
  }

  *wait(): Sim<void> {
    yield* this.kernel.syscalls.invoke('wait4', -1, 0, 0, 0);
  }

  *exec(path: string): Sim<void> {
    const { mm, sched, syscalls } = this.kernel;
    const at = mm.mmArena(sched.current.s.mm).addr;
    yield* mm.userWrite(at, new TextEncoder().encode(`${path}\0`));
    yield* syscalls.invoke('execve', at, 0, 0);
  }
}

const SCHED = [
  events.sched_switch,
  events.sched_waking,
  events.sched_wakeup,
  events.sched_wakeup_new,
];
const PROCESS = [
  events.task_newtask,
  events.sched_process_fork,
  events.sched_process_exec,
  events.sched_process_exit,
  events.sched_process_free,
  events.task_rename,
];

function* forkExecExit(w: Watched): Sim<void> {
  yield* w.fork('child', function* () {
    yield* w.exec('/bin/true');
  });
  yield* w.wait();
}

describe('processes', () => {
  test('a fork, an exec and an exit pass their events in the order of Linux', () => {
    const w = new Watched();
    w.watch(...PROCESS);
    w.run(forkExecExit);
    expect(w.lines).toEqual([
      'init task_newtask: pid=101 comm=child clone_flags=0 oom_score_adj=0',
      'init sched_process_fork: comm=init pid=1 child_comm=child child_pid=101',
      'child task_rename: pid=101 oldcomm=child newcomm=true oom_score_adj=0',
      'true sched_process_exec: filename=/bin/true pid=101 old_pid=101',
      'true sched_process_exit: comm=true pid=101 prio=120 group_dead=true',
      'swapper/0 sched_process_free: comm=true pid=101 prio=120',
    ]);
  });

  test('system calls pass their numbers, arguments and results', () => {
    const w = new Watched();
    w.watch(events.sys_enter, events.sys_exit);
    w.run(function* () {
      yield* w.kernel.syscalls.invoke('close', -1);
      yield* w.kernel.syscalls.invoke('getpid');
    });
    expect(w.lines).toEqual([
      'init sys_enter: NR 3 (ffffffffffffffff, 0, 0, 0, 0, 0)',
      'init sys_exit: NR 3 = -9',
      'init sys_enter: NR 39 (0, 0, 0, 0, 0, 0)',
      'init sys_exit: NR 39 = 1',
    ]);
  });
});

describe.each(['explore', 'timed'] as const)('the scheduler, %s', (mode) => {
  test('on one CPU: switches and wake-ups, the idle task as one side where nothing runs', () => {
    const w = new Watched(mode);
    w.watch(...SCHED);
    w.run(forkExecExit);
    const line = (from: string, state: string, to: string): string =>
      `${from.split(':')[0]} sched_switch: prev_comm=${from.split(':')[0]} ` +
      `prev_pid=${from.split(':')[1]} prev_prio=${DEFAULT_PRIO} prev_state=${state} ==> ` +
      `next_comm=${to.split(':')[0]} next_pid=${to.split(':')[1]} next_prio=${DEFAULT_PRIO}`;
    const init = 'comm=init pid=1 prio=120 target_cpu=000';
    expect(w.lines.filter((text) => !text.includes('kworker'))).toEqual([
      line('swapper/0:0', 'R', 'init:1'),
      'init sched_wakeup_new: comm=child pid=101 prio=120 target_cpu=000',
      line('init:1', 'S', 'child:101'),
      `true sched_waking: ${init}`,
      `true sched_wakeup: ${init}`,
      line('true:101', 'Z', 'init:1'),
      line('init:1', 'S', 'swapper/0:0'),
    ]);
    expect(new Set(w.states)).toEqual(
      new Set(SCHED.map(({ name }) => `${name} irqs off preempt 2`)),
    );
  });

  test('on two CPUs: the child comes to the other, whose idle task leaves for it', () => {
    const w = new Watched(mode, 2);
    w.watch(events.sched_switch, events.sched_wakeup_new);
    w.run(forkExecExit);
    expect(w.lines).toContain('init sched_wakeup_new: comm=child pid=101 prio=120 target_cpu=001');
    const out = w.lines.find((text) => text.includes('prev_comm=swapper/1'))!;
    expect(out).toContain('next_comm=child next_pid=101');
    expect(w.lines.some((text) => /prev_pid=101 .*prev_state=[ZX] /.test(text))).toBe(true);
  });
});

describe('who wakes', () => {
  test('a timer does so as an interrupt of the CPU on which it was set', () => {
    const w = new Watched('timed', 2);
    const kinds: string[] = [];
    const { tracepoints } = w.kernel.machine;
    const note = function* (): Sim<void> {
      const { context, this: cpu, current } = w.kernel.cpus;
      kinds.push(`${context?.kind} on CPU ${cpu.id} over ${current.comm}`);
    };
    tracepoints.register(events.sched_wakeup, w.probe(events.sched_wakeup, note));
    w.run(function* () {
      yield* w.kernel.timers.msleep(5_000_000);
    });
    expect(kinds).toEqual(['hardirq on CPU 0 over swapper/0']);
  });

  test('a task that loses its CPU for another is reported as running', () => {
    const w = new Watched('timed');
    w.watch(events.sched_switch);
    w.run(function* () {
      for (const comm of ['a', 'b']) {
        yield* w.fork(comm, () => w.kernel.timers.__udelay(20_000_000));
      }
      yield* w.wait();
      yield* w.wait();
    });
    const states = w.lines
      .filter((line) => /^[ab] /.test(line))
      .map((line) => /state=(\S+)/.exec(line)![1]);
    expect(states).toContain('R+');
    expect(states.filter((state) => state === 'Z')).toHaveLength(2);
  });
});

test('a probe that is taken off while it runs runs to its end, and not again', () => {
  const w = new Watched();
  const { tracepoints } = w.kernel.machine;
  const seen: string[] = [];
  const probe = w.probe(events.sys_enter, function* () {
    tracepoints.unregister(events.sys_enter, probe);
    yield* step(HERE);
    seen.push('to the end');
  });
  tracepoints.register(events.sys_enter, probe);
  w.run(function* () {
    yield* w.kernel.syscalls.invoke('getpid');
    yield* w.kernel.syscalls.invoke('getpid');
  });
  expect(seen).toEqual(['to the end']);
  expect(tracepoints.isAny).toBe(false);
});

test('after a rollback there is what there was at the checkpoint, and no more', () => {
  const { kernel } = new Watched('explore', 2);
  const child = { run: function* () {}, comm: 'child', path: 'child' };
  kernel.boot(function* () {
    kernel.sched.gate = [];
    kernel.processes.clones.nextBody.set(kernel.sched.current, child);
    yield* kernel.syscalls.invoke('clone', SIGCHLD, 0, 0, 0, 0);
  });
  const { engine, tracepoints } = kernel.machine;
  engine.run(new Stay());
  const gated = kernel.sched.gate!;
  kernel.sched.gate = null;
  kernel.checkpoint();
  const run = (watched: boolean): string => {
    kernel.rollback();
    for (const event of watched ? events.TRACE_EVENTS : []) {
      tracepoints.register(event, { name: '', *run() {} });
    }
    for (const task of gated) {
      task.restart();
      kernel.sched.wakeNew(task);
    }
    engine.run(new Stay());
    expect(engine.failures).toEqual([]);
    return engine.trace.digest();
  };
  const plain = run(false);
  const watched = run(true);
  expect(watched).not.toBe(plain);
  expect([run(false), run(true), run(false)]).toEqual([plain, watched, plain]);
});
