import { struct, u64 } from '../../base/layout.ts';
import { access, kernelText, READ, WRITE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Kasan } from '../kasan.ts';
import type { Machine } from '../machine.ts';
import type { Sched } from '../sched.ts';
import { task_struct } from '../structs.ts';
import type { Task } from '../task.ts';

const READ_VALUE = site('bpf_task_storage_get', 'read');
const WRITE_VALUE = site('bpf_task_storage_get', 'write');

/** One value per task: as much of a BPF task storage map as its lifetime needs. */
const bpf_local_storage = struct('bpf_local_storage', { value: u64 });

/**
 * The object that hangs off a task and dies with it, made at its first use: the one of hazard 00
 * H10. kernel/bpf/bpf_task_storage.c
 */
export class TaskStorage {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #kasan: Pick<Kasan, 'free'>;
  readonly #cache;

  constructor(machine: Machine, sched: Sched, kasan: Pick<Kasan, 'free'>) {
    this.#machine = machine;
    this.#sched = sched;
    this.#kasan = kasan;
    this.#cache = machine.slab.cache('bpf_local_storage', bpf_local_storage.sizeBytes);
  }

  /** Adds to the current task's value, and gives the sum; undefined where memory is exhausted. */
  *bpf_task_storage_get(delta: bigint): Sim<bigint | undefined> {
    const { memory, slab } = this.#machine;
    const task = this.#sched.current.s;
    if (task.bpf_storage === 0) task.bpf_storage = slab.zalloc(this.#cache);
    const addr = task.bpf_storage;
    if (addr === 0) return undefined;
    const value = (yield* access(READ_VALUE, addr, 8, READ, () => memory.u64(addr))) + delta;
    yield* access(WRITE_VALUE, addr, 8, WRITE, () => memory.setU64(addr, value));
    return value;
  }

  /** The destructor: runs when a task_struct is freed, whoever's pointer it holds. */
  bpf_task_storage_free(task: Task): void {
    const addr = this.#machine.memory.ptr(task.addr + task_struct.off.bpf_storage);
    if (addr !== 0) this.#kasan.free(addr);
  }
}

kernelText(TaskStorage);
