import { describe, expect, test } from 'vitest';
import { done } from '../../../bpf/maps/base.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { Timer } from '../../../sim/clock.ts';
import { compiledBytes } from '../../kit/compiled.ts';

const STEP_NS = 50;
/** Of stages in which the program keeps others away, and of the last. */
const QUIET = [1, 2, 3];
const LAST = 4;

/**
 * Runs a program of quiet.bpf.c again and again, each time with something that wants its CPU, later
 * from time to time: how far the program was then, and when whatever wanted it had it.
 */
function disturbed(program: string, engine: 'interp' | 'jit', wants: 'irq' | 'task') {
  const sandbox = new BpfSandbox({ cpus: 1, bpf: { engine } });
  const { kernel, bpf } = sandbox;
  const { machine, cpus, irqs } = kernel;
  const object = sandbox.openBytes(compiledBytes('quiet', 'clang-22-v3'), 'quiet').load();
  const variables = object.object.mapOf('stage');
  const map = [...bpf.maps.registry.values()].find(({ name }) => name === variables.name)!;
  const { fd } = object.object.program(program);
  const wanted = new Set<number>();
  const had = new Set<number>();
  sandbox.run(function* (p) {
    const key = machine.slab.kzalloc(8);
    const value = yield* done(map.map_lookup_elem(key));
    const at = value + variables.spec.variables.get('stage')!.offsetBytes;
    const stage = (): number => machine.memory.rawU32(at);
    let isOver = false;
    let isRunning = false;
    const visit = (): void => void (isRunning && had.add(stage()));
    if (wants === 'task') {
      yield* p.fork(function* (rival) {
        while (!isOver) {
          visit();
          yield* rival.compute(STEP_NS);
          yield* kernel.sched.schedule();
        }
      });
    }
    for (let ns = STEP_NS, left = true; left; ns += STEP_NS) {
      const timer = new Timer('disturb', () => {
        if (isRunning) wanted.add(stage());
        if (wants === 'irq') irqs.raise(0, 'eth0', handler);
        else cpus.all[0]!.needResched = true;
      });
      function* handler() {
        expect(cpus.this.irqsOff).toBe(0);
        visit();
      }
      machine.engine.clock.arm(timer, machine.engine.cpu.nowNs + ns);
      isRunning = true;
      expect(yield* p.calls.testRun(fd, {})).toMatchObject({ result: 0, retval: 0 });
      isRunning = false;
      left = !machine.engine.clock.cancel(timer);
    }
    isOver = true;
  });
  const { preemptCount, irqsOff } = cpus.all[0]!;
  expect([preemptCount, irqsOff]).toEqual([0, 0]);
  return { wanted: [...wanted].toSorted(), had: [...had].toSorted() };
}

describe.each(['interp', 'jit'] as const)('03 R6: sections that programs open, %s', (engine) => {
  test('no interrupt comes while they are off, and it comes when they are on', () => {
    const { wanted, had } = disturbed('irqs_off', engine, 'irq');
    expect(wanted).toEqual(expect.arrayContaining(QUIET));
    expect(had).toEqual([0, 3, LAST]);
  });

  test('no other task runs while preemption is off, but interrupts come', () => {
    const task = disturbed('preempt_off', engine, 'task');
    expect(task.wanted).toEqual(expect.arrayContaining(QUIET));
    for (const stage of QUIET.slice(0, -1)) expect(task.had).not.toContain(stage);
    expect(disturbed('preempt_off', engine, 'irq').had).toEqual(expect.arrayContaining(QUIET));
  });
});
