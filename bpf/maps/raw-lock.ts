import type { Kernel } from '../../kernel/kernel.ts';
import type { LockClass } from '../../kernel/locks/lock-class.ts';
import type { Sim } from '../../sim/request.ts';

type Locks = Pick<Kernel, 'machine' | 'spinlocks' | 'rqspinlocks'>;

/**
 * A lock of a map, with interrupts off: 0, -EDEADLK or -ETIMEDOUT. raw_res_spin_lock_irqsave(); in
 * old kernels raw_spin_lock_irqsave(), which waits for ever.
 */
export function lockMap(locks: Locks, cls: LockClass, addr: number, at: number): Sim<number> {
  const { machine, rqspinlocks } = locks;
  if (machine.facts.resLocks) return rqspinlocks.raw_res_spin_lock(addr, at);
  return lockPlain(locks, cls, addr, at);
}

function* lockPlain({ spinlocks }: Locks, cls: LockClass, addr: number, at: number): Sim<number> {
  yield* spinlocks.spin_lock_irq(cls, addr, at);
  return 0;
}

export function unlockMap(locks: Locks, cls: LockClass, addr: number, at: number): Sim<void> {
  const { machine, rqspinlocks, spinlocks } = locks;
  if (machine.facts.resLocks) return rqspinlocks.raw_res_spin_unlock(addr, at);
  return spinlocks.spin_unlock_irq(cls, addr, at);
}
