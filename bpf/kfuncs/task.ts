import { task_struct } from '../../kernel/structs.ts';
import { args } from '../helpers/args.ts';
import type { Call } from '../helpers/prototype.ts';
import { kfunc } from './prototype.ts';

/** One more reference, or 0 where the last one is gone. A freed task is a report. */
function get(call: Call, p: number): number {
  if (call.memory.s32(p + task_struct.off.usage) <= 0) return 0;
  call.kernel.tasks.get_task_struct(call.kernel.tasks.byAddr(p));
  return p;
}

/** kernel/bpf/helpers.c */
export const bpf_task_acquire = kfunc({
  name: 'bpf_task_acquire',
  args: [args.btfId],
  isPointer: true,
  run: get,
});

export const bpf_task_release = kfunc({
  name: 'bpf_task_release',
  args: [args.btfId],
  run(call, p) {
    call.memory.check(p + task_struct.off.usage, 4, true);
    call.kernel.tasks.put_task_struct(call.kernel.tasks.byAddr(p));
    return 0;
  },
});

/** There is one pid namespace, so both go by the same number. */
export const bpf_task_from_pid = kfunc({
  name: 'bpf_task_from_pid',
  args: [args.int],
  isPointer: true,
  run: fromPid,
});

export const bpf_task_from_vpid = kfunc({
  name: 'bpf_task_from_vpid',
  args: [args.int],
  isPointer: true,
  run: fromPid,
});

function fromPid(call: Call, pid: number): number {
  const found = call.kernel.tasks.byPid(pid);
  return found ? get(call, found.addr) : 0;
}
