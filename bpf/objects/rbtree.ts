import type { Memory } from '../../kernel/memory.ts';
import { kernelAddress } from '../vm/frame.ts';
import { bpf_rb_node_kern, rb_root_cached } from './uapi.ts';

const RED = 0n;
const BLACK = 1n;
const { __rb_parent_color: PARENT, rb_right: RIGHT, rb_left: LEFT } = bpf_rb_node_kern.off;

/**
 * A tree that balances itself as Linux's does, in memory: programs walk it, and see its shape.
 * Nodes and root are addresses of struct rb_node and struct rb_root_cached. lib/rbtree.c
 */
export class RbTree {
  readonly #memory: Memory;
  readonly #root: number;

  constructor(memory: Memory, root: number) {
    this.#memory = memory;
    this.#root = root;
  }

  get top(): number {
    return this.#memory.ptr(this.#root + rb_root_cached.off.rb_node);
  }

  /** rb_first_cached() */
  get leftmost(): number {
    return this.#memory.ptr(this.#root + rb_root_cached.off.rb_leftmost);
  }

  left(node: number): number {
    return this.#memory.ptr(node + LEFT);
  }

  right(node: number): number {
    return this.#memory.ptr(node + RIGHT);
  }

  #parent(node: number): number {
    return Number(BigInt.asUintN(32, this.#memory.u64(node + PARENT) & ~3n));
  }

  #isRed(node: number): boolean {
    return node !== 0 && (this.#memory.u64(node + PARENT) & 1n) === RED;
  }

  #setParentColor(node: number, parent: number, color: bigint): void {
    this.#memory.setU64(node + PARENT, kernelAddress(parent) | color);
  }

  #setParent(node: number, parent: number): void {
    this.#setParentColor(node, parent, this.#memory.u64(node + PARENT) & 1n);
  }

  #setColor(node: number, color: bigint): void {
    this.#setParentColor(node, this.#parent(node), color);
  }

  /** Not as a link: where the child knows of it, that is for the caller to say. */
  #setChild(parent: number, isLeft: boolean, child: number): void {
    this.#memory.setPtr(parent + (isLeft ? LEFT : RIGHT), child);
  }

  /** In the place of `old`, under its parent or as the root. __rb_change_child() */
  #replaceChild(parent: number, old: number, child: number): void {
    if (parent === 0) this.#memory.setPtr(this.#root + rb_root_cached.off.rb_node, child);
    else this.#setChild(parent, this.left(parent) === old, child);
  }

  /** Puts `node` under `parent`, or into the empty tree. rb_insert_color_cached() */
  insert(node: number, parent: number, isLeft: boolean, isLeftmost: boolean): void {
    const memory = this.#memory;
    this.#setParentColor(node, parent, RED);
    memory.setPtr(node + LEFT, 0);
    memory.setPtr(node + RIGHT, 0);
    if (parent === 0) memory.setPtr(this.#root + rb_root_cached.off.rb_node, node);
    else this.#setChild(parent, isLeft, node);
    if (isLeftmost) memory.setPtr(this.#root + rb_root_cached.off.rb_leftmost, node);
    this.#balanceRed(node);
  }

  /** Goes up from a red node as long as its parent is red too. */
  #balanceRed(start: number): void {
    let node = start;
    for (;;) {
      let parent = this.#parent(node);
      if (parent === 0) return this.#setParentColor(node, 0, BLACK);
      if (!this.#isRed(parent)) return;
      const grand = this.#parent(parent);
      const isLeft = this.left(grand) === parent;
      const uncle = isLeft ? this.right(grand) : this.left(grand);
      if (this.#isRed(uncle)) {
        this.#setColor(uncle, BLACK);
        this.#setColor(parent, BLACK);
        this.#setColor(grand, RED);
        node = grand;
        continue;
      }
      if (node === (isLeft ? this.right(parent) : this.left(parent))) {
        this.#rotate(parent, isLeft);
        parent = node;
      }
      this.#setColor(parent, BLACK);
      this.#setColor(grand, RED);
      this.#rotate(grand, !isLeft);
      return;
    }
  }

  /** The child on the other side comes up, and `node` goes down to the left or right. */
  #rotate(node: number, toLeft: boolean): void {
    const up = toLeft ? this.right(node) : this.left(node);
    const between = toLeft ? this.left(up) : this.right(up);
    const parent = this.#parent(node);
    this.#setChild(node, !toLeft, between);
    if (between !== 0) this.#setParent(between, node);
    this.#replaceChild(parent, node, up);
    this.#setParent(up, parent);
    this.#setChild(up, toLeft, node);
    this.#setParent(node, up);
  }

  /** rb_erase_cached() */
  erase(node: number): void {
    if (this.leftmost === node) {
      this.#memory.setPtr(this.#root + rb_root_cached.off.rb_leftmost, this.#next(node));
    }
    const [left, right] = [this.left(node), this.right(node)];
    if (left === 0 || right === 0) {
      this.#erasePlain(node, left === 0 ? right : left);
      return;
    }
    const successor = this.#first(right);
    const child = this.right(successor);
    const wasBlack = !this.#isRed(successor);
    let parent = this.#parent(successor);
    if (parent === node) parent = successor;
    else {
      this.#setChild(parent, true, child);
      if (child !== 0) this.#setParent(child, parent);
      this.#setChild(successor, false, right);
      this.#setParent(right, successor);
    }
    this.#setChild(successor, true, left);
    this.#setParent(left, successor);
    const above = this.#parent(node);
    this.#replaceChild(above, node, successor);
    this.#setParentColor(successor, above, this.#isRed(node) ? RED : BLACK);
    if (child !== 0) this.#setColor(child, BLACK);
    else if (wasBlack) this.#balanceBlack(parent);
  }

  /** One with a child at most, which then is red. */
  #erasePlain(node: number, child: number): void {
    const parent = this.#parent(node);
    const wasBlack = !this.#isRed(node);
    this.#replaceChild(parent, node, child);
    if (child !== 0) this.#setParentColor(child, parent, BLACK);
    else if (wasBlack && parent !== 0) this.#balanceBlack(parent);
  }

  /** Below `under` one black node has gone. ____rb_erase_color() */
  #balanceBlack(under: number): void {
    let parent = under;
    let node = 0;
    for (;;) {
      const isLeft = this.left(parent) === node;
      const sibling = this.#blackSibling(parent, isLeft);
      const [near, far] = isLeft
        ? [this.left(sibling), this.right(sibling)]
        : [this.right(sibling), this.left(sibling)];
      if (this.#isRed(far)) return this.#moveOver(parent, sibling, far, isLeft);
      if (this.#isRed(near)) {
        this.#rotate(sibling, !isLeft);
        return this.#moveOver(parent, near, sibling, isLeft);
      }
      this.#setColor(sibling, RED);
      if (this.#isRed(parent)) return this.#setColor(parent, BLACK);
      node = parent;
      parent = this.#parent(node);
      if (parent === 0) return;
    }
  }

  /** Where the sibling is red it comes up, and its black child is the sibling. */
  #blackSibling(parent: number, isLeft: boolean): number {
    const sibling = isLeft ? this.right(parent) : this.left(parent);
    if (!this.#isRed(sibling)) return sibling;
    this.#rotate(parent, isLeft);
    this.#setColor(sibling, BLACK);
    this.#setColor(parent, RED);
    return isLeft ? this.right(parent) : this.left(parent);
  }

  #moveOver(parent: number, sibling: number, far: number, isLeft: boolean): void {
    const color = this.#isRed(parent) ? RED : BLACK;
    this.#rotate(parent, isLeft);
    this.#setColor(sibling, color);
    this.#setColor(parent, BLACK);
    this.#setColor(far, BLACK);
  }

  #first(node: number): number {
    let at = node;
    for (let left = this.left(at); left !== 0; left = this.left(at)) at = left;
    return at;
  }

  /** rb_next() */
  #next(node: number): number {
    const right = this.right(node);
    if (right !== 0) return this.#first(right);
    let at = node;
    let parent = this.#parent(at);
    while (parent !== 0 && this.right(parent) === at) {
      at = parent;
      parent = this.#parent(at);
    }
    return parent;
  }

  /** Children before their parents. rb_first_postorder() */
  postorder(): number[] {
    const found: number[] = [];
    const stack = this.top === 0 ? [] : [this.top];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      found.push(node);
      for (const child of [this.left(node), this.right(node)]) if (child !== 0) stack.push(child);
    }
    return found.toReversed();
  }
}
