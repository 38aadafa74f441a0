import { embed, long, ptr, struct } from '../../base/layout.ts';
import { EBUSY, ENOENT, ENOMEM } from '../../kernel/errno.ts';
import { alloc_lock } from '../../kernel/fs/fdtable.ts';
import { mm_struct, vm_area_struct } from '../../kernel/mm/structs.ts';
import { task_struct } from '../../kernel/structs.ts';
import { PF_KTHREAD } from '../../kernel/task.ts';
import type { Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { args } from '../helpers/args.ts';
import type { Call } from '../helpers/prototype.ts';
import { kfunc, type Kfunc } from './prototype.ts';

const TRYLOCK = site('bpf_iter_task_vma_new', 'trylock');
const UNLOCK = site('bpf_iter_task_vma_new', 'unlock');
const NEXT = site('bpf_iter_task_vma_next', 'lock_vma');

/**
 * What a program's struct bpf_iter_task_vma points to: the iterator holds the task, its address
 * space, and the file of the mapping that it has given last. kernel/bpf/task_iter.c
 */
const iter_data = struct('bpf_iter_task_vma_kern_data', {
  task: ptr('struct task_struct'),
  mm: ptr('struct mm_struct'),
  next_addr: long,
  snapshot: embed(vm_area_struct),
});
const SNAP = iter_data.off.snapshot;

function dataOf({ memory }: Call, it: number): number {
  return memory.ptr(it);
}

/** The task's address space with one more user, or -errno. */
function* getMm({ kernel, memory }: Call, task: number): Sim<number> {
  const { spinlocks, mm: mms } = kernel;
  const lock = task + task_struct.off.alloc_lock;
  if (!(yield* spinlocks.spin_trylock(alloc_lock, lock, TRYLOCK))) return -EBUSY;
  const { mm, flags } = memory.unwatched(() => {
    const s = task_struct.at(memory, task);
    return { mm: s.mm, flags: s.flags };
  });
  const isUser = mm !== 0 && (flags & PF_KTHREAD) === 0;
  if (isUser) yield* mms.mmget(mm);
  yield* spinlocks.spin_unlock(alloc_lock, lock, UNLOCK);
  return isUser ? mm : -ENOENT;
}

function* begin(call: Call, it: number, task: number, addr: bigint): Sim<number> {
  const { kernel, memory } = call;
  const { machine, kasan, cpus, processes } = kernel;
  memory.setPtr(it, 0);
  if (cpus.this.irqsOff > 0) return -EBUSY;
  const may = machine.mayAlloc('bpf_iter_task_vma');
  const data = may ? machine.slab.kzalloc(iter_data.sizeBytes) : 0;
  if (data === 0) return -ENOMEM;
  const held = processes.tasks.byAddr(task);
  processes.tasks.get_task_struct(held);
  const mm = yield* getMm(call, task);
  if (mm < 0) {
    processes.tasks.put_task_struct(held);
    kasan.free(data);
    return mm;
  }
  const s = iter_data.at(memory, data);
  Object.assign(s, { task, mm, next_addr: Math.min(Number(addr), 2 ** 52) });
  memory.setPtr(it, data);
  return 0;
}

function* putFile({ kernel, memory }: Call, data: number): Sim<void> {
  const slot = data + SNAP + vm_area_struct.off.vm_file;
  const file = memory.ptr(slot);
  memory.setPtr(slot, 0);
  if (file !== 0) yield* kernel.fs.files.fput(file);
}

/** A copy of the next mapping, with a reference to its file; or 0. */
function* next(call: Call, it: number): Sim<number> {
  const { kernel, memory } = call;
  const data = dataOf(call, it);
  if (data === 0) return 0;
  yield* putFile(call, data);
  const s = iter_data.at(memory, data);
  const { vmas } = kernel.mm;
  // The walk and the lock of what it finds are one step here, as changes of mappings are.
  yield* kernel.atomics.readPtr(NEXT, s.mm + mm_struct.off.mmap);
  const found = memory.unwatched(() => vmas.overlapping(s.mm, s.next_addr, Infinity));
  if (found === 0) return 0;
  memory.unwatched(() => {
    memory.copy(data + SNAP, found, vm_area_struct.sizeBytes);
    const { vm_file, vm_end } = vmas.at(found);
    if (vm_file !== 0) vmas.files.get(vm_file);
    s.next_addr = vm_end;
  });
  return data + SNAP;
}

function* end(call: Call, it: number): Sim<number> {
  const { kernel, memory } = call;
  const data = dataOf(call, it);
  if (data === 0) return 0;
  yield* putFile(call, data);
  const { task, mm } = iter_data.at(memory, data);
  const { tasks } = kernel.processes;
  tasks.put_task_struct(tasks.byAddr(task));
  yield* kernel.mm.mmput_async(mm, (work) =>
    kernel.workqueues.schedule_work('mmput_async_fn', work),
  );
  kernel.kasan.free(data);
  return 0;
}

/** kernel/bpf/task_iter.c */
export const ITER_TASK_VMA_KFUNCS: readonly Kfunc[] = [
  kfunc({
    name: 'bpf_iter_task_vma_new',
    args: [args.mem, args.btfId, args.anything],
    run: begin,
  }),
  kfunc({ name: 'bpf_iter_task_vma_next', args: [args.mem], isPointer: true, run: next }),
  kfunc({ name: 'bpf_iter_task_vma_destroy', args: [args.mem], run: end }),
];
