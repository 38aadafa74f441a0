import type { Sim } from '../../sim/request.ts';
import { args } from './args.ts';
import { REGISTERED_WRITE } from './proto-registered-write.ts';
import { helper } from './prototype.ts';

const TASK_SIZE_MAX = (1n << 47n) - 4096n;

/** Writes to what the current task has registered by prctl(2). Spec 05 R9 */
export const bpf_probe_write_user_registered = helper({
  id: REGISTERED_WRITE.id,
  name: REGISTERED_WRITE.name,
  args: [args.anything, args.mem, args.constSize, args.u32],
  *run(call, dst, src, size, tag): Sim<number> {
    const bytes = call.memory.copyOut(src, size);
    const { registered } = call.kernel.processes;
    const at = dst < TASK_SIZE_MAX ? Number(dst) : 0; // nothing is registered there
    return yield* registered.bpf_probe_write_user_registered(at, bytes, tag);
  },
});
