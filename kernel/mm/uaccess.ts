import type { Cpus } from '../cpu.ts';
import type { Machine } from '../machine.ts';
import { PF_EXITING, PF_KTHREAD, type Task } from '../task.ts';

/**
 * Whether a program may write to user memory now: neither in an interrupt, nor with bottom halves
 * off, nor for a task that has none, or has it no more. in_interrupt(), nmi_uaccess_okay();
 * kernel/trace/bpf_trace.c: bpf_probe_write_user()
 */
export function mayWriteUser(
  machine: Machine,
  cpus: Pick<Cpus, 'this' | 'context'>,
  task: Task,
): boolean {
  if (cpus.context?.kind !== 'task' || cpus.this.bhOff > 0) return false;
  return machine.memory.unwatched(() => {
    const { flags, mm, active_mm } = task.s;
    return (flags & (PF_KTHREAD | PF_EXITING)) === 0 && mm !== 0 && mm === active_mm;
  });
}
