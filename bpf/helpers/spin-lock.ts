import { site } from '../../sim/site.ts';
import { BPF_SPIN_LOCK } from '../maps/lock.ts';
import { args } from './args.ts';
import { takePending } from './pending.ts';
import { helper } from './prototype.ts';
import { row } from './row.ts';

const LOCK = site('bpf_spin_lock', 'lock');
const UNLOCK = site('bpf_spin_unlock', 'unlock');
/** Interrupts are off while it is held. kernel/bpf/helpers.c: __bpf_spin_lock_irqsave() */
export const bpf_spin_lock = helper({
  ...row('spin_lock'),
  args: [args.spinLock],
  *run(call, lock) {
    yield* call.kernel.spinlocks.spin_lock_irq(BPF_SPIN_LOCK, lock, LOCK);
    return 0;
  },
});

export const bpf_spin_unlock = helper({
  ...row('spin_unlock'),
  args: [args.spinLock],
  *run(call, lock) {
    yield* call.kernel.spinlocks.spin_unlock_irq(BPF_SPIN_LOCK, lock, UNLOCK);
    yield* takePending(call.kernel, UNLOCK);
    return 0;
  },
});
