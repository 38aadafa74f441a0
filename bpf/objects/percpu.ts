import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import { bpf_mem_free_rcu } from './free.ts';

/** The largest object of which each CPU has one. BPF_GLOBAL_PERCPU_MA_MAX_SIZE */
const PERCPU_UNIT_BYTES = 512;

/**
 * Objects of which each CPU has one. Those of one CPU lie at the same distance from those of the
 * next, whatever they are: so a pointer is enough to find them. kernel/bpf/memalloc.c
 */
export class PercpuObjects {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Zeroed, or 0. bpf_percpu_obj_new() */
  alloc(sizeBytes: number): number {
    const { machine, cpus } = this.#kernel;
    const bytes = PERCPU_UNIT_BYTES * (cpus.all.length - 1) + sizeBytes;
    return machine.mayAlloc('bpf_percpu_obj_new') ? machine.slab.kzalloc(bytes) : 0;
  }

  /** After a grace period. bpf_percpu_obj_drop() */
  *drop(addr: number): Sim<void> {
    bpf_mem_free_rcu(this.#kernel, addr);
  }

  /** That of one CPU; 0 where there is no such. per_cpu_ptr() */
  at(addr: number, cpu: number): number {
    return cpu < this.#kernel.cpus.all.length ? addr + PERCPU_UNIT_BYTES * cpu : 0;
  }
}

const known = new WeakMap<Kernel, PercpuObjects>();

/** Those of a kernel. */
export function percpuObjectsOf(kernel: Kernel): PercpuObjects {
  let objects = known.get(kernel);
  if (!objects) {
    objects = new PercpuObjects(kernel);
    known.set(kernel, objects);
  }
  return objects;
}
