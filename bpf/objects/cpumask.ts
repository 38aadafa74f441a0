import { array, cType, s32, struct, u64 } from '../../base/layout.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { Refcounts } from '../../kernel/locks/refcount.ts';
import { kernelText, Request, RMW, STEP, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { bpf_mem_free_rcu } from './free.ts';

const ACQUIRE = site('bpf_cpumask_acquire', 'inc');
const RELEASE = site('bpf_cpumask_release', 'dec');

/** NR_CPUS of Debian's kernels: 8192 bits. kernel/bpf/cpumask.c */
export const bpf_cpumask = struct('bpf_cpumask', {
  bits: array(u64, 128),
  usage: cType('refcount_t', s32),
  pad: s32,
});

/** Masks of CPUs that programs make, count and share. kernel/bpf/cpumask.c */
export class BpfCpumasks {
  readonly #kernel: Kernel;
  readonly #refcounts: Refcounts;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#refcounts = new Refcounts(kernel.machine);
  }

  /** An empty one, or 0. */
  create(): number {
    const { machine } = this.#kernel;
    const { slab, memory } = machine;
    const addr = machine.mayAlloc('bpf_cpumask') ? slab.kzalloc(bpf_cpumask.sizeBytes) : 0;
    if (addr !== 0) memory.unwatched(() => memory.setU32(addr + bpf_cpumask.off.usage, 1));
    return addr;
  }

  *bpf_cpumask_acquire(mask: number): Sim<number> {
    yield* this.#refcounts.refcount_inc(ACQUIRE, mask + bpf_cpumask.off.usage);
    return mask;
  }

  *bpf_cpumask_release(mask: number): Sim<void> {
    const usage = mask + bpf_cpumask.off.usage;
    if (!(yield* this.#refcounts.refcount_dec_and_test(RELEASE, usage))) return;
    bpf_mem_free_rcu(this.#kernel, mask);
  }

  /** All CPUs there are, as a mask. cpu_possible_mask */
  get all(): number {
    return 2 ** this.#kernel.cpus.all.length - 1;
  }

  /** Of the CPUs that there are; there are less than 32. */
  bits(mask: number): number {
    return this.#kernel.machine.memory.u32(mask) & this.all;
  }

  /** Plain, as bitmap_and() and its kin are. */
  setBits(mask: number, bits: number): void {
    this.#kernel.machine.memory.setU64(mask, BigInt(bits));
  }

  /** A bit at once: whether it was set. test_and_set_bit(), test_and_clear_bit() */
  change(where: number, cpu: number, mask: number, isSet: boolean): Sim<boolean> {
    const { memory } = this.#kernel.machine;
    const request = new Request<boolean>(STEP, where, mask, 4, RMW, () => {
      const old = memory.u32(mask);
      const bit = 1 << cpu;
      memory.setU32(mask, isSet ? old | bit : old & ~bit);
      return (old & bit) !== 0;
    });
    return request as unknown as Sim<boolean>;
  }
}

kernelText(BpfCpumasks);

const known = new WeakMap<Kernel, BpfCpumasks>();

/** Those of a kernel. */
export function bpfCpumask(kernel: Kernel): BpfCpumasks {
  let masks = known.get(kernel);
  if (!masks) {
    masks = new BpfCpumasks(kernel);
    known.set(kernel, masks);
  }
  return masks;
}
