import { ptr, struct } from '../../base/layout.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { RELEASE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';

const LINK = site('hlist_add_head_rcu', 'link');
const UNLINK = site('hlist_del_init_rcu', 'unlink');
const FIRST = site('hlist_for_each_entry_rcu', 'first');
const NEXT = site('hlist_for_each_entry_rcu', 'next');

/** include/linux/types.h: a node of a list whose head is one pointer. */
export const hlist_node = struct('hlist_node', {
  next: ptr('struct hlist_node'),
  pprev: ptr('struct hlist_node *'), // the pointer that points here; 0: in no list
});

const { off } = hlist_node;

/** Lists for readers under RCU. All are addresses, of nodes and of pointers to the first. */
export class Hlist {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Under the list's lock. hlist_add_head_rcu() */
  *add(node: number, head: number): Sim<void> {
    const { memory } = this.#kernel.machine;
    const first = memory.ptr(head);
    memory.setPtr(node + off.next, first);
    memory.setPtr(node + off.pprev, head);
    yield* this.#kernel.atomics.writePtr(LINK, head, node, RELEASE);
    if (first !== 0) memory.setPtr(first + off.pprev, node + off.next);
  }

  /** Its own `next` stays: a reader there goes on from it. hlist_del_init_rcu() */
  *del(node: number): Sim<void> {
    const { memory } = this.#kernel.machine;
    const slot = memory.ptr(node + off.pprev);
    if (slot === 0) return;
    const next = memory.ptr(node + off.next);
    yield* this.#kernel.atomics.writePtr(UNLINK, slot, next);
    if (next !== 0) memory.setPtr(next + off.pprev, slot);
    memory.unwatched(() => memory.setPtr(node + off.pprev, 0));
  }

  /** Marked: for those without the lock too. hlist_unhashed_lockless() */
  isLinked(node: number): boolean {
    const { memory } = this.#kernel.machine;
    return memory.unwatched(() => memory.ptr(node + off.pprev)) !== 0;
  }

  /** hlist_is_singular_node() */
  isOnly(node: number, head: number): boolean {
    const { memory } = this.#kernel.machine;
    return memory.ptr(head) === node && memory.ptr(node + off.next) === 0;
  }

  first(head: number): Sim<number> {
    return this.#kernel.atomics.readPtr(FIRST, head) as unknown as Sim<number>;
  }

  next(node: number): Sim<number> {
    return this.#kernel.atomics.readPtr(NEXT, node + off.next) as unknown as Sim<number>;
  }
}
