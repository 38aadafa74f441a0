import { site } from '../../sim/site.ts';
import { percpuObjectsOf } from '../objects/percpu.ts';
import { giveBack } from '../objects/give-back.ts';
import { args } from './args.ts';
import { helper, type Call, type Helper } from './prototype.ts';
import { row } from './row.ts';
import { unsimulated } from './unsimulated.ts';

const XCHG = site('bpf_kptr_xchg', 'xchg');

const xchg: Helper = helper({
  ...row('kptr_xchg'),
  args: [args.btfId, args.btfId],
  *run({ kernel }, place, pointer) {
    return yield* kernel.atomics.xchgPtr(XCHG, place, pointer);
  },
});

/** What was there is the program's, and what it gave is the map's. kernel/bpf/helpers.c */
export const bpf_kptr_xchg: Helper = {
  ...xchg,
  bound: (type) => ({ ...xchg, giveBack: (call, given) => giveBack(call.kernel, given, type) }),
};

/** Of variables of the kernel's there is one for all CPUs here, and nobody knows of which. */
function ofObjects(made: Helper): Helper {
  return { ...unsimulated(`${made.name}() of a variable`, made.id), bound: () => made };
}

const at = ({ kernel }: Call, addr: number, cpu: number): number =>
  percpuObjectsOf(kernel).at(addr, cpu);

export const bpf_per_cpu_ptr: Helper = ofObjects(
  helper({ ...row('per_cpu_ptr'), args: [args.btfId, args.u32], run: at }),
);

export const bpf_this_cpu_ptr: Helper = ofObjects(
  helper({
    ...row('this_cpu_ptr'),
    args: [args.btfId],
    run: (call, addr) => at(call, addr, call.kernel.cpus.this.id),
  }),
);
