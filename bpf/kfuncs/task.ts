import { task_struct } from '../../kernel/structs.ts';
import { site } from '../../sim/site.ts';
import { args } from '../helpers/args.ts';
import type { Call } from '../helpers/prototype.ts';
import { kfunc } from './prototype.ts';

const KPTR_GET = site('bpf_task_kptr_get', 'load');

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

/** The task whose pointer stands there, with one more reference, or 0: v6.1. Spec 02 R13 */
export const bpf_task_kptr_get = kfunc({
  name: 'bpf_task_kptr_get',
  args: [args.btfId],
  isPointer: true,
  *run(call, place) {
    const p = yield* call.kernel.atomics.readPtr(KPTR_GET, place);
    return p === 0 ? 0 : get(call, p);
  },
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
