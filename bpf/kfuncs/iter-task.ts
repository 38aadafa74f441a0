import { ptr, struct, u32 } from '../../base/layout.ts';
import { EINVAL } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { task_struct } from '../../kernel/structs.ts';
import type { Task } from '../../kernel/task.ts';
import type { Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { args } from '../helpers/args.ts';
import type { Call } from '../helpers/prototype.ts';
import { kfunc, type Kfunc } from './prototype.ts';

const NEXT_THREAD = site('bpf_iter_task_next', 'next_thread');
const NEXT_TASK = site('bpf_iter_task_next', 'next_task');

/** What a program's struct bpf_iter_task holds: no references, so RCU must. task_iter.c */
const bpf_iter_task_kern = struct('bpf_iter_task_kern', {
  task: ptr('struct task_struct'), // the process whose threads are given
  pos: ptr('struct task_struct'), // what comes next, or NULL
  flags: u32,
  pad: u32,
});

const ALL_PROCS = 0;
const PROC_THREADS = 2;

/** `task` 0: of none. */
function begin({ kernel, memory }: Call, it: number, task: number, flags: number): number {
  const iter = bpf_iter_task_kern.at(memory, it);
  iter.pos = 0;
  if (flags > PROC_THREADS || (flags === PROC_THREADS && task === 0)) return -EINVAL;
  kernel.processes.tasks.init_idle();
  iter.task = flags === PROC_THREADS ? task : kernel.cpus.all[0]!.idle!.addr;
  iter.pos = iter.task;
  iter.flags = flags;
  return 0;
}

function* next({ kernel, memory }: Call, it: number): Sim<number> {
  const iter = bpf_iter_task_kern.at(memory, it);
  const { pos, flags } = iter;
  const { atomics } = kernel;
  if (pos === 0) return 0;
  if (flags !== ALL_PROCS) {
    iter.pos = yield* atomics.readPtr(NEXT_THREAD, pos + task_struct.off.thread_next);
    if (iter.pos !== 0 || flags === PROC_THREADS) return pos;
  }
  yield* atomics.readPtr(NEXT_TASK, iter.task + task_struct.off.sibling);
  const found = nextProcess(kernel, memory.s32(iter.task + task_struct.off.pid));
  iter.task = found?.addr ?? kernel.cpus.all[0]!.idle!.addr;
  iter.pos = found?.addr ?? 0;
  return pos;
}

/**
 * Processes are listed in the order of creation: by their pids, which also tells where one was that
 * is gone from the list. next_task()
 */
function nextProcess({ tasks }: Kernel, pid: number): Task | undefined {
  let next: Task | undefined;
  for (const task of tasks.all()) {
    const isLater = task.pid > pid && (!next || task.pid < next.pid);
    if (isLater && tasks.leaderOf(task) === task) next = task;
  }
  return next;
}

/** kernel/bpf/task_iter.c */
export const ITER_TASK_KFUNCS: readonly Kfunc[] = [
  kfunc({ name: 'bpf_iter_task_new', args: [args.mem, args.btfId, args.u32], run: begin }),
  kfunc({ name: 'bpf_iter_task_next', args: [args.mem], isPointer: true, run: next }),
  kfunc({ name: 'bpf_iter_task_destroy', args: [args.mem], run: () => 0 }),
];
