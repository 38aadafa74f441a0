import type { Kernel } from '../../kernel/kernel.ts';
import { kernelText, RELEASE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { kernelAddress } from '../vm/frame.ts';
import type { ObjectType } from './object-type.ts';
import { objectsOf } from './objects.ts';
import { bpf_list_node_kern, BPF_PTR_POISON, list_head } from './uapi.ts';
import { EINVAL } from '../../kernel/errno.ts';

const TAKE = site('__bpf_list_add', 'owner');
const PREV_OWNER = site('__bpf_list_add', 'prev_owner');
const OWN = site('__bpf_list_add', 'own');
const DEL_OWNER = site('__bpf_list_del', 'owner');
const LET_GO = site('__bpf_list_del', 'release');
const IS_OWNER = site('bpf_list_is_first', 'owner');
const { next: NEXT, prev: PREV } = list_head.off;
const OWNER = bpf_list_node_kern.off.owner;

/** Lists of objects. Who changes one holds the lock beside it. kernel/bpf/helpers.c */
export class BpfLists {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get #memory() {
    return this.#kernel.machine.memory;
  }

  /** A head that a map has made is zero until then. */
  #begun(head: number): number {
    if (this.next(head) === 0) this.#initialize(head);
    return head;
  }

  #initialize(at: number): void {
    this.#memory.setPtr(at + NEXT, at);
    this.#memory.setPtr(at + PREV, at);
  }

  next(at: number): number {
    return this.#memory.ptr(at + NEXT);
  }

  prev(at: number): number {
    return this.#memory.ptr(at + PREV);
  }

  isEmpty(head: number): boolean {
    return this.next(this.#begun(head)) === head;
  }

  /** Behind the last: where a node goes that is pushed back. */
  lastOf(head: number): number {
    return this.prev(this.#begun(head));
  }

  /** 0 where there is none. bpf_list_front(), bpf_list_back() */
  end(head: number, isFront: boolean): number {
    const first = this.next(head);
    if (first === 0 || first === head) return 0;
    return isFront ? first : this.prev(head);
  }

  /**
   * Puts a node behind `prev`, of this list. One that is in a list already is dropped, since the
   * program owns it no more: -EINVAL.
   */
  *__bpf_list_add(node: number, head: number, prev: number, type: ObjectType): Sim<number> {
    const { atomics } = this.#kernel;
    const own = kernelAddress(head);
    this.#begun(head);
    if (prev !== head && (yield* atomics.read64(PREV_OWNER, prev + OWNER)) !== own) {
      return yield* this.#refused(node, type);
    }
    if ((yield* atomics.cmpxchg64(TAKE, node + OWNER, 0n, BPF_PTR_POISON)) !== 0n) {
      return yield* this.#refused(node, type);
    }
    const next = this.next(prev);
    this.#memory.setPtr(next + PREV, node);
    this.#memory.setPtr(node + NEXT, next);
    this.#memory.setPtr(node + PREV, prev);
    this.#memory.setPtr(prev + NEXT, node);
    yield* atomics.write64(OWN, node + OWNER, own);
    return 0;
  }

  *#refused(node: number, type: ObjectType): Sim<number> {
    yield* objectsOf(this.#kernel).release(node, type);
    return -EINVAL;
  }

  /** The node, which the program owns now; 0 where it is not of this list. */
  *__bpf_list_del(head: number, node: number): Sim<number> {
    const { atomics } = this.#kernel;
    if (this.isEmpty(head)) return 0;
    if ((yield* atomics.read64(DEL_OWNER, node + OWNER)) !== kernelAddress(head)) return 0;
    const [next, prev] = [this.next(node), this.prev(node)];
    this.#memory.setPtr(next + PREV, prev);
    this.#memory.setPtr(prev + NEXT, next);
    this.#initialize(node);
    yield* atomics.write64(LET_GO, node + OWNER, 0n, RELEASE);
    return node;
  }

  /** bpf_list_is_first(), bpf_list_is_last() */
  *isAtEnd(head: number, node: number, isFront: boolean): Sim<boolean> {
    const owner = yield* this.#kernel.atomics.read64(IS_OWNER, node + OWNER);
    if (owner !== kernelAddress(head)) return false;
    return (isFront ? this.prev(node) : this.next(node)) === head;
  }
}

kernelText(BpfLists);

const known = new WeakMap<Kernel, BpfLists>();

/** Those of a kernel. */
export function listsOf(kernel: Kernel): BpfLists {
  let lists = known.get(kernel);
  if (!lists) {
    lists = new BpfLists(kernel);
    known.set(kernel, lists);
  }
  return lists;
}
