import { array, ptr, struct, u32, u64 } from '../../base/layout.ts';
import { access, kernelText, READ, WRITE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Kasan } from '../kasan.ts';
import type { Machine } from '../machine.ts';
import type { Sched } from '../sched.ts';
import { task_struct } from '../structs.ts';
import type { Task } from '../task.ts';
import type { RegisteredMemory } from './registered-memory.ts';

const READ_VALUE = site('bpf_task_storage_get', 'read');
const WRITE_VALUE = site('bpf_task_storage_get', 'write');

/** Maps whose values are found at once. BPF_LOCAL_STORAGE_CACHE_SIZE */
export const STORAGE_CACHE_SIZE = 16;

/** include/linux/bpf_local_storage.h, and one value of the kernel's own. */
export const bpf_local_storage = struct('bpf_local_storage', {
  cache: array(ptr('struct bpf_local_storage_data'), STORAGE_CACHE_SIZE),
  list: ptr('struct bpf_local_storage_elem'), // by snode
  owner: ptr('void'), // the task
  lock: u32, // of the list and the cache
  is_kept: u32, // holds the kernel's own value: does not go with its last element
  value: u64,
});

/**
 * The object that hangs off a task and dies with it, made at its first use: the one of hazard 00
 * H10. Values of BPF maps hang off it. kernel/bpf/bpf_task_storage.c
 */
export class TaskStorage {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #kasan: Pick<Kasan, 'free'>;
  readonly #registered: RegisteredMemory;
  readonly #cache;
  /** Takes the values of BPF maps off the object of a task that dies, and frees it. Set at boot. */
  destroy: (task: Task) => Sim<void> = noValues;

  constructor(
    machine: Machine,
    sched: Sched,
    parts: { readonly kasan: Pick<Kasan, 'free'>; readonly registered: RegisteredMemory },
  ) {
    this.#machine = machine;
    this.#sched = sched;
    this.#kasan = parts.kasan;
    this.#registered = parts.registered;
    this.#cache = machine.slab.cache('bpf_local_storage', bpf_local_storage.sizeBytes);
  }

  /** Adds to the current task's value, and gives the sum; undefined where memory is exhausted. */
  *bpf_task_storage_get(delta: bigint): Sim<bigint | undefined> {
    const { memory, slab } = this.#machine;
    const task = this.#sched.current.s;
    if (task.bpf_storage === 0) task.bpf_storage = slab.zalloc(this.#cache);
    const storage = task.bpf_storage;
    if (storage === 0) return undefined;
    bpf_local_storage.at(memory, storage).is_kept = 1;
    const addr = storage + bpf_local_storage.off.value;
    const value = (yield* access(READ_VALUE, addr, 8, READ, () => memory.u64(addr))) + delta;
    yield* access(WRITE_VALUE, addr, 8, WRITE, () => memory.setU64(addr, value));
    return value;
  }

  /** A zeroed object, or 0. */
  alloc(): number {
    const { slab } = this.#machine;
    return this.#machine.mayAlloc('bpf_local_storage') ? slab.zalloc(this.#cache) : 0;
  }

  /** Values of BPF maps that hang off a task go before it does. */
  *bpf_local_storage_destroy(task: Task): Sim<void> {
    const { memory } = this.#machine;
    // What is freed already is looked at by who frees it again.
    const addr = memory.rawPtr(task.addr + task_struct.off.bpf_storage);
    const hasValues = addr > 0 && memory.rawPtr(addr + bpf_local_storage.off.list) !== 0;
    if (hasValues) yield* this.destroy(task);
  }

  /** A fresh copy of a task_struct: what hangs off it is not its own. The patch leaves regions. */
  forgetIn(s: Task['s']): void {
    if (!this.#machine.mutated('fork.keep-pointer')) s.bpf_storage = 0;
    if (this.#registered.isFixed) s.bpf_user_writable = 0;
  }

  /** The destructor: runs when a task_struct is freed, whoever's pointer it holds. */
  bpf_task_storage_free(task: Task): void {
    const addr = this.#machine.memory.ptr(task.addr + task_struct.off.bpf_storage);
    if (addr !== 0) this.#kasan.free(addr);
    this.#registered.bpf_user_writable_free(task);
  }
}

kernelText(TaskStorage);

function* noValues(): Sim<void> {}
