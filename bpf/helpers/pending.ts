import type { Kernel } from '../../kernel/kernel.ts';
import { step, type Sim } from '../../sim/request.ts';

/**
 * After a program has allowed interrupts or preemption again: what has waited for that comes now,
 * and not when the program next gives the engine its turn. `at`: where the program is then.
 */
export function* takePending({ machine }: Pick<Kernel, 'machine'>, at: number): Sim<void> {
  const { cpu, fiber } = machine.engine;
  if (cpu.fiber !== fiber || (cpu.resched && cpu.preemptible)) yield* step(at);
}
