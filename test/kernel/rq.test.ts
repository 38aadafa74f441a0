/** The lock of a run queue, which is held while probes of sched_switch run. Spec 03 R3. */
import { describe, expect, test } from 'vitest';
import type { KernelCpu } from '../../kernel/cpu.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { sched_switch } from '../../kernel/trace-events.ts';
import { scenario, type Body } from '../../scenarios/dsl.ts';
import { World } from '../../scenarios/world.ts';
import type { Mode } from '../../sim/engine.ts';
import { explore } from '../../sim/explore.ts';
import { step, type Sim } from '../../sim/request.ts';
import { site, siteOf } from '../../sim/site.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';
import { Stay } from '../../sim/strategies/stay.ts';

const PROBE = site('rq_test', 'probe');
const MS = 1_000_000;

/** A world in which `probe` hangs on every switch of tasks. */
class Probed {
  readonly world: World;
  /** CPUs that are in a probe now. */
  readonly inside = new Set<KernelCpu>();
  /** Who was woken from elsewhere while a probe ran there. */
  readonly early: string[] = [];
  /** CPUs seen spinning on a run queue's lock, with interrupts off or not. */
  readonly spinning = new Set<string>();
  readonly wokenAtNs: number[] = [];

  constructor(processes: Record<string, Body>, probe: (kernel: Kernel) => Sim<void>, mode: Mode) {
    const definition = scenario({ name: 'probed', about: 'switches that take long', processes });
    this.world = new World(definition, { mode });
    const { kernel } = this.world;
    kernel.rollback();
    const run = (): Sim<void> => this.#see(kernel, probe);
    kernel.machine.tracepoints.register(sched_switch, { name: 'probe', run });
    const { onWakeup } = kernel.sched.hooks;
    kernel.sched.hooks.onWakeup = (task) => {
      onWakeup(task);
      if (this.inside.has(kernel.cpus.all[task.s.cpu]!)) this.early.push(task.path);
      this.wokenAtNs.push(kernel.machine.engine.nowNs());
    };
    kernel.checkpoint();
  }

  *#see(kernel: Kernel, probe: (kernel: Kernel) => Sim<void>): Sim<void> {
    const cpu = kernel.cpus.this;
    this.inside.add(cpu);
    for (let i = 0; i < 4; i++) {
      yield* step(PROBE);
      this.#look(kernel);
    }
    yield* probe(kernel);
    this.#look(kernel);
    this.inside.delete(cpu);
  }

  #look(kernel: Kernel): void {
    for (const { sim, irqsOff } of kernel.cpus.all) {
      if (!sim.fiber?.spinning) continue;
      const at = siteOf(sim.fiber.pending.site).name;
      this.spinning.add(`${at}, interrupts ${irqsOff > 0 ? 'off' : 'on'}`);
    }
  }
}

const nothing = function* (): Sim<void> {};

/** B wakes A, which is on another CPU and about to sleep. */
const PAIR: Record<string, Body> = {
  *A(p) {
    const [read, write] = p.ok(yield* p.pipe());
    p.note('write', write);
    const pid = p.ok(yield* p.fork((child) => waker(child, write), 'waker'));
    for (let i = 0; i < 3; i++) p.ok(yield* p.read(read, 1));
    p.ok(yield* p.wait(pid));
  },
  *B() {},
};

const waker: (...args: [Parameters<Body>[0], number]) => Sim<void> = function* (p, write) {
  for (let i = 0; i < 3; i++) p.ok(yield* p.write(write, '.'));
};

describe('03 R3: while probes of a switch run, its run queue is locked', () => {
  test.each(['random', 'pct:3:100', 'round-robin'])('who wakes a task there spins: %s', (name) => {
    const probed = new Probed(PAIR, nothing, 'explore');
    const outcome = explore(probed.world, {
      strategy: strategyByName(name, { seed: 3 }),
      runsMax: 60,
      isFound: ({ failures }) => failures.length > 0,
    });
    expect(outcome.found?.result.failures.map(({ text }) => text)).toBeUndefined();
    expect(probed.early).toEqual([]);
    if (name === 'random') {
      expect([...probed.spinning]).toEqual(['ttwu_queue:rq_lock, interrupts off']);
    }
  });

  test('a timer of that CPU wakes nobody before the switch is over', () => {
    const sleeper: Body = function* (p) {
      p.ok(yield* p.nanosleep(MS));
    };
    const probe = (kernel: Kernel): Sim<void> => kernel.timers.__udelay(20 * MS);
    const probed = new Probed({ sleeper }, probe, 'timed');
    const { failures } = probed.world.run(new Stay());
    expect(failures).toEqual([]);
    expect(probed.early).toEqual([]);
    expect(probed.wokenAtNs[0]).toBeGreaterThan(20 * MS);
  });

  test('a timer of another CPU waits there for the lock', () => {
    const A: Body = function* (p) {
      p.ok(yield* p.nanosleep(100 * MS));
    };
    const B: Body = function* (p) {
      const { timers, sched, tasks } = probed.world.kernel;
      const sleeper = [...tasks.all()].find(({ comm }) => comm === 'A')!;
      timers.add('kick', 30 * MS, function* () {
        sched.wake(sleeper);
      });
      yield* p.compute(80 * MS);
    };
    const probe = function* (kernel: Kernel): Sim<void> {
      if (kernel.cpus.this.id === 0) yield* kernel.timers.__udelay(20 * MS);
    };
    const probed = new Probed({ A, B }, probe, 'timed');
    expect(probed.world.run(new Stay()).failures).toEqual([]);
    expect(probed.early).toEqual([]);
    expect([...probed.spinning]).toEqual(['ttwu_queue:rq_lock, interrupts off']);
    // A comes to its CPU after 20 ms, and has left it after 40.
    expect(probed.wokenAtNs[0]).toBeGreaterThan(40 * MS);
    expect(probed.wokenAtNs[0]).toBeLessThan(50 * MS);
  });

  test('the lock is known to lockdep', () => {
    const sleeps = function* (kernel: Kernel): Sim<void> {
      kernel.sched.mightSleep('probe');
    };
    const probed = new Probed(PAIR, sleeps, 'explore');
    const { failures } = probed.world.run(new Stay());
    expect(failures[0]).toMatchObject({ kind: 'sleep-in-atomic' });
    expect(failures[0]!.text).toContain('locks held: &rq->__lock');
  });
});
