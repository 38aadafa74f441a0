import type { Kernel } from '../../kernel/kernel.ts';
import type { HeldClass } from './pairs.ts';

const MICRO = 1e3;
const MILLI = 1e6;
const SECOND = 1e9;

/** Where a program runs, as far as it matters how long it may. Spec 03 R14. */
export const RUN_CONTEXTS = [
  'nmi',
  'irqs-off',
  'preempt-off',
  'softirq',
  'process',
  'sleepable',
] as const;
export type RunContext = (typeof RUN_CONTEXTS)[number];

/** How long an invocation may run, by context; and how long it may hold something, by class. */
export interface Budgets {
  readonly run: Readonly<Record<RunContext, number>>;
  readonly held: Readonly<Record<HeldClass, number>>;
}

/** Virtual nanoseconds. Spec 03 R14, R15. */
export const DEFAULT_BUDGETS: Budgets = {
  run: {
    nmi: 100 * MICRO,
    'irqs-off': MILLI,
    'preempt-off': 5 * MILLI,
    softirq: 10 * MILLI,
    process: 100 * MILLI,
    sleepable: 10 * SECOND,
  },
  held: {
    lock: MILLI,
    'irq-off': MILLI,
    'preempt-off': 5 * MILLI,
    rcu: 100 * MILLI,
    reference: SECOND,
    iterator: SECOND,
    reservation: SECOND,
  },
};

/** Where the present CPU is. */
export function runContext({ cpus }: Kernel, isSleepable: boolean): RunContext {
  const cpu = cpus.this;
  const kind = cpus.context?.kind ?? 'task';
  if (kind === 'nmi') return 'nmi';
  if (kind === 'hardirq' || cpu.irqsOff > 0) return 'irqs-off';
  if (kind === 'softirq' || cpu.bhOff > 0) return 'softirq';
  if (cpu.preemptCount > 0) return 'preempt-off';
  return isSleepable ? 'sleepable' : 'process';
}
