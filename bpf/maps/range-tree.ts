import { ptr, struct, u32 } from '../../base/layout.ts';
import { ENOENT, ENOMEM, ESRCH } from '../../kernel/errno.ts';
import type { Kasan } from '../../kernel/kasan.ts';
import type { Machine } from '../../kernel/machine.ts';

/** What an arena embeds. */
export const range_tree = struct('range_tree', {
  it_root: ptr('struct range_node'),
  range_size_root: ptr('struct range_node'),
});

const range_node = struct('range_node', {
  rn_rbnode: ptr('struct range_node'), // the next by start
  rb_range_size: ptr('struct range_node'), // the next by size, the largest first
  rn_start: u32,
  rn_last: u32, // inclusive
});
const { off } = range_node;

interface Range {
  readonly start: number;
  readonly last: number;
}

export interface RangeTreeParts {
  readonly machine: Machine;
  readonly kasan: Kasan;
}

/**
 * Ranges of set bits: what of an arena is free. Where Linux has two trees there are two lists in
 * the same orders. Whoever uses it holds the arena's lock. kernel/bpf/range_tree.c
 */
export class RangeTree {
  readonly #machine: Machine;
  readonly #kasan: Kasan;
  readonly #addr: number;

  /** `addr` is that of a struct range_tree, zeroed at first. */
  constructor({ machine, kasan }: RangeTreeParts, addr: number) {
    this.#machine = machine;
    this.#kasan = kasan;
    this.#addr = addr;
  }

  /** Where the smallest range begins that has `len` bits, of equal ones the newest; or -ENOENT. */
  range_tree_find(len: number): number {
    const { memory } = this.#machine;
    let best = 0;
    for (let node = memory.ptr(this.#bySize); node !== 0;) {
      const { start, last } = this.#range(node);
      if (last - start + 1 < len) break;
      best = node;
      node = memory.ptr(node + off.rb_range_size);
    }
    return best === 0 ? -ENOENT : this.#range(best).start;
  }

  /** 0 where the whole range is set, else -ESRCH. */
  is_range_tree_set(start: number, len: number): number {
    const node = this.#first(start, start + len - 1);
    if (node === 0) return -ESRCH;
    const range = this.#range(node);
    return range.start <= start && range.last >= start + len - 1 ? 0 : -ESRCH;
  }

  /** 0 or -ENOMEM: then some of it may be cleared. */
  range_tree_clear(start: number, len: number): number {
    const last = start + len - 1;
    for (let node = this.#first(start, last); node !== 0; node = this.#first(start, last)) {
      const range = this.#range(node);
      this.#remove(node);
      if (range.start < start) this.#insert(node, { start: range.start, last: start - 1 });
      if (range.start < start && range.last > last) {
        return this.#add({ start: last + 1, last: range.last });
      }
      if (range.start < start) continue;
      if (range.last > last) {
        this.#insert(node, { start: last + 1, last: range.last });
        break;
      }
      this.#kasan.free(node);
    }
    return 0;
  }

  /** 0 or -ENOMEM. Ranges that touch become one. */
  range_tree_set(start: number, len: number): number {
    if (this.is_range_tree_set(start, len) === 0) return 0;
    const failed = this.range_tree_clear(start, len);
    if (failed < 0) return failed;
    const last = start + len - 1;
    const left = start === 0 ? 0 : this.#first(start - 1, start - 1);
    const right = this.#first(last + 1, last + 1);
    if (left === 0 && right === 0) return this.#add({ start, last });
    const from = left === 0 ? start : this.#range(left).start;
    const to = right === 0 ? last : this.#range(right).last;
    if (left !== 0) this.#remove(left);
    if (right !== 0) this.#remove(right);
    if (left !== 0 && right !== 0) this.#kasan.free(right);
    this.#insert(left === 0 ? right : left, { start: from, last: to });
    return 0;
  }

  range_tree_destroy(): void {
    const { memory } = this.#machine;
    for (let node = memory.ptr(this.#byStart); node !== 0; node = memory.ptr(this.#byStart)) {
      this.#remove(node);
      this.#kasan.free(node);
    }
  }

  get #byStart(): number {
    return this.#addr + range_tree.off.it_root;
  }

  get #bySize(): number {
    return this.#addr + range_tree.off.range_size_root;
  }

  #range(node: number): Range {
    const { rn_start, rn_last } = range_node.at(this.#machine.memory, node);
    return { start: rn_start, last: rn_last };
  }

  /** The first that shares a bit with [start, last], or 0. */
  #first(start: number, last: number): number {
    const found = this.#machine.memory.ptr(
      this.#link(this.#byStart, off.rn_rbnode, (node) => this.#range(node).last >= start),
    );
    return found !== 0 && this.#range(found).start <= last ? found : 0;
  }

  #add(range: Range): number {
    const { slab } = this.#machine;
    const isThere = this.#machine.mayAlloc('range_node');
    const node = isThere ? slab.kzalloc(range_node.sizeBytes) : 0;
    if (node === 0) return -ENOMEM;
    this.#insert(node, range);
    return 0;
  }

  /** Behind those of the same size. */
  #insert(node: number, { start, last }: Range): void {
    Object.assign(range_node.at(this.#machine.memory, node), { rn_start: start, rn_last: last });
    const isSmaller = (other: number): boolean => {
      const range = this.#range(other);
      return range.last - range.start < last - start;
    };
    this.#put(this.#link(this.#bySize, off.rb_range_size, isSmaller), node, off.rb_range_size);
    const isBehind = (other: number): boolean => this.#range(other).start > start;
    this.#put(this.#link(this.#byStart, off.rn_rbnode, isBehind), node, off.rn_rbnode);
  }

  #remove(node: number): void {
    const { memory } = this.#machine;
    for (const [root, next] of [
      [this.#bySize, off.rb_range_size],
      [this.#byStart, off.rn_rbnode],
    ] as const) {
      const link = this.#link(root, next, (other) => other === node);
      memory.setPtr(link, memory.ptr(node + next));
    }
  }

  #put(link: number, node: number, next: number): void {
    const { memory } = this.#machine;
    memory.setPtr(node + next, memory.ptr(link));
    memory.setPtr(link, node);
  }

  /** Where the link stands that leads to the first node of which `holds`, else the last link. */
  #link(root: number, next: number, holds: (node: number) => boolean): number {
    const { memory } = this.#machine;
    let link = root;
    for (let node = memory.ptr(link); node !== 0 && !holds(node); node = memory.ptr(link)) {
      link = node + next;
    }
    return link;
  }
}
