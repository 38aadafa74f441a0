import { assert } from '../../base/assert.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { Refcounts } from '../../kernel/locks/refcount.ts';
import { kernelText, RELEASE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import * as kind from '../btf/field-types.ts';
import type { BtfField, BtfRecord } from '../btf/record.ts';
import { BPF_SPIN_LOCK } from '../maps/lock.ts';
import { kernelAddress } from '../vm/frame.ts';
import { bpfCpumask } from './cpumask.ts';
import { bpf_mem_free_rcu } from './free.ts';
import { elementType, kptrType, type ObjectType } from './object-type.ts';
import { percpuObjectsOf } from './percpu.ts';
import { RbTree } from './rbtree.ts';
import { unpinUptr } from './uptrs.ts';
import { bpf_list_node_kern, bpf_rb_node_kern, BPF_PTR_POISON, list_head } from './uapi.ts';

const XCHG = site('bpf_obj_free_fields', 'xchg');
const CLEAR = site('bpf_obj_free_fields', 'clear');
const DROP = site('__bpf_obj_drop_impl', 'dec');
const LIST_LOCK = site('bpf_list_head_free', 'lock');
const LIST_UNLOCK = site('bpf_list_head_free', 'unlock');
const LIST_OWNER = site('bpf_list_head_free', 'owner');
const TREE_LOCK = site('bpf_rb_root_free', 'lock');
const TREE_UNLOCK = site('bpf_rb_root_free', 'unlock');
const TREE_OWNER = site('bpf_rb_root_free', 'owner');

/** Fields that hold something, which must be given up before the memory around them is. */
const HOLDING =
  kind.BPF_KPTR_REF |
  kind.BPF_KPTR_PERCPU |
  kind.BPF_KPTR_UNREF |
  kind.BPF_GRAPH_ROOT |
  kind.BPF_UPTR;

/**
 * Objects of programs: their memory, and what special fields of theirs and of map values hold.
 * kernel/bpf/helpers.c, syscall.c
 */
export class Objects {
  readonly #kernel: Kernel;
  readonly #refcounts: Refcounts;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#refcounts = new Refcounts(kernel.machine);
  }

  get #memory() {
    return this.#kernel.machine.memory;
  }

  /** With its special fields as they begin, or 0. bpf_obj_new() */
  alloc({ sizeBytes, record }: ObjectType): number {
    const { machine } = this.#kernel;
    const addr = machine.mayAlloc('bpf_obj_new') ? machine.slab.kzalloc(sizeBytes) : 0;
    if (addr !== 0) machine.memory.unwatched(() => this.init(record, addr));
    return addr;
  }

  refcount_inc_not_zero(where: number, count: number): Sim<boolean> {
    return this.#refcounts.refcount_inc_not_zero(where, count);
  }

  /** bpf_obj_init() */
  init(record: BtfRecord | undefined, obj: number): void {
    const memory = this.#memory;
    for (const { type, offset, size } of record?.fields ?? []) {
      const at = obj + offset;
      memory.fill(at, size, 0);
      if (type === kind.BPF_REFCOUNT) memory.setU32(at, 1);
      else if (type === kind.BPF_RB_NODE) memory.setU64(at, kernelAddress(at));
      else if (type === kind.BPF_LIST_HEAD || type === kind.BPF_LIST_NODE) {
        memory.setPtr(at + list_head.off.next, at);
        memory.setPtr(at + list_head.off.prev, at);
      }
    }
  }

  /**
   * Gives back one reference to an object of a program's own type: with the last, what it holds
   * goes, and after a grace period its memory.
   */
  *__bpf_obj_drop_impl(addr: number, record: BtfRecord | undefined): Sim<void> {
    const refcountOff = record?.refcountOff ?? -1;
    if (refcountOff >= 0) {
      const isLast = yield* this.#refcounts.refcount_dec_and_test(DROP, addr + refcountOff);
      if (!isLast) return;
    }
    if (holdsThings(record)) yield* this.bpf_obj_free_fields(record, addr);
    bpf_mem_free_rcu(this.#kernel, addr);
  }

  /** What a call has given or is given, and now nobody wants: `addr` may be that of a node. */
  *release(addr: number, { record, nodeOff, kernelStruct }: ObjectType): Sim<void> {
    if (kernelStruct !== '') yield* this.#destroy(kernelStruct, addr);
    else yield* this.__bpf_obj_drop_impl(addr - nodeOff, record);
  }

  /** The destructor that is registered for a struct of the kernel's. btf/dtors.ts */
  *#destroy(struct: string, addr: number): Sim<void> {
    const { tasks } = this.#kernel;
    if (struct === 'task_struct') {
      this.#memory.check(addr, 4, true);
      tasks.put_task_struct(tasks.byAddr(addr));
      return;
    }
    assert(struct === 'bpf_cpumask', `nobody can have acquired a ${struct} here`);
    yield* bpfCpumask(this.#kernel).bpf_cpumask_release(addr);
  }

  /**
   * Gives up all that the special fields at `obj` hold: nobody finds it any more. Timers and works
   * are left to their owners.
   */
  *bpf_obj_free_fields(record: BtfRecord, obj: number): Sim<void> {
    for (const field of record.fields) {
      const at = obj + field.offset;
      if (field.type === kind.BPF_KPTR_UNREF) {
        yield* this.#kernel.atomics.writePtr(CLEAR, at, 0);
      } else if ((field.type & kind.BPF_KPTR) !== 0) {
        const found = yield* this.#kernel.atomics.xchgPtr(XCHG, at, 0);
        if (found !== 0) yield* this.#putOwned(found, kptrType(field));
      } else if ((field.type & kind.BPF_GRAPH_ROOT) !== 0) {
        if (record.spinLockOff < 0) this.#warnUnlocked(field);
        else if (field.type === kind.BPF_LIST_HEAD) {
          yield* this.bpf_list_head_free(field, at, obj + record.spinLockOff);
        } else yield* this.bpf_rb_root_free(field, at, obj + record.spinLockOff);
      } else if (field.type === kind.BPF_UPTR) {
        unpinUptr(this.#kernel, at);
      }
    }
  }

  /**
   * Only a struct bpf_spin_lock is known here: what hangs in a list or tree under a
   * bpf_res_spin_lock is lost, in Linux 7.2 too, which warns of it.
   */
  #warnUnlocked({ type }: BtfField): void {
    const { machine } = this.#kernel;
    const line = type === kind.BPF_LIST_HEAD ? 867 : 872;
    machine.fail({
      kind: 'leak',
      title: `WARNING: kernel/bpf/syscall.c:${line} at bpf_obj_free_fields`,
      lines: machine.traceLines(),
      fatal: false,
    });
  }

  *#putOwned(found: number, type: ObjectType): Sim<void> {
    if (type.isPercpu) yield* percpuObjectsOf(this.#kernel).drop(found);
    else yield* this.release(found, type);
  }

  /** Takes all out under the lock, and drops them without it: theirs may be the next lists. */
  *bpf_list_head_free(field: BtfField, head: number, lock: number): Sim<void> {
    const { spinlocks, atomics } = this.#kernel;
    const memory = this.#memory;
    const { next, prev } = list_head.off;
    const found: number[] = [];
    yield* spinlocks.spin_lock_irq(BPF_SPIN_LOCK, lock, LIST_LOCK);
    for (let at = memory.ptr(head + next); at !== 0 && at !== head; at = memory.ptr(at + next)) {
      found.push(at);
    }
    for (const node of found) {
      yield* atomics.write64(LIST_OWNER, node + bpf_list_node_kern.off.owner, BPF_PTR_POISON);
    }
    memory.setPtr(head + next, head);
    memory.setPtr(head + prev, head);
    yield* spinlocks.spin_unlock_irq(BPF_SPIN_LOCK, lock, LIST_UNLOCK);
    const type = elementType(field.graphRoot!);
    for (const node of found) {
      memory.setPtr(node + next, node);
      memory.setPtr(node + prev, node);
      yield* this.#letGo(LIST_OWNER, node + bpf_list_node_kern.off.owner);
      yield* this.release(node, type);
    }
  }

  *bpf_rb_root_free(field: BtfField, root: number, lock: number): Sim<void> {
    const { spinlocks, atomics } = this.#kernel;
    const memory = this.#memory;
    yield* spinlocks.spin_lock_irq(BPF_SPIN_LOCK, lock, TREE_LOCK);
    const found = new RbTree(memory, root).postorder();
    for (const node of found) {
      yield* atomics.write64(TREE_OWNER, node + bpf_rb_node_kern.off.owner, BPF_PTR_POISON);
    }
    memory.fill(root, 16, 0);
    yield* spinlocks.spin_unlock_irq(BPF_SPIN_LOCK, lock, TREE_UNLOCK);
    const type = elementType(field.graphRoot!);
    for (const node of found) {
      memory.setU64(node + bpf_rb_node_kern.off.__rb_parent_color, kernelAddress(node));
      yield* this.#letGo(TREE_OWNER, node + bpf_rb_node_kern.off.owner);
      yield* this.release(node, type);
    }
  }

  /** Whoever sees this sees the node in no list: it may go into the next. */
  *#letGo(where: number, owner: number): Sim<void> {
    yield* this.#kernel.atomics.write64(where, owner, 0n, RELEASE);
  }
}

kernelText(Objects);

/** Whether something must be given up before memory with such fields is freed. */
export function holdsThings(record: BtfRecord | undefined): record is BtfRecord {
  return record !== undefined && (record.fieldMask & HOLDING) !== 0;
}

const known = new WeakMap<Kernel, Objects>();

/** Those of a kernel. */
export function objectsOf(kernel: Kernel): Objects {
  let objects = known.get(kernel);
  if (!objects) {
    objects = new Objects(kernel);
    known.set(kernel, objects);
  }
  return objects;
}
