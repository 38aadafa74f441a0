import type { Kernel } from '../../kernel/kernel.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { pointerText } from '../../kernel/oops.ts';
import type { Registry } from '../registry.ts';
import type { BpfMap } from './map.ts';
import { TaskStorageMap } from './task-storage.ts';

/**
 * Once nothing can run any more: pages are pinned as often as values of maps name them, and each
 * of them is memory of somebody. Not part of the kernel. Spec 05 R32, H10
 */
export function checkPins({ machine, mm }: Kernel, maps: Registry<BpfMap>): void {
  const held = new Map<number, string[]>();
  for (const map of maps.values()) {
    if (!(map instanceof TaskStorageMap)) continue;
    for (const addr of map.pinned()) {
      const page = (addr & -PAGE_SIZE) >>> 0;
      const holders = held.get(page) ?? [];
      held.set(page, [...holders, `held by a value of map '${map.name}'`]);
    }
  }
  for (const { page, pins } of mm.pages.pinned()) {
    const holders = held.get(page) ?? [];
    const isOrphan = mm.pages.count(page) === 0;
    if (pins === holders.length && !isOrphan) continue;
    const title = isOrphan
      ? 'BUG: leak: pinned page that no process maps'
      : `BUG: leak: page is pinned ${pins} times, by ${holders.length} holders`;
    machine.fail({
      kind: 'leak',
      title,
      lines: [`page at ${pointerText(page)}`, ...holders],
      sites: ['pin_user_pages_fast'],
      fatal: false,
    });
  }
}
