import { EFAULT, EPERM } from '../../kernel/errno.ts';
import { mayWriteUser } from '../../kernel/mm/uaccess.ts';
import { site } from '../../sim/site.ts';
import type { Sim } from '../../sim/request.ts';
import { args } from './args.ts';
import { REGISTERED_WRITE } from './proto-registered-write.ts';
import { helper } from './prototype.ts';
import { row } from './row.ts';

const COPY = site('copy_to_user_nofault', 'copy');
const TASK_SIZE_MAX = (1n << 47n) - 4096n;

/** A user address as a number; what is none is beyond all that can be written to. */
const userAddress = (address: bigint): number =>
  address < TASK_SIZE_MAX ? Number(address) : Number(TASK_SIZE_MAX);

/** To user memory of the current task, as far as it can be without a fault. bpf_trace.c */
export const bpf_probe_write_user = helper({
  ...row('probe_write_user'),
  args: [args.anything, args.mem, args.constSize],
  *run(call, dst, src, size): Sim<number> {
    const { machine, cpus, sched, mm } = call.kernel;
    const bytes = call.memory.copyOut(src, size);
    if (!mayWriteUser(machine, cpus, sched.current)) return -EPERM;
    const left = yield* mm.copy_to_user_inatomic(COPY, userAddress(dst), bytes);
    return left > 0 ? -EFAULT : 0;
  },
});

/** The same, where the current task has registered the memory by prctl(2). Spec 05 R9 */
export const bpf_probe_write_user_registered = helper({
  id: REGISTERED_WRITE.id,
  name: REGISTERED_WRITE.name,
  args: [args.anything, args.mem, args.constSize, args.u32],
  *run(call, dst, src, size, tag): Sim<number> {
    const bytes = call.memory.copyOut(src, size);
    const { registered } = call.kernel.processes;
    return yield* registered.bpf_probe_write_user_registered(userAddress(dst), bytes, tag);
  },
});
