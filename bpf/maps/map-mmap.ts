import { EACCES, EINVAL, ENOTSUPP, EPERM } from '../../kernel/errno.ts';
import { privateOf } from '../../kernel/fs/driver.ts';
import type { WantedArea } from '../../kernel/hooks.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { VM_MAYEXEC, VM_MAYWRITE, VM_SHARED, VM_WRITE } from '../../kernel/mm/structs.ts';
import type { VmOps } from '../../kernel/mm/vm-ops.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { RDONLY_PROG } from './flags.ts';
import { bpf_map, type BpfMap } from './map.ts';
import { StorageClones } from './storage-mmap.ts';
import { TaskStorageMap } from './task-storage.ts';

const WRITE_DEC = site('bpf_map_mmap_close', 'dec');

/**
 * Maps as memory of processes. A mapping holds the descriptor's file, and thus the map; one that
 * can be written to keeps the map from being frozen. kernel/bpf/syscall.c
 */
export class MapMmap {
  readonly #kernel: Kernel;
  readonly #maps: { of(addr: number): BpfMap };
  readonly #vmOps: VmOps = {
    name: 'bpf_map_default_vmops',
    open: (vma) => this.#open(vma),
    close: (vma) => this.bpf_map_mmap_close(vma),
  };
  readonly #clones: StorageClones;

  constructor(kernel: Kernel, maps: { of(addr: number): BpfMap }) {
    this.#kernel = kernel;
    this.#maps = maps;
    this.#clones = new StorageClones(kernel, (vma) => this.#mapOf(vma), this.#vmOps);
    kernel.mm.vmas.ops.register(this.#vmOps);
    kernel.mm.vmas.ops.register(this.#clones.vmOps);
  }

  bpf_get_unmapped_area(file: number, wanted: WantedArea): number {
    const { machine } = this.#kernel;
    const addr = machine.memory.unwatched(() => privateOf(machine, file));
    return this.#maps.of(addr).map_get_unmapped_area?.(wanted) ?? wanted.find(wanted.sizeBytes);
  }

  *bpf_map_mmap(file: number, vma: number): Sim<number> {
    const { machine, mm, mmap } = this.#kernel;
    const { memory } = machine;
    const map = this.#maps.of(privateOf(machine, file));
    if (!map.map_mmap || map.record) return -ENOTSUPP;
    const wrong = memory.unwatched(() => this.#mayMap(map, mm.vmas.at(vma).vm_flags));
    if (wrong < 0) return wrong;
    const isCloned = map instanceof TaskStorageMap && map.isClonedByFork;
    mmap.setOps(vma, isCloned ? this.#clones.vmOps : this.#vmOps);
    const writes = memory.unwatched(() => {
      const s = mm.vmas.at(vma);
      s.vm_flags &= ~VM_MAYEXEC;
      // Else it could be made writable later, behind the back of who freezes the map.
      if ((s.vm_flags & VM_WRITE) === 0) s.vm_flags &= ~VM_MAYWRITE;
      return (s.vm_flags & VM_WRITE) !== 0;
    });
    const result = yield* map.map_mmap(vma);
    if (result < 0 && writes) memory.unwatched(() => this.#count(map.addr, -1n));
    return result;
  }

  /** Under freeze_mutex, which the atomic region stands for. Counts the writer. */
  #mayMap(map: BpfMap, vm_flags: number): number {
    if ((vm_flags & VM_SHARED) === 0) return -EINVAL;
    if ((vm_flags & VM_WRITE) === 0) return 0;
    if (bpf_map.at(this.#kernel.machine.memory, map.addr).frozen !== 0) return -EPERM;
    if (map.flags & RDONLY_PROG) return -EACCES;
    this.#count(map.addr, 1n);
    return 0;
  }

  #open(vma: number): void {
    const { vm_flags } = this.#kernel.mm.vmas.at(vma);
    if (vm_flags & VM_MAYWRITE) this.#count(this.#mapOf(vma).addr, 1n);
  }

  #mapOf(vma: number): BpfMap {
    const { machine, mm } = this.#kernel;
    const file = machine.memory.unwatched(() => mm.vmas.at(vma).vm_file);
    return this.#maps.of(privateOf(machine, file));
  }

  *bpf_map_mmap_close(vma: number): Sim<void> {
    const { machine, mm, atomics } = this.#kernel;
    const vm_flags = machine.memory.unwatched(() => mm.vmas.at(vma).vm_flags);
    if ((vm_flags & VM_MAYWRITE) === 0) return;
    yield* atomics.add64(WRITE_DEC, this.#mapOf(vma).addr + bpf_map.off.writecnt, -1n);
  }

  #count(map: number, delta: bigint): void {
    bpf_map.at(this.#kernel.machine.memory, map).writecnt += delta;
  }
}

kernelText(MapMmap);
