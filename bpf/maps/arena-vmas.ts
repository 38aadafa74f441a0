import { embed, long, ptr, s32, struct } from '../../base/layout.ts';
import { ENOMEM } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { mm_struct, vm_area_struct } from '../../kernel/mm/structs.ts';
import { file as fileStruct } from '../../kernel/fs/structs.ts';
import { mutex } from '../../kernel/structs.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';

const MMAP_LOCK = site('arena_map_mmap', 'lock');
const MMAP_UNLOCK = site('arena_map_mmap', 'unlock');
const CLOSE_LOCK = site('arena_vm_close', 'lock');
const CLOSE_UNLOCK = site('arena_vm_close', 'unlock');
const ZAP_MUTEX = site('zap_pages', 'zap_mutex');
const ZAP_LOCK = site('zap_pages', 'lock');
const ZAP_UNLOCK = site('zap_pages', 'unlock');
const ZAP_DONE = site('zap_pages', 'zap_mutex unlock');

const lockOfList = lockClass('&arena->lock', 'mutex');
const lockOfZaps = lockClass('&arena->zap_mutex', 'mutex');

/** What a struct bpf_arena embeds for its mappings. */
export const arena_vmas = struct('arena_vmas', {
  vma_list: ptr('struct vma_list'),
  lock: embed(mutex), // protects vma_list
  zap_gen: long,
  zap_mutex: embed(mutex), // one at a time goes through the list
});

/** One mapping, which the mappings of a process's threads share. */
const vma_list = struct('vma_list', {
  vma: ptr('struct vm_area_struct'),
  head: ptr('struct vma_list'),
  mmap_count: s32,
  zap_gen: long,
});

/** The mappings of one arena in the address spaces of processes. kernel/bpf/arena.c */
export class ArenaVmas {
  readonly #kernel: Kernel;
  readonly #addr: number;
  /** Address of the map. */
  readonly #map: number;

  /** `addr` is that of a struct arena_vmas, zeroed at first. */
  constructor(kernel: Kernel, addr: number, map: number) {
    this.#kernel = kernel;
    this.#addr = addr;
    this.#map = map;
  }

  get #memory() {
    return this.#kernel.machine.memory;
  }

  get #s(): ReturnType<typeof arena_vmas.at> {
    return arena_vmas.at(this.#memory, this.#addr);
  }

  /** Under the lock of the list: `check`, then the mapping is remembered, as what; or -errno. */
  *remember_vma(vma: number, check: () => number): Sim<number> {
    const { mutexes, machine } = this.#kernel;
    yield* mutexes.mutex_lock(lockOfList, this.#lockAddr, MMAP_LOCK);
    let result = check();
    if (result === 0) {
      const vml = machine.mayAlloc('vma_list') ? machine.slab.kzalloc(vma_list.sizeBytes) : 0;
      if (vml !== 0) this.#add(vml, vma);
      result = vml === 0 ? -ENOMEM : vml;
    }
    yield* mutexes.mutex_unlock(lockOfList, this.#lockAddr, MMAP_UNLOCK);
    return result;
  }

  #add(vml: number, vma: number): void {
    const s = vma_list.at(this.#memory, vml);
    s.vma = vma;
    s.mmap_count = 1;
    s.head = this.#s.vma_list;
    this.#s.vma_list = vml;
  }

  /** arena_vm_open() */
  open(vma: number): void {
    this.#memory.unwatched(() => {
      const { vm_private_data } = vm_area_struct.at(this.#memory, vma);
      vma_list.at(this.#memory, vm_private_data).mmap_count++;
    });
  }

  /** arena_vm_close() */
  *close(vma: number): Sim<void> {
    const memory = this.#memory;
    const { mutexes, kasan } = this.#kernel;
    const vml = memory.unwatched(() => vm_area_struct.at(memory, vma).vm_private_data);
    const left = memory.unwatched(() => --vma_list.at(memory, vml).mmap_count);
    if (left > 0) return;
    yield* mutexes.mutex_lock(lockOfList, this.#lockAddr, CLOSE_LOCK);
    let link = this.#addr + arena_vmas.off.vma_list;
    while (memory.ptr(link) !== vml) link = memory.ptr(link) + vma_list.off.head;
    memory.setPtr(link, memory.ptr(vml + vma_list.off.head));
    kasan.free(vml);
    yield* mutexes.mutex_unlock(lockOfList, this.#lockAddr, CLOSE_UNLOCK);
  }

  /** Takes so many pages out of every mapping. May sleep. zap_pages() */
  *zap_pages(uaddr: number, pageCnt: number): Sim<void> {
    const { mutexes, mm } = this.#kernel;
    yield* mutexes.mutex_lock(lockOfZaps, this.#zapAddr, ZAP_MUTEX);
    yield* mutexes.mutex_lock(lockOfList, this.#lockAddr, ZAP_LOCK);
    const myGen = ++this.#s.zap_gen;
    for (let next = this.#nextOf(myGen); next; next = this.#nextOf(myGen)) {
      // Whoever unmaps has the lock of its address space, and waits for this one.
      yield* mutexes.mutex_unlock(lockOfList, this.#lockAddr, ZAP_UNLOCK);
      this.#zap(next, uaddr, pageCnt);
      yield* mm.mmput(next.mm);
      yield* mutexes.mutex_lock(lockOfList, this.#lockAddr, ZAP_LOCK);
    }
    yield* mutexes.mutex_unlock(lockOfList, this.#lockAddr, ZAP_UNLOCK);
    yield* mutexes.mutex_unlock(lockOfZaps, this.#zapAddr, ZAP_DONE);
  }

  /** A mapping that this call has not been to, its address space held. */
  #nextOf(myGen: number): { readonly mm: number; readonly start: number } | undefined {
    const memory = this.#memory;
    for (let vml = this.#s.vma_list; vml !== 0; vml = vma_list.at(memory, vml).head) {
      const s = vma_list.at(memory, vml);
      if (s.zap_gen >= myGen) continue;
      s.zap_gen = myGen;
      const found = memory.unwatched(() => {
        const { vm_mm, vm_start } = vm_area_struct.at(memory, s.vma);
        const space = mm_struct.at(memory, vm_mm);
        if (space.mm_users === 0) return undefined; // mmget_not_zero()
        space.mm_users++;
        return { mm: vm_mm, start: vm_start };
      });
      if (found) return found;
    }
    return undefined;
  }

  /** Meanwhile something else may be mapped there. */
  #zap({ mm, start }: { mm: number; start: number }, uaddr: number, pageCnt: number): void {
    const memory = this.#memory;
    const { vmas } = this.#kernel.mm;
    memory.unwatched(() => {
      const vma = vmas.overlapping(mm, start, start + 1);
      if (vma === 0) return;
      const { vm_start, vm_end, vm_file } = vm_area_struct.at(memory, vma);
      if (vm_start !== start || vm_file === 0) return;
      if (fileStruct.at(memory, vm_file).private_data !== this.#map) return;
      const from = Math.max(vm_start, uaddr);
      const to = Math.min(vm_end, uaddr + pageCnt * PAGE_SIZE);
      if (from >= to) return;
      vmas.zap(vma, (from - vm_start) / PAGE_SIZE, (to - from) / PAGE_SIZE);
    });
  }

  get #lockAddr(): number {
    return this.#addr + arena_vmas.off.lock;
  }

  get #zapAddr(): number {
    return this.#addr + arena_vmas.off.zap_mutex;
  }
}

kernelText(ArenaVmas);
