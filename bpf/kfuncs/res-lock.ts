import { ETIMEDOUT } from '../../kernel/errno.ts';
import type { ResMode } from '../../kernel/locks/rqspinlock.ts';
import { pointerText } from '../../kernel/oops.ts';
import type { Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { args } from '../helpers/args.ts';
import { takePending } from '../helpers/pending.ts';
import type { Call } from '../helpers/prototype.ts';
import { flagsWord } from './sections.ts';
import { kfunc, type Kfunc } from './prototype.ts';

/** Where the report of it comes from. */
const VIOLATION = 'bpf_prog_report_rqspinlock_violation';
const LOCK = site('bpf_res_spin_lock', 'lock');
const UNLOCK = site('bpf_res_spin_unlock', 'unlock');
const LOCK_IRQSAVE = site('bpf_res_spin_lock_irqsave', 'lock');
const UNLOCK_IRQRESTORE = site('bpf_res_spin_unlock_irqrestore', 'unlock');

/** kernel/bpf/rqspinlock.c */
export const RES_LOCK_KFUNCS: readonly Kfunc[] = [
  kfunc({
    name: 'bpf_res_spin_lock',
    args: [args.spinLock],
    run: (call, lock) => take(call, lock, LOCK, 'plain'),
  }),
  kfunc({
    name: 'bpf_res_spin_unlock',
    args: [args.spinLock],
    *run({ kernel }, lock) {
      yield* kernel.rqspinlocks.raw_res_spin_unlock(lock, UNLOCK, 'plain');
      yield* takePending(kernel, UNLOCK);
      return 0;
    },
  }),
  kfunc({
    name: 'bpf_res_spin_lock_irqsave',
    args: [args.spinLock, args.mem],
    *run(call, lock, slot) {
      const flags = flagsWord(call.kernel);
      const result = yield* take(call, lock, LOCK_IRQSAVE, 'irqsave');
      if (result === 0) call.memory.setU64(slot, flags);
      return result;
    },
  }),
  kfunc({
    name: 'bpf_res_spin_unlock_irqrestore',
    args: [args.spinLock, args.mem],
    *run({ kernel }, lock) {
      yield* kernel.rqspinlocks.raw_res_spin_unlock(lock, UNLOCK_IRQRESTORE, 'irqsave');
      yield* takePending(kernel, UNLOCK_IRQRESTORE);
      return 0;
    },
  }),
];

function* take(call: Call, lock: number, at: number, mode: ResMode): Sim<number> {
  const { rqspinlocks } = call.kernel;
  const result = yield* rqspinlocks.res_spin_lock(lock, at, mode);
  if (result === 0) return 0;
  yield* call.report(violation(call, result, lock, mode), [VIOLATION]);
  rqspinlocks.leave(mode);
  return result;
}

/** bpf_prog_report_rqspinlock_violation() */
function violation({ kernel }: Call, result: number, lock: number, mode: ResMode): string {
  const { count, locks } = kernel.rqspinlocks.held.of(kernel.cpus.this.id);
  const what = result === -ETIMEDOUT ? 'Timeout detected' : 'AA or ABBA deadlock detected';
  const suffix = mode === 'irqsave' ? '_irqsave' : '';
  return [
    `ERROR: ${what} for bpf_res_spin_lock${suffix}`,
    `Attempted lock   = 0x${pointerText(lock)}`,
    `Total held locks = ${count}`,
    ...locks.map((held, i) => `Held lock[${String(i).padStart(2)}] = 0x${pointerText(held)}`),
  ].join('\n');
}
