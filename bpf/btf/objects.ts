import { struct, u32, u64, u8 } from '../../base/layout.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { Ids } from '../ids.ts';
import { Registry } from '../registry.ts';
import type { Btf } from './types.ts';

const INC = site('btf_get', 'inc');
const PUT = site('btf_put', 'dec');

/** kernel/bpf/btf.c */
export const btf = struct('btf', {
  refcnt: u64, // refcount_t
  id: u32,
  data_size: u32,
  kernel_btf: u8,
});

/** Types that somebody loaded, or the kernel's own. */
export interface BtfObject {
  readonly addr: number;
  readonly btf: Btf;
  readonly bytes: Uint8Array;
}

/** BTF as an object with references. The kernel's own has id 1 and is never freed. */
export class BtfObjects {
  readonly registry = new Registry<BtfObject>();
  readonly ids: Ids;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.ids = new Ids(kernel.machine);
  }

  /** With one reference; undefined where memory is exhausted. */
  create(types: Btf, bytes: Uint8Array, isKernel = false): BtfObject | undefined {
    const { machine } = this.#kernel;
    const may = isKernel || machine.mayAlloc('btf'); // the kernel's own were there at boot
    const addr = may ? machine.slab.kzalloc(btf.sizeBytes) : 0;
    if (addr === 0) return undefined;
    machine.memory.unwatched(() => {
      const s = btf.at(machine.memory, addr);
      s.refcnt = 1n;
      s.id = this.ids.next();
      s.data_size = bytes.length;
      s.kernel_btf = isKernel ? 1 : 0;
    });
    const made = { addr, btf: types, bytes };
    this.registry.set(addr, made);
    return made;
  }

  of(addr: number): BtfObject {
    return this.registry.get(addr)!;
  }

  at(addr: number): ReturnType<typeof btf.at> {
    return btf.at(this.#kernel.machine.memory, addr);
  }

  idOf(addr: number): number {
    return this.#kernel.machine.memory.unwatched(() => this.at(addr).id);
  }

  byId(id: number): BtfObject | undefined {
    for (const object of this.registry.values()) if (this.idOf(object.addr) === id) return object;
    return undefined;
  }

  *btf_get(addr: number): Sim<BtfObject> {
    yield* this.#kernel.atomics.add64(INC, addr + btf.off.refcnt, 1n);
    return this.of(addr);
  }

  /** With the last reference the id goes at once, the memory after a grace period. */
  *btf_put(addr: number): Sim<void> {
    const { atomics, kasan, rcu, machine } = this.#kernel;
    if ((yield* atomics.add64(PUT, addr + btf.off.refcnt, -1n)) !== 0n) return;
    machine.memory.unwatched(() => (this.at(addr).id = 0));
    this.registry.delete(addr);
    rcu.call_rcu('btf_free_rcu', () => kasan.free(addr));
  }
}

kernelText(BtfObjects);
