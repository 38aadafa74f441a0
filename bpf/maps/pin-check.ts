import type { Kernel } from '../../kernel/kernel.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { pointerText } from '../../kernel/oops.ts';
import { bpf_local_storage } from '../../kernel/process/storage.ts';
import { task_struct } from '../../kernel/structs.ts';
import type { Task } from '../../kernel/task.ts';
import { uptrsOf } from '../objects/uptrs.ts';
import type { Registry } from '../registry.ts';
import { hlist_node } from './hlist.ts';
import {
  bpf_local_storage_elem,
  bpf_local_storage_map,
  ELEM_BYTES,
  map_bucket,
} from './local-storage-structs.ts';
import type { BpfMap } from './map.ts';
import { TaskStorageMap } from './task-storage.ts';

/** A page that a value of a map has pinned, and of which task that is the value. */
interface Pin {
  readonly page: number;
  readonly task: number;
  readonly map: string;
}

/**
 * Who has pinned user pages, by the truth of the maps. Not part of the kernel. Spec 05 R32, H10
 */
export class PinChecker {
  readonly #kernel: Kernel;
  readonly #maps: Registry<BpfMap>;

  constructor(kernel: Kernel, maps: Registry<BpfMap>) {
    this.#kernel = kernel;
    this.#maps = maps;
  }

  /** Once nothing can run any more: each page is pinned as often as values name it. */
  settle(): void {
    const { mm } = this.#kernel;
    const pins = this.#pins();
    for (const { page, pins: count } of mm.pages.pinned()) {
      const holders = pins.filter((pin) => pin.page === page);
      if (count === holders.length) continue;
      this.#report(page, `page is pinned ${count} times, by ${holders.length} holders`, holders);
    }
  }

  /** A process ends that still has its memory: it has kept what no process maps. */
  exiting(task: Task): void {
    const { pages } = this.#kernel.mm;
    for (const pin of this.#pins()) {
      if (pin.task !== task.addr || pages.count(pin.page) > 0) continue;
      this.#report(pin.page, 'pinned page that no process maps', [pin]);
    }
  }

  #report(page: number, what: string, holders: readonly Pin[]): void {
    this.#kernel.machine.fail({
      kind: 'leak',
      title: `BUG: leak: ${what}`,
      lines: [
        `page at ${pointerText(page)}`,
        ...holders.map(({ map }) => `pinned by a value of map '${map}'`),
      ],
      sites: ['pin_user_pages_fast'],
      fatal: false,
    });
  }

  #pins(): readonly Pin[] {
    const { memory } = this.#kernel.machine;
    return memory.unwatched(() =>
      [...this.#maps.values()].flatMap((map) =>
        map instanceof TaskStorageMap && uptrsOf(map.record).length > 0 ? this.#pinsOf(map) : [],
      ),
    );
  }

  #pinsOf(map: TaskStorageMap): Pin[] {
    const { memory } = this.#kernel.machine;
    const { buckets, bucket_log } = bpf_local_storage_map.at(memory, map.smap);
    const pins: Pin[] = [];
    const { off } = bpf_local_storage_elem;
    for (let i = 0; i < 1 << bucket_log; i++) {
      let node = memory.ptr(buckets + i * map_bucket.sizeBytes);
      for (; node !== 0; node = memory.ptr(node + hlist_node.off.next)) {
        const selem = node - off.map_node;
        const { owner } = bpf_local_storage.at(memory, memory.ptr(selem + off.local_storage));
        for (const { offset } of uptrsOf(map.record)) {
          const addr = memory.ptr(selem + ELEM_BYTES + offset);
          if (addr === 0) continue;
          const page = (addr & -PAGE_SIZE) >>> 0;
          pins.push({ page, task: owner - task_struct.off.bpf_storage, map: map.name });
        }
      }
    }
    return pins;
  }
}
