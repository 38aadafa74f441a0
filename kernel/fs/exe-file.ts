import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { FileOps } from '../hooks.ts';
import type { Atomics } from '../locks/atomic.ts';
import type { Spinlocks } from '../locks/spinlock.ts';
import { mm_struct } from '../mm/structs.ts';
import { task_struct } from '../structs.ts';
import { PF_KTHREAD, type Task } from '../task.ts';
import { alloc_lock } from './fdtable.ts';
import type { FileTable } from './file.ts';
import { S_IFREG } from './uapi.ts';

const LOCK = site('get_task_exe_file', 'lock');
const UNLOCK = site('get_task_exe_file', 'unlock');
const READ = site('get_mm_exe_file', 'exe_file');
const PUBLISH = site('set_mm_exe_file', 'cmpxchg');

export interface ExeFileParts {
  readonly files: FileTable;
  readonly atomics: Atomics;
  readonly spinlocks: Spinlocks;
}

/**
 * The file that an address space executes. There are no executables here, so nothing opens one: it
 * is made when somebody asks for it, and belongs to the address space and its children from then
 * on. kernel/fork.c
 */
export class ExeFiles {
  readonly #parts: ExeFileParts;
  readonly ops: FileOps = { name: 'generic_ro_fops', module: '' };

  constructor(parts: ExeFileParts) {
    this.#parts = parts;
  }

  /** With one reference more; 0 of a kernel thread, or of a task that has left its memory. */
  *get_task_exe_file(task: Task): Sim<number> {
    const { spinlocks } = this.#parts;
    if (task.s.flags & PF_KTHREAD) return 0;
    const lock = task.addr + task_struct.off.alloc_lock;
    yield* spinlocks.spin_lock(alloc_lock, lock, LOCK);
    const { mm } = task.s;
    const file = mm === 0 ? 0 : yield* this.get_mm_exe_file(mm);
    yield* spinlocks.spin_unlock(alloc_lock, lock, UNLOCK);
    return file;
  }

  /** The mm stays meanwhile: who lets go of it takes the task's alloc_lock. */
  *get_mm_exe_file(mm: number): Sim<number> {
    const { files, atomics } = this.#parts;
    const slot = mm + mm_struct.off.exe_file;
    let file = yield* atomics.readPtr(READ, slot);
    if (file === 0) {
      const made = yield* files.alloc_file({ ops: this.ops, flags: 0, type: S_IFREG });
      if (made < 0) return 0;
      file = yield* atomics.cmpxchgPtr(PUBLISH, slot, 0, made);
      if (file === 0) file = made;
      else yield* files.fput(made); // another thread was faster
    }
    yield* files.get_file(file);
    return file;
  }
}

kernelText(ExeFiles);
