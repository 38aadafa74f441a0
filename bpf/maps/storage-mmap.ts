import { assert } from '../../base/assert.ts';
import { EINVAL } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import type { VmOps } from '../../kernel/mm/vm-ops.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import type { BpfMap } from './map.ts';
import { TaskStorageMap } from './task-storage.ts';

/**
 * Mappings of values of task storage, where a fork clones them: the child's mapping keeps a copy of
 * what its parent's showed, which becomes the value of the first thread that touches it. Proposed,
 * in no kernel. Spec 05 R29
 */
export class StorageClones {
  readonly vmOps: VmOps = {
    name: 'bpf_storage_clone_vmops',
    open: (vma) => this.#open(vma),
    close: (vma) => this.clone_close(vma),
    fault: (vma, addr) => this.clone_fault(vma, addr),
    may_split: () => -EINVAL,
  };
  readonly #kernel: Kernel;
  readonly #mapOf: (vma: number) => BpfMap;
  readonly #base: VmOps;

  /** `base`: what every mapping of a map has. */
  constructor(kernel: Kernel, mapOf: (vma: number) => BpfMap, base: VmOps) {
    this.#kernel = kernel;
    this.#mapOf = mapOf;
    this.#base = base;
  }

  /** Without memory for the copy the child begins with zeroes. */
  #open(vma: number): void {
    const { mm, machine } = this.#kernel;
    this.#base.open!(vma);
    const { vmas, pages } = mm;
    const { vm_private_data: kept } = vmas.at(vma);
    const from = kept === 0 ? vmas.firstPage(vma) : kept;
    const count = this.#storage(vma).valuePages;
    const copy = from === 0 ? 0 : pages.allocBlock(count);
    if (copy !== 0) machine.memory.rawCopy(copy, from, count * PAGE_SIZE);
    vmas.at(vma).vm_private_data = copy;
    vmas.zap(vma);
  }

  *clone_fault(vma: number, addr: number): Sim<number> {
    const { mm, sched, machine, rcu } = this.#kernel;
    const { memory } = machine;
    const map = this.#storage(vma);
    const { copy, start } = memory.unwatched(() => {
      const { vm_private_data, vm_start } = mm.vmas.at(vma);
      return { copy: vm_private_data, start: vm_start };
    });
    rcu.rcu_read_lock();
    const value = yield* map.bpf_task_storage_get(sched.current.addr, copy, true);
    const page = value + Math.floor((addr - start) / PAGE_SIZE) * PAGE_SIZE;
    if (value !== 0) mm.pages.get(page);
    rcu.rcu_read_unlock();
    if (value === 0) return -EINVAL;
    if (copy !== 0) this.#drop(vma);
    return page;
  }

  *clone_close(vma: number): Sim<void> {
    this.#drop(vma);
    yield* this.#base.close!(vma);
  }

  /** Somebody else may have done so. */
  #drop(vma: number): void {
    const { mm, machine } = this.#kernel;
    machine.memory.unwatched(() => {
      const { vm_private_data } = mm.vmas.at(vma);
      if (vm_private_data !== 0) mm.pages.freeBlock(vm_private_data, this.#storage(vma).valuePages);
      mm.vmas.at(vma).vm_private_data = 0;
    });
  }

  #storage(vma: number): TaskStorageMap {
    const map = this.#mapOf(vma);
    assert(map instanceof TaskStorageMap, 'a map of values of tasks');
    return map;
  }
}

kernelText(StorageClones);
