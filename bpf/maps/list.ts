import { ptr, struct } from '../../base/layout.ts';
import type { Memory } from '../../kernel/memory.ts';

/** include/linux/types.h: a node of a doubly linked ring, or the head of one. */
export const list_head = struct('list_head', {
  next: ptr('struct list_head'),
  prev: ptr('struct list_head'),
});

const { off } = list_head;

/** Rings in memory. All are addresses of list_heads. include/linux/list.h */
export class List {
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** INIT_LIST_HEAD() */
  init(head: number): void {
    this.#link(head, head);
  }

  next(at: number): number {
    return this.#memory.ptr(at + off.next);
  }

  prev(at: number): number {
    return this.#memory.ptr(at + off.prev);
  }

  isEmpty(head: number): boolean {
    return this.next(head) === head;
  }

  /** 0 where there is none. */
  first(head: number): number {
    const first = this.next(head);
    return first === head ? 0 : first;
  }

  /** At the front. list_add() */
  add(node: number, head: number): void {
    this.#link(node, this.next(head));
    this.#link(head, node);
  }

  /** list_del(), without the poison. */
  del(node: number): void {
    this.#link(this.prev(node), this.next(node));
  }

  /** To the front. list_move() */
  move(node: number, head: number): void {
    this.del(node);
    this.add(node, head);
  }

  /** From the tail; the present node may leave meanwhile. list_for_each_entry_safe_reverse() */
  *reversed(head: number): Generator<number> {
    for (let at = this.prev(head); at !== head;) {
      const before = this.prev(at);
      yield at;
      at = before;
    }
  }

  #link(before: number, after: number): void {
    this.#memory.setPtr(before + off.next, after);
    this.#memory.setPtr(after + off.prev, before);
  }
}
