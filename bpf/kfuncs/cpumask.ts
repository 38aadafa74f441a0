import { EACCES } from '../../kernel/errno.ts';
import { site } from '../../sim/site.ts';
import type { Sim } from '../../sim/request.ts';
import { args } from '../helpers/args.ts';
import { bpfCpumask } from '../objects/cpumask.ts';
import type { Call } from '../helpers/prototype.ts';
import { kfunc, type Kfunc } from './prototype.ts';

const SET = site('bpf_cpumask_set_cpu', 'set_bit');
const CLEAR = site('bpf_cpumask_clear_cpu', 'clear_bit');
const mask = args.btfId;

const bits = (call: Call, at: number): number => bpfCpumask(call.kernel).bits(at);
const isCpu = ({ kernel }: Call, cpu: number): boolean => cpu < kernel.cpus.all.length;
const weight = (set: number): number => {
  let count = 0;
  for (let left = set; left !== 0; left &= left - 1) count++;
  return count;
};
/** Where there is none: one behind the last. find_first_bit() */
const first = ({ kernel }: Call, set: number): number =>
  set === 0 ? kernel.cpus.all.length : 31 - Math.clz32(set & -set);

/** A bit of a CPU that there is not is left alone. */
function* change(call: Call, cpu: number, at: number, isSet: boolean): Sim<number> {
  if (!isCpu(call, cpu)) return 0;
  const masks = bpfCpumask(call.kernel);
  return (yield* masks.change(isSet ? SET : CLEAR, cpu, at, isSet)) ? 1 : 0;
}

function changing(name: string, isSet: boolean, givesOld: boolean): Kfunc {
  return kfunc({
    name,
    args: [args.u32, mask],
    *run(call, cpu, at) {
      const old = yield* change(call, cpu, at, isSet);
      return givesOld ? old : 0;
    },
  });
}

/** What a mask says. */
function asked(name: string, answer: (call: Call, set: number) => number): Kfunc {
  return kfunc({ name, args: [mask], run: (call, at) => answer(call, bits(call, at)) });
}

/** What two say of each other. */
function compared(name: string, answer: (call: Call, a: number, b: number) => number): Kfunc {
  return kfunc({
    name,
    args: [mask, mask],
    run: (call, a, b) => answer(call, bits(call, a), bits(call, b)),
  });
}

/** A mask made of two. */
function combined(name: string, of: (a: number, b: number) => number, says: boolean): Kfunc {
  return kfunc({
    name,
    args: [mask, mask, mask],
    run(call, to, a, b) {
      const made = of(bits(call, a), bits(call, b));
      bpfCpumask(call.kernel).setBits(to, made);
      return says && made !== 0 ? 1 : 0;
    },
  });
}

function filled(name: string, isFull: boolean): Kfunc {
  return kfunc({
    name,
    args: [mask],
    run({ kernel }, at) {
      const masks = bpfCpumask(kernel);
      masks.setBits(at, isFull ? masks.all : 0);
      return 0;
    },
  });
}

/** kernel/bpf/cpumask.c */
export const CPUMASK_KFUNCS: readonly Kfunc[] = [
  kfunc({
    name: 'bpf_cpumask_create',
    args: [],
    isPointer: true,
    run: ({ kernel }) => bpfCpumask(kernel).create(),
  }),
  kfunc({
    name: 'bpf_cpumask_acquire',
    args: [mask],
    isPointer: true,
    run: ({ kernel }, at) => bpfCpumask(kernel).bpf_cpumask_acquire(at),
  }),
  kfunc({
    name: 'bpf_cpumask_release',
    args: [mask],
    *run({ kernel }, at) {
      yield* bpfCpumask(kernel).bpf_cpumask_release(at);
      return 0;
    },
  }),
  changing('bpf_cpumask_set_cpu', true, false),
  changing('bpf_cpumask_clear_cpu', false, false),
  changing('bpf_cpumask_test_and_set_cpu', true, true),
  changing('bpf_cpumask_test_and_clear_cpu', false, true),
  kfunc({
    name: 'bpf_cpumask_test_cpu',
    args: [args.u32, mask],
    run: (call, cpu, at) => (isCpu(call, cpu) ? (bits(call, at) >>> cpu) & 1 : 0),
  }),
  filled('bpf_cpumask_setall', true),
  filled('bpf_cpumask_clear', false),
  combined('bpf_cpumask_and', (a, b) => a & b, true),
  combined('bpf_cpumask_or', (a, b) => a | b, false),
  combined('bpf_cpumask_xor', (a, b) => a ^ b, false),
  compared('bpf_cpumask_equal', (_, a, b) => (a === b ? 1 : 0)),
  compared('bpf_cpumask_intersects', (_, a, b) => ((a & b) !== 0 ? 1 : 0)),
  compared('bpf_cpumask_subset', (_, a, b) => ((a & ~b) === 0 ? 1 : 0)),
  compared('bpf_cpumask_first_and', (call, a, b) => first(call, a & b)),
  asked('bpf_cpumask_first', first),
  asked('bpf_cpumask_first_zero', (call, set) => first(call, ~set & bpfCpumask(call.kernel).all)),
  asked('bpf_cpumask_empty', (_, set) => (set === 0 ? 1 : 0)),
  asked('bpf_cpumask_full', (call, set) => (set === bpfCpumask(call.kernel).all ? 1 : 0)),
  asked('bpf_cpumask_weight', (_, set) => weight(set)),
  kfunc({
    name: 'bpf_cpumask_copy',
    args: [mask, mask],
    run(call, to, from) {
      bpfCpumask(call.kernel).setBits(to, bits(call, from));
      return 0;
    },
  }),
  kfunc({
    name: 'bpf_cpumask_populate',
    args: [mask, args.mem, args.u32],
    run(call, to, from, size) {
      if (size < 8) return -EACCES;
      bpfCpumask(call.kernel).setBits(to, bits(call, from));
      return 0;
    },
  }),
];
