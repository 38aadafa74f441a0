import type { Kernel } from '../../kernel/kernel.ts';
import { pairAt, PAIRS_MAX } from './pairs.ts';

/**
 * What an invocation has acquired and not given back or given away, by kind: kept beside the
 * record, from what its calls did, so that a record that is wrong is found out. Spec 03 R25.
 */
export class Ledger {
  readonly #net = new Int32Array(PAIRS_MAX);

  acquired(pair: number): void {
    this.#net[pair]!++;
  }

  released(pair: number): void {
    this.#net[pair]!--;
  }

  /** `1 task_struct`: what is left; below zero where more was given back than was held. */
  left(): readonly { readonly pair: number; readonly count: number }[] {
    const left: { pair: number; count: number }[] = [];
    this.#net.forEach((count, pair) => {
      if (count !== 0) left.push({ pair, count });
    });
    return left;
  }

  text(): string {
    return this.left()
      .map(({ pair, count }) => `${count} ${pairAt(pair).type}`)
      .join(', ');
  }
}

/** How deep the present context is in sections, as an invocation found it. */
export class Depths {
  readonly #kernel: Kernel;
  readonly #entry: readonly number[];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#entry = depthsOf(kernel);
  }

  /** `preempt_count 1, was 0`: what is not as it was; empty where all is. */
  changes(): readonly string[] {
    const now = depthsOf(this.#kernel);
    return NAMES.flatMap((name, i) => {
      const [before, after] = [this.#entry[i]!, now[i]!];
      return before === after ? [] : [`${name} ${after}, was ${before}`];
    });
  }
}

const NAMES = ['preempt_count', 'irqs_disabled', 'bh_disabled', 'rcu_read_lock', 'locks held'];

function depthsOf({ cpus }: Kernel): readonly number[] {
  const { preemptCount, irqsOff, bhOff } = cpus.this;
  const context = cpus.context;
  return [preemptCount, irqsOff, bhOff, context?.rcuDepth ?? 0, context?.held.length ?? 0];
}
