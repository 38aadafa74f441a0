import { expect, test } from 'vitest';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { Random } from '../../sim/strategies/random.ts';
import { IrqKernel } from '../kit/irq-kernel.ts';

const HERE = site('irq_test', 'here');

/** Logs its name and the context it runs in, before and after a step. */
function noting(kernel: IrqKernel, name: string, also?: () => void) {
  return function* (): Sim<void> {
    kernel.log.push(`${name} ${kernel.cpus.context!.kind}`);
    also?.();
    yield* step(HERE);
    kernel.log.push(`${name} ends`);
  };
}

test('a softirq raised by a hardirq runs after it, before the task goes on', () => {
  const kernel = new IrqKernel({ cpuCount: 1 });
  kernel.spawn('A', function* () {
    kernel.irqs.raise(
      0,
      'eth0',
      noting(kernel, 'hard', () => {
        kernel.softirqs.raise(0, 'net_rx', noting(kernel, 'soft'));
      }),
    );
    yield* step(HERE);
    kernel.log.push('task');
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual(['hard hardirq', 'hard ends', 'soft softirq', 'soft ends', 'task']);
});

test('an interrupt waits until interrupts are on; an NMI does not', () => {
  const kernel = new IrqKernel({ cpuCount: 1 });
  kernel.spawn('A', function* () {
    kernel.irqs.local_irq_disable();
    kernel.irqs.raise(0, 'eth0', noting(kernel, 'hard'));
    kernel.irqs.raise(0, 'perf', noting(kernel, 'nmi'), { nmi: true });
    yield* step(HERE);
    kernel.log.push('still off');
    kernel.irqs.local_irq_disable();
    kernel.irqs.local_irq_enable();
    expect(kernel.irqs.pending).toBe(1);
    kernel.irqs.local_irq_enable();
    yield* step(HERE);
    kernel.log.push('on');
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual([
    'nmi nmi',
    'nmi ends',
    'still off',
    'hard hardirq',
    'hard ends',
    'on',
  ]);
});

test('a hardirq interrupts a softirq, not another hardirq; an NMI interrupts both', () => {
  const kernel = new IrqKernel({ cpuCount: 1 });
  const { irqs } = kernel;
  kernel.spawn('A', function* () {
    kernel.softirqs.raise(
      0,
      'timer',
      noting(kernel, 'soft', () => {
        irqs.raise(
          0,
          'eth0',
          noting(kernel, 'hard', () => {
            irqs.raise(0, 'eth1', noting(kernel, 'other'));
            irqs.raise(0, 'perf', noting(kernel, 'nmi'), { nmi: true });
          }),
        );
      }),
    );
    yield* step(HERE);
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual([
    'soft softirq',
    'hard hardirq',
    'nmi nmi',
    'nmi ends',
    'hard ends',
    'other hardirq',
    'other ends',
    'soft ends',
  ]);
});

test('with bottom halves off softirqs wait, and hardirqs do not', () => {
  const kernel = new IrqKernel({ cpuCount: 1 });
  kernel.spawn('A', function* () {
    kernel.irqs.local_bh_disable();
    kernel.softirqs.raise(0, 'net_rx', noting(kernel, 'soft'));
    kernel.irqs.raise(0, 'eth0', noting(kernel, 'hard'));
    yield* step(HERE);
    expect(kernel.log).toEqual(['hard hardirq', 'hard ends']);
    kernel.irqs.local_bh_enable();
    yield* step(HERE);
    expect(kernel.log.slice(2)).toEqual(['soft softirq', 'soft ends']);
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.softirqs.pending).toBe(0);
});

test('interrupts get lost neither where the task blocks at once nor where it ends', () => {
  for (let run = 0; run < 50; run++) {
    const kernel = new IrqKernel({ cpuCount: 2 });
    kernel.spawn('A', function* () {
      kernel.irqs.raise(0, 'eth0', noting(kernel, 'first'));
      yield* kernel.sched.schedule();
      kernel.irqs.raise(1, 'eth1', noting(kernel, 'remote'));
      kernel.irqs.raise(
        0,
        'eth0',
        noting(kernel, 'last', () => {
          kernel.softirqs.raise(0, 'net_rx', noting(kernel, 'soft'));
        }),
      );
    });
    kernel.spawn('B', function* () {
      yield* step(HERE);
    });
    const strategy = new Random(run);
    strategy.begin(0);
    expect(kernel.run(strategy)).toEqual([]);
    expect(kernel.log.filter((line) => line.endsWith('ends')).toSorted()).toEqual([
      'first ends',
      'last ends',
      'remote ends',
      'soft ends',
    ]);
  }
});

test('an interrupt that comes to nobody finds an idle CPU', () => {
  const kernel = new IrqKernel({ cpuCount: 2 });
  kernel.spawn('A', function* () {
    kernel.irqs.raise(1, 'eth0', function* () {
      kernel.log.push(kernel.machine.who());
      yield* step(HERE);
    });
    yield* step(HERE);
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual(['swapper/1/0']);
});
