import { EBUSY, EINVAL, EPERM, ESRCH } from '../../kernel/errno.ts';
import { PF_EXITING, PF_KTHREAD, type Task } from '../../kernel/task.ts';
import { cred, task_struct } from '../../kernel/structs.ts';
import { args } from './args.ts';
import { helper, type Call } from './prototype.ts';
import { row } from './row.ts';

const { off } = task_struct;
/** kernel/signal.c: valid_signal() */
const _NSIG = 64;
/** The irq_work, of which there is one a CPU. */
const SEND_SIGNAL = 'do_bpf_send_signal';

/** The current task's task_struct: of an idle CPU, the idle task's. */
function currentOf(call: Call): number {
  return call.kernel.cpus.current.addr;
}

/** kernel/bpf/helpers.c: tgid << 32 | pid */
export const bpf_get_current_pid_tgid = helper({
  ...row('get_current_pid_tgid'),
  args: [],
  run(call) {
    const task = currentOf(call);
    const tgid = BigInt(call.memory.u32(task + off.tgid));
    return (tgid << 32n) | BigInt(call.memory.u32(task + off.pid));
  },
});

/** gid << 32 | uid */
export const bpf_get_current_uid_gid = helper({
  ...row('get_current_uid_gid'),
  args: [],
  run(call) {
    const { memory } = call;
    const credAddr = memory.ptr(currentOf(call) + off.cred);
    if (credAddr === 0) return 0;
    const { uid, gid } = cred.at(memory, credAddr);
    return (BigInt(gid) << 32n) | BigInt(uid);
  },
});

export const bpf_get_current_comm = helper({
  ...row('get_current_comm'),
  args: [args.uninitMem, args.constSize],
  run(call, buf, size) {
    if (size === 0) return -EINVAL;
    const { memory } = call;
    memory.setChars(buf, size, memory.chars(currentOf(call) + off.comm, 16));
    return 0;
  },
});

/** kernel/trace/bpf_trace.c: the address as a plain number. */
export const bpf_get_current_task = helper({
  ...row('get_current_task'),
  isPointer: true, // of which the verifier makes a number
  args: [],
  run: currentOf,
});

export const bpf_get_current_task_btf = helper({
  ...row('get_current_task_btf'),
  args: [],
  run: currentOf,
});

export const bpf_get_smp_processor_id = helper({
  ...row('get_smp_processor_id'),
  args: [],
  run: (call) => call.kernel.machine.engine.cpu.id,
});

export const bpf_get_numa_node_id = helper({
  ...row('get_numa_node_id'),
  args: [],
  run: () => 0,
});

/** kernel/trace/bpf_trace.c: to the whole process. */
export const bpf_send_signal = helper({
  ...row('send_signal'),
  args: [args.u32],
  run: (call, sig) => bpf_send_signal_common(call, sig),
});

/** To the one thread. */
export const bpf_send_signal_thread = helper({
  ...row('send_signal_thread'),
  args: [args.u32],
  run: (call, sig) => bpf_send_signal_common(call, sig, true),
});

/**
 * kernel/trace/bpf_trace.c. Signals take effect when the task next leaves for user mode; where
 * interrupts are off, one of them sends the signal once they are on.
 */
function bpf_send_signal_common(call: Call, sig: number, isThread = false): number {
  const { kernel } = call;
  const task: Task = kernel.cpus.current;
  if ((task.s.flags & (PF_KTHREAD | PF_EXITING)) !== 0 || task.pid === 0) return -EPERM;
  if (task.pid === 1) return -EPERM; // is_global_init()
  if (sig === 0 || sig > _NSIG) return -EINVAL;
  if (kernel.tasks.byPid(task.pid) === undefined) return -ESRCH;
  const send = (): void => {
    if (isThread) kernel.signals.send_sig_thread(sig, task);
    else kernel.signals.send_sig(sig, task);
  };
  const { irqs, cpus } = kernel;
  const cpu = cpus.this;
  if (irqs.areOn(cpu)) {
    send();
    return 0;
  }
  if (irqs.isRaised(cpu.id, SEND_SIGNAL)) return -EBUSY;
  kernel.tasks.get_task_struct(task);
  irqs.raiseShort(cpu.id, SEND_SIGNAL, () => {
    send();
    kernel.tasks.put_task_struct(task);
  });
  return 0;
}
