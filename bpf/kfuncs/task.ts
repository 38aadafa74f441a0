import { task_struct } from '../../kernel/structs.ts';
import { args } from '../helpers/args.ts';
import type { Call } from '../helpers/prototype.ts';
import { kfunc, KF_ACQUIRE, KF_RCU, KF_RELEASE, KF_RET_NULL } from './prototype.ts';

const task = { p: 'struct task_struct *' };

/** One more reference, or 0 where the last one is gone. A freed task is a report. */
function get(call: Call, p: number): number {
  if (call.memory.s32(p + task_struct.off.usage) <= 0) return 0;
  call.kernel.tasks.get_task_struct(call.kernel.tasks.byAddr(p));
  return p;
}

/** kernel/bpf/helpers.c */
export const bpf_task_acquire = kfunc({
  name: 'bpf_task_acquire',
  flags: KF_ACQUIRE | KF_RCU | KF_RET_NULL,
  returns: 'struct task_struct *',
  params: task,
  args: [args.btfId],
  ret: 'ptr_to_btf_id_or_null',
  run: get,
});

export const bpf_task_release = kfunc({
  name: 'bpf_task_release',
  flags: KF_RELEASE,
  returns: 'void',
  params: task,
  args: [args.btfId],
  ret: 'void',
  run(call, p) {
    call.memory.check(p + task_struct.off.usage, 4, true);
    call.kernel.tasks.put_task_struct(call.kernel.tasks.byAddr(p));
    return 0;
  },
});

/** There is one pid namespace, so both go by the same number. */
export const bpf_task_from_pid = kfunc({
  name: 'bpf_task_from_pid',
  flags: KF_ACQUIRE | KF_RET_NULL,
  returns: 'struct task_struct *',
  params: { pid: 's32' },
  args: [args.int],
  ret: 'ptr_to_btf_id_or_null',
  run: fromPid,
});

export const bpf_task_from_vpid = kfunc({
  name: 'bpf_task_from_vpid',
  flags: KF_ACQUIRE | KF_RET_NULL,
  returns: 'struct task_struct *',
  params: { vpid: 's32' },
  args: [args.int],
  ret: 'ptr_to_btf_id_or_null',
  run: fromPid,
});

function fromPid(call: Call, pid: number): number {
  const found = call.kernel.tasks.byPid(pid);
  return found ? get(call, found.addr) : 0;
}
