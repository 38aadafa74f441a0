import type { Kernel } from '../../kernel/kernel.ts';
import { site } from '../../sim/site.ts';
import { args } from '../helpers/args.ts';
import { takePending } from '../helpers/pending.ts';
import { kfunc, type Kfunc } from './prototype.ts';

const ENABLE = site('bpf_preempt_enable', 'pending');
const RESTORE = site('bpf_local_irq_restore', 'pending');

/** X86_EFLAGS_IF, and what else stands there beside: the bit that is always set, ZF and PF. */
const EFLAGS_IF = 0x200n;
const EFLAGS_REST = 0x46n;

/** What local_irq_save() gives on the present CPU. */
export function flagsWord({ cpus, irqs }: Pick<Kernel, 'cpus' | 'irqs'>): bigint {
  return EFLAGS_REST | (irqs.areOn(cpus.this) ? EFLAGS_IF : 0n);
}

/**
 * Sections that a program opens and closes itself; the verifier sees to it that they nest.
 * kernel/bpf/helpers.c
 */
export const SECTION_KFUNCS: readonly Kfunc[] = [
  kfunc({
    name: 'bpf_preempt_disable',
    args: [],
    run({ kernel }) {
      kernel.sched.preemptDisable();
      return 0;
    },
  }),
  kfunc({
    name: 'bpf_preempt_enable',
    args: [],
    *run({ kernel }) {
      kernel.sched.preemptEnable();
      yield* takePending(kernel, ENABLE);
      return 0;
    },
  }),
  kfunc({
    name: 'bpf_local_irq_save',
    args: [args.mem],
    run({ kernel, memory }, slot) {
      const flags = flagsWord(kernel);
      kernel.irqs.local_irq_disable();
      memory.setU64(slot, flags);
      return 0;
    },
  }),
  kfunc({
    name: 'bpf_local_irq_restore',
    args: [args.mem],
    *run({ kernel }) {
      kernel.irqs.local_irq_enable();
      yield* takePending(kernel, RESTORE);
      return 0;
    },
  }),
];
