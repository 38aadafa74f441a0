import { expect, test } from 'vitest';
import { EBUSY, ENOENT, EWOULDBLOCK } from '../../kernel/errno.ts';
import { Modules } from '../../kernel/module.ts';
import { block, kernelFunction, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { TASK_UNINTERRUPTIBLE } from '../../kernel/task.ts';
import { BareKernel } from '../kit/bare-kernel.ts';

const INSIDE = site('toy_ioctl', 'inside');
const SLEEP = site('toy_sleep', 'sleep');

function setUp() {
  const kernel = new BareKernel();
  const modules = new Modules(kernel.machine, kernel.kasan);
  kernel.sched.hooks.returnedInto = (frame) => modules.returnedInto(frame);
  return { kernel, modules };
}

test('00 R45: a module in use cannot be unloaded; one not in use can', () => {
  const { kernel, modules } = setUp();
  modules.load('toy');
  const results: number[] = [];
  kernel.spawn('A', function* () {
    results.push(yield* modules.delete_module('nosuch'));
    expect(modules.try_module_get('toy')).toBe(true);
    results.push(yield* modules.delete_module('toy'));
    modules.module_put('toy');
    results.push(yield* modules.delete_module('toy'));
    expect(modules.isMapped('toy')).toBe(false);
    expect(modules.try_module_get('toy')).toBe(false);
    results.push(yield* modules.delete_module('toy'));
  });
  const live = kernel.machine.slab.liveCount;
  expect(kernel.run().map(({ title }) => title)).toEqual([
    'BUG: KASAN: slab-use-after-free in ret_from_fork',
  ]); // try_module_get() of what is freed
  expect(results).toEqual([-ENOENT, -EWOULDBLOCK, 0]);
  expect(kernel.machine.slab.liveCount).toBe(live - 1);
});

test('00 R45: dependents keep a module; they go first', () => {
  const { kernel, modules } = setUp();
  modules.load('base');
  modules.load('user', { dependsOn: ['base'] });
  const results: number[] = [];
  kernel.spawn('A', function* () {
    for (const name of ['base', 'user', 'base']) {
      results.push(yield* modules.delete_module(name));
    }
  });
  expect(kernel.run()).toEqual([]);
  expect(results).toEqual([-EWOULDBLOCK, 0, 0]);
});

test('00 R45: a module that is going already is busy, and nobody gets a reference on it', () => {
  const { kernel, modules } = setUp();
  const results: number[] = [];
  modules.load('toy', {
    *exit(): Sim<void> {
      expect(modules.try_module_get('toy')).toBe(false);
      results.push(yield* modules.delete_module('toy'));
    },
  });
  kernel.spawn('A', function* () {
    results.push(yield* modules.delete_module('toy'));
  });
  expect(kernel.run()).toEqual([]);
  expect(results).toEqual([-EBUSY, 0]);
});

test('00 R45: a task that returns into unmapped text crashes there', () => {
  const { kernel, modules } = setUp();
  modules.load('toy');
  let sleeper = kernel.cpus.current;
  const toy_sleep = kernelFunction('schedule_for_toy', function* (): Sim<void> {
    sleeper.s.__state = TASK_UNINTERRUPTIBLE;
    yield* block(SLEEP);
  });
  const toy_ioctl = kernelFunction(
    'toy_ioctl',
    function* (): Sim<void> {
      yield* step(INSIDE);
      yield* toy_sleep();
    },
    'toy',
  );
  sleeper = kernel.spawn('A', () => toy_ioctl());
  kernel.spawn('B', function* () {
    while (sleeper.s.__state !== TASK_UNINTERRUPTIBLE) yield* step(SLEEP);
    expect(yield* modules.delete_module('toy')).toBe(0);
    kernel.sched.wake(sleeper);
  });
  const [failure, ...more] = kernel.run();
  expect(more).toEqual([]);
  expect(failure).toMatchObject({ kind: 'exec-of-unmapped-text', sites: ['toy_ioctl:inside'] });
  expect(failure!.title).toMatch(
    /^BUG: unable to handle page fault for address: ffffffffc0[0-9a-f]{6}$/,
  );
  expect(failure!.text).toContain('#PF: supervisor instruction fetch in kernel mode');
  expect(failure!.text).toContain('RIP: 0010:toy_ioctl+0x48/0x100 [toy]');
  expect(failure!.text).toContain('[last unloaded: toy]');
});

test('00 R45: so does one that was preempted in it, and one that calls into it', () => {
  const { kernel, modules } = setUp();
  modules.load('toy');
  let inside = false;
  const toy_loop = kernelFunction(
    'toy_loop',
    function* (): Sim<void> {
      for (inside = true; ;) yield* step(INSIDE);
    },
    'toy',
  );
  kernel.spawn('A', () => toy_loop());
  kernel.spawn('B', function* () {
    while (!inside) yield* step(SLEEP);
    yield* modules.delete_module('toy');
  });
  expect(kernel.runRandomly(1)[0]).toMatchObject({ kind: 'exec-of-unmapped-text' });
  const other = setUp();
  other.modules.load('toy');
  other.kernel.spawn('A', function* () {
    other.modules.callable('');
    other.modules.callable('toy');
    yield* other.modules.delete_module('toy');
    other.modules.callable('toy', 'toy_ioctl');
  });
  const [failure] = other.kernel.run();
  expect(failure).toMatchObject({ kind: 'exec-of-unmapped-text' });
  expect(failure!.text).toContain('RIP: 0010:toy_ioctl+0x0/0x100 [toy]');
});

test('00 R32: what stands in a module is freed with it', () => {
  const { kernel, modules } = setUp();
  modules.load('toy');
  const table = modules.allocData('toy', 16);
  kernel.machine.memory.setU32(table, 7);
  kernel.spawn('A', function* () {
    yield* modules.delete_module('toy');
    kernel.machine.memory.u32(table);
  });
  expect(kernel.run()[0]).toMatchObject({ kind: 'use-after-free' });
});

test('the memory of a module stays until RCU readers have left', () => {
  const { kernel, modules } = setUp();
  modules.load('toy');
  const log: boolean[] = [];
  modules.synchronize_rcu = function* () {
    yield* step(SLEEP);
    log.push(modules.isMapped('toy'));
  };
  kernel.spawn('A', () => modules.delete_module('toy'));
  expect(kernel.run()).toEqual([]);
  expect([...log, modules.isMapped('toy')]).toEqual([true, false]);
});

test('a rollback loads what a run has unloaded', () => {
  const { kernel, modules } = setUp();
  modules.load('toy');
  kernel.machine.checkpoint();
  for (let run = 0; run < 2; run++) {
    kernel.spawn(`A${run}`, () => modules.delete_module('toy'));
    expect(kernel.run()).toEqual([]);
    expect(modules.isMapped('toy')).toBe(false);
    kernel.machine.rollback();
    kernel.cpus.reset();
    expect(modules.isMapped('toy')).toBe(true);
    expect(modules.refcount('toy')).toBe(0);
  }
});
