import { assert } from '../../base/assert.ts';
import { struct, u32 } from '../../base/layout.ts';
import type { Sim } from '../../sim/request.ts';
import type { Machine } from '../machine.ts';

/**
 * What the object behind a mapping does for it; `vma` is the address of its struct
 * vm_area_struct. Of maps and buffers, pages are there from the start, or come by ->fault().
 * include/linux/mm.h: struct vm_operations_struct
 */
export interface VmOps {
  /** The Linux name of the table. */
  readonly name: string;
  /** There is one more: fork(2) has copied it, or it was cut. No step: the mmap lock is held. */
  open?(vma: number): void;
  /** It is in no address space any more. Its file is still held. */
  close?(vma: number): Sim<void>;
  /** 0, or -errno where it cannot be cut there. */
  may_split?(vma: number, addr: number): number;
  /** A page that is not there is touched: the page, with a count for the mapping; or -errno. */
  fault?(vma: number, addr: number): Sim<number>;
}

/** The table in memory that vm_ops points to: which of those that are registered. */
const vm_operations_struct = struct('vm_operations_struct', { id: u32 });

/** All tables of operations of mappings, by where they stand. Registered at boot. */
export class VmOpsTable {
  readonly #machine: Machine;
  readonly #all: VmOps[] = [];
  readonly #addrs = new Map<VmOps, number>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  register(ops: VmOps): void {
    const { slab, memory } = this.#machine;
    const addr = slab.kzalloc(vm_operations_struct.sizeBytes);
    assert(addr !== 0, 'no memory for the operations of a mapping');
    vm_operations_struct.at(memory, addr).id = this.#all.length;
    this.#all.push(ops);
    this.#addrs.set(ops, addr);
  }

  addrOf(ops: VmOps): number {
    const addr = this.#addrs.get(ops);
    assert(addr !== undefined, `${ops.name} is not registered`);
    return addr;
  }

  /** 0: of anonymous memory, which has none. */
  at(addr: number): VmOps | undefined {
    if (addr === 0) return undefined;
    return this.#all[vm_operations_struct.at(this.#machine.memory, addr).id];
  }
}
